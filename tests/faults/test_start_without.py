"""A server that starts while its graph or its policy engine is down says so, and recovers by itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ecp.v1 import health_pb2, types_pb2
from ecp_server.catalog.load import load_catalog
from tests.conformance.graphs import published
from tests.rpc.test_recorded import FINANCE
from tests.running import Running, running
from tests.servers import finished, neo4j_server, opa_server

__all__ = ["neo4j_server", "opa_server"]

QUESTION = "APAC revenue in Q4 FY2019 vs budget"


class Way:
    """A way to a server that is closed at first: nobody listens at its port."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = str(parts.hostname), parts.port
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None] | None] = set()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._own_port: int = probe.getsockname()[1]
        self.url = url.replace(f":{self._port}", f":{self._own_port}")

    async def open(self) -> None:
        self._listener = await asyncio.start_server(self._forward, "127.0.0.1", self._own_port)

    async def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        if running_ := {task for task in self._connections if task is not None}:
            await asyncio.wait(running_)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(asyncio.current_task())
        from_server, to_server = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(_pumped(reader, to_server), _pumped(from_server, writer))


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def closed_way(url: str) -> AsyncIterator[Way]:
    way = Way(url)
    try:
        yield way
    finally:
        await way.close()


async def statuses(server: Running) -> dict[int, int]:
    response: Any = (await server.ask(server.state_of_health.GetHealth, health_pb2.GetHealthRequest())).response
    return {store.store: store.status for store in response.stores}


async def becomes(server: Running, store: int, status: int) -> None:
    """Wait until health says so of a store; it looks every second while something is impaired."""
    async with asyncio.timeout(30):
        while (await statuses(server)).get(store) != status:  # noqa: ASYNC110 - as an operator does
            await asyncio.sleep(0.1)


@pytest.fixture
def meridian(project_root: Path) -> Path:
    return project_root / "catalogs" / "meridian"


@pytest.fixture
def graph_url(neo4j_server: str, meridian: Path) -> str:
    """A graph to which meridian is published."""
    finished(published(neo4j_server, load_catalog(meridian)))
    return neo4j_server


async def test_without_the_policy_engine_nothing_is_answered_until_it_is_back(
    meridian: Path, tmp_path: Path, opa_server: str
) -> None:
    async with (
        closed_way(opa_server) as way,
        running(meridian, tmp_path, policy_url=way.url, policy_push="true", log_level="ERROR") as server,
    ):
        assert (await statuses(server))[types_pb2.STORE_POLICY] == health_pb2.HEALTH_STATUS_UNHEALTHY
        refused = await server.resolve(QUESTION, user_context=FINANCE)
        assert (refused.code, refused.details["ErrorInfo"].reason) == (
            "UNAVAILABLE",
            "ERROR_REASON_POLICY_UNAVAILABLE",
        )
        await way.open()
        await becomes(server, types_pb2.STORE_POLICY, health_pb2.HEALTH_STATUS_HEALTHY)
        answered = await server.resolve(QUESTION, user_context=FINANCE)
        assert answered.code == "OK"
        assert list(answered.response.degradations) == []


async def test_without_the_graph_the_catalog_stands_in_until_it_is_back(
    meridian: Path, tmp_path: Path, graph_url: str
) -> None:
    async with (
        closed_way(graph_url) as way,
        running(meridian, tmp_path, graph_url=way.url, log_level="ERROR") as server,
    ):
        assert (await statuses(server))[types_pb2.STORE_GRAPH] == health_pb2.HEALTH_STATUS_UNHEALTHY
        stood_in = (await server.resolve(QUESTION, user_context=FINANCE)).response
        assert [degradation.store for degradation in stood_in.degradations] == [types_pb2.STORE_GRAPH]
        await way.open()
        await becomes(server, types_pb2.STORE_GRAPH, health_pb2.HEALTH_STATUS_HEALTHY)
        answered = (await server.resolve(QUESTION, user_context=FINANCE)).response
        assert list(answered.degradations) == []
        assert [warning.id for warning in answered.warnings] == [warning.id for warning in stood_in.warnings]


async def test_a_catalog_that_was_not_published_is_stood_in_for_and_told(
    meridian: Path, tmp_path: Path, neo4j_server: str
) -> None:
    finished(published(neo4j_server))
    async with running(meridian, tmp_path, graph_url=neo4j_server, log_level="ERROR") as server:
        response: Any = (await server.ask(server.state_of_health.GetHealth, health_pb2.GetHealthRequest())).response
        (graph,) = [store for store in response.stores if store.store == types_pb2.STORE_GRAPH]
        assert graph.reason == "the catalog in force has not been published to the graph store"
        answered = (await server.resolve(QUESTION, user_context=FINANCE)).response
        assert [degradation.store for degradation in answered.degradations] == [types_pb2.STORE_GRAPH]
        finished(published(neo4j_server, load_catalog(meridian)))
        await becomes(server, types_pb2.STORE_GRAPH, health_pb2.HEALTH_STATUS_HEALTHY)
        assert list((await server.resolve(QUESTION, user_context=FINANCE)).response.degradations) == []
