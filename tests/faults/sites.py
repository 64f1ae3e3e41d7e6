"""The stores of the matrix: where each stands for real, how it is filled, and a server that reaches it by a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock
from urllib.parse import urlsplit, urlunsplit

import pytest

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores import health
from ecp_server.stores.guard import guards
from ecp_server.stores.observe import observed
from ecp_server.stores.registry.published import SCHEMA as REGISTRY_SCHEMA
from ecp_server.stores.state.postgres import SCHEMA as STATE_SCHEMA
from ecp_server.stores.vector.pgvector import SCHEMA as VECTOR_SCHEMA
from tests.conformance.graphs import published
from tests.faults.books import Books
from tests.faults.proxy import Fault, Proxy, proxied
from tests.published import publish, registry_publisher, vector_publisher
from tests.running import Running, running
from tests.servers import migrated
from tests.warehouse import cube_over

BUDGET_SECONDS: Final = 2.0
"""As by default: Neo4j plans a query for a second, and a busy machine is no fault of a store."""
RECOVERY_SECONDS: Final = 0.5
PROBE_SECONDS: Final = 0.5
"""How often health looks: what no question asks is told by its probes alone."""
SETTINGS: Final = {
    "store_timeout_seconds": str(BUDGET_SECONDS),
    "semantic_timeout_seconds": str(BUDGET_SECONDS),
    "breaker_recovery_seconds": str(RECOVERY_SECONDS),
    "decision_cache_seconds": "0",
    "read_cache_mib": "0",  # what is kept would hide that its store fails
}
NETWORK: Final = (
    Fault.REFUSE,
    Fault.BLACKHOLE,
    Fault.HALF_OPEN,
    Fault.DELAY,
    Fault.DRIP,
    Fault.RESET,
    Fault.GARBAGE,
)
HTTP: Final = (*NETWORK, Fault.HTTP_503, Fault.HTTP_429)


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


async def _with_state(url: str, _catalog: Catalog) -> None:
    await migrated(url, STATE_SCHEMA)


async def _with_registry(url: str, catalog: Catalog) -> None:
    await migrated(url, REGISTRY_SCHEMA)
    await publish(registry_publisher(url), catalog)


async def _with_vectors(url: str, catalog: Catalog) -> None:
    await migrated(url, VECTOR_SCHEMA)
    await publish(vector_publisher(url), catalog)


async def _as_it_is(_url: str, _catalog: Catalog) -> None:
    """The server pushes its policies itself, and Cube has its model and data."""


SITES: Final = {
    "state": Site(StoreKind.STATE, "postgres", _with_state, lambda url: {"state_url": url}),
    "registry": Site(StoreKind.REGISTRY, "postgres", _with_registry, lambda url: {"registry_url": url}),
    "vector": Site(StoreKind.VECTOR, "postgres", _with_vectors, lambda url: {"vector_url": url}),
    # Not neo4j://, by which the driver would ask where to connect, and go around the proxy.
    "graph": Site(
        StoreKind.GRAPH, "neo4j_server", published, lambda url: {"graph_url": url.replace("neo4j://", "bolt://")}
    ),
    "policy": Site(
        StoreKind.POLICY, "opa_server", _as_it_is, lambda url: {"policy_url": url, "policy_push": "true"}, HTTP
    ),
    "semantic": Site(StoreKind.SEMANTIC, "meridian_cube", _as_it_is, lambda url: {"semantic_url": url}, HTTP),
}


@dataclass(frozen=True)
class Estate:
    """A server, and the proxies before those of its stores that are real."""

    server: Running
    proxies: Mapping[StoreKind, Proxy]
    books: Books


@asynccontextmanager
async def estate(catalog: Path, folder: Path, sites: Mapping[Site, str], **settings: str) -> AsyncIterator[Estate]:
    """Serve a catalog whose stores stand at ``sites``, by the URLs there, each behind a proxy of its own.

    ``settings`` are ECP_* without the prefix.
    """
    loaded = load_catalog(catalog)
    chosen = SETTINGS | {"catalog_copy": str(folder / "copy.jsonl")}
    proxies = {}
    books = Books()
    async with AsyncExitStack() as stack:
        for site, url in sites.items():
            await site.fill(url, loaded)
            proxies[site.store] = await stack.enter_async_context(behind(url))
            chosen |= site.settings(through(url, proxies[site.store]))
        stack.enter_context(mock.patch.object(health, "PROBE_PERIOD_SECONDS", PROBE_SECONDS))
        stack.enter_context(mock.patch.object(guards, "observed", books.observed(observed)))
        server = await stack.enter_async_context(running(catalog, folder, **chosen | settings))
        books.open(server)
        yield Estate(server, proxies, books)


@pytest.fixture
def meridian(project_root: Path) -> Path:
    """The catalog that the matrix asks."""
    return project_root / "catalogs" / "meridian"


@pytest.fixture
def meridian_cube(meridian: Path) -> Iterator[str]:
    """The URL of a real Cube over meridian's data in PostgreSQL."""
    with cube_over(load_catalog(meridian).semantic, meridian / "data") as endpoint:
        yield endpoint.url


def urls_of(request: pytest.FixtureRequest, *names: str) -> dict[Site, Any]:
    """Return the sites of these names with the URLs of their servers."""
    return {SITES[name]: request.getfixturevalue(SITES[name].server) for name in names}
