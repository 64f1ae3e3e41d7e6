"""Puts the semantic layer's answers together into the rows of one query of the plan, complete and by key."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Final

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.execution import PERIOD, Cell, NullReason
from ecp_server.domain.figures import Figures, Value
from ecp_server.domain.period import Grain, TimeBucket
from ecp_server.domain.plan import SemanticQuery
from ecp_server.domain.provenance import StoreKind
from ecp_server.execution.arithmetic import EXACT
from ecp_server.execution.draft import Draft, Key, QueryRows
from ecp_server.execution.pieces import ENDS, Fold, KindOf, Piece, key_names
from ecp_server.execution.units import unit_of

COUNTS: Final = frozenset({"count", "count_distinct", "count_distinct_approx"})
"""Kinds that are 0 over no rows; the others are null."""


@dataclass(slots=True)
class _Part:
    """What one measure adds up to in one row, unit of time by unit of time; None is null."""

    units: dict[date | None, Decimal | None] = field(default_factory=dict)

    def add(self, unit: date | None, value: Decimal | None) -> None:
        known = self.units.get(unit)
        self.units[unit] = value if known is None else known if value is None else EXACT.add(known, value)


@dataclass(slots=True)
class _Gathered:
    """The parts of all rows of one query, and the units of time that its data has, by part of the period."""

    parts: dict[Key, dict[str, _Part]] = field(default_factory=dict)
    folds: dict[str, Fold] = field(default_factory=dict)
    units: dict[tuple[str, Cell | None], set[date | None]] = field(default_factory=dict)


def rows_of(
    query: SemanticQuery, pieces: Sequence[Piece], answers: Sequence[Figures], draft: Draft, kind_of: KindOf
) -> QueryRows:
    """Return the rows of a query: one for each part of the period and each member, and what else the answers hold."""
    keys = key_names(query)
    gathered = _Gathered()
    beyond: list[tuple[Piece, Figures]] = []
    for piece, figures in zip(pieces, answers, strict=True):
        if piece.outside:
            beyond.append((piece, figures))
        else:
            _gather(piece, figures, keys, gathered)
    scales = {m.name: draft.definitions.metrics[m.metric_id].scale for m in query.measures}
    masked = draft.masked(query)
    empty: dict[str, Cell] = {
        m.name: NullReason.MASKED
        if m.ref in masked
        else Decimal(0)
        if kind_of(m.ref) in COUNTS
        else NullReason.SOURCE_NULL
        for m in query.measures
    }
    rows: dict[Key, Mapping[str, Cell]] = {}
    for key in _complete(query, keys, gathered.parts):
        found = gathered.parts.get(key, {})
        values = {name: _folded(name, key, keys, part, gathered) for name, part in found.items()}
        scaled = {
            name: empty[name] if isinstance(value, NullReason) else EXACT.multiply(value, scales[name])
            for name, value in values.items()
        }
        rows[key] = {**empty, **scaled}
    there = frozenset(key for key in gathered.parts if any(_is_there(rows[key][name], empty[name]) for name in empty))
    outside = {each.outside: _names_beyond(beyond, each.outside, gathered, empty) for each, _ in beyond}
    return QueryRows(query.id, keys, rows, there, outside)


def _names_beyond(
    beyond: Sequence[tuple[Piece, Figures]], dimension: str, rows: _Gathered, empty: Mapping[str, Cell]
) -> frozenset[str]:
    """Return the measures of which something belongs to no member of a dimension."""
    names: set[str] = set()
    for piece, figures in beyond:
        if piece.outside == dimension:
            keys = (PERIOD,) if piece.buckets or piece.fixed else ()
            found = _Gathered()
            _gather(piece, figures, keys, found)
            # A stock is that of the last unit of time that the rows have.
            found.units |= {at: units for at, units in rows.units.items() if at in found.units}
            for key, parts in found.parts.items():
                values = {name: _folded(name, key, keys, part, found) for name, part in parts.items()}
                names |= {name for name, value in values.items() if value != 0 and _is_there(value, empty[name])}
    return frozenset(names)


def _is_there(value: Cell, empty: Cell) -> bool:
    """Tell whether a value comes of any row: nothing is counted as 0."""
    return isinstance(value, Decimal) and value != empty


def _gather(piece: Piece, figures: Figures, keys: Sequence[str], gathered: _Gathered) -> None:
    dimensions = len(piece.query.dimensions)
    has_time = piece.query.granularity is not Grain.NONE
    measures = {ref: dimensions + has_time + i for i, ref in enumerate(piece.query.measures)}
    starts = [bucket.start for bucket in piece.buckets]
    gathered.folds |= dict.fromkeys(piece.names, piece.fold)
    for row in figures.rows:
        unit = _day(row[dimensions]) if has_time else None
        said = dict(piece.fixed)
        if piece.buckets:
            position = _position(unit, piece.query.granularity, starts, piece.buckets)
            if position is None:
                continue
            said[PERIOD] = Decimal(position)
        for name in piece.names:
            gathered.units.setdefault((name, said.get(PERIOD)), set()).add(unit)
        if piece.units_only:
            continue
        values = [_number(row[at]) for at in measures.values()]
        for key in _keys(piece, row, said, keys):
            parts = gathered.parts.setdefault(key, {})
            for name, value in zip(piece.names, _by_name(piece, values), strict=True):
                parts.setdefault(name, _Part()).add(unit, value)


def _by_name(piece: Piece, values: Sequence[Decimal | None]) -> Iterator[Decimal | None]:
    """Yield the values by the names of the measures: two names may read one address."""
    positions = {ref: i for i, ref in enumerate(piece.query.measures)}
    for ref in piece.refs:
        yield values[positions[ref]]


def _position(unit: date | None, grain: Grain, starts: Sequence[date], buckets: Sequence[TimeBucket]) -> int | None:
    """Return the part that a unit of time belongs to; None where it belongs to none, or its day is unknown.

    The first unit may begin before the period, which cuts it.
    """
    if unit is None:
        return None
    first, after = unit_of(unit, grain)
    at = bisect_right(starts, max(first, starts[0])) - 1
    return at if at >= 0 and buckets[at].start < after and first < buckets[at].end else None


def _keys(piece: Piece, row: Sequence[Value], said: Mapping[str, Cell], keys: Sequence[str]) -> Iterator[Key]:
    """Yield the keys of the rows that an answer's row counts in: a value may stand for several members."""
    options: list[tuple[Cell, ...]] = []
    for column, value in zip(piece.columns, row, strict=False):
        members = column.standing_for(value)
        if members is None and column.closed:
            return
        options.append(members or (NullReason.SOURCE_NULL if value is None else value,))
    for choice in product(*options):
        known = {**said, **{column.dimension: cell for column, cell in zip(piece.columns, choice, strict=True)}}
        yield tuple(known[key] for key in keys)


