"""Execute while Cube fails: no made-up, empty or silently old figure, whatever comes between (trust.md, section 4).

The Cube is real, over PostgreSQL. Networks fail in the TCP proxy before it; what only a server can say comes of a real
reply that was tampered with.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import pytest

from ecp.v1 import health_pb2, resolve_pb2
from ecp_server.catalog.load import load_catalog
from ecp_server.execution.kept import KeptAnswers
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.semantic.cube import MAX_PARALLEL
from tests.faults.executing import AN_HOUR, BUDGET_SECONDS, Executing, assert_refused, executing
from tests.faults.proxy import Fault, Proxy, proxied
from tests.faults.tampering import Change, changed, saying, tampering
from tests.running import Running
from tests.warehouse import cube_over, cube_tenant, warehouse

NETWORK: Final = (
    Fault.REFUSE,
    Fault.BLACKHOLE,
    Fault.HALF_OPEN,
    Fault.DELAY,
    Fault.DRIP,
    Fault.RESET,
    Fault.GARBAGE,
    Fault.HTTP_503,
)
pytestmark = pytest.mark.timeout(300)  # on a busy machine Cube takes a minute to begin

CANCEL_SECONDS: Final = 0.25
"""So soon nothing is done any more for a caller who went away."""


@pytest.fixture(scope="module")
def meridian(project_root: Path) -> Path:
    return project_root / "catalogs" / "meridian"


@pytest.fixture(scope="module")
def cube(meridian: Path) -> Iterator[Endpoint]:
    """A real Cube over meridian's data in PostgreSQL."""
    with cube_over(load_catalog(meridian).semantic, meridian / "data") as endpoint:
        yield endpoint


def host(cube: Endpoint) -> tuple[str, int]:
    assert cube.parts.hostname is not None
    assert cube.parts.port is not None
    return cube.parts.hostname, cube.parts.port


async def survives(plans: Executing, proxy: Proxy, *faults: Fault, rounds: int = 1) -> None:
    for fault in faults:
        # Longer than the budget a delay is a fault.
        proxy.delay_seconds = BUDGET_SECONDS * 2
        await proxy.turn(fault)
        await plans.assert_down(opens=True, rounds=rounds)
        await proxy.turn(Fault.NONE)
        await plans.assert_whole_again()


