"""The graph with the registry's copy in reserve: definitions, variations and issues; lineage and paths have none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

from ecp_server.domain.catalog import AssetRef
from ecp_server.domain.concepts import Hop
from ecp_server.domain.errors import StoreError, StoreUnavailable
from ecp_server.domain.impaired import IMPAIRED
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.ports import Graph, IssueLink, Variations
from ecp_server.stores.standins.stand_in import StandIn

T = TypeVar("T")

REGISTRY_COPY: Final = "registry_copy"


class GraphWithCopy:
    """`ports.Graph` that asks a copy where the graph fails."""

    def __init__(self, graph: Graph, copy: Graph) -> None:
        """``copy`` answers from the catalog as it was loaded, whose version is the one that is asked about."""
        self._graph = graph
        self._copy = copy
        self._stand_in = StandIn(StoreKind.GRAPH, REGISTRY_COPY, copy.adapter)

    @property
    def adapter(self) -> str:
        """Return the name of the graph's engine."""
        return self._graph.adapter

    async def variations(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Variations]:
        """See `ports.Graph`."""
        return await self._stand_in.ask(
            "variations",
            lambda: self._graph.variations(version, refs),
            lambda: self._copy.variations(version, refs),
        )

    async def known_issues(self, version: str, metrics: Sequence[str]) -> Sequence[IssueLink]:
        """See `ports.Graph`."""
        return await self._stand_in.ask(
            "known_issues",
            lambda: self._graph.known_issues(version, metrics),
            lambda: self._copy.known_issues(version, metrics),
        )

    async def lineage(
        self, version: str, target: str, *, depth: int, downstream: bool, max_nodes: int
    ) -> Lineage | None:
        """See `ports.Graph`. Raises `StoreUnavailable` whatever went wrong."""
        return await _alone(
            lambda: self._graph.lineage(version, target, depth=depth, downstream=downstream, max_nodes=max_nodes)
        )

    async def paths(self, version: str, start: str, *, depth: int) -> Sequence[tuple[Hop, ...]]:
        """See `ports.Graph`. Raises `StoreUnavailable` whatever went wrong."""
        return await _alone(lambda: self._graph.paths(version, start, depth=depth))

    async def probe(self) -> None:
        """Probe the graph."""
        await self._graph.probe()

    async def close(self) -> None:
        """Close it; what stands in belongs to whoever made it."""
        await self._graph.close()


async def _alone(asked: Callable[[], Awaitable[T]]) -> T:
    """Ask for what nothing stands in for, but not a graph that has failed this call already."""
    impaired = IMPAIRED.get()
    if impaired is not None and StoreKind.GRAPH in impaired:
        raise StoreUnavailable(StoreKind.GRAPH)
    try:
        return await asked()
    except StoreUnavailable:
        raise
    except StoreError as error:
        raise StoreUnavailable(StoreKind.GRAPH) from error
