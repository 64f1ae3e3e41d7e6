"""What a principal may discover; what is not visible does not exist for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Metric, Term
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, PolicyQuestion, Product
from ecp_server.resolution.derivation import computed_from
from ecp_server.resolution.rights.products import metric_product, term_product
from ecp_server.stores.ports import Policy


class Visibility:
    """Asks policy in batches what one principal may discover; remembers nothing itself."""

    def __init__(self, policy: Policy, principal: Principal) -> None:
        self._policy = policy
        self._principal = principal
        self.policies: set[str] = set()
        """Policies that allowed something; those that hid something would betray it."""

    async def allowed(self, products: Sequence[Product]) -> frozenset[str]:
        """Return the ids of the products that may be discovered. Raises `PolicyUnavailable`."""
        if not products:
            return frozenset()
        decisions = await self._policy.decide(PolicyQuestion(Action.DISCOVER, self._principal, tuple(products)))
        allowed = {p.id: d for p in products if (d := decisions.get(p.id)) is not None and d.allow}
        self.policies |= {decision.policy for decision in allowed.values()}
        return frozenset(allowed)

    async def visible(self, catalog: Catalog, refs: Iterable[AssetRef]) -> frozenset[AssetRef]:
        """Return which of these metrics and terms, and of all that an answer about them can show, are visible.

        That is their targets, what they are computed from and the metrics that a term can mean. A metric is not visible
        where something that it is computed from is not; a term is not where it stands for metrics and none of them is.
        """
        metrics, terms = _closure(catalog, refs)
        allowed, allowed_terms = await self._allowed_of(metrics, terms)
        shown = {
            metric.id
            for metric in metrics.values()
            if metric.id in allowed and all(part.id in allowed for part in computed_from(catalog, metric))
        }
        visible = {AssetRef(AssetKind.METRIC, metric_id) for metric_id in shown}
        for term in terms.values():
            meant = {metric.id for metric in term_metrics(catalog, term)}
            if term.id in allowed_terms and (not meant or meant & shown):
                visible.add(AssetRef(AssetKind.TERM, term.id))
        return frozenset(visible)

    async def _allowed_of(
        self, metrics: Mapping[str, Metric], terms: Mapping[str, Term]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Return the ids of the metrics and of the terms that are allowed; two evaluations where they share an id."""
        metric_products = [metric_product(metric) for metric in metrics.values()]
        term_products = [term_product(term) for term in terms.values()]
        if metrics.keys() & terms.keys():
            return await self.allowed(metric_products), await self.allowed(term_products)
        allowed = await self.allowed([*metric_products, *term_products])
        return allowed, allowed

    async def metrics(self, catalog: Catalog, metrics: Sequence[Metric]) -> list[Metric]:
        """Return the visible ones of the metrics, in their order."""
        visible = await self.visible(catalog, [AssetRef(AssetKind.METRIC, metric.id) for metric in metrics])
        return [metric for metric in metrics if AssetRef(AssetKind.METRIC, metric.id) in visible]

    async def first_metrics(self, catalog: Catalog, metrics: Iterable[Metric], limit: int) -> tuple[Metric, ...]:
        """Return the first ``limit`` visible metrics, in the order given, asking no more than it needs."""
        found: list[Metric] = []
        batch: list[Metric] = []
        for metric in metrics:
            batch.append(metric)
            if len(batch) == limit * 2:
                found += await self.metrics(catalog, batch)
                batch = []
                if len(found) >= limit:
                    return tuple(found[:limit])
        return tuple((found + await self.metrics(catalog, batch))[:limit])


def term_metrics(catalog: Catalog, term: Term) -> list[Metric]:
    """Return every metric that the term can mean, its own and default first."""
    ids = [term.metric, term.default, *(variation.metric for variation in term.variations)]
    return [catalog.metrics[i] for i in dict.fromkeys(ids) if i is not None]


def _closure(catalog: Catalog, refs: Iterable[AssetRef]) -> tuple[dict[str, Metric], dict[str, Term]]:
    metrics: dict[str, Metric] = {}
    terms: dict[str, Term] = {}
    for ref in refs:
        if ref.kind is AssetKind.METRIC:
            metrics[ref.id] = catalog.metrics[ref.id]
        elif ref.kind is AssetKind.TERM:
            terms[ref.id] = catalog.terms[ref.id]
            metrics |= {metric.id: metric for metric in term_metrics(catalog, terms[ref.id])}
    for metric in list(metrics.values()):
        metrics |= {target.metric: catalog.metrics[target.metric] for target in metric.targets}
    for metric in list(metrics.values()):
        metrics |= {part.id: part for part in computed_from(catalog, metric)}
    return metrics, terms
