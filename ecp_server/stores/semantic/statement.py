"""Writes a query as SQL for the embedded engine, from the semantic model alone; values are parameters.

Of each cube that is measured there is one statement, so that no measure is multiplied by the joins of another::

    SELECT key, aggregates FROM (SELECT cube.*, dimensions AS "Cube.name" FROM joins) AS cube WHERE … GROUP BY key

Where the joins themselves give rows of the cube more than once, the rows are first found by their primary keys, each
once a key of the answer, and then fetched (as Cube does it)::

    SELECT key, aggregates FROM (SELECT DISTINCT key, primary key FROM (…) WHERE …) LEFT JOIN cube … GROUP BY key
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.figures import FigureQuery
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import Grain
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.semantic import CubeDimension, DimensionType, MemberRef, SemanticModel, measures_in
from ecp_server.stores.semantic.conditions import Parameter, condition
from ecp_server.stores.semantic.expand import aggregates, cubes_of, dimension, literal, quoted, rows, sql
from ecp_server.stores.semantic.joins import JoinTree, join_tree

FOUND: Final = "found"
"""The name of the rows that were found by their primary keys."""

PERIOD: Final = "#period"
"""The name of the part of a period."""

MAX_ROWS: Final = 49_999
"""Rows that one query may return: one fewer than Cube returns at most, so that both notice what is too much."""

DayOf = Callable[[str, str], str]
"""Takes the address of a time dimension and its expression; returns the expression of its day."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; its columns are the keys of the query, then ``aggregates``."""

    sql: str
    parameters: tuple[Parameter, ...]
    aggregates: tuple[str, ...]


def statements(model: SemanticModel, query: FigureQuery, day_of: DayOf) -> tuple[Statement, ...]:
    """Return what to run. Raises `StoreQueryFailed` where the model lacks what the query names, or cannot join it."""
    written = _Query(model, query, day_of)
    return tuple(written.statement(cube, measures) for cube, measures in written.by_cube.items())


def measure_ref(model: SemanticModel, address: str) -> MemberRef:
    """Return the reference to a measure that a query names. Raises `StoreQueryFailed` where the model lacks it."""
    if model.measure(address) is None:
        raise StoreQueryFailed(StoreKind.SEMANTIC)
    return _ref(address)


def leaves(model: SemanticModel, ref: MemberRef) -> Iterator[MemberRef]:
    """Yield the measures with SQL of their own that a measure is computed from."""
    expression = model.measure_at(ref).expression
    if expression is None:
        yield ref
        return
    for over in measures_in(expression):
        yield from leaves(model, over)


def dimension_at(model: SemanticModel, address: str) -> CubeDimension:
    """Return a dimension that a query names. Raises `StoreQueryFailed` where the model lacks it."""
    found = model.dimension(address)
    if found is None:
        raise StoreQueryFailed(StoreKind.SEMANTIC)
    return found


def joined(model: SemanticModel, tree: JoinTree) -> str:
    """Return the FROM clause of a join tree."""
    joins = (f"LEFT JOIN {rows(model.cubes[e.join.to])} ON {sql(model, e.start, e.join.sql)}" for e in tree.edges)
    return " ".join([rows(model.cubes[tree.root]), *joins])


