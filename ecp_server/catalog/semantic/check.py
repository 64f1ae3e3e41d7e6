"""What the catalog's documents must find in the semantic model, where there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ecp_server.catalog.documents import DimensionDocument, ManifestDocument, MetricDocument
from ecp_server.catalog.semantic.build import DAYS_ONLY
from ecp_server.catalog.sources import Findings
from ecp_server.catalog.validate import Entry
from ecp_server.catalog.yaml_documents import Path
from ecp_server.domain.semantic import DimensionType, SemanticModel

_UTC: Final = frozenset({"UTC", "Etc/UTC", "Z"})

Tell = Callable[[Path, str], None]


def check_addresses(entries: Sequence[Entry], model: SemanticModel, findings: Findings) -> None:
    """Tell of every address that the model lacks; of none where there is no model, as with a Cube elsewhere."""
    if not model:
        return
    manifest = next((e.document for e in entries if isinstance(e.document, ManifestDocument)), None)
    zone = manifest.default_time_zone if manifest is not None else "UTC"
    for entry in entries:

        def tell(path: Path, message: str, source: Entry = entry) -> None:
            findings.add(source.source, path, message)

        if isinstance(entry.document, MetricDocument):
            _check_metric(entry.document, model, zone, tell)
        elif isinstance(entry.document, DimensionDocument):
            _check_dimension(entry.document, model, tell)


def _check_metric(metric: MetricDocument, model: SemanticModel, default_zone: str, tell: Tell) -> None:
    if metric.semantic_ref is not None and model.measure(metric.semantic_ref) is None:
        tell(("semantic_ref",), f"the semantic model has no measure {metric.semantic_ref!r}")
    for position, column in enumerate(metric.pii_columns):
        if model.dimension(column) is None:
            tell(("pii_columns", position), f"the semantic model has no dimension {column!r}")
    if metric.time_dimension is None:
        return
    time = model.dimension(metric.time_dimension)
    if time is None or time.type is not DimensionType.TIME:
        tell(("time_dimension",), f"the semantic model has no dimension {metric.time_dimension!r} of type time")
    elif time.days_only is None and (metric.time_zone or default_zone) not in _UTC:
        tell(
            ("time_dimension",),
            f"{metric.time_dimension} is read in {metric.time_zone or default_zone}: the semantic model has to say "
            f"`meta: {{{DAYS_ONLY}: true}}` where its values are days, false where they are instants",
        )


def _check_dimension(dimension: DimensionDocument, model: SemanticModel, tell: Tell) -> None:
    addresses: list[tuple[Path, str | None]] = [(("semantic_ref",), dimension.semantic_ref)]
    addresses += [(("levels", n, "ref"), level.ref) for n, level in enumerate(dimension.levels)]
    addresses += [(("bindings", n, "ref"), binding.ref) for n, binding in enumerate(dimension.bindings)]
    for path, address in addresses:
        if address is not None and model.dimension(address) is None:
            tell(path, f"the semantic model has no dimension {address!r}")
    for position, binding in enumerate(dimension.bindings):
        if binding.cube not in model.cubes:
            tell(("bindings", position, "cube"), f"the semantic model has no cube {binding.cube!r}")
