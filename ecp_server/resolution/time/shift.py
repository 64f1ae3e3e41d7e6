"""Moves a period by units of a calendar, as the offset of a derived metric's input asks (catalog.md, Metric)."""

from __future__ import annotations

from datetime import date
from typing import Final

from ecp_server.domain.catalog import Calendar, Span
from ecp_server.domain.frozen import replace
from ecp_server.domain.period import Grain, TimeBucket, TimeRange
from ecp_server.resolution.time.calendars import DAYS_OF_WEEK, Layout, clamped, layout_of
from ecp_server.resolution.time.periods import days_label, units_range, whole_units

_DAYS: Final = {Grain.DAY: 1, Grain.WEEK: DAYS_OF_WEEK}
_MONTHS: Final = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}


def shift(period: TimeRange, count: int, grain: Grain, calendar: Calendar) -> TimeRange:
    """Return the period ``count`` units later, or earlier where negative; a bound that is open stays open.

    Both ends keep their place in their month, cut where the month is shorter, so that whole units stay whole.
    """
    layout = layout_of(calendar)
    start = _moved(period.start, count, grain, layout)
    end = _moved(period.end, count, grain, layout)
    moved = replace(period, start=start, end=end, buckets=(), grain=Grain.NONE)
    whole = whole_units(moved, calendar)
    if whole is not None:
        unit, units = whole
        return replace(moved, label=units_range(layout, unit.grain, unit.index, units).label)
    if start is not None and end is not None:
        return replace(moved, label=days_label(start, end))
    return moved


def parts_moved(period: TimeRange, count: int, grain: Grain, calendar: Calendar, today: date) -> tuple[TimeBucket, ...]:
    """Return the parts of a period, each moved by itself; () where they do not stay parts, one after the other."""
    found: list[TimeBucket] = []
    for part in period.buckets:
        moved = shift(TimeRange(part.start, part.end, part.label), count, grain, calendar)
        if moved.start is None or moved.end is None or moved.start >= moved.end:
            return ()
        if found and found[-1].end != moved.start:
            return ()
        # It is cut where the part is, and has ended though that may not.
        cut = part.partial and part.end <= today
        found.append(TimeBucket(moved.start, moved.end, moved.label, partial=cut or moved.end > today))
    return tuple(found)


def _moved(day: date | None, count: int, grain: Grain, layout: Layout) -> date | None:
    if day is None:
        return None
    ordinal = day.toordinal()
    if grain in _DAYS:
        return clamped(ordinal + count * _DAYS[grain])
    month = layout.index(Grain.MONTH, ordinal)
    into = ordinal - layout.start(Grain.MONTH, month)
    target = month + count * _MONTHS[grain]
    return clamped(min(layout.start(Grain.MONTH, target) + into, layout.start(Grain.MONTH, target + 1)))


def running(period: TimeRange, calendar: Calendar, *, window: Span | None, grain_to_date: Grain | None) -> TimeRange:
    """Return the days up to the end of a period that a running total adds up: a window, or the grain's unit to date.

    A period without an end is left as it is.
    """
    if period.end is None:
        return period
    layout = layout_of(calendar)
    end = period.end.toordinal()
    if grain_to_date is not None:
        start = clamped(layout.start(grain_to_date, layout.index(grain_to_date, end - 1)))
    elif window is not None:
        start = _moved(period.end, -window.count, window.grain, layout) or clamped(0)
    else:
        return period
    return replace(period, start=start, label=days_label(start, period.end), buckets=(), grain=Grain.NONE)
