"""The vectors of held catalogs: made off the path of questions, taken over where words did not change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Metric
from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.vector import embedded
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import Matrix, normalized
from ecp_server.stores.vector.meaning import KINDS
from tests.held import Held


def _catalog(version: str, *names: str) -> Catalog:
    return Catalog(version, metrics={name: Metric(name, name, f"All about {name}.") for name in names})


class Letters:
    """A model that counts letters, and notes what it was asked."""

    model = "test"
    dimensions = 26

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = True
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def embed(self, texts: Sequence[str]) -> Matrix:
        await self.may_go_on.wait()
        if not self.answers:
            raise StoreUnavailable(StoreKind.VECTOR)
        self.asked.extend(texts)
        counts = [[text.count(chr(ord("a") + letter)) for letter in range(26)] for text in texts]
        rows = np.array(counts, dtype=np.float32).reshape(len(texts), 26)
        return normalized(rows)

    async def close(self) -> None:
        """Nothing to release."""


@pytest.fixture
def letters() -> Letters:
    return Letters()


async def _first(vector: EmbeddedVector, version: str, text: str) -> str:
    (hits,) = await vector.nearest(version, [text], kinds=KINDS, limit=1)
    return hits[0].ref.id


async def test_until_the_vectors_are_there_the_store_is_unavailable_at_once(letters: Letters) -> None:
    vector = EmbeddedVector(Held(_catalog("v1", "alpha", "bravo")), letters)
    letters.may_go_on.clear()

    with pytest.raises(StoreUnavailable):
        await vector.probe()
    with pytest.raises(StoreUnavailable):
        await _first(vector, "v1", "alpha")

    letters.may_go_on.set()
    await vector.prepare(_catalog("v1"))
    await vector.probe()
    assert await _first(vector, "v1", "alfa") == "alpha"
    await vector.close()


async def test_a_model_that_does_not_answer_makes_the_store_unavailable_until_it_does(letters: Letters) -> None:
    catalog = _catalog("v1", "alpha", "bravo")
    vector = EmbeddedVector(Held(catalog), letters)
    letters.answers = False
    with pytest.raises(StoreUnavailable):
        await vector.prepare(catalog)
    with pytest.raises(StoreUnavailable):
        await vector.probe()

    letters.answers = True
    await vector.prepare(catalog)
    assert await _first(vector, "v1", "brav") == "bravo"


async def test_a_reload_embeds_only_what_changed(letters: Letters) -> None:
    first, second = _catalog("v1", "alpha", "bravo"), _catalog("v2", "alpha", "charlie")
    held = Held(first)
    vector = EmbeddedVector(held, letters)
    await vector.prepare(first)
    letters.asked.clear()

    await vector.prepare(second)
    held.add(second)

    assert set(letters.asked) == {"charlie", "all about charlie"}
    assert [await _first(vector, version, "bravo") for version in ("v1", "v2")] == ["bravo", "charlie"]
    assert await _first(vector, "v2", "alpha") == "alpha"


async def test_the_first_name_counts_twice_and_what_is_said_half(letters: Letters) -> None:
    catalog = Catalog("v", metrics={"m": Metric("m", "aa", "c", synonyms=("b",))})
    vector = EmbeddedVector(Held(catalog), letters)
    await vector.prepare(catalog)

    scores = [hits[0].score for hits in await vector.nearest("v", ["a", "b", "c"], kinds=KINDS, limit=1)]

    expected = np.array([2 / 5**0.5, 1 / 5**0.5, 0.5])
    assert np.allclose(scores, expected / np.linalg.norm(expected), atol=1e-5)


async def test_what_takes_long_is_counted_in_a_thread_with_the_same_answer(
    letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = _catalog("v", "alpha", "bravo", "charlie")
    vector = EmbeddedVector(Held(catalog), letters)
    await vector.prepare(catalog)
    inline = await vector.nearest("v", ["alpha", "bravo"], kinds=KINDS, limit=3)

    monkeypatch.setattr(embedded, "_INLINE_PRODUCT", 0)

    assert await vector.nearest("v", ["alpha", "bravo"], kinds=KINDS, limit=3) == inline


async def test_large_catalogs_are_embedded_a_part_at_a_time(letters: Letters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "CHUNK", 2)
    catalog = _catalog("v", "alpha", "bravo", "charlie", "delta", "echo")
    vector = EmbeddedVector(Held(catalog), letters)
    await vector.prepare(catalog)

    answers = await vector.nearest("v", list(catalog.metrics), kinds=KINDS, limit=1)

    assert [hits[0].ref for hits in answers] == [AssetRef(AssetKind.METRIC, name) for name in catalog.metrics]


async def test_an_empty_catalog_has_nothing_near(letters: Letters) -> None:
    vector = EmbeddedVector(Held(Catalog("v")), letters)
    await vector.prepare(Catalog("v"))

    assert await vector.nearest("v", ["alpha"], kinds=KINDS, limit=3) == [()]
