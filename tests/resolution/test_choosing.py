"""One meaning a mention: exact name, then the user's variation, then tier; within a margin it is asked (design)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ecp_server.domain.catalog import Catalog, Context, TermVariation
from ecp_server.domain.errors import InvalidChoice
from ecp_server.domain.identity import Principal
from ecp_server.domain.resolution import Resolution
from tests.resolution.conftest import Desks
from tests.resolution.reading import assumptions, concepts, not_found, options
from tests.resolution.samples import catalog, metric, term

FINANCE = Principal(subject="fay", department="fin", roles=("explorer",))
PLANNING = Principal(subject="pia", department="plan", roles=("explorer",))
CONTEXTS = (Context("fin", "Finance"), Context("plan", "Planning", parent="fin"))
REVENUE = (
    metric("net_sales"),
    metric("gross_sales", certification_tier=2),
    term(
        "revenue",
        TermVariation("fin", "Net sales", "Net of refunds.", "net_sales"),
        TermVariation("sales", "Gross sales", metric="gross_sales"),
        synonyms=("income",),
        acronyms=("REV",),
    ),
)


async def asked(desks: Desks, about: Catalog, text: str, *choices: tuple[str, str], **more: Any) -> Resolution:
    return await (await desks(about)).ask(text, *choices, **more)


async def test_the_users_context_decides_and_the_reason_names_it(desks: Desks) -> None:
    found = await asked(desks, catalog(*CONTEXTS, *REVENUE), "revenue last month", principal=FINANCE)

    (concept, _) = found.concepts
    assert (concept.id, concept.variation, concept.definition) == ("net_sales", "fin", "Net of refunds.")
    assert "fin" in concept.reason


async def test_a_context_without_a_variation_has_its_parents(desks: Desks) -> None:
    found = await asked(desks, catalog(*CONTEXTS, *REVENUE), "revenue last month", principal=PLANNING)

    assert concepts(found)[0] == "net_sales"


async def test_another_contexts_reading_can_be_asked_for(desks: Desks) -> None:
    found = await asked(
        desks, catalog(*CONTEXTS, *REVENUE), "income last month", principal=FINANCE, definition_context="sales"
    )
    assert concepts(found)[0] == "gross_sales"


async def test_where_no_context_decides_the_caller_is_asked_and_chooses(desks: Desks) -> None:
    desk = await desks(catalog(*CONTEXTS, *REVENUE))
    found = await desk.ask("revenue last month")

    assert options(found) == {"revenue": ["net_sales", "gross_sales"]}
    chosen = await desk.ask("revenue last month", ("revenue", "gross_sales"))
    assert concepts(chosen)[0] == "gross_sales"
    assert "chose" in chosen.concepts[0].reason
    with pytest.raises(InvalidChoice):
        await desk.ask("revenue last month", ("revenue", "headcount"))
    with pytest.raises(InvalidChoice):
        await desk.ask("revenue last month", ("turnover", "net_sales"))


async def test_a_default_is_taken_whatever_its_tier_told_and_may_be_changed(desks: Desks) -> None:
    about = catalog(
        metric("net_sales"),
        metric("gross_sales", certification_tier=4),
        term(
            "revenue",
            TermVariation("fin", metric="net_sales"),
            TermVariation("sales", metric="gross_sales"),
            default="gross_sales",
        ),
    )
    desk = await desks(about)
    found = await desk.ask("revenue last month")

    assert concepts(found)[0] == "gross_sales"
    (assumption,) = found.assumptions
    assert (assumption.id, assumption.taken.id) == ("definition.revenue", "gross_sales")
    assert [option.id for option in assumption.alternatives] == ["net_sales"]
    changed = await desk.ask("revenue last month", ("definition.revenue", "net_sales"))
    assert (concepts(changed)[0], assumptions(changed)) == ("net_sales", {})


async def test_a_metrics_own_name_goes_before_any_variation(desks: Desks) -> None:
    """Design, section 6: "net revenue" is net_revenue for everybody."""
    about = catalog(
        *CONTEXTS,
        metric("sales"),
        metric("other", certification_tier=1),
        term("turnover", TermVariation("fin", metric="other"), synonyms=("sales",)),
    )
    assert concepts(await asked(desks, about, "sales last month", principal=FINANCE))[0] == "sales"


async def test_the_users_variation_goes_before_a_better_certified_metric(desks: Desks) -> None:
    about = catalog(
        *CONTEXTS,
        metric("certified", synonyms=("takings",)),
        metric("exploratory", certification_tier=4),
        term("turnover", TermVariation("fin", metric="exploratory"), acronyms=("takings",)),
    )
    desk = await desks(about)

    assert concepts(await desk.ask("takings last month", principal=FINANCE))[0] == "exploratory"
    assert concepts(await desk.ask("takings last month"))[0] == "certified"


@pytest.mark.parametrize(("tiers", "expected"), [((1, 3), ["a"]), ((1, 2), []), ((2, 4), ["a"]), ((3, 3), [])])
async def test_two_tiers_apart_is_decided_and_one_is_asked(
    desks: Desks, tiers: tuple[int, int], expected: list[str]
) -> None:
    about = catalog(
        metric("a", certification_tier=tiers[0], synonyms=("thing",)),
        metric("b", certification_tier=tiers[1], synonyms=("thing",)),
    )
    found = await asked(desks, about, "thing of the last month")

    assert [c.id for c in found.concepts if c.id in ("a", "b")] == expected
    assert options(found) == ({} if expected else {"thing": ["a", "b"]})


async def test_at_most_five_options_are_offered_best_first(desks: Desks) -> None:
    tiers = {"g": 1, "f": 1, "e": 1, "d": 1, "c": 2, "b": 2, "a": 2}
    about = catalog(*(metric(m, certification_tier=tier, synonyms=("thing",)) for m, tier in tiers.items()))

    assert options(await asked(desks, about, "the thing")) == {"thing": ["d", "e", "f", "g", "a"]}


async def test_one_meaning_by_two_ways_is_no_question(desks: Desks) -> None:
    about = catalog(metric("sales", synonyms=("takings",)), term("revenue", metric="sales", synonyms=("takings",)))

    assert concepts(await asked(desks, about, "takings last month"))[0] == "sales"


async def test_a_term_without_a_metric_is_defined(desks: Desks) -> None:
    found = await asked(desks, catalog(metric("sales"), term("gaap", definition="Rules.")), "gaap")

    assert (found.intent.name, concepts(found), found.plan) == ("DEFINITION", ["gaap"], None)
    assert found.answer is not None


async def test_a_variation_without_a_metric_is_an_option_of_its_own(desks: Desks) -> None:
    """catalog.md, Dimension: where the variation names no metric, `revenue@finance`."""
    about = catalog(term("margin", TermVariation("fin", definition="F."), TermVariation("sales", definition="S.")))

    assert options(await asked(desks, about, "our margin")) == {"margin": ["margin@fin", "margin@sales"]}


async def test_a_variation_holds_from_its_first_day_to_the_eve_of_its_last(desks: Desks) -> None:
    """catalog.md, Effective dates: what holds on the last day of the period applies, else today's."""
    changed = date(2024, 7, 1)
    about = catalog(
        *CONTEXTS,
        metric("before"),
        metric("after"),
        term(
            "revenue",
            TermVariation("fin", metric="before", valid_to=changed),
            TermVariation("fin", metric="after", valid_from=changed),
        ),
    )
    desk = await desks(about)

    for words, expected in (("june 2024", "before"), ("july 2024", "after"), ("", "after")):
        found = await desk.ask(f"revenue {words}", principal=FINANCE)
        assert concepts(found)[0] == expected, words


async def test_a_department_that_the_catalog_does_not_know_is_told(desks: Desks) -> None:
    stranger = Principal(subject="sol", department="astronomy", roles=("explorer",))
    desk = await desks(catalog(*CONTEXTS, *REVENUE))
    found = await desk.ask("revenue last month", principal=stranger)

    assert options(found) == {"revenue": ["net_sales", "gross_sales"]}
    assert assumptions(found)["department"] == "no_department"
    (assumption,) = (each for each in found.assumptions if each.id == "department")
    assert [option.id for option in assumption.alternatives] == ["fin", "plan", "sales"]


async def test_a_word_that_is_no_name_is_not_found(desks: Desks) -> None:
    problem = not_found(await asked(desks, catalog(*REVENUE), "bitcoin last month"))

    assert [mention.text for mention in problem.unmatched] == ["bitcoin"]
