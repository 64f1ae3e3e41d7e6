"""Turns what is asked for into what must be read: derived metrics into their inputs, each with its own period."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ecp_server.domain.catalog import Calendar, Catalog, Metric
from ecp_server.domain.period import TimeRange
from ecp_server.resolution.draft import Slice, SlicedMember, SlicedMetric, cube_of
from ecp_server.resolution.time.shift import shift

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table: ``expression`` over measures' names, which is its own name where it is a measure."""

    name: str
    expression: str
    unit: str


@dataclass(slots=True)
class Expansion:
    """Collects the slices of one plan; metrics of one cube, period and time dimension share a query."""

    catalog: Catalog
    calendar: Calendar
    _slices: dict[tuple[str, str, str, TimeRange | None], Slice] = field(default_factory=dict)

    @property
    def slices(self) -> tuple[Slice, ...]:
        """Return the slices in the order in which they were first needed."""
        return tuple(self._slices.values())

    def add(
        self,
        name: str,
        metric: Metric,
        period: TimeRange | None,
        members: tuple[SlicedMember, ...],
        label: str = "",
    ) -> Column:
        """Add a metric as the column ``name`` and return what it is made of.

        Inputs are named by their alias, prefixed with the column where that is not the only one.
        """
        return Column(name, self._read(name, name, metric, metric, period, members, label), metric.unit)

    def _read(
        self,
        column: str,
        name: str,
        metric: Metric,
        asked: Metric,
        period: TimeRange | None,
        members: tuple[SlicedMember, ...],
        label: str,
    ) -> str:
        if metric.derived is None:
            self._measure(column, name, metric, asked, period, members, label)
            return name
        inputs: dict[str, str] = {}
        for part in metric.derived.inputs:
            moved = period
            if part.offset is not None and period is not None:
                moved = shift(period, -part.offset.count, part.offset.grain, self.calendar)
            inner = part.alias if name == "actual" else f"{name}_{part.alias}"
            inputs[part.alias] = self._read(
                column, inner, self.catalog.metrics[part.metric], asked, moved, members, label
            )
        return "(" + _substitute(metric.derived.expression, inputs) + ")"

    def _measure(
        self,
        column: str,
        name: str,
        metric: Metric,
        asked: Metric,
        period: TimeRange | None,
        members: tuple[SlicedMember, ...],
        label: str,
    ) -> None:
        key = (column, cube_of(metric), metric.time_dimension or "", period)
        known = self._slices.get(key)
        if known is None:
            taken = {s.id for s in self._slices.values()}
            self._slices[key] = Slice(
                name if column in taken else column, (SlicedMetric(name, metric),), asked, period, members, label
            )
        elif all(m.name != name for m in known.metrics):
            self._slices[key] = Slice(
                known.id, (*known.metrics, SlicedMetric(name, metric)), asked, period, members, label
            )


def needs_period(metric: Metric, catalog: Catalog) -> bool:
    """Tell whether an input of the metric is offset in time, so that no figure is possible without a period."""
    if metric.derived is None:
        return False
    return any(
        part.offset is not None or needs_period(catalog.metrics[part.metric], catalog) for part in metric.derived.inputs
    )


def _substitute(expression: str, names: Mapping[str, str]) -> str:
    return _IDENTIFIER.sub(lambda match: names[match[0]], expression)
