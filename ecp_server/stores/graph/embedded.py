"""The graph of a catalog in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Catalogs
from ecp_server.domain.concepts import Hop
from ecp_server.domain.lineage import Lineage, NodeType
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.graph.hops import hops_from, simple_paths
from ecp_server.stores.graph.scopes import WAYS, IssueScopes, first_links
from ecp_server.stores.graph.walk import LineageGraph
from ecp_server.stores.ports import MAX_PATHS, IssueLink, Variations
from ecp_server.stores.versions import Versions


class EmbeddedGraph:
    """`ports.Graph` over the catalogs that are held, one index a version; answering does no I/O."""

    adapter = "embedded"
    in_memory = True

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs
        self._indexes = Versions(catalogs, StoreKind.GRAPH, _index)

    async def prepare(self, catalog: Catalog) -> None:
        """Build what questions about a catalog need, before it comes into force."""
        await self._indexes.prepare(catalog)

    async def probe(self) -> None:
        """Return when the catalog in force can be asked."""
        await self._indexes.of(self._catalogs.current.version)

    async def close(self) -> None:
        """Forget the indexes."""
        await self._indexes.close()

    async def variations(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Variations]:
        """See `ports.Graph`."""
        return (await self._indexes.of(version)).variations(refs)

    async def known_issues(self, version: str, metrics: Sequence[str]) -> Sequence[IssueLink]:
        """See `ports.Graph`."""
        return (await self._indexes.of(version)).known_issues(metrics)

    async def lineage(
        self, version: str, target: str, *, depth: int, downstream: bool, max_nodes: int
    ) -> Lineage | None:
        """See `ports.Graph`."""
        graph = (await self._indexes.of(version)).lineage
        return graph.lineage(target, depth=depth, downstream=downstream, max_nodes=max_nodes)

    async def paths(self, version: str, start: str, *, depth: int) -> Sequence[tuple[Hop, ...]]:
        """See `ports.Graph`."""
        return tuple(islice((await self._indexes.of(version)).paths(start, depth), MAX_PATHS))


class GraphIndex:
    """What one catalog's questions are answered from."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.lineage = LineageGraph(catalog)
        self._scopes = IssueScopes(catalog)
        self._issues: dict[str, tuple[IssueLink, ...]] = {}
        self._hops = hops_from(Hop(r.start, r.verb, r.end) for r in catalog.relations.values())

    def variations(self, refs: Sequence[AssetRef]) -> dict[AssetRef, Variations]:
        """See `ports.Graph`."""
        found: dict[AssetRef, Variations] = {}
        for ref in refs:
            if ref.kind is AssetKind.TERM and ref.id in self._catalog.terms:
                found[ref] = Variations(terms=self._catalog.terms[ref.id].variations)
            elif ref.kind is AssetKind.MEMBER and ref.id in self._catalog.members:
                found[ref] = Variations(members=self._catalog.members[ref.id].variations)
        return found

    def known_issues(self, metrics: Sequence[str]) -> tuple[IssueLink, ...]:
        """See `ports.Graph`. The walk upstream is made once a metric."""
        asked = tuple(dict.fromkeys(metrics))
        if len(asked) == 1:
            return self._issues_of(asked[0])
        return _in_order(link for metric in asked for link in self._issues_of(metric))

    def paths(self, start: str, depth: int) -> Iterator[tuple[Hop, ...]]:
        """See `simple_paths`."""
        return simple_paths(self._hops, start, depth)

    def _issues_of(self, metric: str) -> tuple[IssueLink, ...]:
        if metric not in self._catalog.metrics:
            return ()
        if metric not in self._issues:
            self._issues[metric] = self._links(metric)
        return self._issues[metric]

    def _links(self, metric: str) -> tuple[IssueLink, ...]:
        """Return each issue that may concern a metric once, by the first of the ways that `ports.Graph` names."""
        found = [(WAYS.index("any"), "", issue) for issue in self._scopes.anywhere]
        for node, _ in self.lineage.reach(metric, downstream=False):
            kind = self.lineage.type_of(node)
            way = WAYS.index("metric" if node == metric else "derived_from" if kind is NodeType.METRIC else "table")
            found += [(way, subject, issue) for subject, issue in self._scopes.of_node(node, kind)]
        return _in_order(first_links(metric, found))


def _in_order(links: Iterable[IssueLink]) -> tuple[IssueLink, ...]:
    return tuple(sorted(links, key=lambda link: (link.issue.id, link.metric)))


async def _index(catalog: Catalog) -> GraphIndex:
    return await asyncio.to_thread(GraphIndex, catalog)