async def test_networks_that_fail(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    async with proxied(*host(cube)) as proxy, executing(meridian, tmp_path, cube, proxy.port) as plans:
        await survives(plans, proxy, Fault.REFUSE, Fault.BLACKHOLE, Fault.RESET, Fault.HTTP_503)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_long_networks_that_fail(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    """A hundred calls and more in each fault."""
    async with proxied(*host(cube)) as proxy, executing(meridian, tmp_path, cube, proxy.port) as plans:
        await survives(plans, proxy, *NETWORK, rounds=10)


async def test_slow_is_no_fault_within_the_budget(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    patient = {"semantic_timeout_seconds": "20"}
    async with proxied(*host(cube)) as proxy, executing(meridian, tmp_path, cube, proxy.port, **patient) as plans:
        proxy.delay_seconds = 0.3
        await proxy.turn(Fault.DELAY)
        outcome = await plans.execute(max_staleness=AN_HOUR, within=20)
        assert ("OK", []) == (outcome.code, list(outcome.response.degradations))
        assert health_pb2.BREAKER_STATE_CLOSED == await plans.breaker()


def unfinished(reply: Any) -> Any:
    return {key: value for key, value in reply.items() if key != "data"}


def without_a_column(reply: Any) -> Any:
    return reply | {"data": [{key: row[key] for key in list(row)[:-1]} for row in reply["data"]]}


def with_text_for_figures(reply: Any) -> Any:
    return reply | {"data": [dict.fromkeys(row, "many") for row in reply["data"]]}


SAID: Final[dict[str, tuple[Change, bool]]] = {
    "an internal error": (saying(500, b'{"error": "Error: out of luck"}'), True),
    "a gateway that has nobody behind it": (saying(502, b"<html>Bad Gateway</html>"), True),
    "no JSON": (lambda body: (200, {}, body[: len(body) // 2]), True),
    "a number that is none": (lambda body: (200, {}, body.replace(b'"data":[{', b'"data":[{"x":NaN,')), True),
    "bad credentials": (saying(403, b'{"error": "Invalid token"}'), True),
    "no credentials": (saying(401), True),
    "that its database is gone": (saying(400, b'{"error": "Error: connect ECONNREFUSED 127.0.0.1:5432"}'), True),
    "no object": (lambda _: (200, {}, b"[]"), False),
    "no rows": (changed(unfinished), False),
    "rows that lack a column": (changed(without_a_column), False),
    "figures that are none": (changed(with_text_for_figures), False),
    "that it lies elsewhere": (saying(302, b"", location="http://127.0.0.1:9/"), False),
    "that there is no such thing": (saying(404, b"Cannot POST /cubejs-api/v1/load"), False),
}
"""What Cube says, by what tells it, and whether the breaker counts it."""


async def test_replies_that_are_no_figures(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    async with (
        tampering(*host(cube), "/load") as tamperer,
        executing(meridian, tmp_path, cube, tamperer.port) as plans,
    ):
        for change, counts in SAID.values():
            tamperer.change = change
            await plans.assert_down(opens=counts)
            tamperer.change = None
            await plans.assert_whole_again()


async def test_an_empty_answer_is_told_to_be_empty(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    """What Cube itself says is nothing is nothing: null with its reason and a warning, not 0, and not a kept figure."""
    async with (
        tampering(*host(cube), "/load") as tamperer,
        executing(meridian, tmp_path, cube, tamperer.port) as plans,
    ):
        tamperer.change = changed(lambda reply: reply | {"data": []})
        outcome = await plans.execute(max_staleness=AN_HOUR)
        assert [[0]] * 4 == [list(column.null_rows) for column in outcome.response.table.columns]
        assert "empty_result" in [warning.type for warning in outcome.response.warnings]
        assert not outcome.response.degradations


async def test_it_is_asked_again_when_it_wants_to_and_not_before(
    meridian: Path, tmp_path: Path, cube: Endpoint
) -> None:
    patient = {"semantic_timeout_seconds": "20"}
    async with (
        tampering(*host(cube), "/load") as tamperer,
        executing(meridian, tmp_path, cube, tamperer.port, **patient) as plans,
    ):
        # It fits into what the caller has: the call waits, and has its figures.
        tamperer.change = saying(429, b"{}", retry_after="1")
        waiting = asyncio.create_task(plans.execute(within=20))
        await until(lambda: tamperer.asked, 1 + tamperer.asked)
        tamperer.change = None
        began = time.monotonic()
        assert "OK" == (await waiting).code
        assert time.monotonic() - began > 0.9
        # It does not: nothing waits, and nobody asks before the time.
        tamperer.change = saying(429, b"{}", retry_after="60")
        assert_refused(await plans.execute(within=20), 55)
        asked = tamperer.asked
        tamperer.change = None
        await plans.assert_down(opens=False, retry_after_seconds=50)
        assert asked == tamperer.asked


async def until(count: Any, least: int) -> None:
    async with asyncio.timeout(20):
        while count() < least:  # noqa: ASYNC110 - what is counted lies in other tasks, or another process
            await asyncio.sleep(0.01)


async def test_more_callers_than_it_may_be_given(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    """Who finds no place has it at once, and says nothing of Cube; the others have their figures."""
    patient = {"semantic_timeout_seconds": "30"}
    async with proxied(*host(cube)) as proxy, executing(meridian, tmp_path, cube, proxy.port, **patient) as plans:
        proxy.delay_seconds = 2.0
        await proxy.turn(Fault.DELAY)
        places = MAX_PARALLEL
        within = [asyncio.create_task(plans.execute(within=30)) for _ in range(places)]
        await until(lambda: proxy.questions, places)
        refused, kept = await asyncio.gather(plans.execute(), plans.execute(max_staleness=AN_HOUR))
        assert_refused(refused)
        plans.assert_kept(kept)
        assert not any(task.done() for task in within)
        assert ["OK"] * places == [outcome.code for outcome in await asyncio.gather(*within)]
        assert health_pb2.BREAKER_STATE_CLOSED == await plans.breaker()


def audited(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "state.db")) as database:
        rows = database.execute("SELECT outcome FROM audit WHERE method = 'Execute' ORDER BY sequence")
        return [outcome for (outcome,) in rows]


def begun(server: Running, resolution_id: str) -> Any:
    return server.resolving.Execute(resolve_pb2.ExecuteRequest(resolution_id=resolution_id), timeout=30)


async def test_a_caller_who_goes_away_is_worked_for_no_more(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    async with proxied(*host(cube)) as proxy, executing(meridian, tmp_path, cube, proxy.port) as plans:
        before = len(audited(tmp_path))
        tasks = len(asyncio.all_tasks())
        await proxy.turn(Fault.HALF_OPEN)
        for _ in range(6):  # more than failures would take to open the breaker
            asked = proxy.questions
            call = begun(plans.server, plans.resolved)
            await until(lambda: proxy.questions, asked + 1)
            call.cancel()
            began = time.monotonic()
            await plans.server.settled()
            assert time.monotonic() - began < CANCEL_SECONDS + load()
        assert health_pb2.BREAKER_STATE_CLOSED == await plans.breaker()
        await proxy.turn(Fault.NONE)
        await plans.server.application._executor.close()
        assert ["CANCELLED"] * 6 == audited(tmp_path)[before:]
        await plans.assert_whole_again()
        assert len(asyncio.all_tasks()) <= tasks + 6  # the proxy's connections


async def test_a_caller_who_goes_away_has_cube_polled_no_more(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    """While Cube computes it is asked on and on; with the caller that ends."""
    patient = {"semantic_timeout_seconds": "30"}
    async with (
        tampering(*host(cube), "/load") as tamperer,
        executing(meridian, tmp_path, cube, tamperer.port, **patient) as plans,
    ):
        tamperer.change = saying(200, b'{"error": "Continue wait"}')
        call = begun(plans.server, plans.resolved)
        await until(lambda: tamperer.asked, tamperer.asked + 6)
        call.cancel()
        await plans.server.settled()
        asked = tamperer.asked
        await asyncio.sleep(1.0)
        assert tamperer.asked <= asked + 2  # what was on its way, a query each


async def test_deadlines_of_any_length_are_kept(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    async with (
        tampering(*host(cube), "/load") as tamperer,
        executing(meridian, tmp_path, cube, tamperer.port) as plans,
    ):
        asked = tamperer.asked
        for _ in range(20):
            assert "DEADLINE_EXCEEDED" == (await plans.execute(within=0.001)).code
        await plans.server.settled()
        assert asked == tamperer.asked
        assert health_pb2.BREAKER_STATE_CLOSED == await plans.breaker()
        tamperer.change = saying(200, b'{"error": "Continue wait"}')
        tries = 30  # on a busy machine the time that is left for the reply is too short now and then
        in_time = await plans.execute(within=1.0, max_staleness=AN_HOUR)
        while in_time.code == "DEADLINE_EXCEEDED" and (tries := tries - 1):
            in_time = await plans.execute(within=1.0, max_staleness=AN_HOUR)
        plans.assert_kept(in_time)
        assert (await plans.execute(within=0.3)).code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}


async def test_a_cube_that_is_frozen(meridian: Path, tmp_path: Path, cube: Endpoint) -> None:
    """The kernel takes connections for a stopped process, and nobody answers."""
    async with proxied(*host(cube)) as proxy, executing(meridian, tmp_path, cube, proxy.port) as plans:
        with stopped(_process()):
            await plans.assert_down(opens=True)
        await plans.assert_whole_again()


def _process() -> int:
    """Return the number of this checkout's Cube, as what started it remembers."""
    facts = Path(os.environ["ECP_TEST_CUBE_TENANTS"]).parent / "facts.json"
    return int(json.loads(facts.read_text(encoding="utf-8"))["pid"])


@contextmanager
def stopped(process: int) -> Iterator[None]:
    os.killpg(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(process, signal.SIGCONT)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_cube_that_is_started_again_under_way(
    meridian: Path, tmp_path: Path, cube: Endpoint, project_root: Path
) -> None:
    async with proxied(*host(cube)) as proxy, executing(meridian, tmp_path, cube, proxy.port) as plans:
        outcomes = []
        again = asyncio.create_task(asyncio.to_thread(restart, project_root))
        while not again.done():
            outcomes.append(await plans.execute(max_staleness=AN_HOUR))
            await asyncio.sleep(0.1)
        await again
        await plans.assert_whole_again(within_seconds=30)  # Cube compiles its model anew
        for outcome in outcomes:  # each is fresh, or kept and says so
            assert "OK" == outcome.code
            if outcome.response.degradations:
                plans.assert_kept(outcome)
        assert any(outcome.response.degradations for outcome in outcomes)


def restart(root: Path) -> None:
    for action in ("down", "up"):
        subprocess.run(
            [sys.executable, root / "scripts" / "servers", action, "cube"], check=True, stdout=subprocess.DEVNULL
        )


async def test_a_database_behind_cube_that_is_gone(meridian: Path, tmp_path: Path) -> None:
    """What Cube has worked out before it gives, with when that was; for the rest it does not answer."""
    with warehouse(meridian / "data") as database:
        parts = urlsplit(database)
        async with proxied(str(parts.hostname), int(parts.port or 0)) as proxy:
            user_info = parts.netloc.rpartition("@")[0]
            through = urlunsplit(parts._replace(netloc=f"{user_info}@127.0.0.1:{proxy.port}"))
            with cube_tenant(load_catalog(meridian).semantic, through) as behind:
                async with executing(meridian, tmp_path, behind, host(behind)[1]) as plans:
                    await proxy.turn(Fault.REFUSE)
                    assert_refused(await plans.execute(plans.never_run, max_staleness=AN_HOUR))
                    outcome = await plans.execute(max_staleness=AN_HOUR)
                    assert plans.fresh.table.columns == outcome.response.table.columns
                    sources = outcome.response.table.sources
                    assert all(s.HasField("refresh_time") or s.HasField("fresh_time") for s in sources)
                    await proxy.turn(Fault.NONE)
                    await plans.assert_whole_again()


async def test_a_kept_result_that_is_too_old_is_found(
    meridian: Path, tmp_path: Path, cube: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """These tests notice an Execute that gives what is kept without asking how old it may be."""
    recall = KeptAnswers.recall
    async with proxied(*host(cube)) as proxy, executing(meridian, tmp_path, cube, proxy.port) as plans:
        monkeypatch.setattr(KeptAnswers, "recall", lambda self, key, _allowed: recall(self, key, AN_HOUR))
        await proxy.turn(Fault.REFUSE)
        with pytest.raises(AssertionError):
            await plans.assert_down(opens=True)


def load() -> float:
    """Return how many seconds a busy machine may take for what takes it no time."""
    return max(0.0, os.getloadavg()[0] / (os.cpu_count() or 1) - 1) * 0.2
