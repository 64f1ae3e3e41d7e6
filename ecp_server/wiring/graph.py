"""The graph: the catalog in memory."""

from __future__ import annotations

from ecp_server.domain.catalog import Catalogs
from ecp_server.settings import Settings
from ecp_server.stores.graph.embedded import EmbeddedGraph
from ecp_server.stores.publish import Publisher


def graph_store(settings: Settings, catalogs: Catalogs) -> EmbeddedGraph:
    """Return the adapter."""
    return EmbeddedGraph(catalogs)


def graph_publisher(settings: Settings) -> Publisher | None:
    """Return what publishes catalogs to the graph; None where it is in memory."""
    return None
