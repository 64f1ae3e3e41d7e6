"""Figures for people: a table with units and thousands, what it means, and what to beware of."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Context, Decimal
from io import StringIO

from rich.cells import cell_len
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from ecp_client import Column, ColumnType, ConceptKind, ExecutionResult, NullReason, Resolution, ResultTable, Value
from ecp_client.cli.safe import plain, safe
from ecp_client.cli.show_resolution import assumption, beware, confidence_of, days, section, steps_of

PERIOD = "period"
BARS = "▁▂▃▄▅▆▇█"
SHOWN_ROWS = 100
"""Rows of a table that are shown; --csv and --json have them all."""

_WIDE = Context(prec=120)
_ROUNDED_UNITS = ("percent", "percentage_points", "ratio")
_COUNTS = ("count", "")
_JUSTIFIED: Sequence[JustifyMethod] = ("left", "right", "left")
_REASONS = {
    NullReason.SOURCE_NULL: "the source has none",
    NullReason.NO_PARTNER: "there is nothing to hold it against",
    NullReason.DIVIDED_BY_ZERO: "division by zero",
    NullReason.NON_POSITIVE_BASE: "a percentage of what is not positive means nothing",
    NullReason.MASKED: "hidden by a policy",
}


def answer(
    found: Resolution, ran: ExecutionResult, *, filters: Mapping[str, Sequence[str]] | None = None, steps: bool = False
) -> RenderableType:
    """Return the figures, then definition, period, warnings and assumptions; with ``steps`` also how it was found.

    ``filters`` are what the figures were narrowed to.
    """
    parts: list[RenderableType] = [plain(found.interpretation, "bold")]
    parts += [plain(f"Only {', '.join(members)}.") for members in (filters or {}).values()]
    parts.append("")
    table = _without_inputs(ran.table, found)
    parts.append(_figures(table))
    parts += [plain(line, "dim") for line in _notes(table)]
    parts += section("Definition", *_definitions(found))
    parts += section("Period", *_periods(found))
    parts += section("Rules", *_broken(ran))
    parts += section("Beware", *beware(ran.warnings, found.unmatched, (*found.degradations, *ran.degradations)))
    parts += section("Taken for granted", *map(assumption, found.assumptions))
    if steps:
        parts += section("How it was found", steps_of(ran.provenance.steps))
    return Group(*parts, "", plain(_foot(ran), "dim"))


def csv_of(table: ResultTable) -> str:
    """Return the table as CSV: exact values as the contract writes them, nothing where it is null."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    for row in table.rows():
        writer.writerow([_exact(value) for value in row.values()])
    return text.getvalue()


def figure(value: Decimal, unit: str) -> str:
    """Return a number with thousands; percentages and ratios with two places, the rest as exact as it comes."""
    if unit in _ROUNDED_UNITS:
        value = value.quantize(Decimal("0.01"), ROUND_HALF_UP, _WIDE)
    return f"{value:,f}"


def spark(values: list[Decimal | None]) -> str:
    """Return how values went, as a line of bars; a gap where there is none, "" where there is no line."""
    known = [value for value in values if value is not None]
    if len(known) < 2:  # noqa: PLR2004 - one point is no line
        return ""
    low, high = min(known), max(known)
    step = (high - low) / (len(BARS) - 1) or Decimal(1)
    return "".join(" " if value is None else BARS[int((value - low) / step)] for value in values)


def _figures(table: ResultTable) -> RenderableType:
    keyed = any(not _is_figure(column) for column in table.columns)
    return _rows(table) if keyed else _single(table)


def _without_inputs(table: ResultTable, found: Resolution) -> ResultTable:
    """Return the table without what a metric of it is computed from: inputs are named by it, a dot and their alias."""
    computed = [computation.name for computation in found.plan.computations] if found.plan is not None else []
    inputs = tuple(f"{name}." for name in computed)
    return replace(table, columns=tuple(c for c in table.columns if not (inputs and c.name.startswith(inputs))))


def _is_figure(column: Column) -> bool:
    return column.type is ColumnType.NUMBER


