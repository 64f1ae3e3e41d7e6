"""pgvector: what is embedded when, which version answers, and how much its index misses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import AssetKind, Catalog, KnownIssue, Metric, Severity, Term
from ecp_server.domain.errors import StoreQueryFailed, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.ports import Hit
from ecp_server.stores.postgresql.pool import Database
from ecp_server.stores.publish import Difference
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import Matrix, StaticEmbeddings
from ecp_server.stores.vector.meaning import KINDS
from ecp_server.stores.vector.pgvector import SCHEMA, PgVector, know_vectors
from ecp_server.stores.vector.publisher import VectorPublisher
from scripts.generate_catalog import generate_catalog, name_of
from tests.held import Held
from tests.published import publish, published_vector, silent, vector_publisher
from tests.servers import migrated, postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]


class Counting:
    """Static embeddings under any name, which note the texts that they embed."""

    dimensions = StaticEmbeddings.dimensions

    def __init__(self, model: str = StaticEmbeddings.model) -> None:
        self.model = model
        self.asked: list[str] = []
        self._embeddings = StaticEmbeddings()

    async def embed(self, texts: Sequence[str]) -> Matrix:
        self.asked += texts
        return await self._embeddings.embed(texts)

    async def close(self) -> None:
        await self._embeddings.close()


def catalog(version: str, definitions: Mapping[str, str]) -> Catalog:
    return Catalog(version, metrics={name: Metric(name, name, text) for name, text in definitions.items()})


FIRST = catalog("v1", {"revenue": "Income.", "headcount": "Employees.", "churn": "Customers who leave."})
SECOND = catalog("v2", {"revenue": "Income of a period.", "churn": "Customers who leave.", "rain": "Wet weather."})


def publisher_with(url: str, embeddings: Counting) -> VectorPublisher:
    database = Database(
        Endpoint(url), StoreKind.VECTOR, size=1, timeout_seconds=60, read_only=False, configure=know_vectors
    )
    return VectorPublisher(database, embeddings)


async def nearest(vector: PgVector, version: str, text: str) -> list[str]:
    (hits,) = await vector.nearest(version, [text], kinds=KINDS, limit=10)
    return [hit.ref.id for hit in hits]


@pytest.mark.parametrize("exact_rows", [10_000, 0])
async def test_every_version_is_searched_as_it_was_published(postgres: str, exact_rows: int) -> None:
    vector = await published_vector(postgres, FIRST, SECOND, exact_rows=exact_rows)
    assert (await nearest(vector, "v1", "staff"))[0] == "headcount"
    assert "headcount" not in await nearest(vector, "v2", "staff")
    assert (await nearest(vector, "v2", "weather"))[0] == "rain"
    assert "rain" not in await nearest(vector, "v1", "weather")
    assert sorted(await nearest(vector, "v1", "revenue income customers employees")) == [
        "churn",
        "headcount",
        "revenue",
    ]
    await vector.close()


async def test_only_what_changed_in_words_is_embedded(postgres: str) -> None:
    await migrated(postgres, SCHEMA)
    embeddings = Counting()
    publisher = publisher_with(postgres, embeddings)
    await publisher.publish(FIRST, silent)
    embeddings.asked.clear()
    assert await publisher.difference(SECOND) == Difference(
        ("metric rain",), ("metric revenue",), ("metric headcount",), unchanged=1
    )
    await publisher.publish(SECOND, silent)
    assert set(embeddings.asked) == {"revenue", "income of a period", "rain", "wet weather"}
    embeddings.asked.clear()
    reworked = replace(
        SECOND, version="v3", metrics={**SECOND.metrics, "rain": replace(SECOND.metrics["rain"], owner="x")}
    )
    assert await publisher.publish(reworked, silent) == Difference(unchanged=3)
    assert await publisher.publish(reworked, silent) == Difference(unchanged=3)
    assert embeddings.asked == []
    await publisher.close()


async def test_vectors_of_another_model_are_not_compared(postgres: str) -> None:
    vector = await published_vector(postgres, FIRST)
    other = PgVector(Endpoint(postgres), Held(FIRST), Counting("other"), pool_size=2, timeout_seconds=5)
    for call in (other.probe(), other.nearest("v1", ["revenue"], kinds=KINDS, limit=1)):
        with pytest.raises(StoreUnavailable):
            await call
    publisher = publisher_with(postgres, Counting("other"))
    assert (await publisher.publish(FIRST, silent)).changed == ("metric churn", "metric headcount", "metric revenue")
    await other.probe()
    for closing in (publisher, other, vector):
        await closing.close()


async def test_what_is_not_held_is_a_failed_query_and_what_was_not_published_an_outage(postgres: str) -> None:
    await migrated(postgres, SCHEMA)
    vector = PgVector(Endpoint(postgres), Held(FIRST), StaticEmbeddings(), pool_size=2, timeout_seconds=5)
    with pytest.raises(StoreUnavailable):
        await vector.probe()
    with pytest.raises(StoreQueryFailed):
        await vector.nearest("v0", ["revenue"], kinds=KINDS, limit=1)
    await vector.close()


async def test_a_database_without_the_extension_is_an_outage(postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP EXTENSION vector")
        vector = PgVector(Endpoint(postgres), Held(FIRST), StaticEmbeddings(), pool_size=2, timeout_seconds=1)
        try:
            with pytest.raises(StoreUnavailable):
                await vector.probe()
        finally:
            connection.execute("CREATE EXTENSION vector")
        await migrated(postgres, SCHEMA)
        await publish(vector_publisher(postgres), FIRST)
        await vector.probe()
        await vector.close()


async def test_it_answers_as_the_embedded_one_does_to_the_last_bit(
    postgres: str, project_root: Path, tmp_path: Path
) -> None:
    generate_catalog(tmp_path, 1500)
    generated = load_catalog(tmp_path)
    meridian = load_catalog(project_root / "catalogs" / "meridian")
    both = replace(generated, version="both", metrics={**generated.metrics, **meridian.metrics})
    vector = await published_vector(postgres, generated, both)
    texts = [
        "net sales",
        "how many people work here",
        "refunds that arrive late",
        *(name_of(n * 37) for n in range(20)),
    ]
    for version in (generated, both):
        embedded = EmbeddedVector(Held(version), StaticEmbeddings())
        await embedded.prepare(version)
        for kinds in (KINDS, frozenset({AssetKind.METRIC}), frozenset({AssetKind.KNOWN_ISSUE})):
            expected = await embedded.nearest(version.version, texts, kinds=kinds, limit=10)
            found = await vector.nearest(version.version, texts, kinds=kinds, limit=10)
            assert [list(hits) for hits in found] == [list(hits) for hits in expected]
        await embedded.close()
    await vector.close()


def mixed(size: int) -> Catalog:
    """Return a catalog of which 1 % are issues, 9 % terms and the rest metrics, each with words of its own."""
    parts = max(size // 100, 1)
    said = {
        number: f"{name_of(number)} of {name_of(number * 7 + 3)} and {name_of(number * 13 + 5)}"
        for number in range(size)
    }
    return Catalog(
        "mixed",
        known_issues={f"i{n}": KnownIssue(f"i{n}", said[n], Severity.LOW) for n in range(parts)},
        terms={f"t{n}": Term(f"t{n}", name_of(n), said[n]) for n in range(parts, 10 * parts)},
        metrics={f"m{n}": Metric(f"m{n}", name_of(n), said[n]) for n in range(10 * parts, size)},
    )


FILTERS: Mapping[int, frozenset[AssetKind]] = {
    1: frozenset({AssetKind.KNOWN_ISSUE}),
    10: frozenset({AssetKind.KNOWN_ISSUE, AssetKind.TERM}),
    100: KINDS,
}


async def recalls(postgres: str, size: int, questions: int) -> dict[int, float]:
    """Return for filters of 1, 10 and 100 % the share of the exact ten nearest that the index finds."""
    whole = mixed(size)
    vector = await published_vector(postgres, whole, exact_rows=0)
    embedded = EmbeddedVector(Held(whole), StaticEmbeddings())
    await embedded.prepare(whole)
    chance = np.random.default_rng(7)
    texts = [f"{name_of(int(a))} {name_of(int(b))}" for a, b in chance.integers(0, 40_000, (questions, 2))]
    found: dict[int, float] = {}
    for share, kinds in FILTERS.items():
        expected = await embedded.nearest("mixed", texts, kinds=kinds, limit=10)
        answers = [hit for text in texts for hit in await vector.nearest("mixed", [text], kinds=kinds, limit=10)]
        found[share] = float(np.mean([_recall(a, e) for a, e in zip(answers, expected, strict=True)]))
    await embedded.close()
    await vector.close()
    return found


def _recall(answer: Sequence[Hit], expected: Sequence[Hit]) -> float:
    """Count what is at least as near as the last of the exact ones: which of those that tie are given is chance."""
    least = expected[-1].score
    return sum(hit.score >= least for hit in answer) / len(expected)


async def test_the_index_finds_nearly_all_with_and_without_filters(postgres: str) -> None:
    assert all(recall >= 0.95 for recall in (await recalls(postgres, 1000, 40)).values())


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_the_index_finds_nearly_all_in_a_large_catalog(postgres: str) -> None:
    found = await recalls(postgres, 100_000, 200)
    print("recall at 10 of 100,000 by filter in percent:", found)  # noqa: T201 - `make verify -s` shows it
    assert all(recall >= 0.95 for recall in found.values())
