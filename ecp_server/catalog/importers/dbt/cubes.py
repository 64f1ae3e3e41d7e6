"""The semantic model: a cube a model, in Cube's YAML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ecp_server.catalog.importers.dbt.elements import DAY, GRAINS
from ecp_server.catalog.importers.dbt.filters import FilterError, Reference, ReferenceKind, read_filter
from ecp_server.catalog.importers.dbt.graph import Address, ModelGraph, keys_of
from ecp_server.catalog.importers.dbt.spec import Filter, Measure, SemanticModel
from ecp_server.catalog.importers.dbt.sql import Expression, SqlError, SqlReader
from ecp_server.catalog.importers.report import Report

METRIC_TIME: Final = "metric_time"

_TYPES: Final = {
    "sum": "sum",
    "sum_boolean": "sum",
    "count": "count",
    "count_distinct": "count_distinct",
    "average": "avg",
    "avg": "avg",
    "min": "min",
    "max": "max",
    "median": "number",
    "percentile": "number",
}
_SHARE: Final = re.compile(r"0?\.[0-9]{1,6}|[01](?:\.0{1,6})?", re.ASCII)
_COUNTS: Final = frozenset({"sum_boolean", "count", "count_distinct"})


@dataclass(slots=True)
class Cube:
    """A cube in the making."""

    model: SemanticModel
    dimensions: dict[str, dict[str, Any]] = field(default_factory=dict)
    measures: dict[str, dict[str, Any]] = field(default_factory=dict)
    joins: list[dict[str, Any]] = field(default_factory=list)

    def document(self) -> Mapping[str, Any]:
        """Return it as Cube's YAML has it."""
        parts = {
            "joins": self.joins,
            "dimensions": [{"name": name, **given} for name, given in self.dimensions.items()],
            "measures": [{"name": name, **given} for name, given in self.measures.items()],
        }
        rows = f"SELECT * FROM {self.model.relation}"  # noqa: S608 - sql_table, in words that every Cube reads
        cube = {"name": self.model.name, "sql": rows, "description": self.model.description}
        return {key: value for key, value in (cube | parts).items() if value}


@dataclass(frozen=True, slots=True)
class CarriedMeasure:
    """A measure as the semantic model has it."""

    ref: str
    columns: tuple[str, ...]
    """Columns that it is computed from, with their tables."""
    counts: bool
    """It is a number of things."""


