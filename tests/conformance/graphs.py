"""Graphs under test: how to open them, and how catalogs get into those that are servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ecp_server.domain.catalog import Catalog, Catalogs
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.graph.embedded import EmbeddedGraph
from ecp_server.stores.graph.neo4j import Neo4jGraph
from ecp_server.stores.graph.neo4j_connection import Neo4jConnection
from ecp_server.stores.graph.neo4j_publish import Neo4jPublisher
from ecp_server.stores.ports import Graph

# Generous: the machine may be busy with other tests, and what is tested is not how fast it is.
TIMEOUT_SECONDS: Final = 30.0

DELETE: Final = "MATCH (n) WITH n LIMIT 10000 DETACH DELETE n RETURN count(*) AS deleted"


def connected(url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Neo4jConnection:
    """Return a connection to the server of a URL."""
    return Neo4jConnection(Endpoint(url), pool_size=8, timeout_seconds=timeout_seconds)


GRAPHS: Final[Mapping[str, Callable[[str, Catalogs], Graph]]] = {
    "embedded": lambda _, catalogs: EmbeddedGraph(catalogs),
    "neo4j": lambda url, catalogs: Neo4jGraph(connected(url), catalogs),
}


async def emptied(url: str) -> None:
    """Delete everything in a server."""
    connection = connected(url)
    try:
        while (await connection.write(DELETE, {}))["deleted"]:
            pass
    finally:
        await connection.close()


async def published(url: str, *catalogs: Catalog) -> None:
    """Empty a server and publish catalogs there."""
    await emptied(url)
    publisher = Neo4jPublisher(connected(url))
    try:
        for catalog in catalogs:
            await publisher.publish(catalog, lambda *_: None)
    finally:
        await publisher.close()
