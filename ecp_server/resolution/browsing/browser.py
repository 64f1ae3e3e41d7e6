"""Answers about the catalog itself: the glossary, the metrics, the lineage; only what the user may discover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Catalogs, Metric
from ecp_server.domain.errors import ConceptNotFound
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.identity import Principal
from ecp_server.domain.impaired import nothing_impaired
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.provenance import Degradation
from ecp_server.domain.resolution import GlossaryTerm, MetricList
from ecp_server.domain.text import fold
from ecp_server.resolution.browsing.pages import Page, next_token, read_token
from ecp_server.resolution.glossary import metric_entry, term_entry
from ecp_server.resolution.prepared import Preparation
from ecp_server.resolution.rights.lineage_view import visible_lineage
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.searching.search import search
from ecp_server.stores.ports import Graph, Hit, Policy, Registry, Vector

_KINDS = frozenset({AssetKind.METRIC, AssetKind.TERM})
_SEARCHED = 150
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


class BrowseInstruments(Protocol):
    """The metrics of what is answered here."""

    def degraded_reply(self, store: str) -> None:
        """Count a reply in which something stood in for the store."""


@dataclass(frozen=True, slots=True)
class Browser:
    """Looks into the catalog in force for one user at a time."""

    catalogs: Catalogs
    preparation: Preparation
    graph: Graph
    vector: Vector
    registry: Registry
    policy: Policy
    instruments: BrowseInstruments

    async def search_glossary(self, text: str, domain: str, page: Page, principal: Principal) -> Found:
        """Return the terms and metrics nearest to a text, best first.

        Raises `InvalidQuery` for a page token that is not of this search.
        """
        prepared, impaired = self.preparation.of(self.catalogs.current), nothing_impaired()
        catalog = prepared.catalog
        offset = read_token(page.token, text, domain)
        found = await search(
            text, index=prepared.search_index, registry=self.registry, vector=self.vector, kinds=_KINDS, limit=_SEARCHED
        )
        visible = await Visibility(self.policy, principal).visible(prepared.products, [hit.ref for hit in found.hits])
        shown = [hit for hit in found.hits if hit.ref in visible and domain in ("", _domain(hit, catalog))]
        contexts = prepared.contexts.chain(principal.department)
        entries = tuple(_entry(hit, catalog, contexts, visible) for hit in shown[offset : offset + page.size])
        token = next_token(offset + page.size, len(shown), text, domain)
        for told in found.degradations:
            impaired.note(told)
        for told in impaired.degradations:
            self.instruments.degraded_reply(told.store.name.lower())
        return Found(entries, token, impaired.degradations)

    async def list_metrics(self, query: MetricQuery, page: Page, principal: Principal) -> MetricList:
        """Return a page of the metrics, by tier, then id.

        Raises `InvalidQuery` for a page token that is not of this list.
        """
        prepared = self.preparation.of(self.catalogs.current)
        scope = (query.dimension, query.domain, str(query.max_certification_tier), query.words)
        offset = read_token(page.token, *scope)
        wanted = [metric for metric in prepared.metrics_by_tier if _matches(metric, query)]
        visible = await Visibility(self.policy, principal).metrics(prepared.products, wanted)
        token = next_token(offset + page.size, len(visible), *scope)
        return MetricList(tuple(visible[offset : offset + page.size]), len(visible), token)

    async def lineage(
        self, target: str, *, depth: int, downstream: bool, max_nodes: int, principal: Principal
    ) -> Lineage:
        """Return the lineage of a node; what the user may not discover is a node without a name.

        Raises `ConceptNotFound` where there is no such node, or none for this user.
        """
        found = await visible_lineage(
            target,
            products=self.preparation.of(self.catalogs.current).products,
            graph=self.graph,
            visibility=Visibility(self.policy, principal),
            depth=depth,
            downstream=downstream,
            max_nodes=max_nodes,
        )
        if found is None:
            raise ConceptNotFound(f"the lineage has no node “{target}”")
        return found


def _domain(hit: Hit, catalog: Catalog) -> str:
    if hit.ref.kind is AssetKind.METRIC:
        return catalog.metrics[hit.ref.id].domain
    return catalog.terms[hit.ref.id].domain


def _entry(hit: Hit, catalog: Catalog, contexts: Sequence[str], visible: Iterable[AssetRef]) -> GlossaryTerm:
    if hit.ref.kind is AssetKind.METRIC:
        return metric_entry(catalog.metrics[hit.ref.id], score=hit.score)
    metrics = frozenset(ref.id for ref in visible if ref.kind is AssetKind.METRIC)
    return term_entry(catalog.terms[hit.ref.id], contexts, metrics, datetime.now(UTC).date(), score=hit.score)


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
