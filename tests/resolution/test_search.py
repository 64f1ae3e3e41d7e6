"""Search over the stores' candidates."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typing_extensions import override

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, KnownIssue, Metric, Severity, Term
from ecp_server.domain.errors import StoreTimeout
from ecp_server.domain.provenance import StoreKind
from ecp_server.resolution.searching.search import SearchResult, search
from ecp_server.resolution.searching.search_index import KINDS, SearchIndex
from ecp_server.stores.ports import Hit, Registry, Vector
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import StaticEmbeddings
from scripts.score_glossary import NoEmbeddings, answers, recall
from tests.held import Held

CATALOG = Catalog(
    version="v1",
    metrics={
        m.id: m
        for m in (
            Metric("net_revenue", "Net revenue", "Recognized revenue minus refunds.", synonyms=("net sales",)),
            Metric("gross_revenue", "Gross revenue", "Total invoiced revenue before adjustments."),
            Metric("headcount", "Headcount", "Employees on the last day of the period.", synonyms=("staff",)),
            Metric("fcf", "Free cash flow", "Cash left after capital expenditure."),
        )
    },
    terms={
        t.id: t
        for t in (
            Term("revenue", "Revenue", "Income from normal business operations.", synonyms=("turnover",)),
            Term("customer", "Customer", "Who buys from us."),
            Term("twin_a", "Weather station", "Measures rain."),
            Term("twin_b", "Weather station", "Measures rain."),
        )
    },
    known_issues={"late": KnownIssue("late", "Revenue arrives late.", Severity.LOW)},
)


@dataclass(frozen=True)
class Stores:
    index: SearchIndex
    registry: Registry
    vector: Vector

    async def search(self, text: str, kinds: frozenset[AssetKind] = KINDS, limit: int = 10) -> SearchResult:
        return await search(
            text, index=self.index, registry=self.registry, vector=self.vector, kinds=kinds, limit=limit
        )

    async def found(self, text: str, kinds: frozenset[AssetKind] = KINDS, limit: int = 10) -> list[str]:
        return [hit.ref.id for hit in (await self.search(text, kinds, limit)).hits]


class _DownRegistry(EmbeddedRegistry):
    """A registry whose keyword search does not answer."""

    @override
    async def search(
        self, version: str, texts: Sequence[str], *, kinds: frozenset[AssetKind], limit: int
    ) -> Sequence[Sequence[Hit]]:
        raise StoreTimeout(StoreKind.REGISTRY)


@pytest.fixture
async def stores() -> AsyncIterator[Stores]:
    held = Held(CATALOG)
    vector, registry = EmbeddedVector(held, StaticEmbeddings()), EmbeddedRegistry(held)
    await vector.prepare(CATALOG)
    yield Stores(SearchIndex(CATALOG), registry, vector)
    await vector.close()
    await registry.close()


@pytest.fixture
async def vectorless(stores: Stores) -> AsyncIterator[Stores]:
    """The vector store's model does not answer."""
    vector = EmbeddedVector(Held(CATALOG), NoEmbeddings())
    yield replace(stores, vector=vector)
    await vector.close()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("net revenue", "net_revenue"),
        ("netRevenue", "net_revenue"),
        ("Turnover", "revenue"),
        ("hedcount", "headcount"),
        ("number of employees", "headcount"),
        ("clients", "customer"),
        ("FCF", "fcf"),
        ("invoices before adjustment", "gross_revenue"),
    ],
)
async def test_spelling_words_meaning_and_acronyms_find(stores: Stores, text: str, first: str) -> None:
    assert (await stores.found(text))[0] == first


async def test_one_of_the_names_itself_scores_1_and_comes_first(stores: Stores) -> None:
    result = await stores.search("net sales")

    assert [(hit.ref.id, hit.score) for hit in result.hits[:1]] == [("net_revenue", 1.0)]
    assert result.hits[1].score < 1
    assert result.degradations == ()


