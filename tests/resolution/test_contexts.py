"""Which contexts hold for a department (catalog.md, context)."""

from __future__ import annotations

from ecp_server.domain.catalog import Binding, Calendar, Context, MemberVariation, TermVariation
from ecp_server.resolution.contexts import Contexts
from tests.resolution.samples import catalog, dimension, member, term

CONTEXTS = Contexts(
    catalog(
        Context("fpna", "Financial planning", ("FP&A",), parent="finance"),
        Context("finance", "Finance", parent="corporate"),
        Context("round", "Round", parent="about"),
        Context("about", "About", parent="round"),
        Calendar("retail", departments=("merchandising",)),
        term("revenue", TermVariation("field-sales")),
        dimension(
            "region", bindings=(Binding("Plan", "Plan.area", {"region.apac": {"": ("X",), "plan_dept": ("Y",)}}),)
        ),
        member("region.apac", variations=(MemberVariation("Logistics", ("JP",)), MemberVariation("", ("JP",)))),
    )
)


def test_a_department_is_matched_by_id_name_or_synonym_folded_like_names() -> None:
    for department in ("fpna", "FPNA", "Financial Planning", "financial-planning", "fp&a", "FP & A"):
        assert CONTEXTS.chain(department)[0] == "fpna", department


def test_look_ups_climb_the_parents_nearest_first_with_or_without_documents() -> None:
    assert CONTEXTS.chain("FP&A") == ("fpna", "finance", "corporate")


def test_an_id_used_as_a_context_without_a_document_is_fine() -> None:
    assert CONTEXTS.chain("merchandising") == ("merchandising",)
    assert CONTEXTS.chain("Field Sales") == ("field-sales",)
    assert CONTEXTS.chain("logistics") == ("Logistics",)
    assert CONTEXTS.chain("plan dept") == ("plan_dept",)


def test_an_unknown_department_and_none_have_no_contexts() -> None:
    assert CONTEXTS.chain("astronomy") == CONTEXTS.chain("") == CONTEXTS.chain(" ") == ()


def test_parents_that_go_round_in_a_circle_end() -> None:
    """Loading refuses them; a path that never ends must not hang on that alone."""
    assert CONTEXTS.chain("round") == ("round", "about")
