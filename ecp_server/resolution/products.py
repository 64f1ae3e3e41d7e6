"""Metrics, terms and tables as policy sees them."""

from __future__ import annotations

from ecp_server.domain.catalog import Metric, Term
from ecp_server.domain.policy import Product

TERM_PREFIX = "term:"
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
    """Return the term as a product. Its id is prefixed: a term and a metric may share theirs."""
    return Product(id=TERM_PREFIX + term.id, kind="term", domain=term.domain, owner=term.owner)


def table_product(name: str) -> Product:
    """Return a table or column as a product."""
    return Product(id=TABLE_PREFIX + name, kind="table")
