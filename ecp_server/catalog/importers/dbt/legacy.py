"""Semantic models and metrics under keys of their own: the notation of dbt 1.6 to 1.11, and of its manifest."""

from __future__ import annotations

from typing import Final

from ecp_server.catalog.importers.dbt.docs_blocks import DocsBlocks
from ecp_server.catalog.importers.dbt.elements import (
    description_of,
    enabled,
    expression_of,
    filters_of,
    grain_of,
    meta_of,
    metric_input,
    name_of,
    non_additive_of,
    window_of,
)
from ecp_server.catalog.importers.dbt.relations import relation_of_manifest, relation_of_ref
from ecp_server.catalog.importers.dbt.spec import (
    Dimension,
    Entity,
    EntityType,
    Measure,
    MeasureInput,
    Metric,
    MetricInput,
    MetricType,
    SemanticModel,
)
from ecp_server.catalog.importers.nodes import Node

_OF_A_MANIFEST: Final = ("metadata",)


def read_model(node: Node, docs: DocsBlocks) -> SemanticModel | None:
    """Return a semantic model, or None where it is switched off or has no name; what is wrong is told."""
    if not enabled(node):
        return None
    name = name_of(node)
    node = node.named(f"semantic model {name}")
    if node.has("node_relation") or not node.has("model"):
        relation = relation_of_manifest(node)
        node.text("model")
    else:
        relation = relation_of_ref(node.text("model"), node)
    defaults = node.mapping("defaults")
    model = SemanticModel(
        name=name,
        relation=relation,
        place=node.place,
        primary_entity=node.text("primary_entity"),
        time_dimension=defaults.text("agg_time_dimension"),
        entities=tuple(e for each in node.mappings("entities") if (e := read_entity(each, docs)) is not None),
        dimensions=tuple(d for each in node.mappings("dimensions") if (d := _dimension(each, docs)) is not None),
        measures=tuple(m for each in node.mappings("measures") if (m := _measure(each, docs)) is not None),
        description=description_of(node, docs),
    )
    defaults.leave_out_rest()
    meta_of(node)
    node.text("label")  # what a cube is called shows nowhere
    node.leave_out_rest(*_OF_A_MANIFEST)
    return model if name and relation else None


def read_entity(node: Node, docs: DocsBlocks, column: str = "") -> Entity | None:
    """Return an entity; its type is told where it is none."""
    name = name_of(node) if node.has("name") or not column else column
    node = node.named(f"entity {name}")
    kind = node.required("type").casefold()
    if kind and kind not in tuple(EntityType):
        node.refuse(f"{kind!r} is no type of entity: {', '.join(EntityType)}", "type")
    # An entity is a key: what it is called and described as is said of no dimension.
    description_of(node, docs)
    node.text("label")
    meta_of(node)
    expr = expression_of(node, column or name)
    node.leave_out_rest(*_OF_A_MANIFEST)
    return Entity(name, EntityType(kind), expr, node.place) if name and kind in tuple(EntityType) else None


def _dimension(node: Node, docs: DocsBlocks) -> Dimension | None:
    name = name_of(node)
    node = node.named(f"dimension {name}")
    kind = node.required("type").casefold()
    params = node.mapping("type_params")
    given = Dimension(
        name=name,
        expr=expression_of(node, name),
        place=node.place,
        grain=grain_of(params.text("time_granularity"), node) if kind == "time" else "",
        label=node.text("label"),
        description=description_of(node, docs),
        meta=meta_of(node),
    )
    if params.has("validity_params"):
        params.leave_out("the validity of rows in time is not carried", "validity_params")
    params.leave_out_rest("validity_params")
    node.leave_out_rest(*_OF_A_MANIFEST, "is_partition")
    return given if _is_kind(kind, node) and name else None


def _is_kind(kind: str, node: Node) -> bool:
    if kind not in ("time", "categorical", ""):
        node.refuse(f"{kind!r} is no type of dimension: time, categorical", "type")
    return kind in ("time", "categorical")


def _measure(node: Node, docs: DocsBlocks) -> Measure | None:
    name = name_of(node)
    node = node.named(f"measure {name}")
    agg = node.required("agg").casefold()
    given = Measure(
        name=name,
        agg=agg,
        expr=expression_of(node, name),
        place=node.place,
        time_dimension=node.text("agg_time_dimension"),
        non_additive=non_additive_of(node),
        percentile=percentile_of(node.mapping("agg_params")),
        discrete=node.mapping("agg_params").truth("use_discrete_percentile"),
        label=node.text("label") or node.text("create_metric_display_name"),
        description=description_of(node, docs),
        create_metric=node.truth("create_metric"),
        meta=meta_of(node),
    )
    leave_out_approximation(node.mapping("agg_params"))
    node.leave_out_rest(*_OF_A_MANIFEST)
    return given if name and agg else None


def percentile_of(params: Node) -> str:
    """Return the percentile of `agg_params`; "" where there is none."""
    return params.text("percentile")


