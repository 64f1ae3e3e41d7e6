"""What every Registry must answer (ports.Registry)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from ecp_server.domain.catalog import (
    AssetKind,
    AssetRef,
    Calendar,
    Catalog,
    Context,
    Contract,
    Derived,
    DerivedInput,
    Dimension,
    Entity,
    KnownIssue,
    LineageLink,
    Member,
    Metric,
    Phrase,
    PhraseMeaning,
    Relation,
    Rule,
    Severity,
    Term,
    TermVariation,
)
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.stores.ports import Hit, Registry
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from tests.held import Held
from tests.published import opened_registry, publish_to_registry
from tests.servers import emptied, finished

NET = Metric(
    "net_revenue",
    "Net revenue",
    "Recognized revenue under ASC 606 minus refunds.",
    synonyms=("net sales",),
    computed_from=("mart.revenue.amount", "mart.revenue.refunds"),
)
HEADS = Metric("headcount", "Headcount", "Employees on the last day.", computed_from=("table:mart.staff",))
PER_HEAD = Metric(
    "per_head",
    "Revenue per head",
    "",
    derived=Derived("r / h", (DerivedInput("net_revenue", "r"), DerivedInput("headcount", "h"))),
)
CASH = Metric("fcf", "Free cash flow", "Cash left after capital expenditure.", acronyms=("FCF",))
SALES = TermVariation("sales", "Gross revenue", "Invoiced before adjustments.")
REVENUE = Term("revenue", "Revenue", "Income from normal business operations.", ("turnover",), variations=(SALES,))
ISSUE = KnownIssue("late_refunds", "Refunds arrive late.", Severity.LOW)
REVENUE_CONTRACT = Contract("c_revenue", ("mart.revenue",))
ALL_CONTRACT = Contract("b_all", ("mart.revenue", "mart.staff", "table:mart.other"))

CATALOG = Catalog(
    version="v1",
    contexts={"sales": Context("sales", "Sales")},
    metrics={metric.id: metric for metric in (NET, HEADS, PER_HEAD, CASH)},
    terms={"revenue": REVENUE},
    dimensions={"region": Dimension("region", "Region", synonyms=("territory",), members=("region.apac",))},
    members={"region.apac": Member("region.apac", "region", "Asia-Pacific")},
    calendars={"fiscal": Calendar("fiscal")},
    known_issues={"late_refunds": ISSUE},
    contracts={"c_revenue": REVENUE_CONTRACT, "b_all": ALL_CONTRACT},
    rules={"positive": Rule("positive", "value >= 0", Severity.HIGH)},
    entities={"team.markets": Entity("team.markets", "Markets team")},
    relations={"r": Relation("r", "team.markets", "region.apac", "serves")},
    lineage=(LineageLink("raw.gl.amount", "mart.revenue.amount"),),
    phrases=(Phrase("net revenue retention", PhraseMeaning.NOT_COVERED),),
)

METRICS_AND_TERMS = frozenset({AssetKind.METRIC, AssetKind.TERM})


@pytest.fixture(scope="module")
def published(postgres_database: str) -> str:
    """The URL of a database that has the catalog; no test of these changes it."""
    finished(publish_to_registry(emptied(postgres_database), CATALOG))
    return postgres_database


@pytest.fixture(params=["embedded", "postgres"])
async def registry(request: pytest.FixtureRequest) -> AsyncIterator[Registry]:
    """Each adapter that this environment can run, with the catalog."""
    if request.param == "embedded":
        store: Registry = EmbeddedRegistry(Held(CATALOG))
    else:
        store = opened_registry(request.getfixturevalue("published"), CATALOG)
    yield store
    await store.close()


async def _found(
    registry: Registry, text: str, kinds: frozenset[AssetKind] = METRICS_AND_TERMS, limit: int = 10
) -> list[str]:
    (hits,) = await registry.search("v1", [text], kinds=kinds, limit=limit)
    return [hit.ref.id for hit in hits]


async def test_probe_and_a_second_close_succeed(registry: Registry) -> None:
    await registry.probe()
    await registry.close()
    await registry.close()


async def test_an_unknown_version_is_a_failed_query(registry: Registry) -> None:
    with pytest.raises(StoreQueryFailed):
        await registry.assets("v0", [])


async def test_assets_of_every_kind_come_by_kind_and_id_and_unknown_ids_are_left_out(registry: Registry) -> None:
    expected = {
        AssetRef(AssetKind.CONTEXT, "sales"): CATALOG.contexts["sales"],
        AssetRef(AssetKind.METRIC, "net_revenue"): NET,
        AssetRef(AssetKind.TERM, "revenue"): REVENUE,
        AssetRef(AssetKind.DIMENSION, "region"): CATALOG.dimensions["region"],
        AssetRef(AssetKind.MEMBER, "region.apac"): CATALOG.members["region.apac"],
        AssetRef(AssetKind.CALENDAR, "fiscal"): CATALOG.calendars["fiscal"],
        AssetRef(AssetKind.KNOWN_ISSUE, "late_refunds"): ISSUE,
        AssetRef(AssetKind.CONTRACT, "b_all"): ALL_CONTRACT,
        AssetRef(AssetKind.RULE, "positive"): CATALOG.rules["positive"],
        AssetRef(AssetKind.ENTITY, "team.markets"): CATALOG.entities["team.markets"],
        AssetRef(AssetKind.RELATION, "r"): CATALOG.relations["r"],
        AssetRef(AssetKind.PHRASE, "net revenue retention"): CATALOG.phrases[0],
    }
    unknown = [AssetRef(kind, "nothing") for kind in AssetKind] + [AssetRef(AssetKind.TERM, "net_revenue")]

    assert await registry.assets("v1", [*expected, *unknown]) == expected


async def test_contracts_are_those_of_the_tables_of_a_metric_and_of_its_inputs_by_id(registry: Registry) -> None:
    found = await registry.contracts("v1", ["per_head", "headcount", "fcf", "nothing"])

    assert found == {"per_head": (ALL_CONTRACT, REVENUE_CONTRACT), "headcount": (ALL_CONTRACT,), "fcf": ()}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("net revenue", "net_revenue"),
        ("Net-Revenues", "net_revenue"),
        ("turnover", "revenue"),
        ("fcf", "fcf"),
        ("invoices before adjusting", "revenue"),
        ("gross revenue", "revenue"),
        ("employees", "headcount"),
    ],
)
async def test_search_finds_names_synonyms_acronyms_variations_and_definitions_by_stem(
    registry: Registry, text: str, first: str
) -> None:
    assert (await _found(registry, text))[0] == first


async def test_search_keeps_to_the_kinds_and_the_limit(registry: Registry) -> None:
    assert await _found(registry, "revenue", frozenset({AssetKind.TERM})) == ["revenue"]
    assert await _found(registry, "refunds", frozenset({AssetKind.KNOWN_ISSUE})) == ["late_refunds"]
    assert await _found(registry, "asia pacific territory", frozenset({AssetKind.MEMBER, AssetKind.DIMENSION})) == [
        "region.apac",
        "region",
    ]
    assert len(await _found(registry, "revenue", limit=2)) == 2
    assert await _found(registry, "revenue", limit=0) == []
    assert await _found(registry, "revenue", frozenset()) == []


@pytest.mark.parametrize("text", ["", "  ", "!?", "zebra", "\x00", "💥"])
async def test_search_finds_nothing_where_no_word_matches(registry: Registry, text: str) -> None:
    assert await _found(registry, text) == []


async def test_search_answers_each_text_with_scores_that_fall_from_at_most_1(registry: Registry) -> None:
    answers = await registry.search("v1", ["revenue", "zebra", "cash"], kinds=METRICS_AND_TERMS, limit=10)

    assert [len(hits) > 0 for hits in answers] == [True, False, True]
    assert all(0 < hit.score <= 1 for hits in answers for hit in hits)
    assert all(_ordered(hits) for hits in answers)


def _ordered(hits: Sequence[Hit]) -> bool:
    """Best first, ties by ref."""
    return list(hits) == sorted(hits, key=lambda hit: (-hit.score, hit.ref))
