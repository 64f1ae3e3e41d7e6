"""A year that a part of one is held against ("Q3 vs 2022", "last month vs two years ago") means that part of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from ecp_server.domain.catalog import Calendar
from ecp_server.domain.frozen import replace
from ecp_server.domain.period import TimeRange
from ecp_server.resolution.time import Comparable, Expression, Units, same_period_last_year
from ecp_server.resolution.time.expressions import TimeUnit, Year, lacks_year, unit_of, with_year
from ecp_server.resolution.time.relativity import depends_on_today

_ANY_YEAR: Final = Year(2000)
_MOST_YEARS_BACK: Final = 100
# A year to date of eleven months is a part, the last twelve months are none.
_SHORTER_BY: Final = timedelta(days=27)


def part_in_year(
    period: TimeRange, named: Expression, year: TimeRange, calendar: Calendar
) -> tuple[int, Comparable] | None:
    """Return the comparable of a period in an earlier year that is named, and how many years before it lies.

    None where no year is named, where the period is no part of one, or where the year is not an earlier one.
    """
    if unit_of(named) is not TimeUnit.YEAR or not _shorter(period, year):
        return None
    days = period
    for earlier in range(1, _MOST_YEARS_BACK):
        comparable = same_period_last_year(days, calendar)
        if comparable is None or comparable.range.start == days.start:
            return None
        days = comparable.range
        if (isinstance(named, Units) and named.first == -earlier) or _lies_in(days, year):
            return earlier, replace(comparable, range=replace(days, time_zone=period.time_zone))
    return None


def says_from_today(expression: Expression) -> bool:
    """Tell whether the words say where the period lies from today; a year left out does not."""
    return depends_on_today(with_year(expression, _ANY_YEAR) if lacks_year(expression) else expression)


def _lies_in(days: TimeRange, year: TimeRange) -> bool:
    if days.start is None or days.end is None or year.start is None or year.end is None:
        return False
    return year.start <= days.start and days.end <= year.end


def _shorter(period: TimeRange, year: TimeRange) -> bool:
    if period.start is None or period.end is None or year.start is None or year.end is None:
        return False
    return period.end - period.start < year.end - year.start - _SHORTER_BY