def _complete(query: SemanticQuery, keys: Sequence[str], found: Iterable[Key]) -> list[Key]:
    """Return the keys of all rows: what is found, for every part of the period and every member that is grouped by."""
    observed = list(found)
    if not keys:
        return [()]
    axes: list[list[Cell] | None] = []
    if query.time_range is not None and query.time_range.buckets:
        axes.append([Decimal(i) for i in range(len(query.time_range.buckets))])
    axes += [None if group.ref else [bucket.member_id for bucket in group.buckets] for group in query.group_by]
    open_axes = [i for i, axis in enumerate(axes) if axis is None]
    # What no axis lists is taken in the combinations in which it occurs.
    combinations = dict.fromkeys(tuple(key[i] for i in open_axes) for key in observed) if open_axes else {(): None}
    complete: dict[Key, None] = {}
    for listed in product(*(axis for axis in axes if axis is not None)):
        for combination in combinations:
            listed_left, open_left = iter(listed), iter(combination)
            complete[tuple(next(open_left) if axis is None else next(listed_left) for axis in axes)] = None
    return list(complete | dict.fromkeys(observed))


def _folded(name: str, key: Key, keys: Sequence[str], part: _Part, gathered: _Gathered) -> Decimal | NullReason:
    """Return the figure of one row, of the figures of its units of time."""
    fold = gathered.folds[name]
    bucket = key[0] if keys and keys[0] == PERIOD else None
    if fold in ENDS:
        # Of the units that the data has at all: who is not in the last one has nothing at the end.
        units = sorted(unit for unit in gathered.units[name, bucket] if unit is not None)
        value = part.units.get(units[-1] if fold is Fold.LAST else units[0]) if units else None
        return NullReason.SOURCE_NULL if value is None else value
    values = [value for value in part.units.values() if value is not None]
    if not values:
        return NullReason.SOURCE_NULL
    total = values[0]
    for value in values[1:]:
        total = EXACT.add(total, value)
    return EXACT.divide(total, Decimal(len(values))) if fold is Fold.AVERAGE else total


def _day(value: Value) -> date | None:
    return value if isinstance(value, date) else None


def _number(value: Value) -> Decimal | None:
    """Return a measure's value as an exact number; true counts as 1. Raises `StoreQueryFailed` where it is none."""
    if value is None or isinstance(value, Decimal):
        return value
    if isinstance(value, bool):
        return Decimal(int(value))
    raise StoreQueryFailed(StoreKind.SEMANTIC)
