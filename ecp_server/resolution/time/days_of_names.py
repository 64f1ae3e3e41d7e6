"""What years, months, dates, weekdays and parts of them come to (design, Time readings; catalog.md, Calendar)."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, date
from typing import Any, Final

from ecp_server.domain.catalog import GREGORIAN, CalendarType
from ecp_server.domain.frozen import replace
from ecp_server.domain.period import Grain
from ecp_server.resolution.time.calendars import DAYS_OF_WEEK, MONTHS_OF_YEAR, Layout, add_days, add_months, layout_of
from ecp_server.resolution.time.expressions import (
    Day,
    Decade,
    Expression,
    Month,
    NthWeekday,
    Part,
    Recurring,
    Said,
    TimeUnit,
    Units,
    Weekday,
    Year,
    lacks_year,
    said_of,
    with_year,
)
from ecp_server.resolution.time.spans import Here, Reader, Span, business_day

# A leap day may be eight years away, across a century that has none.
_LEAP_DAY_YEARS: Final = 9
# In so many months every day of a month falls on every weekday.
_MONTHS_BACK: Final = 14
_MIDDLE: Final = 14
_SATURDAY: Final = 5


def existing(year: int, month: int, day: int) -> date | None:
    """Return the date, None where there is none."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _year(here: Here, year: Year, said: Said) -> Span | None:
    said = year.said or said or here.said
    if not year.spanning or not MINYEAR <= year.number <= MAXYEAR:
        return here.blocks(said, TimeUnit.YEAR, year.number, 1)
    # "2023/24" is the fiscal year that begins in 2023; where years do not straddle two it is both.
    index = here.layout(said).index
    first, last = (index(Grain.YEAR, date(year.number, month, 1).toordinal()) for month in (1, MONTHS_OF_YEAR))
    return here.blocks(said, TimeUnit.YEAR, last, 2 if first == last else 1)


