"""Static embeddings."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys

import numpy as np
import pytest

from ecp_server.stores.vector.embeddings import StaticEmbeddings, normalized


@pytest.fixture(scope="module")
def embeddings() -> StaticEmbeddings:
    return StaticEmbeddings()


async def test_rows_have_length_1_and_texts_without_words_are_zeros(embeddings: StaticEmbeddings) -> None:
    rows = await embeddings.embed(["net revenue", "", "revenue"])

    assert rows.shape == (3, embeddings.dimensions)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 0, 1], atol=1e-6)
    assert (await embeddings.embed([])).shape == (0, embeddings.dimensions)


async def test_a_text_has_the_same_row_alone_and_among_many(embeddings: StaticEmbeddings) -> None:
    texts = [f"revenue of product {number}" for number in range(20)]

    many = await embeddings.embed(texts)

    assert np.array_equal(many[7:8], await embeddings.embed(texts[7:8]))


async def test_only_the_head_of_a_long_text_counts(embeddings: StaticEmbeddings) -> None:
    long = "revenue " * 1000

    assert np.array_equal(await embeddings.embed([long]), await embeddings.embed([long + "headcount " * 100_000]))


async def test_words_of_one_meaning_are_nearer_than_others(embeddings: StaticEmbeddings) -> None:
    customer, client, aircraft = await embeddings.embed(["customer", "client", "aircraft"])

    assert customer @ client > 2 * abs(customer @ aircraft)


async def test_the_model_is_loaded_once_however_many_ask_first(monkeypatch: pytest.MonkeyPatch) -> None:
    from ecp_server.stores.vector import embeddings as module  # noqa: PLC0415 - the loader is replaced in it

    loads = 0
    load = module._load_model

    def counted() -> object:
        nonlocal loads
        loads += 1
        return load()

    monkeypatch.setattr(module, "_load_model", counted)
    fresh = StaticEmbeddings()
    await asyncio.gather(*(fresh.embed(["revenue"]) for _ in range(4)))

    assert loads == 1


def test_loading_leaves_the_root_logger_alone() -> None:
    """The package calls `logging.basicConfig` when it is imported, so a process of its own imports it first."""
    program = (
        "import asyncio, logging;"
        "from ecp_server.stores.vector.embeddings import StaticEmbeddings;"
        "asyncio.run(StaticEmbeddings().embed(['revenue']));"
        "root = logging.getLogger(); print(root.level, len(root.handlers))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == [str(logging.WARNING), "0"]


def test_normalizing_keeps_zeros() -> None:
    rows = normalized(np.array([[3, 4], [0, 0]], dtype=np.float32))

    assert np.allclose(rows, np.array([[0.6, 0.8], [0, 0]]))
