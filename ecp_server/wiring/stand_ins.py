"""What stands in for stores that are servers: the loaded catalog, in the shape of their ports."""

from __future__ import annotations

import time

from ecp_server.domain.catalog import Catalog, Catalogs
from ecp_server.stores.graph.embedded import EmbeddedGraph
from ecp_server.stores.guard.guards import answers_from_memory
from ecp_server.stores.ports import Graph, Registry
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from ecp_server.stores.standins.graph import GraphWithCopy
from ecp_server.stores.standins.registry import RegistryWithCatalog


class StandIns:
    """Stand-ins for the stores that need one; those that answer from memory are the loaded catalog themselves."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs
        self._made: list[EmbeddedGraph | EmbeddedRegistry] = []
        self._loaded_at = time.monotonic()

    def graph(self, graph: Graph) -> Graph:
        """Return the graph with its stand-in."""
        if answers_from_memory(graph):
            return graph
        copy = EmbeddedGraph(self._catalogs)
        self._made.append(copy)
        return GraphWithCopy(graph, copy)

    def registry(self, registry: Registry) -> Registry:
        """Return the registry with its stand-in."""
        if answers_from_memory(registry):
            return registry
        loaded = EmbeddedRegistry(self._catalogs)
        self._made.append(loaded)
        return RegistryWithCatalog(registry, loaded, age_seconds=lambda: time.monotonic() - self._loaded_at)

    async def prepare(self, catalog: Catalog) -> None:
        """Make them ready for a catalog that was just loaded, so that nobody waits for that when a store fails."""
        for store in self._made:
            await store.prepare(catalog)
        self._loaded_at = time.monotonic()

    async def close(self) -> None:
        """Forget everything."""
        for store in self._made:
            await store.close()