def _single(table: ResultTable) -> RenderableType:
    """Return the only row, a line a figure."""
    shown = Table(box=None, show_header=False, padding=(0, 1, 0, 2))
    lines = [
        (plain(column.label.removesuffix(" %")), _cell(column, 0), plain(_unit(column), "dim"))
        for column in table.columns
    ]
    for place, justify in enumerate(_JUSTIFIED):
        shown.add_column(justify=justify, min_width=_uncut(*(line[place] for line in lines)))
    for line in lines:
        shown.add_row(*line)
    return shown


def _uncut(*texts: Text) -> int:
    """Return the columns in which no word of the texts is cut: a figure without its last digits is another figure."""
    return max((cell_len(word) for text in texts for word in text.plain.split()), default=0)


def _rows(table: ResultTable) -> RenderableType:
    shown = Table(box=None, padding=(0, 2, 0, 2), header_style="cyan")
    rows = range(min(table.row_count, SHOWN_ROWS))
    for column in table.columns:
        unit = (
            ""
            if column.unit in _COUNTS or column.label.endswith("%")
            else "%"
            if column.unit == "percent"
            else column.unit
        )
        head = plain(f"{column.label} {unit}".rstrip())
        width = _uncut(head, *(_cell(column, row) for row in rows))
        shown.add_column(head, justify="right" if _is_figure(column) else "left", min_width=width)
    for row in rows:
        shown.add_row(*(_cell(column, row) for column in table.columns))
    lines: list[RenderableType] = [shown]
    if (
        table.columns
        and table.columns[0].name == PERIOD
        and len({c.name for c in table.columns if not _is_figure(c)}) == 1
    ):
        for column in table.columns:
            line = spark([value if isinstance(value, Decimal) else None for value in column.values])
            if _is_figure(column) and line:
                lines.append(Text.assemble("  ", (safe(column.label), "dim"), "  ", (line, "green")))
    if table.row_count > SHOWN_ROWS or table.truncated:
        more = "there are more" if table.truncated else f"of {table.row_count}"
        lines.append(
            plain(f"  The first {min(table.row_count, SHOWN_ROWS)} rows, {more}; see --csv and --limit.", "dim")
        )
    return Group(*lines)


def _unit(column: Column) -> str:
    """Return the unit as people write it after a figure; counts have none."""
    return "%" if column.unit == "percent" else "" if column.unit in _COUNTS else column.unit


def _cell(column: Column, row: int) -> Text:
    value = column.values[row]
    if value is None:
        return plain("–", "dim")
    if isinstance(value, Decimal):
        return plain(figure(value, column.unit), "bold")
    label = column.value_labels[row] if row < len(column.value_labels) else ""
    return plain(label or str(value))


def _notes(table: ResultTable) -> Iterator[str]:
    """Yield why values are missing, once a reason."""
    reasons = dict.fromkeys(reason for column in table.columns for reason in column.nulls.values())
    for reason in reasons:
        yield f"  –: {_REASONS.get(reason, 'no value')}"


def _definitions(found: Resolution) -> Iterator[RenderableType]:
    for concept in found.concepts:
        if concept.kind in (ConceptKind.METRIC, ConceptKind.COMPARISON) and concept.definition:
            yield Text.assemble((safe(concept.name), "green"), ": ", safe(concept.definition))


def _periods(found: Resolution) -> Iterator[RenderableType]:
    told: dict[str, None] = {}
    for query in found.plan.queries if found.plan is not None else ():
        period = query.time_range
        if period is not None:
            told[f"{period.label}: {days(period)}, {period.calendar} calendar"] = None
    yield from (plain(line) for line in told)


def _broken(ran: ExecutionResult) -> Iterator[RenderableType]:
    for validation in ran.validations:
        if not validation.passed:
            yield Text.assemble((f"{validation.rule_id}: ", "yellow"), safe(validation.message))


def _foot(ran: ExecutionResult) -> str:
    source = ran.table.sources[0] if ran.table.sources else None
    told = [confidence_of(ran.confidence), f"execution {ran.execution_id}"]
    if source is not None:
        fresh = source.fresh_time or source.refresh_time
        told.append(f"{source.adapter}, data of {fresh:%Y-%m-%d %H:%M} UTC" if fresh is not None else source.adapter)
    return " · ".join(told)


def _exact(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
