"""Connections that a server, or what lies before it, closes just as they are used again: nobody notices."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final
from unittest import mock

import httpx
import pytest
from psycopg_pool import AsyncConnectionPool

from ecp.v1 import health_pb2
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores import health
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.kept_connections import KeptConnections
from tests.faults.executing import executing
from tests.faults.matrix import Matrix
from tests.faults.proxy import Fault
from tests.faults.sites import SITES, behind, estate, meridian, meridian_cube, urls_of
from tests.running import Running
from tests.servers import opa_server, postgres, postgres_database, postgres_server

__all__ = ["meridian", "meridian_cube", "opa_server", "postgres", "postgres_database", "postgres_server"]

ONE_FAILURE: Final = {"breaker_failures": "1"}
"""Opens a breaker, so that the first one is seen."""
IDLE_SECONDS: Final = {"policy": 0.1}
POOLED_IDLE_SECONDS: Final = 1.1
"""PostgreSQL's pool looks at connections that were idle for a second before it lends them."""
POOLED: Final = ("state", "vector")
"""With the registry's pool; in the long form."""
TIMES: Final = 3
CLOSED: Final = 3
"""So many connections were closed, at least: else nothing was shown."""


def retried(server: Running, store: StoreKind) -> float:
    """Return how many calls to a store were made again by its guard."""
    counted = server.sampled("ecp_store_retries_total")
    return sum(value for labels, value in counted if labels["store"] == store.name.lower())


async def endures_stale(folder: Path, catalog: Path, urls: dict[Any, str], name: str) -> None:
    """Ask again and again after pauses in which connections go stale; raise `AssertionError` where that is seen."""
    site = SITES[name]
    async with estate(catalog, folder, urls, **ONE_FAILURE) as standing:
        # Probes would keep connections in use: all of them, where there are few.
        with mock.patch.object(health, "PROBE_PERIOD_SECONDS", 600):
            matrix = Matrix(standing, site.store, rounds=1)
            await matrix.begin()
            before = retried(standing.server, site.store)
            proxy = matrix.proxy
            proxy.idle_seconds = IDLE_SECONDS.get(name, POOLED_IDLE_SECONDS)
            await proxy.turn(Fault.STALE)
            for _ in range(TIMES):
                await asyncio.sleep(proxy.idle_seconds * 1.5)
                await matrix.endures("stale", harmless=True, opens=False)
            assert proxy.closed_idle >= CLOSED
            assert before == retried(standing.server, site.store)
            await proxy.turn(Fault.NONE)
            await matrix.books.balance()


@pytest.mark.parametrize("name", ["policy", "registry", *(pytest.param(n, marks=pytest.mark.long) for n in POOLED)])
async def test_a_connection_that_went_stale_is_replaced(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    await endures_stale(tmp_path, meridian, urls_of(request, name), name)


async def execute_over_stale(folder: Path, catalog: Path, cube: str) -> None:
    """Execute again and again, as `endures_stale` asks."""
    patient = {"semantic_timeout_seconds": "20"} | ONE_FAILURE
    async with behind(cube) as proxy, executing(catalog, folder, Endpoint(cube), proxy.port, **patient) as plans:
        before = retried(plans.server, StoreKind.SEMANTIC)
        await proxy.turn(Fault.STALE)
        for _ in range(TIMES):
            await asyncio.sleep(proxy.idle_seconds * 2)
            for outcome in await asyncio.gather(*(plans.execute(within=20) for _ in range(2))):
                assert "OK" == outcome.code
                assert not outcome.response.degradations
            assert health_pb2.BREAKER_STATE_CLOSED == await plans.breaker()
        assert proxy.closed_idle >= CLOSED
        assert before == retried(plans.server, StoreKind.SEMANTIC)


async def test_a_connection_to_cube_that_went_stale_is_replaced(
    meridian: Path, tmp_path: Path, meridian_cube: str
) -> None:
    await execute_over_stale(tmp_path, meridian, meridian_cube)


async def test_connections_that_are_not_replaced_are_found(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def once(self: KeptConnections, sent: httpx.Request) -> httpx.Response:
        return await self._kept.handle_async_request(sent)

    monkeypatch.setattr(KeptConnections, "handle_async_request", once)
    with pytest.raises(AssertionError):
        await endures_stale(tmp_path, meridian, urls_of(request, "policy"), "policy")


async def test_a_pool_that_does_not_look_is_found(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unseen(_connection: object) -> None:
        """Take it as it is."""

    monkeypatch.setattr(AsyncConnectionPool, "check_connection", unseen)
    with pytest.raises(AssertionError):
        await endures_stale(tmp_path, meridian, urls_of(request, "registry"), "registry")