class Cubes:
    """Builds the cubes of a project."""

    def __init__(
        self,
        models: Mapping[str, SemanticModel],
        graph: ModelGraph,
        sql: SqlReader,
        report: Report,
        types: Mapping[str, Mapping[str, str]],
    ) -> None:
        """``types`` are those of dimensions whose data is known, by model and dimension."""
        self._graph, self._sql, self._report = graph, sql, report
        self._types = types
        self.cubes = {name: Cube(model) for name, model in models.items()}
        self._without: set[tuple[str, str]] = set()
        for cube in self.cubes.values():
            self._add_keys(cube)
            self._add_dimensions(cube)
        for cube in self.cubes.values():
            self._add_joins(cube)

    def has_dimension(self, model: str, dimension: str) -> bool:
        """Tell whether a cube has a dimension: one whose expression is not carried it has not."""
        return dimension in self.cubes[model].dimensions

    def measure(
        self, model: SemanticModel, measure: Measure, filters: tuple[Filter, ...], name: str
    ) -> CarriedMeasure | str:
        """Return a measure of that name over the rows that pass the filters, adding it; or why it is not carried."""
        kind = _TYPES.get(measure.agg)
        if kind is None:
            return f"aggregates by {measure.agg}, which the semantic model does not have"
        try:
            expression = self._sql.expression(measure.expr)
            conditions = [self._condition(model, measure, each) for each in filters]
            given = _aggregated(measure, kind, self._own(model, expression), expression.constant, conditions)
        except (SqlError, FilterError) as error:
            return str(error)
        given |= {"title": measure.label} if measure.label else {}
        given |= {"description": measure.description} if measure.description else {}
        cube = self.cubes[model.name]
        name = _free_name(cube, name, given)
        cube.measures[name] = given
        columns = tuple(dict.fromkeys(f"{model.relation}.{column.names[-1]}" for column in expression.columns))
        counts = measure.agg in _COUNTS or (measure.agg == "sum" and expression.constant == "1")
        return CarriedMeasure(f"{model.name}.{name}", columns, counts)

    def _add_keys(self, cube: Cube) -> None:
        keys = keys_of(cube.model)
        for entity in cube.model.entities:
            try:
                sql = self._own(cube.model, self._sql.expression(entity.expr))
            except SqlError as error:
                self._report.leave_out(entity.place, f"entity {entity.name} of {cube.model.name}", f"its key {error}")
                continue
            key = {"primary_key": True} if entity in keys else {}
            cube.dimensions[entity.name] = {"sql": sql, "type": "string", **key}

    def _add_dimensions(self, cube: Cube) -> None:
        for dimension in cube.model.dimensions:
            try:
                sql = self._own(cube.model, self._sql.expression(dimension.expr))
            except SqlError as error:
                self._report.leave_out(dimension.place, f"dimension {dimension.name} of {cube.model.name}", str(error))
                continue
            known = self._types.get(cube.model.name, {}).get(dimension.name, "string")
            given: dict[str, Any] = {"sql": sql, "type": "time" if dimension.is_time else known}
            given |= {"title": dimension.label} if dimension.label else {}
            given |= {"description": dimension.description} if dimension.description else {}
            if dimension.is_time and GRAINS.index(dimension.grain) >= DAY:
                given["meta"] = {"days_only": True}  # MetricFlow moves no day from zone to zone
            key = cube.dimensions.get(dimension.name, {}).get("primary_key")
            # Cube hides keys that do not say otherwise, and questions group by dimensions.
            cube.dimensions[dimension.name] = given | ({"primary_key": key, "shown": True} if key else {})

    def _add_joins(self, cube: Cube) -> None:
        for join in self._graph.joins(cube.model):
            ends = ((cube.model, join.own), (join.to, join.other))
            if not all(self.has_dimension(model.name, entity.name) and self._has_key(model) for model, entity in ends):
                continue  # a key that is not carried was told
            own = self._own(cube.model, self._sql.expression(join.own.expr))
            other = self._over(join.to, self._sql.expression(join.other.expr), f"{{{join.to.name}}}")
            cube.joins.append({"name": join.to.name, "sql": f"{own} = {other}", "relationship": join.relationship})

    def _has_key(self, model: SemanticModel) -> bool:
        return any("primary_key" in given for given in self.cubes[model.name].dimensions.values())

    def _own(self, model: SemanticModel, expression: Expression) -> str:
        """Return an expression over a model's columns as its cube writes it."""
        return self._over(model, expression, "{CUBE}")

    def _over(self, model: SemanticModel, expression: Expression, table: str) -> str:
        """Return an expression over a model's columns, each behind the table's name. Raises `SqlError`."""

        def written(names: tuple[str, ...], text: str) -> str:
            if len(names) > 1 and names[:-1] not in ((model.name,), (model.alias,)):
                raise SqlError(f"names {text}, which is no column of {model.name}")
            return f"{table}.{text.rpartition('.')[2].strip() if len(names) > 1 else text}"

        return expression.with_columns(written)

    def _condition(self, model: SemanticModel, measure: Measure, given: Filter) -> str:
        """Return a filter as SQL with references. Raises `FilterError` or `SqlError` where it is not carried."""
        pieces = read_filter(given.template)
        references = [piece for piece in pieces if isinstance(piece, Reference)]
        named = iter(range(len(pieces)))
        text = "".join(piece if isinstance(piece, str) else f"ecp_ref_{next(named)}" for piece in pieces)
        expression = self._sql.expression(text.strip())
        written = [self._reference(model, measure, reference) for reference in references]

        def with_reference(names: tuple[str, ...], text: str) -> str:
            position = text.removeprefix("ecp_ref_")
            if len(names) > 1 or position == text or not position.isdecimal() or int(position) >= len(written):
                raise FilterError(f"names {text} without Dimension(…)")
            return written[int(position)]

        return expression.with_columns(with_reference)

    def _reference(self, model: SemanticModel, measure: Measure, reference: Reference) -> str:
        if reference.kind is ReferenceKind.ENTITY:
            entity = self._graph.entity(model, reference.name)
            if entity is None or not self.has_dimension(model.name, entity.name):
                raise FilterError(f"refers to the entity {reference.name}, which {model.name} does not have")
            return self._own(model, self._sql.expression(entity.expr))
        address = self._addressed(model, measure, reference)
        dimension = address.dimension
        if not self.has_dimension(address.model.name, dimension.name):
            raise FilterError(f"refers to {reference.name}, which is not carried")
        sql = self._looked_up(model, address) if address.joins else f"{{CUBE.{dimension.name}}}"
        if not dimension.is_time:
            if reference.grain or reference.part:
                raise FilterError(f"cuts {reference.name}, which is no time, to a date")
            return sql
        sql = f"date_trunc('{reference.grain or dimension.grain}', {sql})"
        return f"extract({reference.part} from {sql})" if reference.part else sql

    def _looked_up(self, model: SemanticModel, address: Address) -> str:
        """Return a dimension of a joined model as a value of each row: a measure's filter sees its own rows alone."""
        aliases = [f"joined_{number}" for number, _ in enumerate(address.joins, start=1)]
        tables: list[str] = []
        on = ""
        at, alias = model, "{CUBE}"
        for join, name in zip(address.joins, aliases, strict=True):
            own = self._over(at, self._sql.expression(join.own.expr), alias)
            other = self._over(join.to, self._sql.expression(join.other.expr), name)
            tables.append(f"{join.to.relation} AS {name}" + (f" ON {own} = {other}" if tables else ""))
            on = on or f"{other} = {own}"
            at, alias = join.to, name
        value = self._over(at, self._sql.expression(address.dimension.expr), alias)
        # What stands in it was parsed: expressions over columns, and names of tables.
        return f"(SELECT {value} FROM {' JOIN '.join(tables)} WHERE {on})"  # noqa: S608 - as above

    def _addressed(self, model: SemanticModel, measure: Measure, reference: Reference) -> Address:
        if reference.name == METRIC_TIME:
            name = measure.time_dimension or model.time_dimension
            found = next((dimension for dimension in model.dimensions if dimension.name == name), None)
            if found is None:
                raise FilterError(f"refers to {METRIC_TIME}, which {model.name} does not have")
            return Address(model, found)
        address = self._graph.all_names(model).get(reference.name)
        if address is None:
            raise FilterError(f"refers to {reference.name}, which cannot be reached from {model.name}")
        return address


