"""Answers about the catalog itself: the glossary, the metrics, the lineage; only what the user may discover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Catalogs, Metric
from ecp_server.domain.errors import ConceptNotFound
from ecp_server.domain.identity import Principal
from ecp_server.domain.lineage import Lineage, LineageEdge, LineageNode, NodeType
from ecp_server.domain.provenance import Degradation
from ecp_server.domain.resolution import GlossaryTerm, MetricList
from ecp_server.domain.text import fold
from ecp_server.resolution.glossary import metric_entry, term_entry
from ecp_server.resolution.pages import Page, next_token, read_token
from ecp_server.resolution.prepared import Preparation
from ecp_server.resolution.products import TABLE_PREFIX, table_product
from ecp_server.resolution.search import search
from ecp_server.resolution.visibility import Visibility
from ecp_server.stores.ports import Graph, Hit, Policy, Registry, Vector

_KINDS = frozenset({AssetKind.METRIC, AssetKind.TERM})
_SEARCHED = 400
"""Candidates that a search looks at, so that what is filtered leaves enough."""


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """Which metrics to list; "" is any."""

    dimension: str = ""
    domain: str = ""
    max_certification_tier: int = 4
    words: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of glossary entries."""

    terms: tuple[GlossaryTerm, ...]
    next_page_token: str
    degradations: tuple[Degradation, ...]


@dataclass(frozen=True, slots=True)
class Browser:
    """Looks into the catalog in force for one user at a time."""

    catalogs: Catalogs
    preparation: Preparation
    graph: Graph
    vector: Vector
    registry: Registry
    policy: Policy

    async def search_glossary(self, text: str, domain: str, page: Page, principal: Principal) -> Found:
        """Return the terms and metrics nearest to a text, best first.

        Raises `InvalidQuery` for a page token that is not of this search.
        """
        prepared = self.preparation.of(self.catalogs.current)
        catalog = prepared.catalog
        offset = read_token(page.token, text, domain)
        found = await search(
            text, catalog=catalog, registry=self.registry, vector=self.vector, kinds=_KINDS, limit=_SEARCHED
        )
        visible = await Visibility(self.policy, principal).visible(catalog, [hit.ref for hit in found.hits])
        shown = [hit for hit in found.hits if hit.ref in visible and domain in ("", _domain(hit, catalog))]
        contexts = prepared.contexts.chain(principal.department)
        entries = tuple(_entry(hit, catalog, contexts, visible) for hit in shown[offset : offset + page.size])
        token = next_token(offset + page.size, len(shown), text, domain)
        return Found(entries, token, found.degradations)

    async def list_metrics(self, query: MetricQuery, page: Page, principal: Principal) -> MetricList:
        """Return a page of the metrics, by tier, then id.

        Raises `InvalidQuery` for a page token that is not of this list.
        """
        prepared = self.preparation.of(self.catalogs.current)
        scope = (query.dimension, query.domain, str(query.max_certification_tier), query.words)
        offset = read_token(page.token, *scope)
        wanted = [metric for metric in prepared.metrics_by_tier if _matches(metric, query)]
        visible = await Visibility(self.policy, principal).metrics(prepared.catalog, wanted)
        token = next_token(offset + page.size, len(visible), *scope)
        return MetricList(tuple(visible[offset : offset + page.size]), len(visible), token)

    async def lineage(
        self, target: str, *, depth: int, downstream: bool, max_nodes: int, principal: Principal
    ) -> Lineage:
        """Return the lineage of a node; what the user may not discover is a node without a name.

        Raises `ConceptNotFound` where there is no such node, or none for this user.
        """
        catalog = self.catalogs.current
        graph = await self.graph.lineage(
            catalog.version, target, depth=depth, downstream=downstream, max_nodes=max_nodes
        )
        if graph is None:
            raise _no_such(target)
        hidden = await self._hidden(graph.nodes, catalog, Visibility(self.policy, principal))
        if graph.target in hidden:
            raise _no_such(target)
        return _with_restricted(graph, hidden)

    async def _hidden(self, nodes: Sequence[LineageNode], catalog: Catalog, visibility: Visibility) -> frozenset[str]:
        metrics = {node.id for node in nodes if node.type is NodeType.METRIC}
        visible = await visibility.visible(catalog, [AssetRef(AssetKind.METRIC, metric) for metric in sorted(metrics)])
        tables = {node.id: _table(node) for node in nodes if node.type in (NodeType.TABLE, NodeType.COLUMN)}
        allowed = await visibility.allowed([table_product(table) for table in dict.fromkeys(tables.values())])
        hidden = {metric for metric in metrics if AssetRef(AssetKind.METRIC, metric) not in visible}
        hidden |= {node for node, table in tables.items() if TABLE_PREFIX + table not in allowed}
        return frozenset(hidden)


def _domain(hit: Hit, catalog: Catalog) -> str:
    if hit.ref.kind is AssetKind.METRIC:
        return catalog.metrics[hit.ref.id].domain
    return catalog.terms[hit.ref.id].domain


def _entry(hit: Hit, catalog: Catalog, contexts: Sequence[str], visible: Iterable[AssetRef]) -> GlossaryTerm:
    if hit.ref.kind is AssetKind.METRIC:
        return metric_entry(catalog.metrics[hit.ref.id], score=hit.score)
    metrics = frozenset(ref.id for ref in visible if ref.kind is AssetKind.METRIC)
    return term_entry(catalog.terms[hit.ref.id], contexts, metrics, score=hit.score)


def _matches(metric: Metric, query: MetricQuery) -> bool:
    if query.dimension and query.dimension not in metric.dimensions:
        return False
    if query.domain and query.domain != metric.domain:
        return False
    if metric.certification_tier > query.max_certification_tier:
        return False
    if not query.words:
        return True
    text = fold(" ".join((metric.id, metric.name, *metric.synonyms, *metric.acronyms, metric.definition)))
    return set(fold(query.words).split()) <= set(text.split())


def _table(node: LineageNode) -> str:
    """Return the table that a node is or belongs to: a column's id is its table's, a dot and a name."""
    if node.type is NodeType.TABLE:
        return node.id.removeprefix(TABLE_PREFIX)
    return node.id.rpartition(".")[0] or node.id


def _no_such(target: str) -> ConceptNotFound:
    return ConceptNotFound(f"the lineage has no node “{target}”")


def _with_restricted(graph: Lineage, hidden: frozenset[str]) -> Lineage:
    """Take names, ids and what tells of them away from hidden nodes; the shape of the graph stays."""
    if not hidden:
        return graph
    alias = {node_id: f"restricted:{i}" for i, node_id in enumerate(sorted(hidden), start=1)}
    nodes = tuple(
        LineageNode(alias[node.id], NodeType.RESTRICTED, "", node.depth) if node.id in alias else node
        for node in graph.nodes
    )
    edges = tuple(
        LineageEdge(alias.get(e.start, e.start), alias.get(e.end, e.end), "")
        if e.start in alias or e.end in alias
        else e
        for e in graph.edges
    )
    return replace(graph, nodes=nodes, edges=edges)
