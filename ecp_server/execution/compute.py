"""Aligns the results, computes over complete rows, orders and cuts: the limit of the request last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import date
from decimal import Decimal

from ecp_server.catalog.units import unit_conflicts
from ecp_server.domain.catalog import Severity
from ecp_server.domain.execution import PERIOD, Cell, Column, ColumnType, NullReason, ResultTable
from ecp_server.domain.expressions import Expression, Name, parse_computation, walk
from ecp_server.domain.frozen import replace
from ecp_server.domain.period import TimeBucket
from ecp_server.domain.plan import Computation, OrderBy, SemanticQuery
from ecp_server.domain.provenance import Finding, Output
from ecp_server.domain.resolution import Warning  # noqa: A004 - the contract's word
from ecp_server.execution.align import Row, align
from ecp_server.execution.arithmetic import PLACES, is_endless, result_of, rounded
from ecp_server.execution.draft import Draft
from ecp_server.execution.offload import worked_out

UNIT_MISMATCH = "unit_mismatch"
_PCT = "_pct"


async def compute(draft: Draft) -> tuple[Draft, Finding]:
    """Return the draft with its table; every warning of it is about what could not be computed."""
    return await worked_out(lambda: computed(draft), rows=sum(len(result.rows) for result in draft.results))


def computed(draft: Draft) -> tuple[Draft, Finding]:
    """Return what `compute` does, at once."""
    aligned = align(draft)
    units = {measure.name: measure.unit for query in draft.plan.queries for measure in query.measures}
    fitting: list[tuple[Computation, Expression]] = []
    warnings: list[Warning] = []
    for computation in draft.plan.computations:
        tree = parse_computation(computation.expression)
        conflict = next(unit_conflicts(tree, units), None)
        if conflict is None:
            fitting.append((computation, tree))
        else:
            warnings.append(_mismatch(computation, conflict))
    # The average over units of time is a quotient too.
    inexact = {name for name in units if any(is_endless(row[name]) for row in aligned.rows)}
    for row in aligned.rows:
        figures = {name: value for name in units if isinstance(value := row[name], Decimal | NullReason)}
        for computation, tree in fitting:
            found = result_of(tree, figures, computation.unit)
            row[computation.name] = found.value
            inexact |= {computation.name} if found.rounded or not inexact.isdisjoint(_names(tree)) else set()
    rows = _ordered(aligned.rows, draft.plan.alignment.order_by)
    kept = rows[: draft.plan.alignment.limit] if draft.plan.alignment.limit else rows
    shown = kept[: draft.request.row_limit]
    columns = (
        *(_key_column(key, shown, draft) for key in aligned.keys),
        *(column for query in draft.plan.queries for column in _measure_columns(query, shown, draft, inexact)),
        *(_computed_column(c, tree, shown, draft, inexact=c.name in inexact) for c, tree in fitting),
    )
    table = ResultTable(columns, len(shown), len(kept) > len(shown), draft.sources)
    reasoning = f"{len(aligned.rows)} rows" + (f" by {', '.join(aligned.keys)}" if aligned.keys else "")
    reasoning += f", {len(fitting)} computation{'' if len(fitting) == 1 else 's'}"
    reasoning += f", {len(shown)} given" if len(shown) < len(aligned.rows) else ""
    output: Output = {
        "rows": len(aligned.rows),
        "given": len(shown),
        "keys": list(aligned.keys),
        "computations": {computation.name: computation.expression for computation, _ in fitting},
    }
    draft = replace(draft, table=table, complete=rows, rows=kept, warnings=(*draft.warnings, *warnings))
    return draft, Finding(reasoning, output)


def _mismatch(computation: Computation, units: tuple[str, str]) -> Warning:
    message = f"{computation.expression} mixes {units[0]} and {units[1]}"
    return Warning(computation.name, UNIT_MISMATCH, Severity.MEDIUM, message, f"{computation.name} is not computed.")


def _ordered(rows: Sequence[Row], order_by: Sequence[OrderBy]) -> tuple[Row, ...]:
    """Sort by the columns asked for, null last either way; rows that are alike stay in the order of their keys."""
    ordered = list(rows)
    for order in reversed(order_by):
        # The first day of a part is the order of its position.
        filled = [row for row in ordered if not isinstance(row.get(order.column, NullReason.SOURCE_NULL), NullReason)]
        empty = [row for row in ordered if isinstance(row.get(order.column, NullReason.SOURCE_NULL), NullReason)]
        filled.sort(key=_by(order.column), reverse=order.descending)
        ordered = filled + empty
    return tuple(ordered)


def _by(column: str) -> Callable[[Row], tuple[int, Decimal, str]]:
    def rank(row: Row) -> tuple[int, Decimal, str]:
        value = row[column]
        if isinstance(value, Decimal | bool):
            return 0, Decimal(value), ""
        return 1, Decimal(0), value.isoformat() if isinstance(value, date) else str(value)

    return rank


def _key_column(key: str, rows: Sequence[Row], draft: Draft) -> Column:
    cells = [row[key] for row in rows]
    if key == PERIOD:
        parts = [_part(cell, draft.plan.queries) for cell in cells]
        days = tuple(NullReason.SOURCE_NULL if part is None else part.start for part in parts)
        names = tuple("" if part is None else part.label for part in parts)
        return Column(PERIOD, "Period", ColumnType.DATE, days, value_labels=names)
    dimension = draft.definitions.dimensions.get(key)
    label = dimension.name if dimension is not None else key
    members = draft.definitions.members
    names = tuple(members[cell].name if isinstance(cell, str) and cell in members else "" for cell in cells)
    return Column(key, label, _type(cells), tuple(cells), value_labels=names if any(names) else ())


def _type(cells: Sequence[Cell]) -> ColumnType:
    """Return the type that all values have; text where they differ, or are members."""
    kinds = {type(cell) for cell in cells if not isinstance(cell, NullReason)}
    of = {bool: ColumnType.BOOLEAN, Decimal: ColumnType.NUMBER, date: ColumnType.DATE}
    return of.get(kinds.pop(), ColumnType.TEXT) if len(kinds) == 1 else ColumnType.TEXT


def _part(position: Cell, queries: Sequence[SemanticQuery]) -> TimeBucket | None:
    """Return a part of the period: that of the first query that has so many parts."""
    at = int(position) if isinstance(position, Decimal) else -1
    for query in queries:
        if query.time_range is not None and 0 <= at < len(query.time_range.buckets):
            return query.time_range.buckets[at]
    return None


def _names(tree: Expression) -> list[str]:
    return [part.name for part in walk(tree) if isinstance(part, Name)]


def _measure_columns(query: SemanticQuery, rows: Sequence[Row], draft: Draft, inexact: Collection[str]) -> list[Column]:
    columns: list[Column] = []
    masked = draft.masked(query)
    for measure in query.measures:
        metric = draft.definitions.metrics[measure.metric_id]
        asked = draft.asked(query.id)
        main = asked is None or asked.id == metric.id
        endless = measure.name in inexact and metric.decimals is None
        places = PLACES if endless else metric.decimals
        cells = tuple(_given(row[measure.name], places, trim=endless) for row in rows)
        label = query.label if main and query.label else metric.name
        columns.append(
            Column(measure.name, label, ColumnType.NUMBER, cells, measure.unit, masked=measure.ref in masked)
        )
    return columns


def _computed_column(
    computation: Computation, tree: Expression, rows: Sequence[Row], draft: Draft, *, inexact: bool
) -> Column:
    """Return a computation as a column: its metric's decimal places where it is one, or is in the unit of one.

    A quotient without an end is cut at `PLACES`.
    """
    places = PLACES if inexact else None
    metric = draft.asked(computation.name)
    names = _names(tree)
    if metric is not None:
        places = metric.decimals if metric.decimals is not None else places
    elif not inexact:
        places = _places_of(names, computation.unit, draft)
    label = metric.name if metric is not None else label_of(computation.name)
    # Zeros that only a quotient of another row calls for are none of the figure's.
    trim = inexact and (metric is None or metric.decimals is None)
    cells = tuple(_given(row[computation.name], places, trim=trim) for row in rows)
    masked = {m.name for query in draft.plan.queries for m in query.measures if m.ref in draft.masked(query)}
    hidden = not masked.isdisjoint(names)
    return Column(computation.name, label, ColumnType.NUMBER, cells, computation.unit, masked=hidden)


def _places_of(names: Sequence[str], unit: str, draft: Draft) -> int | None:
    """Return the most decimal places of the measures in this unit; None where one of them has any number."""
    measures = [m for query in draft.plan.queries for m in query.measures if m.name in names and m.unit == unit]
    decimals = [draft.definitions.metrics[measure.metric_id].decimals for measure in measures]
    known = [places for places in decimals if places is not None]
    return max(known) if known and len(known) == len(decimals) else None


def _given(value: Cell, places: int | None, *, trim: bool = False) -> Cell:
    if not isinstance(value, Decimal):
        return value
    cut = rounded(value, places)
    return rounded(cut, None) if trim else cut


def label_of(name: str) -> str:
    """Return a computation's name for people, e.g. "Variance %" for variance_pct."""
    words = f"{name.removesuffix(_PCT)} %" if name.endswith(_PCT) else name.replace(f"{_PCT}_", " % ")
    return words.replace("_", " ").capitalize()