def _aggregated(
    measure: Measure, kind: str, value: str, constant: str | None, conditions: Sequence[str]
) -> dict[str, Any]:
    """Return a measure of Cube's; one that aggregates by itself has its conditions within. Raises `SqlError`."""
    if kind == "number":
        share = "0.5" if measure.agg == "median" else measure.percentile
        if not _SHARE.fullmatch(share):
            raise SqlError(f"takes the percentile {share[:20]!r}, which is none from 0 to 1")
        function = "percentile_disc" if measure.discrete else "percentile_cont"
        value = (
            f"CASE WHEN {' AND '.join(f'({each})' for each in conditions)} THEN {value} END" if conditions else value
        )
        return {"type": kind, "sql": f"{function}({share}) WITHIN GROUP (ORDER BY {value})"}
    filters = {"filters": [{"sql": each} for each in conditions]} if conditions else {}
    if constant is not None and (measure.agg == "count" or (measure.agg, constant) == ("sum", "1")):
        return {"type": "count", **filters}  # the number of rows
    if measure.agg == "sum_boolean":
        value = f"CASE WHEN {value} THEN 1 ELSE 0 END"
    return {"type": kind, "sql": value, **filters}


def _free_name(cube: Cube, name: str, given: Mapping[str, Any]) -> str:
    """Return a name that no other member of the cube has: Cube has one name space for all of them."""
    free, count = name, 1
    while free in cube.dimensions or cube.measures.get(free, given) != given:
        count += 1
        free = f"{name}_{count}"
    return free
