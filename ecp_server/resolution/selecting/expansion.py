"""Turns what is asked for into what must be read: derived metrics into their inputs, each with its own period."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass as mutable_dataclass
from dataclasses import field
from datetime import date

from ecp_server.domain.catalog import Calendar, Catalog, Cumulative, Metric, Span
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.resolution.draft import Slice, SlicedMember, SlicedMetric, cube_of
from ecp_server.resolution.selecting.parts import broken_like
from ecp_server.resolution.time.shift import parts_moved, running, shift

ACTUAL = "actual"
"""The main column."""

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


_NO_NAME = re.compile(r"[^\w.]|^(?=[\d.])")


def column_name(asset_id: str) -> str:
    """Return an id as arithmetic can write it: ids have any printable character, names only letters, digits, _ and ."""
    return _NO_NAME.sub("_", asset_id)


_ROLES = frozenset({ACTUAL, "previous", "last_year", "variance", "variance_pct", "growth_pct", "share_pct"})
"""Columns that are called by what they are, not by what they are of."""


def named_after(asset_id: str) -> str:
    """Return what a column is called that has its name of a metric or target: never as one that has it of its role."""
    name = column_name(asset_id)
    return f"{name}_" if name in _ROLES else name


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table: ``expression`` over measures' names, which is its own name where it is a measure."""

    name: str
    expression: str
    unit: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a column shows: a metric over a period and members; ``essential`` as in `Slice`."""

    name: str
    metric: Metric
    period: TimeRange | None
    members: tuple[SlicedMember, ...]
    label: str
    essential: bool = True
    grouped: bool = True
    """As in `Slice`."""


@mutable_dataclass(slots=True)
class Expansion:
    """Collects the slices of one plan; metrics of one cube, period and time dimension share a column's query."""

    catalog: Catalog
    calendar: Calendar
    today: date
    _slices: dict[tuple[str, str, str, TimeRange | None], Slice] = field(default_factory=dict)

    @property
    def slices(self) -> tuple[Slice, ...]:
        """Return the slices in the order in which they were first needed."""
        return tuple(self._slices.values())

    def add(self, wanted: Wanted) -> Column:
        """Add a column and return what it is made of.

        Inputs are named by the column, a dot and their alias: an alias may be the name of another column.
        """
        expression = self._read(wanted, wanted.name, wanted.metric, wanted.period)
        return Column(wanted.name, expression, wanted.metric.unit)

    def _read(self, wanted: Wanted, name: str, metric: Metric, period: TimeRange | None) -> str:
        if metric.cumulative is not None:
            base = self.catalog.metrics[metric.cumulative.metric]
            return self._read(wanted, name, base, _running(metric.cumulative, period, self.calendar))
        if metric.derived is None:
            self._measure(wanted, name, metric, period)
            return name
        inputs: dict[str, str] = {}
        for part in metric.derived.inputs:
            moved = period
            if part.offset is not None and period is not None:
                moved = self._moved(period, part.offset)
            inputs[part.alias] = self._read(wanted, f"{name}.{part.alias}", self.catalog.metrics[part.metric], moved)
        return "(" + _substitute(metric.derived.expression, inputs) + ")"

    def _moved(self, period: TimeRange, offset: Span) -> TimeRange:
        """Return the period before by an offset, in parts that are those of the period before by it.

        Units of the calendar are other parts where the offset is no whole number of them: a quarter before a year.
        Weeks and days stay what they are, as moved by months they would have other lengths.
        """
        moved = shift(period, -offset.count, offset.grain, self.calendar)
        broken = broken_like(moved, period, self.calendar, self.today)
        if period.grain < Grain.MONTH:
            return broken
        parts = parts_moved(period, -offset.count, offset.grain, self.calendar, self.today)
        if not parts or [(p.start, p.end) for p in parts] == [(p.start, p.end) for p in broken.buckets]:
            return broken
        return replace(broken, buckets=parts)

    def _measure(self, wanted: Wanted, name: str, metric: Metric, period: TimeRange | None) -> None:
        if period is not None:
            zone = metric.time_zone or self.catalog.manifest.default_time_zone
            period = period if period.time_zone == zone else replace(period, time_zone=zone)
        key = (wanted.name, cube_of(metric), metric.time_dimension or "", period)
        known = self._slices.get(key)
        if known is None:
            taken = self._slices and wanted.name in [part.id for part in self._slices.values()]
            query = name if taken else wanted.name
            measures: tuple[SlicedMetric, ...] = (SlicedMetric(name, metric),)
        else:
            query = known.id
            measures = known.metrics
            if all(measure.name != name for measure in measures):
                measures = (*measures, SlicedMetric(name, metric))
        self._slices[key] = Slice(
            query, measures, wanted.metric, period, wanted.members, wanted.label, wanted.grouped, wanted.essential
        )


def _running(cumulative: Cumulative, period: TimeRange | None, calendar: Calendar) -> TimeRange | None:
    """Return the days that a running total at the end of a period adds up."""
    if period is None:
        return None
    if cumulative.window is None and cumulative.grain_to_date is None:
        return replace(period, start=None, label=f"up to the end of {period.label}")
    return running(period, calendar, window=cumulative.window, grain_to_date=cumulative.grain_to_date)


def _substitute(expression: str, names: Mapping[str, str]) -> str:
    return _IDENTIFIER.sub(lambda match: names[match[0]], expression)