async def test_an_acronym_counts_a_little_less_than_the_words_themselves(stores: Stores) -> None:
    spelled, short = (await stores.search("free cash flow")).hits[0], (await stores.search("FCF")).hits[0]

    assert spelled.ref == short.ref
    assert spelled.score == 1 > short.score > 0.9


async def test_scores_fall_and_ties_are_in_the_order_of_refs(stores: Stores) -> None:
    hits = (await stores.search("rain at a weather station")).hits

    assert [hit.ref.id for hit in hits[:2]] == ["twin_a", "twin_b"]
    assert hits[0].score == hits[1].score
    assert list(hits) == sorted(hits, key=lambda hit: (-hit.score, hit.ref))
    assert all(0 < hit.score <= 1 for hit in hits)


async def test_only_the_kinds_asked_for_come_and_no_more_than_the_limit(stores: Stores) -> None:
    assert await stores.found("net revenue", frozenset({AssetKind.TERM}), 1) == ["revenue"]
    assert "revenue" not in await stores.found("revenue", frozenset({AssetKind.METRIC}))
    assert await stores.found("revenue", frozenset({AssetKind.KNOWN_ISSUE})) == []
    assert len(await stores.found("revenue", limit=2)) == 2


@pytest.mark.parametrize("text", ["", " ", "!?", "\x00", "💥"])
async def test_a_text_without_words_finds_nothing(stores: Stores, text: str) -> None:
    assert await stores.search(text) == SearchResult(())


async def test_the_same_question_has_the_same_answer(stores: Stores) -> None:
    assert await stores.search("revenue of customers") == await stores.search("revenue of customers")


async def test_without_vectors_words_and_spelling_decide_and_that_is_told(vectorless: Stores) -> None:
    result = await vectorless.search("net revenues")

    assert result.hits[0].ref == AssetRef(AssetKind.METRIC, "net_revenue")
    assert [(told.store, told.fallback) for told in result.degradations] == [(StoreKind.VECTOR, "keyword_search")]
    assert await vectorless.found("employees") == ["headcount"]


async def test_without_the_registry_spelling_and_vectors_decide_and_that_is_told(stores: Stores) -> None:
    result = await replace(stores, registry=_DownRegistry(Held(CATALOG))).search("net revenues")

    assert result.hits[0].ref == AssetRef(AssetKind.METRIC, "net_revenue")
    assert [(told.store, told.fallback) for told in result.degradations] == [(StoreKind.REGISTRY, "loaded_catalog")]


async def test_a_store_that_refuses_the_query_is_left_out_like_one_that_is_down(stores: Stores) -> None:
    """It lacks this version, or a column: its failure is logged, and the search goes on without it."""
    result = await replace(stores, registry=EmbeddedRegistry(Held(Catalog("v2")))).search("net revenues")

    assert result.hits[0].ref == AssetRef(AssetKind.METRIC, "net_revenue")
    assert [(told.store, told.fallback) for told in result.degradations] == [(StoreKind.REGISTRY, "loaded_catalog")]


async def test_hits_of_assets_that_the_loaded_catalog_lacks_are_left_out(stores: Stores) -> None:
    """A server's stores may hold assets of a kind or version that this process does not."""
    smaller = SearchIndex(replace(CATALOG, metrics={}))

    assert set(await replace(stores, index=smaller).found("net revenue")) <= set(CATALOG.terms)


async def test_an_empty_catalog_is_searched_in_vain() -> None:
    held = Held(Catalog("v0"))
    vector = EmbeddedVector(held, StaticEmbeddings())
    await vector.prepare(held.current)

    empty = Stores(SearchIndex(held.current), EmbeddedRegistry(held), vector)
    assert await empty.search("revenue") == SearchResult(())


async def test_the_open_glossary_set_is_found_as_well_as_the_best_public_baseline(evaluation_data: Path) -> None:
    """Recall at 1 and 5 of a weighted sum of likenesses, as the set's README gives it for all queries."""
    found = await answers(evaluation_data)

    assert recall(found, 1) >= 0.38
    assert recall(found, 5) >= 0.63
