"""Makes the semantic model of cubes whose keys are right, and tells what their SQL may not hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ecp_server.catalog.cycles import cycles
from ecp_server.catalog.semantic import arithmetic
from ecp_server.catalog.semantic.documents import CubePart, DimensionPart, JoinPart, MeasurePart
from ecp_server.catalog.semantic.snippets import Reference, SnippetError, split
from ecp_server.catalog.yaml_documents import Path
from ecp_server.domain.semantic import (
    Cube,
    CubeDimension,
    CubeJoin,
    CubeMeasure,
    DimensionType,
    MeasureExpression,
    MeasureType,
    MemberRef,
    Relationship,
    SemanticModel,
    Sql,
    When,
    measures_in,
)

Tell = Callable[[Path, str], None]
"""Takes what is wrong at a path of a cube."""

DAYS_ONLY: Final = "days_only"
"""The key below `meta` of a time dimension that says whether its values are days or instants."""

_QUERY: Final = re.compile(r"[\s(]*(select|with)\b", re.IGNORECASE)
_NEEDS_SQL: Final = frozenset(MeasureType) - {MeasureType.COUNT}


def built(parts: Mapping[str, CubePart], tell: Callable[[str], Tell]) -> SemanticModel:
    """Return the model; ``tell(cube)`` takes what is wrong with a cube, which is left out then in part."""
    model = SemanticModel({name: _Cube(part, parts, tell(name)).built() for name, part in parts.items()})
    _check_cycles(model, tell)
    return model


class _Cube:
    def __init__(self, part: CubePart, parts: Mapping[str, CubePart], tell: Tell) -> None:
        self._part = part
        self._parts = parts
        self._tell = tell
        self._dimensions = {d.name for d in part.dimensions}
        self._measures = {m.name for m in part.measures}

    def built(self) -> Cube:
        part = self._part
        self._check_names()
        if (part.sql_table is None) == (part.sql is None):
            self._tell((), "needs one of sql_table and sql")
        return Cube(
            name=part.name,
            table=tuple(part.sql_table.split(".")) if part.sql_table is not None else (),
            query=self._query(),
            dimensions={d.name: self._dimension(d, ("dimensions", n)) for n, d in enumerate(part.dimensions)},
            measures={m.name: self._measure(m, ("measures", n)) for n, m in enumerate(part.measures)},
            joins=tuple(join for n, j in enumerate(part.joins) if (join := self._join(j, ("joins", n))) is not None),
        )

    def _check_names(self) -> None:
        seen: set[str] = set()
        members = [(("dimensions", n, "name"), d.name) for n, d in enumerate(self._part.dimensions)]
        members += [(("measures", n, "name"), m.name) for n, m in enumerate(self._part.measures)]
        for path, name in members:
            if name in seen:
                self._tell(path, f"{name} is defined twice")
            seen.add(name)

    def _query(self) -> str:
        if self._part.sql is None:
            return ""
        sql = self._sql(self._part.sql, ("sql",), self._no_reference)
        text = "".join(str(part) for part in sql.parts) if sql is not None else ""
        if sql is not None and not _QUERY.match(text):
            self._tell(("sql",), "is no query")
        return text

    def _dimension(self, part: DimensionPart, path: Path) -> CubeDimension:
        if (part.sql is None) == (part.case is None):
            self._tell(path, "needs one of sql and case")
        case = part.case
        branches = [
            When(condition, branch.label)
            for position, branch in enumerate(case.when if case is not None else ())
            if (condition := self._sql(branch.sql, (*path, "case", "when", position, "sql"), self._dimension_or_rows))
        ]
        return CubeDimension(
            name=part.name,
            type=part.type,
            sql=self._sql(part.sql, (*path, "sql"), self._dimension_or_rows),
            case=tuple(branches),
            otherwise=case.otherwise.label if case is not None and case.otherwise is not None else None,
            primary_key=part.primary_key,
            days_only=self._days_only(part, path),
            public=self._part.is_public() and part.is_public(by_default=not part.primary_key),
        )

    def _days_only(self, part: DimensionPart, path: Path) -> bool | None:
        said = part.meta.get(DAYS_ONLY) if isinstance(part.meta, dict) else None
        if said is None:
            return None
        if said not in {"true", "false"} or part.type is not DimensionType.TIME:
            self._tell((*path, "meta", DAYS_ONLY), "is true or false, of a dimension of type time")
            return None
        return bool(said == "true")

    def _measure(self, part: MeasurePart, path: Path) -> CubeMeasure:
        if part.sql is None and part.type in _NEEDS_SQL:
            self._tell(path, f"a measure of type {part.type} needs sql")
        filters = [self._sql(f.sql, (*path, "filters", n, "sql"), self._own_row) for n, f in enumerate(part.filters)]
        sql, expression = None, None
        if part.type is MeasureType.NUMBER and part.sql is not None and self._is_over_measures(part.sql):
            expression = self._arithmetic(part.sql, (*path, "sql"))
            if filters:
                self._tell((*path, "filters"), "are not supported where a measure is computed from others")
        else:
            sql = self._sql(part.sql, (*path, "sql"), self._own_row)
            if part.type is MeasureType.NUMBER and filters:
                self._tell((*path, "filters"), "are not supported where a measure aggregates by itself")
        return CubeMeasure(
            name=part.name,
            type=part.type,
            sql=sql,
            expression=expression,
            filters=tuple(f for f in filters if f is not None),
            public=self._part.is_public() and part.is_public(),
        )

    def _join(self, part: JoinPart, path: Path) -> CubeJoin | None:
        kind = part.kind()
        if kind is None:
            self._tell((*path, "relationship"), f"should be one of {', '.join(Relationship)}")
        if part.name not in self._parts:
            self._tell((*path, "name"), f"there is no cube {part.name!r}")
            return None
        for cube in (self._part, self._parts[part.name]):
            if not any(d.primary_key for d in cube.dimensions):
                self._tell(
                    path, f"{cube.name} needs a dimension with primary_key: true, so that rows can be told apart"
                )

        def of_both(reference: Reference) -> MemberRef:
            return self._row(reference, frozenset({self._part.name, part.name}))

        sql = self._sql(part.sql, (*path, "sql"), of_both)
        return CubeJoin(part.name, kind, sql) if kind is not None and sql is not None else None

    def _sql(self, text: str | None, path: Path, resolve: Callable[[Reference], MemberRef]) -> Sql | None:
        if text is None:
            return None
        try:
            parts = split(text, self._part.name)
            return Sql(tuple(part if isinstance(part, str) else resolve(part) for part in parts))
        except SnippetError as error:
            self._tell(path, str(error))
            return None

    def _arithmetic(self, text: str, path: Path) -> MeasureExpression | None:
        try:
            tree = arithmetic.parse(split(text, self._part.name), self._any_measure)
        except SnippetError as error:
            self._tell(path, str(error))
            return None
        if arithmetic.divides_whole_numbers(tree, self._is_count):
            self._tell(path, "divides whole numbers, which some engines round down: write 1.0 * before the dividend")
        return tree

    def _is_over_measures(self, text: str) -> bool:
        try:
            parts = split(text, self._part.name)
        except SnippetError:
            return False
        return any(
            isinstance(part, Reference) and part.name in self._names(part.cube or self._part.name, "measures")
            for part in parts
        )

    def _no_reference(self, reference: Reference) -> MemberRef:
        raise SnippetError(f"{_written(reference)}: references are not supported in a cube's query")

    def _dimension_or_rows(self, reference: Reference) -> MemberRef:
        return self._row(reference, frozenset(self._parts))

    def _own_row(self, reference: Reference) -> MemberRef:
        return self._row(reference, frozenset({self._part.name}))

    def _row(self, reference: Reference, cubes: frozenset[str]) -> MemberRef:
        """Return what a reference to a row means: `{cube}`, `{cube.dimension}` or `{dimension}`."""
        if reference.cube is None and reference.name in self._dimensions:
            return MemberRef(self._part.name, reference.name)
        cube, member = (reference.cube, reference.name) if reference.cube is not None else (reference.name, "")
        if cube not in self._parts:
            raise SnippetError(f"{_written(reference)}: there is no such dimension or cube")
        if cube not in cubes:
            raise SnippetError(f"{_written(reference)}: rows of {cube} cannot be used here")
        if member and member not in self._names(cube, "dimensions"):
            raise SnippetError(f"{_written(reference)}: {cube} has no dimension {member!r}")
        return MemberRef(cube, member)

    def _any_measure(self, reference: Reference) -> MemberRef:
        cube = reference.cube or self._part.name
        if cube not in self._parts or reference.name not in self._names(cube, "measures"):
            raise SnippetError(f"{_written(reference)}: there is no such measure")
        return MemberRef(cube, reference.name)

    def _is_count(self, ref: MemberRef) -> bool:
        measure = next((m for m in self._parts[ref.cube].measures if m.name == ref.member), None)
        return measure is not None and measure.type in {MeasureType.COUNT, MeasureType.COUNT_DISTINCT}

    def _names(self, cube: str, key: str) -> set[str]:
        part = self._parts.get(cube)
        members: Sequence[DimensionPart | MeasurePart] = getattr(part, key) if part is not None else ()
        return {member.name for member in members}


def _written(reference: Reference) -> str:
    return f"{{{reference.cube}.{reference.name}}}" if reference.cube and reference.name else f"{{{reference.name}}}"


def _check_cycles(model: SemanticModel, tell: Callable[[str], Tell]) -> None:
    graph: dict[str, Sequence[str]] = {}
    for cube in model.cubes.values():
        for name, links in _links(cube):
            graph[f"{cube.name}.{name}"] = links
    for cycle in cycles(graph):
        tell(cycle[0].partition(".")[0])((), f"refers to itself: {' > '.join((*cycle, cycle[0]))}")


def _links(cube: Cube) -> Iterator[tuple[str, Sequence[str]]]:
    for dimension in cube.dimensions.values():
        yield dimension.name, [ref.address for ref in dimension.references if ref.member]
    for measure in cube.measures.values():
        over = measures_in(measure.expression) if measure.expression is not None else ()
        yield measure.name, [ref.address for ref in over]
