"""What holds for every reading, whatever the words, the calendar and the day."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecp_server.domain.catalog import Calendar
from ecp_server.domain.text import tokenize
from ecp_server.resolution.time import find_times, period_expression, read
from ecp_server.resolution.time.expressions import TimeUnit, ToDate, Units
from tests.resolution.time.circumstances import any_days, calendars, days
from tests.resolution.time.test_finding import token_rows

units = st.sampled_from(TimeUnit)

EXPRESSIONS = (
    "last quarter", "last 3 months", "next 2 weeks", "this fiscal year", "two years ago", "week before last", "YTD",
    "fiscal QTD", "YTD last year", "rolling 30 days", "within the last 2 weeks", "Q3", "Q3 FY2024", "FY24", "FY2023-24",
    "H1 2023", "4Q19", "March", "fiscal August 2018", "January 2020", "June last year", "week 31", "week 12 of 2023",
    "P7 FY2023", "2024-02-29", "7/6", "Tue May 9", "the 15th", "last Friday", "Friday of last week",
    "first Monday of May", "last week of 2016", "first two quarters of 2023", "from Q4 to Q2", "Nov-Feb 2017",
    "between 2019 and 2021", "since 2020", "after March", "before FY23", "until yesterday", "Q1 and Q2 2023",
    "the 3 months to March 2024", "end of last year", "rest of the month", "the 1970s", "last March", "all time",
    "last 5 business days", "3 business days ago", "last weekend", "calendar Q4 2019", "2023/24", "2 weeks from now",
    "2020-present",
)  # fmt: skip


@given(token_rows, calendars, calendars, any_days)
def test_no_reading_raises_and_none_ends_before_it_starts(
    text: str, in_force: Calendar, fiscal: Calendar, today: date
) -> None:
    for mention in find_times(tokenize(text)):
        found = read(mention.expression, in_force, fiscal, today)
        for one in (found, *found.alternatives) if found else ():
            bounded = one.range.start is not None and one.range.end is not None
            assert not bounded or one.range.start <= one.range.end  # type: ignore[operator]
            assert one.id
            assert one.range.label


@pytest.mark.parametrize("text", EXPRESSIONS)
@settings(max_examples=20)
@given(in_force=calendars, fiscal=calendars, today=any_days)
def test_no_day_is_too_far_for_any_kind_of_expression(
    text: str, in_force: Calendar, fiscal: Calendar, today: date
) -> None:
    expression = period_expression(text)
    assert expression is not None
    read(expression, in_force, fiscal, today)


@pytest.mark.parametrize("text", EXPRESSIONS)
@settings(max_examples=20)
@given(in_force=calendars, today=days)
def test_ids_read_as_the_days_that_they_name(text: str, in_force: Calendar, today: date) -> None:
    expression = period_expression(text)
    assert expression is not None
    found = read(expression, in_force, in_force, today)
    for one in (found, *found.alternatives) if found else ():
        again = period_expression(one.id)
        assert again is not None
        reread = read(again, in_force, in_force, today)
        assert reread is not None
        assert (one.range.start, one.range.end) == (reread.range.start, reread.range.end)


@given(calendars, days, units)
def test_to_date_ends_with_today_included(calendar: Calendar, today: date, unit: TimeUnit) -> None:
    found = read(ToDate(unit), calendar, calendar, today)
    assert found is not None
    assert found.range.start is not None
    assert found.range.start <= today
    assert today.toordinal() + 1 == found.range.end.toordinal() if found.range.end else False


@given(calendars, days, units, st.integers(1, 6))
def test_the_units_before_the_current_one_touch_it(calendar: Calendar, today: date, unit: TimeUnit, count: int) -> None:
    last = read(Units(unit, -count, count), calendar, calendar, today)
    this = read(Units(unit, 0), calendar, calendar, today)
    assert last is not None
    assert this is not None
    assert unit is TimeUnit.WEEKEND or last.range.end == this.range.start
