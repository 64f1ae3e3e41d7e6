"""Generated queries against SQL that was written another way: the same rows, whichever engine answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from ecp_server.domain.figures import FigureQuery
from ecp_server.domain.period import Grain
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.ports import Semantic
from ecp_server.stores.semantic.cube import CubeSemantic
from ecp_server.stores.semantic.duckdb import DuckDbSemantic
from tests.conformance.chain import Reference, generated, same
from tests.conformance.chain_data import MODEL, write_chain
from tests.conformance.semantics import shop_catalog
from tests.held import Held
from tests.warehouse import cube_over

QUERIES: Final = 200
MANY_QUERIES: Final = 520
BATCH: Final = 40

Rows = Sequence[tuple[Any, ...]]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chain(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module", params=[QUERIES, pytest.param(MANY_QUERIES, marks=pytest.mark.long)])
def expected(request: pytest.FixtureRequest, chain: Path) -> Sequence[tuple[FigureQuery, Rows]]:
    """The queries, each with the rows that it must give."""
    reference = Reference(chain)
    return [(query, reference.rows(query)) for query in map(generated, range(request.param))]


@pytest.fixture(scope="module")
def chain_cube(chain: Path) -> Iterator[Endpoint]:
    with cube_over({"chain.yml": MODEL}, chain) as endpoint:
        yield endpoint


@pytest.fixture(params=["duckdb", "cube"])
async def semantic(request: pytest.FixtureRequest, chain: Path) -> AsyncIterator[Semantic]:
    if request.param == "duckdb":
        store: Semantic = DuckDbSemantic(Held(shop_catalog(MODEL)), chain, memory_mib=256)
    else:
        store = CubeSemantic(request.getfixturevalue("chain_cube"))
    yield store
    await store.close()


@pytest.mark.timeout(600)
async def test_generated_queries_give_the_rows_of_other_sql(
    semantic: Semantic, expected: Sequence[tuple[FigureQuery, Rows]]
) -> None:
    for first in range(0, len(expected), BATCH):
        batch = expected[first : first + BATCH]
        answers = await semantic.run([query for query, _ in batch])
        for (query, rows), answer in zip(batch, answers, strict=True):
            assert agree(query, answer.rows, rows), (query, answer.rows[:5], rows[:5])
    assert sum(len(rows) for _, rows in expected) > 10 * len(expected)  # most of them are about something


def agree(query: FigureQuery, got: Rows, expected: Rows) -> bool:
    keys = len(query.dimensions) + (query.granularity is not Grain.NONE)
    return len(got) == len(expected) and all(
        g[:keys] == e[:keys] and all(same(a, b) for a, b in zip(g[keys:], e[keys:], strict=True))
        for g, e in zip(got, expected, strict=True)
    )


def test_the_queries_are_of_all_kinds() -> None:
    queries = [generated(seed) for seed in range(QUERIES)]
    assert len(set(queries)) > QUERIES * 0.95
    assert {q.granularity for q in queries} == set(Grain)
    cubes = [{a.partition(".")[0] for a in (*q.measures, *q.dimensions)} for q in queries]
    assert sum(len(c) > 1 for c in cubes) > QUERIES / 4
    assert {f.operator.name for q in queries for f in q.filters} == {
        *("EQUALS", "NOT_EQUALS", "CONTAINS", "GT", "GTE", "LT", "LTE", "SET", "NOT_SET")
    }
