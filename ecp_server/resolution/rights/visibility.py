"""What a principal may discover; what is not visible does not exist for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from ecp_server.domain.catalog import AssetKind, AssetRef, Metric
from ecp_server.domain.frozen import replace
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, PolicyQuestion, Product
from ecp_server.domain.provenance import STORE_CALLS
from ecp_server.resolution.rights.products import Products
from ecp_server.stores.ports import Policy


class Visibility:
    """Asks policy in batches what one principal may discover; remembers nothing but by which policies it may."""

    def __init__(self, policy: Policy, principal: Principal) -> None:
        self._policy = policy
        self._principal = principal
        self.policies: set[str] = set()
        """Policies that allowed what is told of; those that hid something, or allowed more, would betray it."""
        self._allowed_by: dict[Product, str] = {}

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
                self._allowed_by[product] = decision.policy
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

    def tell(self, products: Products, refs: Iterable[AssetRef], visible: frozenset[AssetRef]) -> None:
        """Tell by which policies these may be shown, with all that is visible of what an answer about them can show."""
        reach = products.reach_of(ref for ref in refs if ref in visible)
        self.tell_of([metric.product for metric in reach.metrics.values() if metric.ref in visible])
        self.tell_of([term.product for term in reach.terms.values() if term.ref in visible])

    def tell_of(self, products: Iterable[Product]) -> None:
        """Tell by which policies these may be shown."""
        self.policies.update([self._allowed_by[product] for product in products if product in self._allowed_by])

    async def metrics(self, products: Products, metrics: Sequence[Metric]) -> list[Metric]:
        """Return the visible ones of the metrics, in their order."""
        refs = {metric.id: AssetRef(AssetKind.METRIC, metric.id) for metric in metrics}
        with told_as_one(lambda: bool(shown)):
            visible = await self.visible(products, refs.values())
            shown = [metric for metric in metrics if refs[metric.id] in visible]
        self.tell(products, [refs[metric.id] for metric in shown], visible)
        return shown

    async def first_metrics(self, products: Products, metrics: Iterable[Metric], limit: int) -> tuple[Metric, ...]:
        """Return the first ``limit`` visible metrics, in the order given, asking no more than it needs."""
        found: list[Metric] = []
        batch: list[Metric] = []
        visible: frozenset[AssetRef] = frozenset()

        async def ask() -> None:
            nonlocal visible
            refs = [AssetRef(AssetKind.METRIC, metric.id) for metric in batch]
            visible |= await self.visible(products, refs)
            found.extend([metric for metric, ref in zip(batch, refs, strict=True) if ref in visible])
            batch.clear()

        with told_as_one(lambda: bool(found)):
            for metric in metrics:
                batch.append(metric)
                if len(batch) == limit * 2:
                    await ask()
                    if len(found) >= limit:
                        break
            await ask()
        first = found[:limit]
        self.tell(products, [AssetRef(AssetKind.METRIC, metric.id) for metric in first], visible)
        return tuple(first)


@contextmanager
def told_as_one(something: Callable[[], bool]) -> Iterator[None]:
    """Tell of the questions to policy inside as of one, and of none where nothing came of it.

    How many they were, or that there was one at all, would tell how much is hidden.
    """
    calls = STORE_CALLS.get()
    before = len(calls) if calls is not None else 0
    yield
    if calls is None or len(calls) == before:
        return
    asked = calls[before:]
    taken = sum([call.duration_ms for call in asked])
    calls[before:] = [replace(asked[0], duration_ms=taken)] if something() else []