def _decade(here: Here, decade: Decade, _said: Said) -> Span | None:
    plain = replace(here, in_force=GREGORIAN)
    return plain.blocks(Said.NOTHING, TimeUnit.DECADE, decade.first // TimeUnit.DECADE.size, 1)


def _month(here: Here, month: Month, said: Said) -> Span | None:
    said = said_of(month) or said or here.said
    layout, year = here.month_layout(said), month.year
    if year is None:
        return _latest_month(here, layout, month.month)
    if isinstance(year, Year) and not year.spanning and year.said is not Said.FISCAL:
        return _named_month(layout, month.month, year.number)
    # A month's name is gregorian, and so is the year beside it unless "fiscal" is said.
    circumstances = here if said is Said.FISCAL else replace(here, in_force=here.gregorian)
    within = circumstances.span(year, said)
    if within is None:
        return None
    for number in range(within.first_day.year - 1, within.last_day.year + 2):
        unit = layout.named_month(month.month, number)
        if within.first_day <= add_days(unit.start, _MIDDLE) <= within.last_day:
            return _named_month(layout, month.month, number)
    return None


def _latest_month(here: Here, layout: Layout, month: int) -> Span | None:
    # The month called January may begin in the December before.
    years = range(here.today.year + 1, here.today.year - 3, -1)
    latest = next((year for year in years if layout.named_month(month, year).start <= here.today), None)
    return None if latest is None else _named_month(layout, month, latest + here.years_on)


def _named_month(layout: Layout, month: int, year: int) -> Span:
    unit = layout.named_month(month, year)
    return Span(unit.start, unit.end, unit.label, unit.id, layout.calendar)


def _day(here: Here, day: Day, _said: Said) -> Span | None:
    plain = replace(here, in_force=here.gregorian)
    found = _date(plain, day)
    return plain.one_day(found) if found else None


def _date(here: Here, day: Day) -> date | None:
    number, month = day.day, day.month
    if month is None:
        return _day_of_month(here, day)
    if here.day_first and day.either_order:
        number, month = month, number
    if day.year is None:
        return _date_of_left_out_year(here, replace(day, month=month, day=number))
    if isinstance(day.year, Year) and day.year.said is not Said.FISCAL:
        return existing(day.year.number, month, number)
    year = here.span(day.year)
    if year is None:
        return None
    dates = (existing(of, month, number) for of in range(year.first_day.year, year.last_day.year + 1))
    return next((found for found in dates if found and year.first_day <= found <= year.last_day), None)


def _date_of_left_out_year(here: Here, day: Day) -> date | None:
    """Return the latest such date not after today; with an ordinal or a weekday this year's."""
    month, number = day.month or 1, day.day
    this = existing(here.today.year + here.years_on, month, number)
    if this and day.weekday is not None:
        # Of the dates next to today the one that is such a weekday is meant.
        other = existing(this.year + (1 if this <= here.today else -1), month, number)
        fits = other and other.weekday() == day.weekday != this.weekday()
        return other if fits and not here.years_on else this
    if this and day.ordinal:
        return this
    dates = (existing(here.today.year - back, month, number) for back in range(_LEAP_DAY_YEARS))
    latest = next((found for found in dates if found and found <= here.today), None)
    return existing(latest.year + here.years_on, month, number) if latest else None


def _day_of_month(here: Here, day: Day) -> date | None:
    """Return the latest such day not after today; with an ordinal this month's, with a weekday one that is such."""
    months = [add_months(here.today.replace(day=1), -back) for back in range(_MONTHS_BACK)]
    dates = [found for month in months if (found := existing(month.year, month.month, day.day))]
    if day.weekday is not None:
        dates = [found for found in dates if found.weekday() == day.weekday] or dates
    if not day.ordinal:
        dates = [found for found in dates if found <= here.today]
    return add_months(dates[0], here.years_on) if dates else None


def _part(here: Here, part: Part, said: Said) -> Span | None:
    said = said_of(part) or said or here.said
    if part.within is None:
        return _part_of_left_out_year(here, part, said)
    within = here.span(_of_this_year(here, part), said)
    if within is None or within.start is None or within.end is None:
        return None
    if part.unit in (TimeUnit.BUSINESS_DAY, TimeUnit.WEEKEND):
        return _business_part(here, part, within.start, within.end)
    unit, layout = part.unit, here.layout(said)
    if within.calendar.type is CalendarType.GREGORIAN and unit.grain in (Grain.MONTH, Grain.QUARTER):
        layout = layout_of(within.calendar)
    found = layout.indices(unit.grain, within.start.toordinal(), within.end.toordinal())
    first, after = -(-found.start // unit.size), found.stop // unit.size
    index = after + part.nth if part.nth < 0 else first + part.nth - 1
    return here.blocks(said, unit, index, part.count, layout=layout) if first <= index <= after - part.count else None


def _of_this_year(here: Here, part: Part | NthWeekday) -> Expression:
    """Return what the part lies in, this year's where the year is left out: with an ordinal that is the one meant."""
    if part.within is None:
        return Units(TimeUnit.YEAR, here.years_on)
    return with_year(part.within, Units(TimeUnit.YEAR, here.years_on)) if lacks_year(part.within) else part.within


def _part_of_left_out_year(here: Here, part: Part, said: Said) -> Span | None:
    layout, unit = here.layout(said), part.unit
    this = layout.index(Grain.YEAR, here.today.toordinal())
    for year in (this, this - 1):
        index = layout.first_index(unit.grain, year) // unit.size + part.nth - 1
        if not part.ordinal and layout.start(unit.grain, index * unit.size) > here.today.toordinal():
            continue
        first = layout.first_index(unit.grain, year + here.years_on)
        index = first // unit.size + part.nth - 1
        if index * unit.size < layout.first_index(unit.grain, year + here.years_on + 1):
            return here.blocks(said, unit, index, 1)
        return None
    return None


def _business_part(here: Here, part: Part, start: date, end: date) -> Span | None:
    if part.unit is TimeUnit.WEEKEND:
        saturday = _nth_weekday(start, end, _SATURDAY, part.nth)
        return here.days(saturday, add_days(saturday, 2)) if saturday else None
    first = business_day(add_days(start, -1), part.nth) if part.nth > 0 else business_day(end, part.nth)
    last = business_day(first, part.count - 1) if part.count > 1 else first
    return here.days(first, add_days(last, 1)) if start <= first and last < end else None


def _nth_weekday(start: date, end: date, weekday: int, nth: int) -> date | None:
    if nth > 0:
        found = add_days(start, (weekday - start.weekday()) % DAYS_OF_WEEK + DAYS_OF_WEEK * (nth - 1))
    else:
        last = add_days(end, -1)
        found = add_days(last, -((last.weekday() - weekday) % DAYS_OF_WEEK) + DAYS_OF_WEEK * (nth + 1))
    return found if start <= found < end else None


def _weekday_of(here: Here, nth: NthWeekday, said: Said) -> Span | None:
    within = here.span(_of_this_year(here, nth), said)
    if within is None or within.start is None or within.end is None:
        return None
    found = _nth_weekday(within.start, within.end, nth.weekday, nth.nth)
    return here.one_day(found) if found else None


def _weekday(here: Here, weekday: Weekday, said: Said) -> Span | None:
    if weekday.week is not None:
        week = here.span(weekday.week, said)
        return here.one_day(on_or_after(week.first_day, weekday.weekday)) if week else None
    if weekday.nth < 0:
        latest = on_or_after(add_days(here.today, -DAYS_OF_WEEK), weekday.weekday)
        return here.one_day(add_days(latest, DAYS_OF_WEEK * (weekday.nth + 1)))
    coming = on_or_after(add_days(here.today, 1), weekday.weekday)
    return here.one_day(add_days(coming, DAYS_OF_WEEK * (weekday.nth - 1)))


def on_or_after(day: date, weekday: int) -> date:
    """Return the first such weekday that is not before a day."""
    return add_days(day, (weekday - day.weekday()) % DAYS_OF_WEEK)


def _recurring(here: Here, recurring: Recurring, said: Said) -> Span | None:
    # A year's name may differ by one from the calendar year, and the nearest one may be this year's or the next.
    around = 3 + abs(recurring.nth)
    years = range(here.today.year - around, here.today.year + around + 1)
    spans = [span for year in years if (span := here.span(with_year(recurring.of, Year(year)), said)) is not None]
    if recurring.nth > 0:
        spans = [span for span in spans if span.first_day > here.today]
        return spans[recurring.nth - 1] if len(spans) >= recurring.nth else None
    spans = [span for span in spans if span.last_day < here.today]
    return spans[recurring.nth] if len(spans) >= -recurring.nth else None


READERS: Final[dict[type[Any], Reader]] = {
    Day: _day,
    Decade: _decade,
    Month: _month,
    NthWeekday: _weekday_of,
    Part: _part,
    Recurring: _recurring,
    Weekday: _weekday,
    Year: _year,
}
