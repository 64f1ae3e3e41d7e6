"""Arithmetic on every kind of calendar: which days a year, quarter, month or week of it has (catalog.md, Calendar).

Units of one grain are numbered without gaps: the years by their name, and within a year the quarters and months by
their place. Days are counted as `date.toordinal` does and may lie beyond the years 1 to 9999 while one calculates;
only the dates handed out are clamped to what `datetime.date` can hold.
"""

from __future__ import annotations

import calendar as gregorian
from bisect import bisect_right
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Final, Protocol

from ecp_server.domain.catalog import Calendar, CalendarType, YearEnd, YearName
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import Grain

MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
DAYS_OF_WEEK: Final = 7
MONTHS_OF_YEAR: Final = 12
_FIRST_DAY: Final = date.min.toordinal()
_LAST_DAY: Final = date.max.toordinal()
# The gregorian calendar repeats after 400 years, weekdays included.
_CYCLE_YEARS: Final = 400
_CYCLE_DAYS: Final = 146_097
_PER_YEAR: Final = {Grain.YEAR: 1, Grain.QUARTER: 4, Grain.MONTH: 12}
_MONTHS: Final = {Grain.YEAR: 12, Grain.QUARTER: 3, Grain.MONTH: 1}
# A week belongs to the year or month that has at least four of its days, and so its fourth.
FOURTH_DAY: Final = 3


@dataclass(frozen=True, slots=True)
class Unit:
    """One day, week, month, quarter or year of a calendar, from ``start`` to ``end``, exclusive."""

    grain: Grain
    index: int
    """Its number among all units of the grain; neighbours differ by one."""
    start: date
    end: date
    year: int
    """The name of the year that it belongs to."""
    ordinal: int
    """Its place in that year, from 1; 1 for a year."""
    label: str
    """For people, e.g. "Q3 FY2024"."""
    id: str
    """Canonical expression, e.g. "fy2024_q3"; reads as this unit again where its calendar is in force."""


def clamped(ordinal: int) -> date:
    """Return the date of that proleptic ordinal, or the nearest one that exists."""
    return date.fromordinal(min(max(ordinal, _FIRST_DAY), _LAST_DAY))


def month_start(index: int) -> int:
    """Return the ordinal of the first day of a gregorian month, numbered as year * 12 + month - 1; any integer."""
    year, month = divmod(index, MONTHS_OF_YEAR)
    cycles = (year - 1) // _CYCLE_YEARS
    return date(year - cycles * _CYCLE_YEARS, month + 1, 1).toordinal() + cycles * _CYCLE_DAYS


class Frame(Protocol):
    """Where the years, quarters and months of a kind of calendar start."""

    week_start: int
    """The weekday that weeks start on, 0 for Monday."""

    def start(self, grain: Grain, index: int) -> int:
        """Return the ordinal of the first day of a year, quarter or month."""

    def index(self, grain: Grain, day: int) -> int:
        """Return the number of the year, quarter or month that contains the day of that ordinal."""

    def named_month(self, month: int, year: int) -> int:
        """Return the number of the month called ``month`` (1 is January) that mostly lies in the calendar year."""


class MonthFrame:
    """Years of twelve gregorian months, from any of them on."""

    def __init__(self, start_month: int, named_by: YearName, week_start: int) -> None:
        self.week_start = week_start
        named_ahead = start_month > 1 and named_by is YearName.END
        # What to add to a month's number here to have its number in the gregorian calendar.
        self._lead = start_month - 1 - (MONTHS_OF_YEAR if named_ahead else 0)

    def start(self, grain: Grain, index: int) -> int:
        """Return the ordinal of the first day of a year, quarter or month."""
        return month_start(index * _MONTHS[grain] + self._lead)

    def index(self, grain: Grain, day: int) -> int:
        """Return the number of the year, quarter or month that contains the day of that ordinal."""
        cycles, rest = divmod(day - 1, _CYCLE_DAYS)
        at = date.fromordinal(rest + 1)
        month = (at.year + cycles * _CYCLE_YEARS) * MONTHS_OF_YEAR + at.month - 1
        return (month - self._lead) // _MONTHS[grain]

    def named_month(self, month: int, year: int) -> int:
        """Return the number of the month called ``month`` (1 is January) in the calendar year."""
        return year * MONTHS_OF_YEAR + month - 1 - self._lead


