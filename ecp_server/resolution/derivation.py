"""What metrics are computed from."""

from __future__ import annotations

from ecp_server.domain.catalog import Catalog, Metric


def computed_from(catalog: Catalog, metric: Metric) -> list[Metric]:
    """Return the metrics that a metric is computed from, directly or not; a loaded catalog has no cycles."""
    parts = [catalog.metrics[part] for part in metric.inputs]
    return parts + [deeper for part in parts for deeper in computed_from(catalog, part)]


class Derivations:
    """What the metrics of one catalog are computed from, each worked out when it is first asked for."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._read: dict[str, tuple[Metric, ...]] = {}

    def read_for(self, metric: Metric) -> tuple[Metric, ...]:
        """Return a metric and all that it is computed from."""
        read = self._read.get(metric.id)
        if read is None:
            read = self._read[metric.id] = (metric, *computed_from(self._catalog, metric))
        return read


def needs_period(metric: Metric, catalog: Catalog) -> bool:
    """Tell whether an input of the metric is offset in time, so that no figure is possible without a period."""
    if metric.derived is None:
        return False
    return any(
        part.offset is not None or needs_period(catalog.metrics[part.metric], catalog) for part in metric.derived.inputs
    )
