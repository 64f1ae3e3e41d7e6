"""The graph: the catalog in memory, or Neo4j where its URL says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ecp_server.domain.catalog import Catalogs
from ecp_server.settings import Settings
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.graph.embedded import EmbeddedGraph
from ecp_server.stores.publish import Publisher

if TYPE_CHECKING:
    from ecp_server.stores.graph.neo4j import Neo4jGraph

_PUBLISH_SECONDS: Final = 300.0
"""For one batch: nobody waits for it."""


def graph_store(settings: Settings, catalogs: Catalogs) -> EmbeddedGraph | Neo4jGraph:
    """Return the adapter."""
    if (endpoint := _endpoint(settings)) is None:
        return EmbeddedGraph(catalogs)
    # With their driver.
    from ecp_server.stores.graph.neo4j import Neo4jGraph  # noqa: PLC0415
    from ecp_server.stores.graph.neo4j_connection import Neo4jConnection  # noqa: PLC0415

    connection = Neo4jConnection(
        endpoint, pool_size=settings.graph_pool_size, timeout_seconds=settings.store_timeout_seconds
    )
    return Neo4jGraph(connection, catalogs)


def graph_publisher(settings: Settings) -> Publisher | None:
    """Return what publishes catalogs to the graph; None where it is in memory."""
    if (endpoint := _endpoint(settings)) is None:
        return None
    # With their driver.
    from ecp_server.stores.graph.neo4j_connection import Neo4jConnection  # noqa: PLC0415
    from ecp_server.stores.graph.neo4j_publish import Neo4jPublisher  # noqa: PLC0415

    return Neo4jPublisher(Neo4jConnection(endpoint, pool_size=1, timeout_seconds=_PUBLISH_SECONDS))


def _endpoint(settings: Settings) -> Endpoint | None:
    url = settings.graph_url
    return None if url is None else Endpoint(url.get_secret_value(), settings.graph_password_file)
