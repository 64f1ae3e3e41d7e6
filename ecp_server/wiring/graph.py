"""The graph: the catalog in memory."""

from __future__ import annotations

from ecp_server.domain.catalog import Catalogs
from ecp_server.settings import Settings
from ecp_server.stores.graph.embedded import EmbeddedGraph


def graph_store(settings: Settings, catalogs: Catalogs) -> EmbeddedGraph:
    """Return the adapter."""
    return EmbeddedGraph(catalogs)