class _Query:
    def __init__(self, model: SemanticModel, query: FigureQuery, day_of: DayOf) -> None:
        self._model = model
        self._query = query
        self._day_of = day_of
        measures = [leaf for m in query.measures for leaf in leaves(model, measure_ref(model, m))]
        self._columns = self._expressions()
        self._conditions, self._parameters = self._filters()
        cubes = [leaf.cube for leaf in measures]
        cubes += [cube for address in self._columns for cube in cubes_of(model, _ref(address))]
        tree = join_tree(model, cubes) if cubes else None
        if tree is None or not (query.measures or self._keys()):
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        self._tree = tree
        self.by_cube: dict[str, list[MemberRef]] = {} if measures else {tree.root: []}
        for leaf in dict.fromkeys(measures):
            self.by_cube.setdefault(leaf.cube, []).append(leaf)

    def statement(self, cube: str, measures: Sequence[MemberRef]) -> Statement:
        named = [pair for ref in measures for pair in aggregates(self._model, ref)]
        multiplied = self._tree.multiplies(cube)
        # What was found by primary keys has its keys worked out already.
        keys = [quoted(name) if multiplied else f"{key} AS {quoted(name)}" for name, key in self._keys()]
        selected = [*keys, *(f"{expression} AS {quoted(name)}" for name, expression in named)]
        group = f" GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}" if keys else ""
        source = self._found(cube) if multiplied else self._rows(cube)
        text = f"SELECT {', '.join(selected)} FROM {source}{group} LIMIT {MAX_ROWS + 1}"
        return Statement(text, self._parameters, tuple(name for name, _ in named))

    def _rows(self, cube: str) -> str:
        """Return the cube's rows with the dimensions beside them, where no row comes more than once."""
        columns = [f"{quoted(cube)}.*", *_named(self._columns.items())]
        inner = f"SELECT {', '.join(columns)} FROM {joined(self._model, self._tree)}"
        return f"({inner}) AS {quoted(cube)}{self._where()}"

    def _found(self, cube: str) -> str:
        """Return the cube's rows, each once a key."""
        primary = [dimension(self._model, MemberRef(cube, d.name)) for d in self._model.cubes[cube].primary_key]
        if not primary:
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        names = [f"#key{n}" for n, _ in enumerate(primary)]
        columns = _named([*self._columns.items(), *zip(names, primary, strict=True)])
        inner = f"SELECT {', '.join(columns)} FROM {joined(self._model, self._tree)}"
        wanted = ", ".join([*_named(self._keys()), *map(quoted, names)])
        found = f"(SELECT DISTINCT {wanted} FROM ({inner}) AS {quoted('joined')}{self._where()}) AS {quoted(FOUND)}"
        pairs = " AND ".join(f"{quoted(FOUND)}.{quoted(n)} = {key}" for n, key in zip(names, primary, strict=True))
        return f"{found} LEFT JOIN {rows(self._model.cubes[cube])} ON {pairs}"

    def _keys(self) -> list[tuple[str, str]]:
        """Return name and expression of each key."""
        keys = [(address, quoted(address)) for address in self._query.dimensions]
        if self._query.granularity is not Grain.NONE:
            unit = literal(self._query.granularity.name.lower())
            keys.append((PERIOD, f"CAST(date_trunc({unit}, {quoted(self._query.time_ref)}) AS DATE)"))
        return keys

    def _expressions(self) -> Mapping[str, str]:
        """Return the expression of each dimension that the query uses, by address."""
        query = self._query
        timed = query.granularity is not Grain.NONE or query.start is not None or query.end is not None
        if timed and dimension_at(self._model, query.time_ref).type is not DimensionType.TIME:
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        used = [*query.dimensions, *(f.ref for f in query.filters), *([query.time_ref] if timed else [])]
        return {address: self._expression(address) for address in used}

    def _expression(self, address: str) -> str:
        kind = dimension_at(self._model, address).type
        expression = dimension(self._model, _ref(address))
        match kind:
            case DimensionType.STRING:
                return f"CAST({expression} AS VARCHAR)"
            case DimensionType.BOOLEAN:
                return f"CAST({expression} AS BOOLEAN)"
            case DimensionType.TIME:
                return self._day_of(address, expression)
            case DimensionType.NUMBER:
                return expression

    def _filters(self) -> tuple[list[str], tuple[Parameter, ...]]:
        conditions: list[str] = []
        parameters: list[Parameter] = []
        for asked in self._query.filters:
            text, values = condition(asked, dimension_at(self._model, asked.ref).type)
            conditions.append(text)
            parameters += values
        # The period comes last: that is how it is told from a condition on the same dimension (readback.py).
        for sign, day in ((">=", self._query.start), ("<", self._query.end)):
            if day is not None:
                conditions.append(f"{quoted(self._query.time_ref)} {sign} ?")
                parameters.append(day)
        return conditions, tuple(parameters)

    def _where(self) -> str:
        return f" WHERE {' AND '.join(self._conditions)}" if self._conditions else ""


def _named(columns: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{expression} AS {quoted(name)}" for name, expression in columns]


def _ref(address: str) -> MemberRef:
    cube, _, member = address.partition(".")
    return MemberRef(cube, member)
