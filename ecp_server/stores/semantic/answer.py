"""One query of the embedded engine, from its statements to its figures. Blocks: it belongs in a thread."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import duckdb

from ecp_server.domain.errors import StoreQueryFailed, TooLarge
from ecp_server.domain.figures import FigureQuery, Figures, Value
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import Grain
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.semantic import CubeMeasure, MeasureType, MemberRef, SemanticModel
from ecp_server.stores.semantic.expand import COUNT, SUM, cubes_of, dimension, literal
from ecp_server.stores.semantic.joins import join_tree
from ecp_server.stores.semantic.numeric import Number, evaluated, quotient
from ecp_server.stores.semantic.readback import Read, executed, read_back
from ecp_server.stores.semantic.statement import MAX_ROWS, Statement, dimension_at, joined, measure_ref, statements
from ecp_server.stores.semantic.values import by_keys, exact, number, plain

_COUNTS: Final = frozenset({MeasureType.COUNT, MeasureType.COUNT_DISTINCT})
_DATE: Final = "DATE"
_INSTANT: Final = "TIMESTAMP WITH TIME ZONE"

Keys = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Engine:
    """What a query is run with."""

    cursor: duckdb.DuckDBPyConnection
    time_types: dict[str, str]
    """The types of time dimensions by address, as far as they are known."""
    refreshed: datetime | None


def answer(query: FigureQuery, model: SemanticModel, engine: Engine) -> Figures:
    """Run a query.

    Raises `StoreQueryFailed` where the model cannot answer it, `TooLarge`, and what the engine raises.
    """

    def day_of(address: str, expression: str) -> str:
        return _day(expression, _time_type(model, address, engine), query.time_zone)

    parts: list[Mapping[Keys, Mapping[str, Any]]] = []
    read: list[Read] = []
    for statement in statements(model, query, day_of):
        read.append(_parsed(engine.cursor, statement))
        parts.append(_rows(statement, engine.cursor))
    keys = dict.fromkeys(key for part in parts for key in part)
    rows = [(*key, *_measures(query, model, key, parts)) for key in keys]
    broken = (query.time_ref,) if query.granularity is not Grain.NONE else ()
    ordered = by_keys(rows, len(query.dimensions) + len(broken))
    return Figures(
        columns=(*query.dimensions, *broken, *query.measures),
        rows=ordered[: query.limit] if query.limit else ordered,
        executed=executed(read, query, model),
        refresh_time=engine.refreshed,
    )


def _rows(statement: Statement, cursor: duckdb.DuckDBPyConnection) -> Mapping[Keys, Mapping[str, Any]]:
    """Run one statement and return its aggregates by key."""
    rows = cursor.execute(statement.sql, list(statement.parameters)).fetchall()
    if len(rows) > MAX_ROWS:
        raise TooLarge(f"the answer has more than {MAX_ROWS:,} rows")
    keys = len(rows[0]) - len(statement.aggregates) if rows else 0
    return {
        tuple(plain(value) for value in row[:keys]): dict(zip(statement.aggregates, row[keys:], strict=True))
        for row in rows
    }


def _measures(
    query: FigureQuery, model: SemanticModel, key: Keys, parts: Sequence[Mapping[Keys, Mapping[str, Any]]]
) -> list[Value]:
    """Return the measures of one row, made of what its statements aggregated."""
    aggregates = {name: value for part in parts for name, value in part.get(key, {}).items()}

    def computed(ref: MemberRef) -> Number:
        measure = model.measure_at(ref)
        if measure.expression is not None:
            return evaluated(measure.expression, computed)
        if measure.type is MeasureType.AVG:
            total, count = (aggregates.get(ref.address + part) for part in (SUM, COUNT))
            return quotient(number(total), number(count))
        return number(aggregated(ref, measure))

    def aggregated(ref: MemberRef, measure: CubeMeasure) -> Any:
        return aggregates.get(ref.address, 0 if measure.type in _COUNTS else None)

    def shown(ref: MemberRef) -> Value:
        measure = model.measure_at(ref)
        if measure.expression is not None or measure.type is MeasureType.AVG:
            return exact(computed(ref))
        return plain(aggregated(ref, measure))  # the least or greatest may be a text or a day

    return [shown(measure_ref(model, address)) for address in query.measures]


def _parsed(cursor: duckdb.DuckDBPyConnection, statement: Statement) -> Read:
    """Return what the engine makes of a statement. Raises `StoreQueryFailed` where it is not one that only reads."""
    row = cursor.execute("SELECT json_serialize_sql(?)", [statement.sql]).fetchone()
    tree = json.loads(row[0]) if row is not None else {}
    if tree.get("error", True):  # nothing but SELECT can be serialised
        raise StoreQueryFailed(StoreKind.SEMANTIC)
    return read_back(tree, statement.parameters)


def _time_type(model: SemanticModel, address: str, engine: Engine) -> str:
    """Return the type of a time dimension's values; the engine is asked once."""
    if dimension_at(model, address).days_only:
        return _DATE
    if address not in engine.time_types:
        cube, _, name = address.partition(".")
        ref = MemberRef(cube, name)
        tree = join_tree(model, list(cubes_of(model, ref)))
        if tree is None:
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        sql = f"DESCRIBE SELECT {dimension(model, ref)} FROM {joined(model, tree)}"
        engine.time_types[address] = str(engine.cursor.execute(sql).fetchall()[0][1])
    return engine.time_types[address]


def _day(expression: str, time_type: str, zone: str) -> str:
    """Return the day of a time: a date is the day that it is; an instant has its day in the zone."""
    if time_type == _DATE:
        return f"CAST({expression} AS DATE)"
    instant = expression if time_type == _INSTANT else f"timezone('UTC', CAST({expression} AS TIMESTAMP))"
    return f"CAST(timezone({literal(zone)}, {instant}) AS DATE)"
