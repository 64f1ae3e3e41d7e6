"""What a principal may discover; what is not visible does not exist for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ecp_server.domain.catalog import AssetKind, AssetRef, Metric
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, PolicyQuestion, Product
from ecp_server.resolution.rights.products import Products
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
        allowed: list[str] = []
        for product in products:
            decision = decisions.get(product.id)
            if decision is not None and decision.allow:
                allowed.append(product.id)
                self.policies.add(decision.policy)
        return frozenset(allowed)

    async def visible(self, products: Products, refs: Iterable[AssetRef]) -> frozenset[AssetRef]:
        """Return which of these metrics and terms, and of all that an answer about them can show, are visible.

        That is their targets, what they are computed from and the metrics that a term can mean. A metric is not visible
        where something that it is computed from is not; a term is not where it stands for metrics and none of them is.
        """
        reach = products.reach_of(refs)
        if reach.mixed:  # two evaluations, as products are told apart by their ids
            allowed = await self.allowed(reach.metric_products)
            allowed_terms = await self.allowed(reach.term_products)
        else:
            allowed = allowed_terms = await self.allowed(reach.metric_products + reach.term_products)
        shown = [name for name, metric in reach.metrics.items() if name in allowed and metric.parts <= allowed]
        visible = [reach.metrics[name].ref for name in shown]
        for name, term in reach.terms.items():
            if name in allowed_terms and (not term.metrics or not term.metrics.isdisjoint(shown)):
                visible.append(term.ref)
        return frozenset(visible)

    async def metrics(self, products: Products, metrics: Sequence[Metric]) -> list[Metric]:
        """Return the visible ones of the metrics, in their order."""
        visible = await self.visible(products, [AssetRef(AssetKind.METRIC, metric.id) for metric in metrics])
        return [metric for metric in metrics if AssetRef(AssetKind.METRIC, metric.id) in visible]

    async def first_metrics(self, products: Products, metrics: Iterable[Metric], limit: int) -> tuple[Metric, ...]:
        """Return the first ``limit`` visible metrics, in the order given, asking no more than it needs."""
        found: list[Metric] = []
        batch: list[Metric] = []
        for metric in metrics:
            batch.append(metric)
            if len(batch) == limit * 2:
                found += await self.metrics(products, batch)
                batch = []
                if len(found) >= limit:
                    return tuple(found[:limit])
        return tuple((found + await self.metrics(products, batch))[:limit])


def evaluations(products: Products, refs: Iterable[AssetRef]) -> int:
    """Return how often `Visibility.visible` asks policy about these."""
    reach = products.reach_of(refs)
    if reach.mixed:
        return sum(map(bool, (reach.metric_products, reach.term_products)))
    return 1 if reach.metric_products or reach.term_products else 0
