"""A semantic layer whose engine is loaded when it is first asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.figures import FigureQuery, Figures
from ecp_server.domain.identity import Principal
from ecp_server.stores.semantic.deferred import DeferredSemantic


class Engine:
    """Answers with nothing, and notes what it is asked."""

    adapter = "engine"

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.principals: list[Principal | None] = []
        self.probes = 0
        self.closed = 0

    async def run(self, queries: Sequence[FigureQuery], *, principal: Principal | None = None) -> Sequence[Figures]:
        self.principals.append(principal)
        return [Figures((), (), query, None) for query in queries]

    async def probe(self) -> None:
        self.probes += 1

    async def close(self) -> None:
        self.closed += 1


class Made:
    """Makes engines, as slowly as a test wants."""

    def __init__(self) -> None:
        self.engines: list[Engine] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self) -> Engine:
        self.go.wait(10)
        self.engines.append(Engine())
        return self.engines[-1]


@pytest.fixture
def made() -> Made:
    return Made()


async def test_the_engine_is_made_once_and_not_on_the_event_loop(made: Made) -> None:
    semantic = DeferredSemantic("engine", made)
    assert (semantic.adapter, made.engines) == ("engine", [])
    ann = Principal("ann")
    query = FigureQuery(())
    answers = await asyncio.gather(semantic.run([query], principal=ann), semantic.run([query]), semantic.probe())
    assert [len(answer) for answer in answers[:2]] == [1, 1]
    (engine,) = made.engines
    assert (engine.principals, engine.probes) == ([ann, None], 1)
    assert engine.thread != threading.get_ident()


async def test_a_caller_who_goes_away_does_not_take_the_engine_along(made: Made) -> None:
    semantic = DeferredSemantic("engine", made)
    made.go.clear()
    impatient = asyncio.create_task(semantic.probe())
    patient = asyncio.create_task(semantic.probe())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient])
    assert impatient.cancelled()
    made.go.set()
    await patient
    assert [engine.probes for engine in made.engines] == [1]


async def test_closing_makes_no_engine_and_closes_the_one_that_is_there(made: Made) -> None:
    unused = DeferredSemantic("engine", made)
    await unused.close()
    with pytest.raises(StoreUnavailable):
        await unused.probe()
    assert made.engines == []
    used = DeferredSemantic("engine", made)
    await used.probe()
    await used.close()
    await used.close()
    assert [engine.closed for engine in made.engines] == [2]


async def test_an_engine_that_cannot_be_loaded_is_told_each_time() -> None:
    def broken() -> Engine:
        raise ImportError("no such library")

    semantic = DeferredSemantic("engine", broken)
    for _ in range(2):
        with pytest.raises(ImportError):
            await semantic.probe()


def test_putting_the_server_together_loads_no_engine() -> None:
    """What only figures, vectors or commands need must not hold up the start."""
    program = "import sys, ecp_server.wiring, ecp_server.server; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"duckdb", "jinja2", "wordllama", "httpx", "psycopg", "neo4j"} & set(loaded.stdout.split())
