"""What metrics are computed from."""

from __future__ import annotations

from ecp_server.domain.catalog import Catalog, Metric
from ecp_server.domain.period import Grain


def computed_from(catalog: Catalog, metric: Metric) -> list[Metric]:
    """Return the metrics that a metric is computed from, directly or not; a loaded catalog has no cycles."""
    parts = [catalog.metrics[part] for part in metric.inputs]
    return parts + [deeper for part in parts for deeper in computed_from(catalog, part)]


class Derivations:
    """What the metrics of one catalog are computed from, each worked out when it is first asked for."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._read: dict[str, tuple[Metric, ...]] = {}
        self._cubes: dict[str, tuple[str, ...]] = {}
        self._coarsest: dict[str, Grain] = {}

    def cubes(self, metric: Metric) -> tuple[str, ...]:
        """Return the cubes that a metric is read from, directly or through what it is computed from, each once."""
        cubes = self._cubes.get(metric.id)
        if cubes is None:
            read = [each.semantic_ref.partition(".")[0] for each in self.read_for(metric) if each.semantic_ref]
            cubes = self._cubes[metric.id] = tuple(dict.fromkeys(read))
        return cubes

    def coarsest(self, metric: Metric) -> Grain:
        """Return the coarsest grain of the data that a metric is computed from."""
        grain = self._coarsest.get(metric.id)
        if grain is None:
            grain = self._coarsest[metric.id] = max([each.time_grain for each in self.read_for(metric)])
        return grain

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
