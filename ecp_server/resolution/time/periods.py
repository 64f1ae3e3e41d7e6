"""What is next to a period: its parts, the period before it and the comparable one a year earlier."""

from __future__ import annotations

from datetime import date
from typing import Final

from ecp_server.domain.catalog import Calendar, CalendarType
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import Grain, TimeBucket, TimeRange
from ecp_server.resolution.time.calendars import (
    DAYS_OF_WEEK,
    MONTHS_OF_YEAR,
    Layout,
    Unit,
    add_days,
    add_months,
    clamped,
    layout_of,
)

MAX_BUCKETS: Final = 4000
_COARSE_FIRST: Final = (Grain.YEAR, Grain.QUARTER, Grain.MONTH, Grain.WEEK)
_WEEKS_OF_YEAR: Final = 52


class TooManyBuckets(ValueError):
    """A period has more parts of a grain than `MAX_BUCKETS`."""


@dataclass(frozen=True, slots=True)
class Comparable:
    """The comparable period a year earlier, and what about it must be told; empty where nothing."""

    range: TimeRange
    note: str = ""


def buckets(period: TimeRange, grain: Grain, calendar: Calendar, today: date) -> tuple[TimeBucket, ...]:
    """Return the parts of a period, complete and in order, from its first day to its last.

    A part is partial where the period cuts it or where it has not ended before ``today``. A period without an end is
    taken to end with ``today``; one without a start has no first part, and so none.

    Raises:
        TooManyBuckets: there are more than `MAX_BUCKETS`.
    """
    start, end = period.start, period.end or add_days(today, 1)
    if start is None or grain is Grain.NONE or start >= end:
        return ()
    layout = layout_of(calendar)
    first, last = layout.index(grain, start.toordinal()), layout.index(grain, end.toordinal() - 1)
    if last - first >= MAX_BUCKETS:
        raise TooManyBuckets(f"{last - first + 1} parts, more than {MAX_BUCKETS}")
    return tuple(_bucket(layout.unit(grain, index), start, end, today) for index in range(first, last + 1))


def _bucket(unit: Unit, start: date, end: date, today: date) -> TimeBucket:
    cut = unit.start < start or unit.end > end
    return TimeBucket(max(unit.start, start), min(unit.end, end), unit.label, partial=cut or unit.end > today)


def whole_units(period: TimeRange, calendar: Calendar) -> tuple[Unit, int] | None:
    """Return the first of the units that make up the period exactly, the coarsest that do, and their number."""
    if period.start is None or period.end is None or period.start >= period.end:
        return None
    layout = layout_of(calendar)
    start, end = period.start.toordinal(), period.end.toordinal()
    for grain in _COARSE_FIRST:
        first, after = layout.index(grain, start), layout.index(grain, end)
        if after > first and layout.start(grain, first) == start and layout.start(grain, after) == end:
            return layout.unit(grain, first), after - first
    return None


def previous(period: TimeRange, calendar: Calendar) -> TimeRange | None:
    """Return as many whole units, or else as many days, right before a period; None if it is unbounded."""
    if period.start is None or period.end is None:
        return None
    whole = whole_units(period, calendar)
    if whole is None:
        length = (period.end - period.start).days
        return _named(add_days(period.start, -length), period.start, calendar)
    unit, count = whole
    layout = layout_of(calendar)
    return units_range(layout, unit.grain, unit.index - count, count)


def same_period_last_year(period: TimeRange, calendar: Calendar) -> Comparable | None:
    """Return the comparable period a year earlier; None if the period is unbounded.

    Whole units compare with those of the same number. In a calendar of weeks a year of 53 compares week by week: both
    periods have the same number of weeks where that can be, and the extra week is told.
    """
    if period.start is None or period.end is None:
        return None
    whole = whole_units(period, calendar)
    if whole is None:
        return _shifted(period.start, period.end, calendar)
    return _whole_year_earlier(*whole, layout_of(calendar))


def _whole_year_earlier(unit: Unit, count: int, layout: Layout) -> Comparable:
    grain = unit.grain
    if grain is Grain.WEEK:
        first = layout.first_index(grain, unit.year - 1) + unit.ordinal - 1
        last_week = layout.first_index(grain, unit.year) - 1
        if first > last_week:
            found = units_range(layout, grain, unit.index - _WEEKS_OF_YEAR, count)
            return Comparable(found, f"{unit.label} has no counterpart; the week 52 weeks before stands in.")
        return Comparable(units_range(layout, grain, first, count))
    per_year = {Grain.YEAR: 1, Grain.QUARTER: 4, Grain.MONTH: MONTHS_OF_YEAR}[grain]
    found = units_range(layout, grain, unit.index - per_year, count)
    length = layout.start(grain, unit.index + count) - layout.start(grain, unit.index)
    start, end = layout.start(grain, unit.index - per_year), layout.start(grain, unit.index - per_year + count)
    if layout.calendar.type is not CalendarType.FISCAL_WEEKS or end - start == length:
        return Comparable(found)
    if end - start > length:
        cut = _named(clamped(start), clamped(start + length), layout.calendar)
        return Comparable(cut, f"{found.label} has a week more; it is left out, week by week.")
    return Comparable(found, f"The period has a week more than {found.label}; its last week has no counterpart.")


def _shifted(start: date, end: date, calendar: Calendar) -> Comparable:
    """Return the days a year earlier: by date, or in a calendar of weeks by the place in the year."""
    last = add_days(end, -1)
    if calendar.type is not CalendarType.FISCAL_WEEKS:
        earlier = add_months(start, -MONTHS_OF_YEAR), add_days(add_months(last, -MONTHS_OF_YEAR), 1)
        return Comparable(_named(*earlier, calendar))
    layout = layout_of(calendar)
    year = layout.containing(Grain.YEAR, start)
    before = layout.start(Grain.YEAR, year.index - 1)
    first = before + (start - year.start).days
    note = ""
    if first >= layout.start(Grain.YEAR, year.index):
        first, note = start.toordinal() - _WEEKS_OF_YEAR * DAYS_OF_WEEK, "Week 53 has no counterpart."
    return Comparable(_named(clamped(first), clamped(first + (end - start).days), calendar), note)


def units_range(layout: Layout, grain: Grain, first: int, count: int) -> TimeRange:
    """Return ``count`` units from the one numbered ``first`` on."""
    one, last = layout.unit(grain, first), layout.unit(grain, first + count - 1)
    label = one.label if count == 1 else f"{one.label} to {last.label}"
    return TimeRange(one.start, last.end, label, layout.calendar.id)


def days_label(start: date, end: date) -> str:
    """Name the days from ``start`` to ``end``, exclusive, by the first and the last."""
    last = add_days(end, -1)
    return start.isoformat() if last <= start else f"{start.isoformat()} to {last.isoformat()}"


def _named(start: date, end: date, calendar: Calendar) -> TimeRange:
    return TimeRange(start, end, days_label(start, end), calendar.id)
