"""Semantic models within `models:`: the notation of dbt 1.12 and Fusion."""

from __future__ import annotations

from typing import Final

from ecp_server.catalog.importers.dbt.docs_blocks import DocsBlocks
from ecp_server.catalog.importers.dbt.elements import (
    description_of,
    enabled,
    filters_of,
    grain_of,
    meta_of,
    metric_input,
    name_of,
    non_additive_of,
    window_of,
)
from ecp_server.catalog.importers.dbt.legacy import leave_out_nulls, read_entity
from ecp_server.catalog.importers.dbt.spec import (
    Dimension,
    Entity,
    Measure,
    MeasureInput,
    Metric,
    MetricInput,
    MetricType,
    SemanticModel,
)
from ecp_server.catalog.importers.nodes import Node

_OFF: Final = frozenset({"false", "no", "off"})
# Told with the metric as a whole, which is not carried.
_OF_CONVERSIONS: Final = (
    "base_metric",
    "calculation",
    "constant_properties",
    "conversion_metric",
    "entity",
)


def has_semantics(node: Node) -> bool:
    """Tell whether a dbt model says that it is a semantic model."""
    given = node.value.get("semantic_model") if isinstance(node.value, dict) else None
    return given is not None


def read_model(node: Node, docs: DocsBlocks) -> tuple[SemanticModel, list[Metric]] | None:
    """Return the semantic model of a dbt model, and its metrics; None where it is switched off."""
    if not enabled(node):
        return None
    name = name_of(node)
    switch = node.node("semantic_model")
    if isinstance(switch.value, dict):
        on = switch.truth("enabled", default=True)
        semantic_name = name_of(switch) if switch.has("name") else name
        meta_of(switch)
        switch.leave_out_rest()
    else:
        on, semantic_name = str(switch.value).casefold() not in _OFF, name
    if not on:
        switch.named(f"model {name}").leave_out("its semantic model is switched off")
        return None
    subject = f"semantic model {semantic_name}"
    entities, dimensions = _columns(node, docs)
    derived = node.mapping("derived_semantics")
    entities += [e for each in derived.mappings("entities") if (e := read_entity(each, docs)) is not None]
    dimensions += [d for each in derived.mappings("dimensions") if (d := _dimension(each, docs)) is not None]
    derived.named(subject).leave_out_rest()
    metrics: list[Metric] = []
    measures: list[Measure] = []
    for each in node.mappings("metrics"):
        if (read := read_metric(each, docs)) is not None:
            metrics.append(read[0])
            measures += [] if read[1] is None else [read[1]]
    model = SemanticModel(
        name=semantic_name,
        relation=_relation(node, name),
        place=node.place,
        primary_entity=node.text("primary_entity"),
        time_dimension=node.text("agg_time_dimension"),
        entities=tuple(entities),
        dimensions=tuple(dimensions),
        measures=tuple(measures),
        description=description_of(node, docs),
    )
    return (model, metrics) if semantic_name else None


def _relation(node: Node, name: str) -> str:
    """Return the table of a model: its alias, else its name, with its latest version."""
    config = node.mapping("config")
    alias = config.text("alias")
    version = node.text("latest_version")
    return alias or (f"{name}_v{version}" if version else name)


def _columns(node: Node, docs: DocsBlocks) -> tuple[list[Entity], list[Dimension]]:
    entities: list[Entity] = []
    dimensions: list[Dimension] = []
    for column in node.mappings("columns"):
        if not column.has("entity") and not column.has("dimension"):
            continue
        name = column.required("name")
        for key in ("entity", "dimension"):
            if not column.has(key):
                continue
            given = column.node(key)
            if isinstance(given.value, str):  # `entity: foreign` says no more than the type
                given = column.as_mapping(key, "type")
            if not isinstance(given.value, dict):
                given.refuse(f"{key} should be a type, or a mapping with one")
            elif key == "entity":
                entities += [e for e in (read_entity(given, docs, name),) if e is not None]
            else:
                dimensions += [d for d in (_dimension(given, docs, column, name),) if d is not None]
    return entities, dimensions


