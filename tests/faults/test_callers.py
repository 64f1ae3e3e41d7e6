"""Callers who go away, and callers who hardly wait at all: what they leave behind in a server and its stores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from ecp.v1 import health_pb2, resolve_pb2
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores import health
from tests.faults.books import METHODS
from tests.faults.matrix import Matrix
from tests.faults.proxy import Fault
from tests.faults.replies import STATE, USED, ask, assert_as_designed
from tests.faults.sites import Estate, estate, meridian, urls_of
from tests.servers import opa_server, postgres, postgres_database, postgres_server
from tests.serving import outcome

__all__ = ["meridian", "opa_server", "postgres", "postgres_database", "postgres_server"]

AT_ONCE: Final = 5
CYCLES: Final = 3
GONE_SECONDS: Final = 1.0
"""After so long nothing of a caller who went away is left in server and store (trust.md)."""
MACHINE_SECONDS: Final = 2.0
WORKING: Final = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE application_name = 'ecp-server' AND datname = current_database() AND state <> 'idle'"
)
TINY_SECONDS: Final = (0.001, 0.002, 0.003, 0.004)
"""Less than a store is asked with."""


@pytest.fixture
async def standing(meridian: Path, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Estate]:
    async with estate(meridian, tmp_path, urls_of(request, "state", "registry", "vector", "policy")) as found:
        yield found


def tasks() -> list[str]:
    """Return what is under way, but for the proxies: a connection more of the pool's is three more of their tasks."""
    running = (str(getattr(task.get_coro(), "__qualname__", "")) for task in asyncio.all_tasks())
    return [name for name in running if not name.startswith("Proxy.")]


async def working(url: str) -> int:
    """Return how many queries of servers run in a database."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        row = await (await connection.execute(WORKING)).fetchone()
    return 0 if row is None else int(row[0])


async def test_a_caller_who_goes_away_leaves_nothing_behind(
    standing: Estate, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler ends, the query is cancelled in the store, and the store is not blamed for it."""
    monkeypatch.setattr(health, "PROBE_PERIOD_SECONDS", 600)  # a probe would hang, and be held against the store
    matrix = Matrix(standing, STATE, rounds=1)
    await matrix.warm_up()
    request = resolve_pb2.GetResolutionRequest(resolution_id=matrix.recorded)
    async with await psycopg.AsyncConnection.connect(postgres) as blocking:
        await blocking.execute("LOCK TABLE ecp_state.resolution IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(1)  # the last probe is over
        base = len(tasks())
        for _ in range(CYCLES):  # more failures together than open a breaker
            calls = [standing.server.resolving.GetResolution(request, timeout=30) for _ in range(AT_ONCE)]
            ending = [asyncio.create_task(outcome(call)) for call in calls]
            async with asyncio.timeout(10):
                while await working(postgres) < 1 or standing.server.active() < AT_ONCE:  # noqa: ASYNC110 - as seen
                    await asyncio.sleep(0.01)
            for call in calls:
                call.cancel()
            for reply in await asyncio.gather(*ending):
                assert "CANCELLED" == reply.code
                standing.books.note("GetResolution", reply)
            gone = time.monotonic()
            await standing.server.settled()
            assert time.monotonic() - gone < GONE_SECONDS + MACHINE_SECONDS
            async with asyncio.timeout(GONE_SECONDS + MACHINE_SECONDS):
                while await working(postgres):  # noqa: ASYNC110 - as the store sees it
                    await asyncio.sleep(0.01)
                while len(tasks()) > base:  # noqa: ASYNC110 - nobody tells of it
                    await asyncio.sleep(0.01)
        assert health_pb2.BREAKER_STATE_CLOSED == await matrix.breaker()
        await blocking.rollback()
    await matrix.is_whole_again()
    await standing.books.balance()


async def test_a_probe_whose_caller_goes_away_makes_room_for_the_next(
    standing: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE_PERIOD_SECONDS", 600)  # no other call is to try the store
    monkeypatch.setattr(health, "RECOVERY_PERIOD_SECONDS", 600)
    matrix = Matrix(standing, StoreKind.POLICY, rounds=1)
    await matrix.warm_up()
    await matrix.proxy.turn(Fault.REFUSE)
    for _ in range(6):
        assert_as_designed("ListMetrics", (StoreKind.POLICY,), await ask(standing.server, "ListMetrics"))
    assert health_pb2.BREAKER_STATE_OPEN == await matrix.breaker()
    await matrix.proxy.turn(Fault.BLACKHOLE)
    await asyncio.sleep(0.6)
    probing = asyncio.create_task(ask(standing.server, "ListMetrics"))
    async with asyncio.timeout(5):
        while await matrix.breaker() != health_pb2.BREAKER_STATE_HALF_OPEN:  # noqa: ASYNC110 - as an operator does
            await asyncio.sleep(0.01)
    probing.cancel()
    await asyncio.wait((probing,))
    await standing.server.settled()
    await matrix.proxy.turn(Fault.NONE)
    await matrix.is_whole_again()


async def test_no_store_is_asked_for_a_caller_who_hardly_waits(
    standing: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE_PERIOD_SECONDS", 600)  # its questions are not to be counted
    matrix = Matrix(standing, STATE, rounds=1)
    await matrix.warm_up()
    await asyncio.sleep(1)
    carried = {store: proxy.carried for store, proxy in standing.proxies.items()}
    for _ in range(5):
        for kind in USED:
            calls = [ask(standing.server, kind, matrix.recorded, timeout=seconds) for seconds in TINY_SECONDS]
            assert {"DEADLINE_EXCEEDED"} == {reply.code for reply in await asyncio.gather(*calls)}
    await standing.server.settled()
    assert carried == {store: proxy.carried for store, proxy in standing.proxies.items()}
    # Not all of them were too late to reach the server.
    codes: Any = standing.server.counted()
    assert any(codes.get((method, "DEADLINE_EXCEEDED")) for method in METHODS.values())
    for store in standing.proxies:
        assert health_pb2.BREAKER_STATE_CLOSED == await Matrix(standing, store).breaker()