class WeekFrame:
    """Years of 52 or 53 whole weeks that end on a given weekday; months have four or five weeks by a pattern."""

    def __init__(self, calendar: Calendar, year_end: YearEnd) -> None:
        self.week_start = (year_end.weekday.number + 1) % DAYS_OF_WEEK
        self._year_end = year_end
        # The day after the anchor before, that of December aside, lies in the calendar year before this anchor.
        named_behind = calendar.year_named_by is YearName.START and year_end.month < MONTHS_OF_YEAR
        self._behind = 1 if named_behind else 0
        weeks = list(calendar.pattern) * 4
        self._short = tuple(accumulate(weeks, initial=0))
        weeks[calendar.leap_week_quarter * 3 - 1] += 1
        self._long = tuple(accumulate(weeks, initial=0))
        self._year_start = lru_cache(maxsize=1024)(self._find_year_start)

    def start(self, grain: Grain, index: int) -> int:
        """Return the ordinal of the first day of a year, quarter or month."""
        year, month = divmod(index * _MONTHS[grain], MONTHS_OF_YEAR)
        start = self._year_start(year)
        return start + DAYS_OF_WEEK * self._weeks_before(year)[month] if month else start

    def index(self, grain: Grain, day: int) -> int:
        """Return the number of the year, quarter or month that contains the day of that ordinal."""
        year = (day - 1) * _CYCLE_YEARS // _CYCLE_DAYS + 1
        while self._year_start(year) > day:
            year -= 1
        while self._year_start(year + 1) <= day:
            year += 1
        if grain is Grain.YEAR:
            return year
        week = (day - self._year_start(year)) // DAYS_OF_WEEK
        month = bisect_right(self._weeks_before(year), week) - 1
        return (year * MONTHS_OF_YEAR + month) // _MONTHS[grain]

    def named_month(self, month: int, year: int) -> int:
        """Return the number of the month called ``month`` (1 is January) that mostly lies in the calendar year."""
        middle = month_start(year * MONTHS_OF_YEAR + month - 1) + 14
        place = (month - self._year_end.month - 1) % MONTHS_OF_YEAR
        index = self.index(Grain.YEAR, middle) * MONTHS_OF_YEAR + place
        near = (index - MONTHS_OF_YEAR, index, index + MONTHS_OF_YEAR)
        return min(near, key=lambda one: abs(self.start(Grain.MONTH, one) + 14 - middle))

    def _weeks_before(self, year: int) -> tuple[int, ...]:
        """Return how many weeks of the year lie before each of its months."""
        weeks = (self._year_start(year + 1) - self._year_start(year)) // DAYS_OF_WEEK
        return self._long if weeks > self._short[-1] else self._short

    def _find_year_start(self, year: int) -> int:
        """Return the ordinal of the day after the year before has ended."""
        anchor_month = (year + self._behind - 1) * MONTHS_OF_YEAR + self._year_end.month - 1
        last_day = month_start(anchor_month + 1) - 1
        back = (last_day - 1 - self._year_end.weekday.number) % DAYS_OF_WEEK  # ordinal 1 was a Monday
        after_is_nearer = self._year_end.rule == "nearest" and back > DAYS_OF_WEEK // 2
        return last_day - back + (DAYS_OF_WEEK if after_is_nearer else 0) + 1


