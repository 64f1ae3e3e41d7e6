"""The graph of published catalogs in Neo4j."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Catalogs
from ecp_server.domain.concepts import Hop
from ecp_server.domain.errors import NotPublished, StoreQueryFailed
from ecp_server.domain.lineage import Lineage, LineageEdge, LineageNode, NodeType
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.graph import cypher
from ecp_server.stores.graph.documents import MEMBER_VARIATIONS, TERM_VARIATIONS, read_back, read_issue
from ecp_server.stores.graph.hops import hops_from, simple_paths
from ecp_server.stores.graph.neo4j_connection import Neo4jConnection
from ecp_server.stores.graph.neo4j_replies import (
    KnownIssuesReply,
    LineageReply,
    RelationsReply,
    Reply,
    VariationsReply,
)
from ecp_server.stores.graph.scopes import WAYS, first_links
from ecp_server.stores.ports import MAX_PATHS, IssueLink, Variations

R = TypeVar("R", bound=Reply)

ADAPTER: Final = "neo4j"


class Neo4jGraph:
    """`ports.Graph` over the versions that `Neo4jPublisher` has published; each question is one round trip.

    A version that is held but was not published is `NotPublished`: it came from elsewhere, or this was away.
    """

    adapter = ADAPTER

    def __init__(self, connection: Neo4jConnection, catalogs: Catalogs) -> None:
        self._connection = connection
        self._catalogs = catalogs
        self.concurrency = connection.pool_size

    async def prepare(self, catalog: Catalog) -> None:
        """Nothing is to be made ready: the version was published before it came into force, or `probe` says so."""

    async def probe(self) -> None:
        """Return when the server answers and has the catalog in force."""
        await self._ask(Reply, cypher.PROBE, self._catalogs.current.version)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def variations(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Variations]:
        """See `ports.Graph`."""
        asked = [{"kind": ref.kind.value, "id": ref.id} for ref in dict.fromkeys(refs)]
        reply = await self._ask(VariationsReply, cypher.VARIATIONS, version, refs=asked)
        found = {AssetRef(AssetKind(asset.kind), asset.id): asset.variations for asset in reply.assets}
        return {ref: _variations(ref, found[ref]) for ref in refs if ref in found}

    async def known_issues(self, version: str, metrics: Sequence[str]) -> Sequence[IssueLink]:
        """See `ports.Graph`."""
        asked = list(dict.fromkeys(metrics))
        reply = await self._ask(
            KnownIssuesReply, cypher.KNOWN_ISSUES, version, metrics=asked, metric_type=NodeType.METRIC.value
        )
        issues = {issue.id: read_issue(issue.document) for issue in reply.issues}
        found: dict[str, list[tuple[int, str, str]]] = {}
        for link in reply.anywhere:
            found.setdefault(link.metric, []).append((WAYS.index("any"), "", link.issue))
        for scoped in reply.scoped:
            found.setdefault(scoped.metric, []).append((scoped.way, scoped.subject, scoped.issue))
        if any(issue not in issues for ways in found.values() for _, _, issue in ways):
            raise StoreQueryFailed(StoreKind.GRAPH)
        links = [
            link
            for metric, ways in found.items()
            for link in first_links(metric, ((way, subject, issues[issue]) for way, subject, issue in ways))
        ]
        return tuple(sorted(links, key=lambda link: (link.issue.id, link.metric)))

    async def lineage(
        self, version: str, target: str, *, depth: int, downstream: bool, max_nodes: int
    ) -> Lineage | None:
        """See `ports.Graph`."""
        text = cypher.lineage(depth, downstream=downstream)
        reply = await self._ask(LineageReply, text, version, target=target, depth=depth, max_nodes=max_nodes)
        if not reply.nodes:
            return None
        kept = [node for node in reply.nodes[:max_nodes] if node.depth <= depth]
        edges = sorted(reply.edges, key=lambda edge: (edge.start, edge.end, edge.place))
        return Lineage(
            target,
            tuple(LineageNode(node.id, node.type, node.name, node.depth) for node in kept),
            tuple(LineageEdge(edge.start, edge.end, edge.transformation) for edge in edges),
            truncated=len(kept) < len(reply.nodes),
        )

    async def paths(self, version: str, start: str, *, depth: int) -> Sequence[tuple[Hop, ...]]:
        """See `ports.Graph`."""
        reply = await self._ask(
            RelationsReply, cypher.relations(depth), version, start=start, depth=depth, max_nodes=MAX_PATHS + 1
        )
        hops = hops_from(Hop(relation.start, relation.verb, relation.end) for relation in reply.relations)
        return tuple(islice(simple_paths(hops, start, depth), MAX_PATHS))

    async def _ask(self, kind: type[R], text: str, version: str, **parameters: Any) -> R:
        reply = kind.read(await self._connection.read(text, {"version": version, **parameters}))
        if reply.published:
            return reply
        if self._catalogs.held(version) is not None:
            raise NotPublished(StoreKind.GRAPH)
        raise StoreQueryFailed(StoreKind.GRAPH)


def _variations(ref: AssetRef, text: str) -> Variations:
    if ref.kind is AssetKind.TERM:
        return Variations(terms=read_back(TERM_VARIATIONS, text))
    return Variations(members=read_back(MEMBER_VARIATIONS, text))
