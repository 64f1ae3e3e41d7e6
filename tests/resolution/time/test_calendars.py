"""Arithmetic on calendars (catalog.md, Calendar)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.catalog import GREGORIAN, Calendar, CalendarType, Weekday, YearEnd, YearName
from ecp_server.domain.period import Grain
from ecp_server.resolution.time.calendars import Unit, add_months, layout_of
from tests.resolution.time.circumstances import (
    FISCAL,
    FISCAL_BY_START,
    LAST_SATURDAY,
    RETAIL,
    any_days,
    calendars,
    days,
    week_calendars,
)


def year(calendar: Calendar, number: int) -> Unit:
    found = layout_of(calendar).nth(Grain.YEAR, number, 1)
    assert found is not None
    return found


def test_a_fiscal_year_is_named_by_its_end_or_its_start() -> None:
    assert (date(2023, 4, 1), date(2024, 4, 1)) == (year(FISCAL, 2024).start, year(FISCAL, 2024).end)
    assert (date(2024, 4, 1), date(2025, 4, 1)) == (year(FISCAL_BY_START, 2024).start, year(FISCAL_BY_START, 2024).end)


def test_a_fiscal_year_from_january_is_the_calendar_year() -> None:
    calendar = Calendar("january", CalendarType.FISCAL_MONTHS, start_month=1)
    assert (date(2024, 1, 1), date(2025, 1, 1)) == (year(calendar, 2024).start, year(calendar, 2024).end)


@pytest.mark.parametrize(
    ("number", "start", "weeks"),
    [
        (2006, date(2006, 1, 29), 53),
        (2010, date(2010, 1, 31), 52),
        (2012, date(2012, 1, 29), 53),
        (2017, date(2017, 1, 29), 53),
        (2018, date(2018, 2, 4), 52),
        (2023, date(2023, 1, 29), 53),
        (2024, date(2024, 2, 4), 52),
    ],
)
def test_retail_years_are_those_that_the_federation_publishes(number: int, start: date, weeks: int) -> None:
    found = year(RETAIL, number)
    assert (start, weeks) == (found.start, (found.end - found.start).days // 7)


def test_the_nearest_weekday_may_lie_after_the_month() -> None:
    calendar = Calendar("december", CalendarType.FISCAL_WEEKS, year_end=YearEnd(Weekday.SUNDAY, "nearest", 12))
    assert (date(2008, 12, 29), date(2010, 1, 4)) == (year(calendar, 2009).start, year(calendar, 2009).end)


@pytest.mark.parametrize(
    ("month", "named_by", "name"),
    [(12, YearName.END, 2012), (12, YearName.START, 2012), (1, YearName.END, 2013), (1, YearName.START, 2012)],
)
def test_a_year_of_weeks_is_named_by_the_nominal_anchor(month: int, named_by: YearName, name: int) -> None:
    calendar = Calendar(
        "weeks", CalendarType.FISCAL_WEEKS, year_end=YearEnd(Weekday.SATURDAY, "nearest", month), year_named_by=named_by
    )
    assert name == layout_of(calendar).containing(Grain.YEAR, date(2012, 7, 1)).year


def test_a_53rd_week_belongs_to_the_last_month_of_its_quarter() -> None:
    quarters = layout_of(LAST_SATURDAY).parts(year(LAST_SATURDAY, 2023), Grain.QUARTER)
    assert [14, 13, 13, 13] == [(quarter.end - quarter.start).days // 7 for quarter in quarters]
    months = layout_of(LAST_SATURDAY).parts(quarters[0], Grain.MONTH)
    assert [4, 4, 6] == [(month.end - month.start).days // 7 for month in months]


def test_a_fiscal_month_has_the_name_of_the_month_that_it_mostly_lies_in() -> None:
    august = layout_of(RETAIL).named_month(8, 2018)
    assert (date(2018, 8, 5), date(2018, 9, 2)) == (august.start, august.end)
    january = layout_of(RETAIL).named_month(1, 2019)
    assert (2018, 12, date(2019, 1, 6)) == (january.year, january.ordinal, january.start)


def test_weeks_start_on_the_day_after_the_year_ends_or_as_the_calendar_says() -> None:
    assert Weekday.SUNDAY.number == layout_of(RETAIL).containing(Grain.WEEK, date(2024, 5, 16)).start.weekday()
    sundays = Calendar("gregorian", week_start=Weekday.SUNDAY)
    assert date(2024, 5, 12) == layout_of(sundays).containing(Grain.WEEK, date(2024, 5, 16)).start
    assert date(2024, 5, 13) == layout_of(GREGORIAN).containing(Grain.WEEK, date(2024, 5, 16)).start


@given(days)
def test_gregorian_weeks_are_numbered_as_iso_numbers_them(day: date) -> None:
    week = layout_of(GREGORIAN).containing(Grain.WEEK, day)
    assert day.isocalendar()[:2] == (week.year, week.ordinal)


@pytest.mark.parametrize(
    ("calendar", "grain", "label", "name"),
    [
        (GREGORIAN, Grain.YEAR, "2024", "2024"),
        (GREGORIAN, Grain.QUARTER, "Q2 2024", "2024_q2"),
        (GREGORIAN, Grain.MONTH, "May 2024", "2024-05"),
        (GREGORIAN, Grain.WEEK, "Week 20 2024", "2024_w20"),
        (GREGORIAN, Grain.DAY, "2024-05-16", "2024-05-16"),
        (FISCAL, Grain.YEAR, "FY2025", "fy2025"),
        (FISCAL, Grain.QUARTER, "Q1 FY2025", "fy2025_q1"),
        (FISCAL, Grain.MONTH, "May 2024", "2024-05"),
        (RETAIL, Grain.MONTH, "P4 FY2024", "fy2024_p4"),
        (RETAIL, Grain.WEEK, "Week 15 FY2024", "fy2024_w15"),
    ],
)
def test_units_have_a_label_for_people_and_a_canonical_id(
    calendar: Calendar, grain: Grain, label: str, name: str
) -> None:
    unit = layout_of(calendar).containing(grain, date(2024, 5, 16))
    assert (label, name) == (unit.label, unit.id)


def test_a_calendar_of_weeks_that_says_no_year_end_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks year_end"):
        layout_of(Calendar("weeks", CalendarType.FISCAL_WEEKS))


@given(calendars, days)
def test_quarters_tile_their_year_and_months_their_quarter(calendar: Calendar, day: date) -> None:
    layout = layout_of(calendar)
    whole = layout.containing(Grain.YEAR, day)
    quarters = layout.parts(whole, Grain.QUARTER)
    assert 4 == len(quarters)
    for unit, parts in [(whole, quarters), *((quarter, layout.parts(quarter, Grain.MONTH)) for quarter in quarters)]:
        assert (unit.start, unit.end) == (parts[0].start, parts[-1].end)
        assert all(one.end == other.start for one, other in pairwise(parts))
        assert list(range(1, len(parts) + 1)) == [part.ordinal - parts[0].ordinal + 1 for part in parts]


@given(week_calendars, days)
def test_a_year_of_weeks_has_52_or_53_whole_ones(calendar: Calendar, day: date) -> None:
    layout = layout_of(calendar)
    whole = layout.containing(Grain.YEAR, day)
    weeks = layout.parts(whole, Grain.WEEK)
    assert len(weeks) in (52, 53)
    assert (whole.start, whole.end) == (weeks[0].start, weeks[-1].end)
    assert list(range(1, len(weeks) + 1)) == [week.ordinal for week in weeks]


@given(calendars, days, st.sampled_from([grain for grain in Grain if grain]))
def test_a_unit_is_found_by_a_day_by_its_number_and_by_its_neighbour(
    calendar: Calendar, day: date, grain: Grain
) -> None:
    layout = layout_of(calendar)
    unit = layout.containing(grain, day)
    assert unit.start <= day < unit.end
    assert unit == layout.nth(grain, unit.year, unit.ordinal)
    assert unit == layout.shift(layout.shift(unit, -1), 1)
    assert unit.start == layout.shift(unit, -1).end


@given(calendars, any_days, st.sampled_from([grain for grain in Grain if grain]), st.integers(-(10**9), 10**9))
def test_no_day_and_no_count_is_too_far(calendar: Calendar, day: date, grain: Grain, count: int) -> None:
    layout = layout_of(calendar)
    unit = layout.containing(grain, day)
    assert unit.start <= day <= unit.end
    far = layout.shift(unit, count)
    assert date.min <= far.start <= far.end <= date.max


@given(any_days, st.integers(-(10**6), 10**6))
def test_months_later_keep_the_day_where_there_is_one(day: date, count: int) -> None:
    later = add_months(day, count)
    inside = date.min + timedelta(days=31) < later < date.max - timedelta(days=31)
    assert not inside or later.day == day.day or (later + timedelta(days=1)).day == 1