class Layout:
    """How one calendar lays out its units. Make it with `layout_of`, which keeps one for each calendar."""

    def __init__(self, calendar: Calendar, frame: Frame) -> None:
        self.calendar = calendar
        self.fiscal = calendar.type is not CalendarType.GREGORIAN
        self._of_weeks = calendar.type is CalendarType.FISCAL_WEEKS
        self._frame = frame
        self.unit = lru_cache(maxsize=4096)(self._unit)

    def start(self, grain: Grain, index: int) -> int:
        """Return the ordinal of the first day of a unit."""
        if grain is Grain.DAY:
            return index
        if grain is Grain.WEEK:
            return index * DAYS_OF_WEEK + 1 + self._frame.week_start  # ordinal 1 was a Monday
        return self._frame.start(grain, index)

    def index(self, grain: Grain, day: int) -> int:
        """Return the number of the unit that contains the day of that ordinal."""
        if grain is Grain.DAY:
            return day
        if grain is Grain.WEEK:
            return (day - 1 - self._frame.week_start) // DAYS_OF_WEEK
        return self._frame.index(grain, day)

    def containing(self, grain: Grain, day: date) -> Unit:
        """Return the unit that contains a day."""
        return self.unit(grain, self.index(grain, day.toordinal()))

    def nth(self, grain: Grain, year: int, ordinal: int) -> Unit | None:
        """Return a unit by its year's name and its place there, from the end where negative; None if there is none."""
        first = self.first_index(grain, year)
        count = self.first_index(grain, year + 1) - first
        place = ordinal + count if ordinal < 0 else ordinal - 1
        return self.unit(grain, first + place) if 0 <= place < count else None

    def named_month(self, month: int, year: int) -> Unit:
        """Return the month called ``month`` (1 is January) that mostly lies in the calendar year."""
        return self.unit(Grain.MONTH, self._frame.named_month(month, year))

    def shift(self, unit: Unit, count: int) -> Unit:
        """Return the unit ``count`` units later, or earlier where negative."""
        return self.unit(unit.grain, unit.index + count)

    def parts(self, unit: Unit, grain: Grain) -> tuple[Unit, ...]:
        """Return the units of a finer grain in ``unit``; of weeks, those that have at least four days in it."""
        start, end = self.start(unit.grain, unit.index), self.start(unit.grain, unit.index + 1)
        return tuple(self.unit(grain, index) for index in self.indices(grain, start, end))

    def indices(self, grain: Grain, start: int, end: int) -> range:
        """Return the numbers of the units that begin from ``start`` up to ``end``, a week on its fourth day."""
        lead = FOURTH_DAY if grain is Grain.WEEK else 0
        first, after = (self.index(grain, day + lead) for day in (start, end))
        first += self.start(grain, first) + lead < start
        after += self.start(grain, after) + lead < end
        return range(first, after)

    def first_index(self, grain: Grain, year: int) -> int:
        """Return the number of the first unit of a year."""
        if grain in _PER_YEAR:
            return year * _PER_YEAR[grain]
        start = self._frame.start(Grain.YEAR, year)
        return self.index(Grain.WEEK, start + FOURTH_DAY) if grain is Grain.WEEK else start

    def _unit(self, grain: Grain, index: int) -> Unit:
        start = self.start(grain, index)
        if grain in _PER_YEAR:
            year, place = divmod(index, _PER_YEAR[grain])
        else:
            year = self._frame.index(Grain.YEAR, start + FOURTH_DAY if grain is Grain.WEEK else start)
            place = index - self.first_index(grain, year)
        first, end = clamped(start), clamped(self.start(grain, index + 1))
        label, name = self._names(grain, first, year, place + 1)
        return Unit(grain, index, first, end, year, place + 1, label, name)

    def _names(self, grain: Grain, start: date, year: int, ordinal: int) -> tuple[str, str]:
        """Return the label and the id of a unit."""
        of_year, id_of_year = (f"FY{year}", f"fy{year}") if self.fiscal else (str(year), f"{year:04}")
        if grain is Grain.YEAR:
            return of_year, id_of_year
        if grain is Grain.QUARTER:
            return f"Q{ordinal} {of_year}", f"{id_of_year}_q{ordinal}"
        if grain is Grain.WEEK:
            return f"Week {ordinal} {of_year}", f"{id_of_year}_w{ordinal:02}"
        if grain is Grain.DAY:
            return start.isoformat(), start.isoformat()
        if self._of_weeks:
            return f"P{ordinal} {of_year}", f"{id_of_year}_p{ordinal}"
        return f"{MONTH_NAMES[start.month - 1]} {start.year}", f"{start.year:04}-{start.month:02}"


@lru_cache(maxsize=256)
def layout_of(calendar: Calendar) -> Layout:
    """Return how ``calendar`` lays out its units.

    Raises:
        ValueError: a calendar of weeks does not say where its year ends.
    """
    if calendar.type is CalendarType.FISCAL_WEEKS:
        if calendar.year_end is None:
            raise ValueError(f"calendar {calendar.id} lacks year_end")
        return Layout(calendar, WeekFrame(calendar, calendar.year_end))
    month = calendar.start_month if calendar.type is CalendarType.FISCAL_MONTHS else 1
    return Layout(calendar, MonthFrame(month, calendar.year_named_by, calendar.week_start.number))


def add_months(day: date, count: int) -> date:
    """Return the same day ``count`` months later, the month's last one where it is shorter; clamped."""
    year, month = divmod(day.year * MONTHS_OF_YEAR + day.month - 1 + count, MONTHS_OF_YEAR)
    if not date.min.year <= year <= date.max.year:
        return date.min if count < 0 else date.max
    return date(year, month + 1, min(day.day, gregorian.monthrange(year, month + 1)[1]))


def add_days(day: date, count: int) -> date:
    """Return the day ``count`` days later, clamped to what exists."""
    return clamped(day.toordinal() + count)
