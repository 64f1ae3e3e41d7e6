"""Metrics, terms and tables as policy sees them."""

from __future__ import annotations

from ecp_server.domain.catalog import Metric, Term
from ecp_server.domain.policy import Product

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