def leave_out_approximation(params: Node) -> None:
    """Tell of what a percentile is computed by, where it is not the exact one."""
    if params.truth("use_approximate_percentile"):
        params.leave_out("the percentile is computed exactly, not approximately")
    params.leave_out_rest()


def read_metric(node: Node, docs: DocsBlocks) -> tuple[Metric, tuple[str, Measure] | None] | None:
    """Return a metric, and the measure that it holds itself with its model, where it holds one (newer manifests)."""
    if not enabled(node):
        return None
    name = name_of(node)
    node = node.named(f"metric {name}")
    kind = node.required("type").casefold()
    if kind and kind not in tuple(MetricType):
        node.refuse(f"{kind!r} is no type of metric: {', '.join(MetricType)}", "type")
    if not name or kind not in tuple(MetricType):
        return None
    params = node.mapping("type_params").named(node.subject)
    kind = MetricType(kind)
    measure = measure_input(params, "measure")
    own = _own_measure(params, name) if measure is None else None
    metric = Metric(
        name=name,
        type=kind,
        place=node.place,
        label=node.text("label"),
        description=description_of(node, docs),
        filters=filters_of(node),
        measure=measure or (MeasureInput(name) if own is not None else None),
        inputs=_inputs(params, kind),
        expr=params.text("expr"),
        window=_cumulative(params, "window"),
        grain_to_date=_cumulative(params, "grain_to_date"),
        meta=meta_of(node),
    )
    _leave_out_rest(node, params)
    return metric, own


def _inputs(params: Node, kind: MetricType) -> tuple[MetricInput, ...]:
    """Return the metrics that a metric is made of."""
    if kind is MetricType.RATIO:
        keys = [key for key in ("numerator", "denominator") if params.has(key)]
        if len(keys) < len(("numerator", "denominator")):
            params.refuse("a ratio has a numerator and a denominator")
        nodes = [params.node(key) for key in keys]
    elif kind is MetricType.DERIVED:
        nodes = params.items("metrics")
        if not nodes:
            params.refuse("a derived metric has metrics that it is made of")
    elif kind is MetricType.CUMULATIVE:
        made_of = params.mapping("cumulative_type_params")
        nodes = [made_of.node("metric")] if made_of.has("metric") else []
    else:
        nodes = []
    return tuple(given for node in nodes if (given := metric_input(node.named(params.subject))) is not None)


def _cumulative(params: Node, key: str) -> str:
    """Return a key of a cumulative metric; before dbt 1.9 it stood beside the measure."""
    nested = params.mapping("cumulative_type_params")
    return window_of(nested, key) or window_of(params, key)


def measure_input(params: Node, key: str) -> MeasureInput | None:
    """Return a measure that is written as a name, or as a mapping."""
    node = params.node(key)
    if isinstance(node.value, str) and node.value.strip():
        return MeasureInput(node.value.strip())
    if not isinstance(node.value, dict):
        if node.value is not None:
            node.refuse(f"{key} should be the name of a measure, or a mapping with its name")
        return None
    name, filters = node.required("name"), filters_of(node)
    node.text("alias")  # a simple metric has one measure: nothing is told apart
    leave_out_nulls(node)
    node.leave_out_rest()
    return MeasureInput(name, filters) if name else None


def leave_out_nulls(node: Node) -> None:
    """Tell of what a metric does where there are no rows: a figure without rows is null here, with the reason."""
    if node.text("fill_nulls_with"):
        node.leave_out("fill_nulls_with is not carried: without rows the figure is null, with its reason")
    if node.truth("join_to_timespine"):
        node.leave_out("join_to_timespine is not carried: every part of a period is in the answer anyway")


def _own_measure(params: Node, name: str) -> tuple[str, Measure] | None:
    """Return the aggregation that a metric of a newer manifest holds itself."""
    own = params.mapping("metric_aggregation_params")
    model, agg = own.text("semantic_model"), own.text("agg").casefold()
    if not model or not agg:
        return None
    measure = Measure(
        name=name,
        agg=agg,
        expr=own.text("expr") or params.text("expr") or name,
        place=own.place,
        time_dimension=own.text("agg_time_dimension"),
        non_additive=non_additive_of(own),
        percentile=percentile_of(own.mapping("agg_params")),
        discrete=own.mapping("agg_params").truth("use_discrete_percentile"),
    )
    leave_out_approximation(own.mapping("agg_params"))
    own.leave_out_rest()
    leave_out_nulls(params)
    return model, measure


def _leave_out_rest(node: Node, params: Node) -> None:
    cumulative = params.mapping("cumulative_type_params")
    if cumulative.text("period_agg") not in ("", "first"):
        cumulative.leave_out("period_agg is not carried: a running total is read at the end of a period")
    cumulative.leave_out_rest()
    # What these hold is told with the metric, or follows from the rest.
    params.leave_out_rest("conversion_type_params", "input_measures", "is_private")
    if node.text("time_granularity"):
        node.leave_out("time_granularity is not carried: the question says what a period is broken into")
    node.leave_out_rest(*_OF_A_MANIFEST)
