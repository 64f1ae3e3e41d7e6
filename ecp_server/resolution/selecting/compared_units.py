"""What "MoM", "QoQ" and "the week before" compare: months, quarters and weeks, whatever the period is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from ecp_server.domain.catalog import Calendar
from ecp_server.domain.frozen import replace
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.resolution.draft import TimedMention
from ecp_server.resolution.time import Comparison, previous, whole_units
from ecp_server.resolution.time.calendars import Unit, layout_of
from ecp_server.resolution.time.expressions import TimeUnit, Units
from ecp_server.resolution.time.periods import days_label

_ONE_DAY: Final = timedelta(days=1)


def names_unit(timed: TimedMention) -> bool:
    """Tell whether words hold each of a unit against the one before it; a year before is any period's."""
    expression = timed.expression
    return isinstance(expression, Comparison) and expression.unit not in (None, TimeUnit.YEAR) and not timed.assumed


def compared_unit(times: Sequence[TimedMention]) -> tuple[TimedMention, TimeUnit] | None:
    """Return the first such words, and their unit."""
    for timed in times:
        if isinstance(timed.expression, Comparison) and timed.expression.unit is not None and names_unit(timed):
            return timed, timed.expression.unit
    return None


def last_compared(times: Sequence[TimedMention]) -> TimedMention | None:
    """Return the last complete one of the units that words compare, with the words, where they name one."""
    for timed in times:
        if isinstance(timed.expression, Comparison) and not timed.assumed:
            unit = timed.expression.unit if names_unit(timed) else timed.expression.like
            if unit is not None:
                return replace(timed, expression=Units(unit, -1))
    return None


def before_by_unit(period: TimeRange, unit: TimeUnit | None, calendar: Calendar) -> TimeRange | None:
    """Return the unit before a period that is one, or for each part of a period the one before; None for others."""
    if unit is None or period.start is None:
        return None
    if period.grain is not Grain.NONE:
        return each_before(period, calendar) if period.grain is unit.grain and unit.size == 1 else None
    if (begun := _begun(period, unit, calendar)) is not None and period.end is not None and period.end < begun.end:
        before = previous(TimeRange(begun.start, begun.end, begun.label, calendar.id), calendar)
        if before is not None and before.start is not None and before.end is not None:
            end = min(before.start + (period.end - period.start), before.end)
            return TimeRange(before.start, end, days_label(before.start, end), calendar.id)
    return previous(period, calendar) if is_one(period, unit, calendar) else None


def _begun(period: TimeRange, unit: TimeUnit, calendar: Calendar) -> Unit | None:
    """Return the unit that a period begins with, where it does."""
    if period.start is None or unit.size > 1 or unit.grain is Grain.DAY:
        return None
    found = layout_of(calendar).containing(unit.grain, period.start)
    return found if found.start == period.start else None


def is_one(period: TimeRange, unit: TimeUnit, calendar: Calendar) -> bool:
    """Tell whether a period is one of these units; one that is cut is taken for what is said of it."""
    if period.start is None or period.end is None:
        return True
    if unit is TimeUnit.DAY:
        return period.end - period.start == _ONE_DAY
    whole = whole_units(period, calendar)
    return whole is None or (whole[0].grain, whole[1]) == (unit.grain, unit.size)


def grain_within(period: TimeRange, unit: TimeUnit, calendar: Calendar) -> Grain:
    """Return the grain that parts a period into these units; none where it is not made of several of them."""
    whole = whole_units(period, calendar)
    if whole is None:
        begun = _begun(period, unit, calendar)
        return unit.grain if begun is not None and (period.end is None or period.end > begun.end) else Grain.NONE
    if unit.size > 1 or is_one(period, unit, calendar):
        return Grain.NONE
    return unit.grain if unit.grain <= whole[0].grain else Grain.NONE


def each_before(period: TimeRange, calendar: Calendar) -> TimeRange | None:
    """Return the days whose parts lie right before those of a period, part by part; None where its first is cut."""
    if not period.buckets:
        return None
    first, last = period.buckets[0], period.buckets[-1]
    days = TimeRange(first.start, first.end, first.label, period.calendar)
    whole = whole_units(days, calendar)
    if period.grain is not Grain.DAY and (whole is None or (whole[0].grain, whole[1]) != (period.grain, 1)):
        return None
    before = previous(days, calendar)
    if before is None or before.start is None:
        return None
    return TimeRange(before.start, last.start, days_label(before.start, last.start), period.calendar)
