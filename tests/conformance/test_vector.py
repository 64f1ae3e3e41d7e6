"""What every Vector must answer (ports.Vector)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, KnownIssue, Metric, Severity, Term, TermVariation
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.stores.ports import Vector
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import StaticEmbeddings
from ecp_server.stores.vector.meaning import KINDS
from ecp_server.stores.vector.pgvector import EXACT_ROWS, PgVector
from tests.held import Held
from tests.published import opened_vector, publish_vectors
from tests.servers import emptied, finished

CATALOG = Catalog(
    version="v1",
    metrics={
        m.id: m
        for m in (
            Metric("net_revenue", "Net revenue", "Recognized revenue minus refunds.", synonyms=("net sales",)),
            Metric("headcount", "Headcount", "Employees on the last day.", synonyms=("staff", "employees")),
            Metric("aircraft_hours", "Aircraft flight hours", "Time that planes spend in the air."),
        )
    },
    terms={
        t.id: t
        for t in (
            Term("revenue", "Revenue", variations=(TermVariation("sales", "Gross revenue", "Invoiced amounts."),)),
            Term("customer", "Customer", "Who buys from us."),
            Term("twin_a", "Weather station", "Measures rain."),
            Term("twin_b", "Weather station", "Measures rain."),
        )
    },
    known_issues={"late": KnownIssue("late", "Refunds of customers arrive late.", Severity.LOW)},
)
METRIC, TERM, ISSUE = AssetKind.METRIC, AssetKind.TERM, AssetKind.KNOWN_ISSUE


@pytest.fixture(scope="module")
def published(postgres_database: str) -> str:
    """The URL of a database that has the vectors of the catalog; no test of these changes it."""
    finished(publish_vectors(emptied(postgres_database), CATALOG))
    return postgres_database


@pytest.fixture(params=["embedded", "pgvector", "pgvector, by its index"])
async def vector(request: pytest.FixtureRequest) -> AsyncIterator[Vector]:
    """Each adapter that this environment can run, with the vectors of the catalog."""
    if request.param == "embedded":
        store: EmbeddedVector | PgVector = EmbeddedVector(Held(CATALOG), StaticEmbeddings())
    else:
        exact_rows = EXACT_ROWS if request.param == "pgvector" else 0
        store = opened_vector(request.getfixturevalue("published"), CATALOG, exact_rows=exact_rows)
    await store.prepare(CATALOG)
    yield store
    await store.close()


async def _nearest(vector: Vector, text: str, kinds: frozenset[AssetKind] = KINDS, limit: int = 10) -> list[AssetRef]:
    (hits,) = await vector.nearest("v1", [text], kinds=kinds, limit=limit)
    return [hit.ref for hit in hits]


async def test_probe_and_a_second_close_succeed(vector: Vector) -> None:
    await vector.probe()
    await vector.close()
    await vector.close()


async def test_an_unknown_version_is_a_failed_query(vector: Vector) -> None:
    with pytest.raises(StoreQueryFailed):
        await vector.nearest("v0", ["revenue"], kinds=KINDS, limit=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net sales", AssetRef(METRIC, "net_revenue")),
        ("NET-REVENUE", AssetRef(METRIC, "net_revenue")),
        ("number of workers", AssetRef(METRIC, "headcount")),
        ("clients", AssetRef(TERM, "customer")),
        ("airplane time", AssetRef(METRIC, "aircraft_hours")),
    ],
)
async def test_the_nearest_is_near_in_meaning(vector: Vector, text: str, expected: AssetRef) -> None:
    assert (await _nearest(vector, text))[0] == expected


async def test_only_the_kinds_asked_for_come_and_no_more_than_the_limit(vector: Vector) -> None:
    assert await _nearest(vector, "late refunds", frozenset({ISSUE})) == [AssetRef(ISSUE, "late")]
    assert {ref.kind for ref in await _nearest(vector, "revenue", frozenset({METRIC}))} == {METRIC}
    assert {ref.kind for ref in await _nearest(vector, "revenue", frozenset({METRIC, TERM}))} == {METRIC, TERM}
    assert len(await _nearest(vector, "revenue", limit=2)) == 2
    assert await _nearest(vector, "revenue", limit=0) == []
    assert await _nearest(vector, "revenue", frozenset()) == []
    assert await _nearest(vector, "revenue", frozenset({AssetKind.CONTRACT})) == []


async def test_ties_are_in_the_order_of_refs(vector: Vector) -> None:
    assert (await _nearest(vector, "rain at the weather station"))[:2] == [
        AssetRef(TERM, "twin_a"),
        AssetRef(TERM, "twin_b"),
    ]


async def test_each_text_has_its_answer_alone_or_among_others(vector: Vector) -> None:
    texts = ["revenue", "", "weather", "revenue"]

    answers = await vector.nearest("v1", texts, kinds=KINDS, limit=3)

    assert [list(hits) for hits in answers] == [
        list((await vector.nearest("v1", [text], kinds=KINDS, limit=3))[0]) for text in texts
    ]
    assert list(answers[1]) == []
    assert await vector.nearest("v1", [], kinds=KINDS, limit=3) == []


async def test_scores_fall_and_are_between_0_and_1(vector: Vector) -> None:
    for hits in await vector.nearest("v1", ["revenue", "weather station", "💥"], kinds=KINDS, limit=10):
        assert list(hits) == sorted(hits, key=lambda hit: (-hit.score, hit.ref))
        assert all(0 < hit.score <= 1 for hit in hits)


@pytest.mark.parametrize("text", ["", " ", "!?", "\x00"])
async def test_a_text_without_words_is_near_to_nothing(vector: Vector, text: str) -> None:
    assert await _nearest(vector, text) == []