def _dimension(node: Node, docs: DocsBlocks, column: Node | None = None, of_column: str = "") -> Dimension | None:
    """Return a dimension of a column, or one that has an expression of its own."""
    name = name_of(node) if node.has("name") or not of_column else of_column
    node = node.named(f"dimension {name}")
    kind = node.required("type").casefold()
    if kind not in ("time", "categorical", ""):
        node.refuse(f"{kind!r} is no type of dimension: time, categorical", "type")
    grain = node.text("granularity") or (column.text("granularity") if column is not None else "")
    description = description_of(node, docs) or (description_of(column, docs) if column is not None else "")
    given = Dimension(
        name=name,
        expr=node.text("expr") or of_column or name,
        place=node.place,
        grain=grain_of(grain, node) if kind == "time" else "",
        label=node.text("label"),
        description=description,
        meta=meta_of(node),
    )
    if node.has("validity_params"):
        node.leave_out("the validity of rows in time is not carried", "validity_params")
    node.leave_out_rest("validity_params", "is_partition")
    return given if name and kind in ("time", "categorical") else None


def read_metric(node: Node, docs: DocsBlocks) -> tuple[Metric, Measure | None] | None:
    """Return a metric, and the measure that a simple one is; what is wrong is told."""
    if not enabled(node):
        return None
    name = name_of(node)
    node = node.named(f"metric {name}")
    kind = node.required("type").casefold()
    if kind and kind not in tuple(MetricType):
        node.refuse(f"{kind!r} is no type of metric: {', '.join(MetricType)}", "type")
    if not name or kind not in tuple(MetricType):
        return None
    expr = node.text("expr")
    metric = Metric(
        name=name,
        type=MetricType(kind),
        place=node.place,
        label=node.text("label"),
        description=description_of(node, docs),
        filters=filters_of(node),
        measure=MeasureInput(name) if kind == MetricType.SIMPLE else None,
        inputs=_inputs(node, MetricType(kind)),
        expr=expr if kind == MetricType.DERIVED else "",
        window=window_of(node, "window"),
        grain_to_date=node.text("grain_to_date").casefold(),
        meta=meta_of(node),
    )
    measure = _measure(node, metric, expr) if metric.type is MetricType.SIMPLE else None
    _leave_out_rest(node)
    return metric, measure


def _inputs(node: Node, kind: MetricType) -> tuple[MetricInput, ...]:
    keys = {
        MetricType.RATIO: ("numerator", "denominator"),
        MetricType.CUMULATIVE: ("input_metric",),
    }.get(kind, ())
    for key in keys:
        if not node.has(key):
            node.refuse(f"{key} is required")
    nodes = [node.node(key) for key in keys if node.has(key)]
    if kind is MetricType.DERIVED:
        nodes = node.items("input_metrics")
        if not nodes:
            node.refuse("a derived metric has input_metrics")
    return tuple(given for each in nodes if (given := metric_input(each.named(node.subject))) is not None)


def _measure(node: Node, metric: Metric, expr: str) -> Measure | None:
    agg = node.required("agg").casefold()
    measure = Measure(
        name=metric.name,
        agg=agg,
        expr=expr or metric.name,
        place=metric.place,
        time_dimension=node.text("agg_time_dimension"),
        non_additive=non_additive_of(node),
        percentile=node.text("percentile"),
        discrete=node.text("percentile_type").casefold() == "discrete",
        description=metric.description,
    )
    leave_out_nulls(node)
    return measure if agg else None


def _leave_out_rest(node: Node) -> None:
    if node.text("period_agg") not in ("", "first"):
        node.leave_out("period_agg is not carried: a running total is read at the end of a period", "period_agg")
    if node.text("time_granularity"):
        node.leave_out("time_granularity is not carried: the question says what a period is broken into")
    if node.truth("hidden"):
        node.leave_out("hidden is not carried: who may ask for a metric is what policies say")
    node.leave_out_rest(*_OF_CONVERSIONS)
