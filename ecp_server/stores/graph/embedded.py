"""The graph of a catalog in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Catalogs, KnownIssue, Relation
from ecp_server.domain.concepts import Hop
from ecp_server.domain.lineage import Lineage, NodeType
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.graph.walk import LineageGraph
from ecp_server.stores.lineage import node_name, source_table
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
        active = [issue for issue in sorted(catalog.known_issues.values(), key=lambda i: i.id) if issue.active]
        self._by_metric = _group((name, issue) for issue in active for name in issue.scope.metrics or ())
        self._by_table = _group((node_name(name), issue) for issue in active for name in issue.scope.tables or ())
        self._anywhere = [i for i in active if i.scope.metrics is None and i.scope.tables is None]
        self._issues: dict[str, tuple[IssueLink, ...]] = {}
        self._hops = _relations(catalog.relations.values())

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
        links = [link for metric in dict.fromkeys(metrics) for link in self._issues_of(metric)]
        return tuple(sorted(links, key=lambda link: (link.issue.id, link.metric)))

    def paths(self, start: str, depth: int) -> Iterator[tuple[Hop, ...]]:
        """Yield simple paths, shortest first, then by the ids and verbs along them."""
        level: list[tuple[Hop, ...]] = [()]
        for _ in range(depth):
            longer: list[tuple[Hop, ...]] = []
            for path in level:
                visited = {start, *(hop.end for hop in path)}
                for hop in self._hops.get(path[-1].end if path else start, ()):
                    if hop.end not in visited:
                        longer.append((*path, hop))
                        yield longer[-1]
            level = longer

    def _issues_of(self, metric: str) -> tuple[IssueLink, ...]:
        if metric not in self._catalog.metrics:
            return ()
        if metric not in self._issues:
            self._issues[metric] = self._links(metric)
        return self._issues[metric]

    def _links(self, metric: str) -> tuple[IssueLink, ...]:
        """Return each issue that may concern a metric once, by the first of the ways that `ports.Graph` names."""
        inputs, tables = self._sources(metric)
        ways = (
            ("metric", [(metric, issue) for issue in self._by_metric.get(metric, ())]),
            ("derived_from", [(name, issue) for name in inputs for issue in self._by_metric.get(name, ())]),
            ("table", [(name, issue) for name in tables for issue in self._by_table.get(name, ())]),
            ("any", [("", issue) for issue in self._anywhere]),
        )
        links: dict[str, IssueLink] = {}
        for via, found in ways:
            for subject, issue in found:
                links.setdefault(issue.id, IssueLink(issue, metric, via, subject))
        return tuple(links.values())

    def _sources(self, metric: str) -> tuple[list[str], list[str]]:
        """Return the other metrics and the tables upstream of a metric, by name.

        A scope that names a column, or a source that was not said to be a table, is met by its own name too: an issue
        that fires too often can be seen, one that does not fire cannot.
        """
        upstream = [node for node, _ in self.lineage.reach(metric, downstream=False)]
        kinds = {node: self.lineage.type_of(node) for node in upstream}
        inputs = sorted(node for node, kind in kinds.items() if kind is NodeType.METRIC and node != metric)
        data = [node for node, kind in kinds.items() if kind in (NodeType.COLUMN, NodeType.TABLE)]
        return inputs, sorted({node_name(node) for node in data} | {source_table(node) for node in data})


async def _index(catalog: Catalog) -> GraphIndex:
    return await asyncio.to_thread(GraphIndex, catalog)


def _group(pairs: Iterable[tuple[str, KnownIssue]]) -> dict[str, list[KnownIssue]]:
    groups: dict[str, list[KnownIssue]] = {}
    for name, issue in pairs:
        groups.setdefault(name, []).append(issue)
    return groups


def _relations(relations: Iterable[Relation]) -> dict[str, list[Hop]]:
    """Return each node's hops in either direction, by end and verb; a hop reads in the direction that it is walked."""
    hops: dict[str, set[Hop]] = {}
    for relation in relations:
        hops.setdefault(relation.start, set()).add(Hop(relation.start, relation.verb, relation.end))
        hops.setdefault(relation.end, set()).add(Hop(relation.end, relation.verb, relation.start))
    return {node: sorted(found, key=lambda hop: (hop.end, hop.relation)) for node, found in hops.items()}
