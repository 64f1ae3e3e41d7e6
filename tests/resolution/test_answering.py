"""Questions about the catalog itself are answered directly, without a plan (design, section 6)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ecp_server.domain.catalog import Catalog, Context, Level, LineageLink, TermVariation
from ecp_server.domain.identity import Principal
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.resolution import GlossaryTerm, MetricList, Resolution
from ecp_server.resolution.browsing.browser import MetricQuery
from ecp_server.resolution.browsing.pages import Page
from ecp_server.resolution.selecting.answering import MAX_METRICS
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import concepts, not_found, options, unmatched
from tests.resolution.samples import ANALYST, catalog, dimension, member, metric, term

FINANCE = Principal(subject="fay", department="fin", roles=("explorer",))


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        Context("fin", "Finance"),
        metric(
            "net_sales",
            dimensions=("region", "product"),
            computed_from=("mart.sales.amount",),
            synonyms=("takings",),
            owner="finance",
        ),
        metric("orders", dimensions=("region",), certification_tier=2),
        metric("visits", dimensions=("product",), not_available_for=("product.box",)),
        term(
            "revenue",
            TermVariation("fin", "Net sales", "After refunds.", "net_sales"),
            TermVariation("fin", "Old", "Before.", valid_to=date(2020, 1, 1)),
            TermVariation("sal", "Orders", "Signed.", "orders"),
            definition="Income.",
            synonyms=("top line",),
            acronyms=("REV",),
            owner="glossary",
            domain="money",
        ),
        term("arr", definition="Yearly.", default="orders"),
        LineageLink("raw.erp.amount", "mart.sales.amount", "Currency", from_system="SAP ERP"),
        LineageLink("logs", "mart.visits", start_type="table", end_type="table"),
        dimension("region", levels=(Level("area", "Area"),)),
        member("region.apac", "JP", level="area"),
        dimension("product"),
        member("product.box", "box"),
    )


def definition(found: Resolution) -> GlossaryTerm:
    assert isinstance(found.answer, GlossaryTerm)
    assert (found.plan, found.intent.name) == (None, "DEFINITION")
    return found.answer


def lineage(found: Resolution) -> Lineage:
    assert isinstance(found.answer, Lineage)
    assert (found.plan, found.intent.name) == (None, "LINEAGE")
    return found.answer


def metrics(found: Resolution) -> list[str]:
    assert isinstance(found.answer, MetricList)
    assert (found.plan, found.intent.name) == (None, "CATALOG")
    return [each.id for each in found.answer.metrics]


async def test_a_term_reads_as_the_users_context_defines_it(desk: Desk) -> None:
    entry = definition(await desk.ask("what does revenue mean?", principal=FINANCE))

    assert entry == GlossaryTerm(
        id="revenue",
        name="Net sales",
        definition="After refunds.",
        domain="money",
        synonyms=("top line", "REV"),
        owner="glossary",
        metric_id="net_sales",
        variations=(TermVariation("sal", "Orders", "Signed.", "orders"),),
    )


async def test_to_read_a_definition_nothing_needs_to_be_chosen(desk: Desk) -> None:
    found = await desk.ask("define the top line")

    assert (found.ambiguities, definition(found).id, definition(found).metric_id) == ((), "revenue", "")
    assert [v.context for v in definition(found).variations] == ["fin", "sal"]
    assert definition(await desk.ask("what is arr")).metric_id == "orders"


async def test_a_metric_is_defined_as_an_entry_of_its_own(desk: Desk) -> None:
    entry = definition(await desk.ask("how is net sales defined"))

    assert (entry.id, entry.metric_id, entry.owner, entry.synonyms) == (
        "net_sales",
        "net_sales",
        "finance",
        ("takings",),
    )


async def test_a_definition_of_what_the_catalog_lacks_is_not_found(desk: Desk) -> None:
    assert [m.text for m in not_found(await desk.ask("what does ebitda mean")).unmatched] == ["ebitda"]
    assert [m.text for m in not_found(await desk.ask("definition of adjusted net sales")).unmatched] == ["adjusted"]


async def test_the_lineage_of_a_metric_goes_three_hops_up(desk: Desk) -> None:
    found = await desk.ask("where does net sales come from?")

    assert concepts(found) == ["net_sales"]
    assert [(n.id, n.depth) for n in lineage(found).nodes] == [
        ("net_sales", 0),
        ("mart.sales.amount", 1),
        ("raw.erp.amount", 2),
        ("system:SAP ERP", 3),
    ]
    assert found.interpretation == "Where Net sales comes from."


@pytest.mark.parametrize(
    ("question", "target"),
    [
        ("lineage of mart.sales.amount", "mart.sales.amount"),
        ("where does “mart.sales” come from?", "table:mart.sales"),
        ("show the upstream of table:mart.visits.", "table:mart.visits"),
        ("lineage of net_sales", "net_sales"),
        ("lineage of logs", "table:logs"),
    ],
)
async def test_tables_and_columns_are_named_by_their_address_or_an_unknown_word(
    desk: Desk, question: str, target: str
) -> None:
    """types.proto, INTENT_LINEAGE: where a metric, table or column comes from. "sales" in an address is no metric."""
    found = await desk.ask(question)

    assert lineage(found).target == target
    assert concepts(found) == (["net_sales"] if target == "net_sales" else [])
    assert unmatched(found) == (["logs"] if "logs" in question else [])


async def test_the_lineage_of_nothing_known_is_not_found(desk: Desk) -> None:
    assert not_found(await desk.ask("where does mart.nothing come from")).unmatched
    assert not_found(await desk.ask("lineage of unicorns")).unmatched


async def test_an_ambiguous_name_is_asked_back_before_its_lineage(desk: Desk) -> None:
    found = await desk.ask("where does revenue come from")

    assert (options(found), found.answer) == ({"revenue": ["net_sales", "orders"]}, None)
    chosen = await desk.ask("where does revenue come from", ("revenue", "net_sales"))
    assert lineage(chosen).target == "net_sales"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("which metrics are available?", ["net_sales", "visits", "orders"]),
        ("what data do you have", ["net_sales", "visits", "orders"]),
        ("which metrics are available for apac", ["net_sales", "orders"]),
        ("which metrics are available by area", ["net_sales", "orders"]),
        ("list metrics for apac and box", ["net_sales"]),
        ("which metrics are available for box", ["net_sales"]),
        ("which metrics are available excluding box", ["net_sales", "visits", "orders"]),
    ],
)
async def test_what_there_is_is_listed_by_tier_then_id_if_it_can_be_sliced_so(
    desk: Desk, question: str, expected: list[str]
) -> None:
    assert metrics(await desk.ask(question)) == expected


async def test_of_many_metrics_the_first_are_shown_and_the_list_goes_on_page_by_page(desks: Desks) -> None:
    many: Any = [metric(f"m{i:03}", dimensions=("region",)) for i in range(MAX_METRICS + 3)]
    desk = await desks(catalog(*many, metric("other"), dimension("region"), member("region.apac", "JP")))
    found = await desk.ask("which metrics can be sliced by region?")

    assert isinstance(found.answer, MetricList)
    assert (len(found.answer.metrics), found.answer.total_size) == (MAX_METRICS, MAX_METRICS + 3)
    rest = await desk.browser.list_metrics(
        MetricQuery(dimension="region"), Page(10, found.answer.next_page_token), ANALYST
    )
    assert ([m.id for m in rest.metrics], rest.next_page_token) == (["m050", "m051", "m052"], "")
    everything = (await desk.ask("which metrics are available for apac")).answer
    assert isinstance(everything, MetricList)
    assert (everything.total_size, everything.next_page_token) == (MAX_METRICS + 3, "")  # no list that ListMetrics has
