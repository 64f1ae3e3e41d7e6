"""The graph in Neo4j where the server is none, is late, refuses, or answers with what was not asked for."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from typing_extensions import override

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog
from ecp_server.domain.errors import StoreQueryFailed, StoreTimeout, StoreUnavailable
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.graph.neo4j import Neo4jGraph
from ecp_server.stores.graph.neo4j_connection import Neo4jConnection
from tests.conformance.graphs import connected, published
from tests.held import Held
from tests.servers import neo4j_server
from tests.stores.graph.listening import Serve, listening

__all__ = ["neo4j_server"]

CATALOG: Final = Catalog("empty")


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"\x00\x00\x04\x05" + b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)
    await writer.drain()
    await reader.read()


async def _silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _hang_up(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("serve", [_garbage, _silence, _hang_up])
async def test_what_is_no_neo4j_does_not_answer_and_takes_no_longer_than_it_may(serve: Serve) -> None:
    async with listening(serve) as elsewhere:
        graph = Neo4jGraph(connected(elsewhere, timeout_seconds=0.5), Held(CATALOG))
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await graph.probe()
        assert time.monotonic() - started < 10  # a driver that retries takes 30
        await graph.close()


async def test_one_that_does_not_listen_does_not_answer() -> None:
    async with listening(_silence) as elsewhere:
        pass
    graph = Neo4jGraph(connected(elsewhere), Held(CATALOG))
    with pytest.raises(StoreUnavailable):
        await graph.paths("random-0", "e0", depth=1)
    await graph.close()
    with pytest.raises(StoreUnavailable):
        await graph.paths("random-0", "e0", depth=1)


async def test_a_question_that_takes_too_long_is_ended_by_the_server(neo4j_server: str) -> None:
    connection = connected(neo4j_server, timeout_seconds=0.5)
    text = "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x, y WHERE x = -y RETURN count(*) AS number"
    with pytest.raises(StoreTimeout):
        await connection.read(text, {})
    await connection.close()


async def test_a_wrong_password_is_not_tried_again_and_a_rotated_one_is_used(neo4j_server: str, tmp_path: Path) -> None:
    await published(neo4j_server, CATALOG)
    parts = urlsplit(neo4j_server)
    secret = tmp_path / "password"
    secret.write_text("wrong\n")
    endpoint = Endpoint(f"bolt://neo4j@{parts.hostname}:{parts.port}", secret)
    graph = Neo4jGraph(Neo4jConnection(endpoint, pool_size=2, timeout_seconds=30), Held(CATALOG))
    with pytest.raises(StoreUnavailable) as refusal:
        await graph.probe()
    assert refusal.value.retry_after_seconds is None
    secret.write_text(f"{parts.password}\n")
    await graph.probe()
    await graph.close()


class Odd(Neo4jConnection):
    """A connection over which a record comes that is not as it should be."""

    def __init__(self, record: dict[str, Any]) -> None:
        super().__init__(Endpoint("bolt://127.0.0.1:1"), pool_size=1, timeout_seconds=1)
        self._record = record

    @override
    async def read(self, text: str, parameters: Any) -> dict[str, Any]:
        return self._record


NODE: Final = {"id": "m", "type": 1, "name": "M", "depth": 0}


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"published": "true", "nodes": [], "edges": []},
        {"published": None, "nodes": [], "edges": []},
        {"published": True, "nodes": []},
        {"published": True, "nodes": None, "edges": []},
        {"published": True, "nodes": [], "edges": [], "more": 1},
        {"published": True, "nodes": [NODE | {"type": 99}], "edges": []},
        {"published": True, "nodes": [NODE | {"depth": "0"}], "edges": []},
        {"published": True, "nodes": [NODE | {"name": None}], "edges": []},
        {"published": True, "nodes": [NODE], "edges": [{"start": "m", "end": "m"}]},
    ],
)
async def test_a_record_that_is_not_as_asked_for_is_a_failed_query(record: dict[str, Any]) -> None:
    graph = Neo4jGraph(Odd(record), Held(CATALOG))
    with pytest.raises(StoreQueryFailed):
        await graph.lineage("random-0", "m", depth=1, downstream=False, max_nodes=5)


async def test_a_document_that_is_not_as_written_is_a_failed_query() -> None:
    term = AssetRef(AssetKind.TERM, "t")
    for text in ("", "[", '[{"context": 1}]', '{"context": "a"}', '[{"context": "a", "valid_from": "soon"}]'):
        record = {"published": True, "assets": [{"kind": "term", "id": "t", "variations": text}]}
        with pytest.raises(StoreQueryFailed):
            await Neo4jGraph(Odd(record), Held(CATALOG)).variations("random-0", [term])
