"""Metrics, terms and tables as policy sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Metric, Term
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.policy import Product
from ecp_server.resolution.derivation import computed_from

TABLE_PREFIX = "table:"


def metric_product(metric: Metric, *, tier: int | None = None) -> Product:
    """Return the metric as a product, judged with ``tier`` where given (a target is judged with its metric's)."""
    return Product(
        id=metric.id,
        kind="metric",
        certification_tier=metric.certification_tier if tier is None else tier,
        classification=metric.classification.value,
        domain=metric.domain,
        owner=metric.owner,
        dimensions=metric.dimensions,
        pii_columns=metric.pii_columns,
    )


def term_product(term: Term) -> Product:
    """Return the term as a product; a metric may have the same id, so they are asked about apart."""
    return Product(id=term.id, kind="term", domain=term.domain, owner=term.owner)


def table_product(name: str) -> Product:
    """Return a table as a product."""
    return Product(id=name, kind="table")


@dataclass(frozen=True, slots=True)
class GovernedMetric:
    """A metric, and the ids of those without which it does not exist for a user: what it is computed from."""

    ref: AssetRef
    product: Product
    parts: frozenset[str]


@dataclass(frozen=True, slots=True)
class GovernedTerm:
    """A term, and the ids of the metrics that it can mean."""

    ref: AssetRef
    product: Product
    metrics: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything that an answer about something of the catalog can show, by id."""

    metrics: Mapping[str, GovernedMetric]
    terms: Mapping[str, GovernedTerm]
    metric_products: tuple[Product, ...]
    term_products: tuple[Product, ...]
    mixed: bool
    """A metric and a term have the same id."""

    @classmethod
    def of(cls, metrics: Mapping[str, GovernedMetric], terms: Mapping[str, GovernedTerm]) -> Reach:
        """Return these metrics and terms, with the products that they are."""
        return cls(
            metrics,
            terms,
            tuple([metric.product for metric in metrics.values()]),
            tuple([term.product for term in terms.values()]),
            mixed=not metrics.keys().isdisjoint(terms),
        )


class Products:
    """The metrics and terms of one catalog as policy sees them, each worked out when it is first asked for."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._metrics: dict[str, GovernedMetric] = {}
        self._judged: dict[tuple[str, int], Product] = {}
        self._reaches: dict[AssetRef, Reach] = {}

    def metric(self, metric: Metric, *, tier: int | None = None) -> Product:
        """Return a metric as `metric_product` does; the same object each time."""
        key = (metric.id, metric.certification_tier if tier is None else tier)
        product = self._judged.get(key)
        if product is None:
            product = self._judged[key] = metric_product(metric, tier=tier)
        return product

    def reach(self, ref: AssetRef) -> Reach:
        """Return a metric or term with the metrics that it can mean, their targets, and what those are computed from.

        Nothing where it is neither.
        """
        reach = self._reaches.get(ref)
        if reach is None:
            reach = self._reaches[ref] = self._reach(ref)
        return reach

    def reach_of(self, refs: Iterable[AssetRef]) -> Reach:
        """Return several together."""
        reaches = [self.reach(ref) for ref in refs]
        if len(reaches) == 1:
            return reaches[0]
        metrics: dict[str, GovernedMetric] = {}
        terms: dict[str, GovernedTerm] = {}
        for reach in reaches:
            metrics.update(reach.metrics)
            terms.update(reach.terms)
        return Reach.of(metrics, terms)

    def _reach(self, ref: AssetRef) -> Reach:
        terms: dict[str, GovernedTerm] = {}
        named: list[Metric] = []
        if ref.kind is AssetKind.METRIC:
            named = [self.catalog.metrics[ref.id]]
        elif ref.kind is AssetKind.TERM:
            term = self.catalog.terms[ref.id]
            named = term_metrics(self.catalog, term)
            terms[term.id] = GovernedTerm(ref, term_product(term), frozenset(metric.id for metric in named))
        metrics = {metric.id: metric for metric in named}
        metrics |= {t.metric: self.catalog.metrics[t.metric] for metric in named for t in metric.targets}
        for metric in list(metrics.values()):
            metrics |= {part.id: part for part in computed_from(self.catalog, metric)}
        return Reach.of({metric.id: self._governed(metric) for metric in metrics.values()}, terms)

    def _governed(self, metric: Metric) -> GovernedMetric:
        found = self._metrics.get(metric.id)
        if found is None:
            parts = frozenset(part.id for part in computed_from(self.catalog, metric))
            found = GovernedMetric(AssetRef(AssetKind.METRIC, metric.id), self.metric(metric), parts)
            self._metrics[metric.id] = found
        return found


def term_metrics(catalog: Catalog, term: Term) -> list[Metric]:
    """Return every metric that the term can mean, its own and default first."""
    ids = [term.metric, term.default, *(variation.metric for variation in term.variations)]
    return [catalog.metrics[i] for i in dict.fromkeys(ids) if i is not None]
