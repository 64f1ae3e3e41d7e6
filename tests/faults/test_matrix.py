"""The faults of networks and dying servers in front of real stores, and the mutants that these tests find."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from ecp.v1 import health_pb2
from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard import guards
from ecp_server.stores.ports import Probed
from ecp_server.stores.registry.published import SCHEMA as REGISTRY_SCHEMA
from ecp_server.stores.state.postgres import SCHEMA as STATE_SCHEMA
from ecp_server.stores.state.postgres import PostgresState
from ecp_server.stores.vector.pgvector import SCHEMA as VECTOR_SCHEMA
from tests.conformance.graphs import published
from tests.faults.matrix import BUDGET_SECONDS, HTTP, NETWORK, SETTINGS, Matrix
from tests.faults.proxy import Fault, Proxy, proxied
from tests.faults.replies import ask, assert_as_designed
from tests.published import publish, registry_publisher, vector_publisher
from tests.running import running
from tests.servers import migrated, neo4j_server, opa_server, postgres, postgres_database, postgres_server
from tests.serving import NOT_SERVING, SERVING

__all__ = ["neo4j_server", "opa_server", "postgres", "postgres_database", "postgres_server"]


def through(url: str, proxy: Proxy) -> str:
    """Return the URL of the server behind the proxy, by way of the proxy."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{proxy.port}"))


@asynccontextmanager
async def behind(url: str) -> AsyncIterator[Proxy]:
    """Start a proxy in front of the server of a URL."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with proxied(parts.hostname, parts.port) as proxy:
        yield proxy


@dataclass(frozen=True)
class Site:
    """A store in a real server."""

    store: StoreKind
    server: str
    """The fixture that has its URL."""
    fill: Callable[[str, Catalog], Awaitable[None]]
    settings: Callable[[str], dict[str, str]]
    """ECP_* without the prefix, for a URL."""
    faults: tuple[Fault, ...] = NETWORK
    budget_seconds: float = BUDGET_SECONDS


async def _with_state(url: str, _catalog: Catalog) -> None:
    await migrated(url, STATE_SCHEMA)


async def _with_registry(url: str, catalog: Catalog) -> None:
    await migrated(url, REGISTRY_SCHEMA)
    await publish(registry_publisher(url), catalog)


async def _with_vectors(url: str, catalog: Catalog) -> None:
    await migrated(url, VECTOR_SCHEMA)
    await publish(vector_publisher(url), catalog)


async def _as_it_is(_url: str, _catalog: Catalog) -> None:
    """The server pushes its policies itself."""


SITES = {
    "state": Site(StoreKind.STATE, "postgres", _with_state, lambda url: {"state_url": url}),
    "registry": Site(StoreKind.REGISTRY, "postgres", _with_registry, lambda url: {"registry_url": url}),
    "vector": Site(StoreKind.VECTOR, "postgres", _with_vectors, lambda url: {"vector_url": url}),
    # Not neo4j://, by which the driver would ask where to connect, and go around the proxy.
    # It plans a query for longer than the others take, and plans it anew where that takes too long.
    "graph": Site(
        StoreKind.GRAPH,
        "neo4j_server",
        published,
        lambda url: {"graph_url": url.replace("neo4j://", "bolt://"), "store_timeout_seconds": "2"},
        budget_seconds=2.0,
    ),
    "policy": Site(
        StoreKind.POLICY, "opa_server", _as_it_is, lambda url: {"policy_url": url, "policy_push": "true"}, HTTP
    ),
}


@asynccontextmanager
async def standing(catalog: Path, folder: Path, url: str, site: Site, **options: Any) -> AsyncIterator[Matrix]:
    """Serve a catalog with one of its stores behind a proxy."""
    await site.fill(url, load_catalog(catalog))
    async with behind(url) as proxy:
        settings = SETTINGS | {"catalog_copy": str(folder / "copy.jsonl")} | site.settings(through(url, proxy))
        async with running(catalog, folder, **settings) as server:
            yield Matrix(server, proxy, site.store, budget_seconds=site.budget_seconds, **options)


@pytest.fixture
def meridian(project_root: Path) -> Path:
    return project_root / "catalogs" / "meridian"


@pytest.mark.parametrize("name", SITES)
async def test_matrix(meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str) -> None:
    site = SITES[name]
    async with standing(meridian, tmp_path, request.getfixturevalue(site.server), site, rounds=1) as matrix:
        await matrix.survives(Fault.REFUSE, Fault.BLACKHOLE)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SITES)
async def test_long_matrix(meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str) -> None:
    """Two hundred calls of each kind before, in and after each fault."""
    site = SITES[name]
    async with standing(meridian, tmp_path, request.getfixturevalue(site.server), site, rounds=50) as matrix:
        await matrix.survives(*site.faults)


async def test_a_policy_engine_is_not_asked_before_it_wants_to(meridian: Path, tmp_path: Path, opa_server: str) -> None:
    async with standing(meridian, tmp_path, opa_server, SITES["policy"]) as matrix:
        await matrix.warm_up()
        matrix.proxy.retry_after_seconds = 3
        await matrix.proxy.turn(Fault.HTTP_429)
        for _ in range(5):
            assert_as_designed("ListMetrics", (StoreKind.POLICY,), await ask(matrix.server, "ListMetrics"))
        assert 1 == matrix.proxy.questions
        assert health_pb2.BREAKER_STATE_CLOSED == await matrix.breaker()
        await matrix.proxy.turn(Fault.NONE)
        await matrix.is_whole_again(within_seconds=3)


async def test_a_server_starts_without_its_state_and_recovers_by_itself(
    meridian: Path, tmp_path: Path, postgres: str
) -> None:
    await migrated(postgres, STATE_SCHEMA)
    async with behind(postgres) as proxy:
        await proxy.turn(Fault.REFUSE)
        async with running(meridian, tmp_path, **SETTINGS, state_url=through(postgres, proxy)) as server:
            await server.becomes(NOT_SERVING)
            assert_as_designed("Resolve", (StoreKind.STATE,), await ask(server, "Resolve"))
            await proxy.turn(Fault.NONE)
            await server.becomes(SERVING)
            assert_as_designed("Resolve", (), await ask(server, "Resolve"))


async def test_a_guard_that_is_off_is_found(
    meridian: Path, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unguarded(port: Probed, _guard: object) -> Probed:
        return port

    monkeypatch.setattr(guards, "guarded", unguarded)
    async with standing(meridian, tmp_path, postgres, SITES["state"], rounds=1) as matrix:
        with pytest.raises(AssertionError):
            await matrix.survives(Fault.BLACKHOLE)


async def test_a_record_that_comes_after_the_reply_is_found(
    meridian: Path, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = PostgresState.record
    later: set[asyncio.Task[None]] = set()

    async def after_the_reply(self: PostgresState, *records: Any) -> None:
        later.add(asyncio.create_task(record(self, *records)))

    monkeypatch.setattr(PostgresState, "record", after_the_reply)
    async with standing(meridian, tmp_path, postgres, SITES["state"], rounds=1) as matrix:
        with pytest.raises(AssertionError):
            await matrix.survives(Fault.REFUSE)
        for task in later:
            task.cancel()
        await asyncio.gather(*later, return_exceptions=True)
