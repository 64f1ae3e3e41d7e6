"""Makes metrics of the catalog of those of MetricFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from ecp_server.catalog.importers.dbt.arithmetic import NotArithmetic, arithmetic
from ecp_server.catalog.importers.dbt.carried import (
    GRAINS_OF_CATALOGS,
    Carried,
    Defaults,
    NotCarried,
    Wanted,
    created,
    length,
    models_of,
    time_aggregation,
)
from ecp_server.catalog.importers.dbt.cubes import Cubes
from ecp_server.catalog.importers.dbt.graph import ModelGraph, humanised
from ecp_server.catalog.importers.dbt.spec import (
    DUNDER,
    Measure,
    MeasureInput,
    Metric,
    MetricInput,
    MetricType,
    Project,
    SemanticModel,
)
from ecp_server.catalog.importers.dbt.sql import SqlReader
from ecp_server.catalog.importers.report import Report
from ecp_server.catalog.units import unit_conflicts
from ecp_server.domain.expressions import parse_derived

_DEEPEST: Final = 30


@dataclass(slots=True)
class Metrics:
    """The metrics of a project, each made when it, or one that is made of it, is asked for."""

    project: Project
    graph: ModelGraph
    cubes: Cubes
    sql: SqlReader
    report: Report
    defaults: Defaults
    starts: Mapping[str, Mapping[str, date]] = field(default_factory=dict)
    """The first days of time dimensions whose data is known, by model and dimension."""
    carried: dict[str, Carried] = field(default_factory=dict)
    """By id, those that others are made of before them."""
    _refused: dict[str, str] = field(default_factory=dict)
    _metrics: dict[str, Metric] = field(default_factory=dict)
    _measures: dict[str, tuple[SemanticModel, Measure]] = field(default_factory=dict)

    def carry_all(self) -> None:
        """Carry over every metric, and tell of each that cannot be."""
        for model in self.project.models:
            for measure in model.measures:
                if measure.name in self._measures:
                    first = self._measures[measure.name][1].place
                    self.report.refuse(measure.place, f"measure {measure.name}", f"is defined twice, first at {first}")
                self._measures.setdefault(measure.name, (model, measure))
        self._metrics = {metric.name: metric for metric in self.project.metrics}
        for _, measure in self._measures.values():
            if measure.create_metric:
                self._metrics.setdefault(measure.name, created(measure))
        for metric in list(self._metrics.values()):
            try:
                self._carry(Wanted(metric, metric.name, metric.label or humanised(metric.name)), _DEEPEST)
            except NotCarried as reason:
                self.report.leave_out(metric.place, f"metric {metric.name}", str(reason))
        self._carry_measures()

    def _carry_measures(self) -> None:
        """Carry over the measures that no metric needed: the semantic model has them all."""
        for model, measure in self._measures.values():
            found = self.cubes.measure(model, measure, (), measure.name)
            if isinstance(found, str):
                self.report.leave_out(measure.place, f"measure {measure.name}", found)

    def _carry(self, wanted: Wanted, depth: int) -> Carried:
        """Return a metric as the catalog has it. Raises `NotCarried` with the reason."""
        if wanted.id in self.carried:
            return self.carried[wanted.id]
        if wanted.id in self._refused:
            raise NotCarried(self._refused[wanted.id])
        if depth == 0:
            raise NotCarried(f"is made of itself, or of metrics more than {_DEEPEST} deep")
        try:
            document, models = self._made(wanted, depth)
        except NotCarried as reason:
            self._refused[wanted.id] = str(reason)
            raise
        start = self._start(document)
        # Since the month of its first day is all time, and can be broken into months.
        period = self.defaults.period or (f"since {start.replace(day=1)}" if start is not None else "")
        head = self._head(wanted)
        document = {**head, **document, "default_period": head.get("default_period") or period}
        carried = Carried({**document, "dimensions": self._dimensions(models)}, models, start)
        self.carried[wanted.id] = carried
        return carried

    def _made(self, wanted: Wanted, depth: int) -> tuple[Mapping[str, Any], tuple[SemanticModel, ...]]:
        metric = wanted.metric
        match metric.type:
            case MetricType.SIMPLE:
                if metric.measure is None:
                    raise NotCarried("has no measure")
                return self._simple(metric.measure, wanted)
            case MetricType.RATIO:
                return self._ratio(wanted, depth)
            case MetricType.DERIVED:
                return self._derived(wanted, depth)
            case MetricType.CUMULATIVE:
                return self._cumulative(wanted, depth)
            case MetricType.CONVERSION:
                raise NotCarried(
                    "is a conversion metric: how many of one event lead to another is no arithmetic of sums"
                )

    def _head(self, wanted: Wanted) -> Mapping[str, Any]:
        metric = wanted.metric
        said = metric.meta.catalog
        definition = metric.description or self._described(metric)
        if wanted.filters:
            definition = f"{definition.rstrip('.')}, only where {'; '.join(each.template for each in wanted.filters)}."
        return {
            "kind": "metric",
            "id": wanted.id,
            "name": wanted.name,
            "definition": definition,
            "domain": metric.meta.group or self.defaults.domain,
            "certification_tier": self.defaults.tier,
            "owner": metric.meta.owner or self.defaults.owner,
            **(said if not wanted.filters else {key: said[key] for key in said if key != "synonyms"}),
        }

    def _described(self, metric: Metric) -> str:
        """Return a definition where the project has none."""
        measure = (
            self._measures[metric.measure.name][1] if metric.measure and metric.measure.name in self._measures else None
        )
        if measure is not None and metric.type is MetricType.SIMPLE:
            return measure.description or f"{humanised(measure.agg)} of {measure.expr}."
        return f"{humanised(metric.type)} of {', '.join(given.name for given in metric.inputs) or metric.name}."

    # --- simple ---

    def _simple(self, given: MeasureInput, wanted: Wanted) -> tuple[Mapping[str, Any], tuple[SemanticModel, ...]]:
        if given.name not in self._measures:
            raise NotCarried(f"needs the measure {given.name}, which is nowhere")
        model, measure = self._measures[given.name]
        aggregation = time_aggregation(model, measure)
        filters = (*given.filters, *wanted.all_filters)
        found = self.cubes.measure(model, measure, filters, wanted.id if filters else measure.name)
        if isinstance(found, str):
            raise NotCarried(found if not filters else f"{found} (its filter, or the measure {measure.name})")
        time = measure.time_dimension or model.time_dimension
        dimension = next((each for each in model.dimensions if each.name == time), None)
        if dimension is None or not self.cubes.has_dimension(model.name, time):
            self.report.leave_out(
                measure.place, f"metric {wanted.id}", "has no time dimension: no period can be asked for"
            )
            dimension = None
        grain = dimension.grain if dimension is not None and dimension.grain in GRAINS_OF_CATALOGS[1:] else ""
        return {
            "unit": wanted.metric.meta.catalog.get("unit") or ("count" if found.counts else ""),
            "semantic_ref": found.ref,
            "time_dimension": f"{model.name}.{time}" if dimension is not None else "",
            "time_grain": grain,
            "time_aggregation": aggregation,
            "computed_from": found.columns,
        }, (model,)

    # --- computed from others ---

    def _ratio(self, wanted: Wanted, depth: int) -> tuple[Mapping[str, Any], tuple[SemanticModel, ...]]:
        inputs = [self._input(given, wanted, depth) for given in wanted.metric.inputs]
        names = ("numerator", "denominator")
        if len(inputs) != len(names):
            raise NotCarried("has no numerator and denominator")
        return {
            "unit": wanted.metric.meta.catalog.get("unit") or "ratio",
            "derived": {
                "expression": " / ".join(names),
                "inputs": [
                    self._document(given, carried, name)
                    for given, carried, name in zip(wanted.metric.inputs, inputs, names, strict=True)
                ],
            },
        }, models_of(inputs)

    def _derived(self, wanted: Wanted, depth: int) -> tuple[Mapping[str, Any], tuple[SemanticModel, ...]]:
        metric = wanted.metric
        inputs = [self._input(given, wanted, depth) for given in metric.inputs]
        aliases = [given.alias or given.name for given in metric.inputs]
        twice = sorted({alias for alias in aliases if aliases.count(alias) > 1})
        if twice:
            raise NotCarried(f"calls two of its inputs {twice[0]}")
        try:
            expression = arithmetic(metric.expr, aliases, self.sql)
        except NotArithmetic as error:
            raise NotCarried(f"its expression {error}") from None
        units = {alias: carried.unit for alias, carried in zip(aliases, inputs, strict=True)}
        tree = parse_derived(expression)
        for left, right in unit_conflicts(tree, units):
            raise NotCarried(f"adds or subtracts {left} and {right}")
        return {
            "derived": {
                "expression": expression,
                "inputs": [
                    self._document(given, carried, alias)
                    for given, carried, alias in zip(metric.inputs, inputs, aliases, strict=True)
                ],
            }
        }, models_of(inputs)

    def _cumulative(self, wanted: Wanted, depth: int) -> tuple[Mapping[str, Any], tuple[SemanticModel, ...]]:
        metric = wanted.metric
        if metric.window and metric.grain_to_date:
            raise NotCarried("has a window and a grain to date, and can have one of them")
        if metric.inputs:
            base = self._input(metric.inputs[0], wanted, depth)
        elif metric.measure is not None:
            base = self._base(metric.measure, wanted, depth)
        else:
            raise NotCarried("is made of no metric or measure")
        running: dict[str, Any] = {"metric": base.id}
        if metric.grain_to_date:
            if metric.grain_to_date not in GRAINS_OF_CATALOGS:
                raise NotCarried(f"starts anew with each {metric.grain_to_date}, which is no unit of the catalog")
            running["grain_to_date"] = metric.grain_to_date
        else:
            running["window"] = length(metric.window) if metric.window else "all"
        return {"unit": metric.meta.catalog.get("unit") or base.unit, "cumulative": running}, base.models

    def _base(self, given: MeasureInput, wanted: Wanted, depth: int) -> Carried:
        """Return the metric of a measure: the project's own where there is one, else one made for the purpose."""
        filters = (*given.filters, *wanted.all_filters)
        for metric in self._metrics.values():
            if not filters and metric.type is MetricType.SIMPLE and not metric.filters and metric.measure == given:
                return self._carry(Wanted(metric, metric.name, metric.label or humanised(metric.name)), depth - 1)
        name = f"{wanted.id}{DUNDER}{given.name}"
        simple = Metric(name, MetricType.SIMPLE, wanted.metric.place, measure=MeasureInput(given.name))
        title = f"{humanised(given.name)} ({wanted.name})"
        return self._carry(Wanted(simple, name, title, filters), depth - 1)

    def _input(self, given: MetricInput, wanted: Wanted, depth: int) -> Carried:
        """Return an input as a metric of its own where it has filters of its own, or its metric has."""
        if given.offset_to_grain:
            raise NotCarried(f"reads {given.name} at the beginning of its {given.offset_to_grain}")
        metric = self._metrics.get(given.name)
        if metric is None:
            raise NotCarried(f"needs the metric {given.name}, which is nowhere")
        filters = (*given.filters, *wanted.all_filters)
        name = metric.label or humanised(metric.name)
        try:
            if not filters:
                return self._carry(Wanted(metric, metric.name, name), depth - 1)
            own = f"{wanted.id}{DUNDER}{given.alias or given.name}"
            return self._carry(Wanted(metric, own, f"{name} ({wanted.name})", filters), depth - 1)
        except NotCarried as reason:
            raise NotCarried(f"needs {given.name}, which is not carried: {reason}") from None

    def _document(self, given: MetricInput, carried: Carried, alias: str) -> Mapping[str, Any]:
        document = {"metric": carried.id}
        if alias != carried.id:
            document["alias"] = alias
        if given.offset:
            document["offset"] = length(given.offset)
        return document

    def _start(self, document: Mapping[str, Any]) -> date | None:
        """Return the first day of the data that a metric is read or computed from."""
        if "semantic_ref" in document:
            model, _, dimension = str(document["time_dimension"]).partition(".")
            return self.starts.get(model, {}).get(dimension)
        inputs = document["derived"]["inputs"] if "derived" in document else [document["cumulative"]]
        starts = [self.carried[given["metric"]].start for given in inputs]
        return min((start for start in starts if start is not None), default=None)

    def _dimensions(self, models: Sequence[SemanticModel]) -> list[str]:
        """Return the names of the dimensions that all the models have, as the first one names them."""
        first, *others = models
        known = [self.graph.shared_names(other) for other in others]
        return [
            name
            for name, address in self.graph.shared_names(first).items()
            if not address.dimension.is_time
            and self.cubes.has_dimension(address.model.name, address.dimension.name)
            and all(name in names and names[name].ref == address.ref for names in known)
        ]
