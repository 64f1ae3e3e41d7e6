"""Parts of a period, the one before it and the comparable a year earlier."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.catalog import GREGORIAN, Calendar
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.resolution.time import TooManyBuckets, buckets, previous, same_period_last_year, whole_units
from ecp_server.resolution.time.calendars import layout_of
from tests.resolution.time.circumstances import FISCAL, LAST_SATURDAY, RETAIL, TODAY, calendars, days, week_calendars

grains = st.sampled_from([Grain.WEEK, Grain.MONTH, Grain.QUARTER, Grain.YEAR])
periods = st.builds(
    lambda start, length: TimeRange(start, start + timedelta(days=length), "some days"), days, st.integers(1, 800)
)


def period(start: str | None, end: str | None) -> TimeRange:
    bounds = [date.fromisoformat(bound) if bound else None for bound in (start, end)]
    return TimeRange(bounds[0], bounds[1], "a period")


def found_days(found: TimeRange) -> tuple[str, str]:
    return str(found.start), str(found.end)


def test_buckets_are_partial_where_the_period_cuts_them_or_they_have_not_ended() -> None:
    found = buckets(period("2024-03-15", "2024-07-01"), Grain.MONTH, GREGORIAN, TODAY)
    assert [
        ("March 2024", "2024-03-15", True),
        ("April 2024", "2024-04-01", False),
        ("May 2024", "2024-05-01", True),
        ("June 2024", "2024-06-01", True),
    ] == [(bucket.label, str(bucket.start), bucket.partial) for bucket in found]


def test_buckets_of_an_open_period_end_with_today_and_need_a_start() -> None:
    assert [date(2024, 5, 1), date(2024, 5, 17)] == [
        bound
        for bucket in buckets(period("2024-04-01", None), Grain.MONTH, GREGORIAN, TODAY)[-1:]
        for bound in (bucket.start, bucket.end)
    ]
    assert () == buckets(period(None, "2024-04-01"), Grain.MONTH, GREGORIAN, TODAY)


def test_more_buckets_than_an_answer_can_hold_are_refused() -> None:
    with pytest.raises(TooManyBuckets):
        buckets(period("1900-01-01", "2024-01-01"), Grain.DAY, GREGORIAN, TODAY)


@given(calendars, periods, grains)
def test_buckets_tile_their_period(calendar: Calendar, some: TimeRange, grain: Grain) -> None:
    found = buckets(some, grain, calendar, TODAY)
    assert (some.start, some.end) == (found[0].start, found[-1].end)
    assert all(one.end == other.start for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("start", "end", "calendar", "before"),
    [
        ("2024-01-01", "2024-04-01", GREGORIAN, ("2023-10-01", "2024-01-01")),
        ("2024-03-01", "2024-04-01", GREGORIAN, ("2024-02-01", "2024-03-01")),
        ("2024-01-01", "2024-07-01", GREGORIAN, ("2023-07-01", "2024-01-01")),
        ("2024-03-05", "2024-03-15", GREGORIAN, ("2024-02-24", "2024-03-05")),
        ("2023-04-01", "2024-04-01", FISCAL, ("2022-04-01", "2023-04-01")),
        ("2023-01-29", "2024-02-04", RETAIL, ("2022-01-30", "2023-01-29")),
    ],
)
def test_the_period_before_is_as_many_whole_units_or_as_many_days(
    start: str, end: str, calendar: Calendar, before: tuple[str, str]
) -> None:
    found = previous(period(start, end), calendar)
    assert found is not None
    assert before == found_days(found)


def test_an_open_period_has_none_before_it_and_none_a_year_earlier() -> None:
    assert previous(period("2024-01-01", None), GREGORIAN) is None
    assert same_period_last_year(period(None, "2024-01-01"), GREGORIAN) is None


@given(calendars, periods)
def test_a_period_and_the_one_before_touch(calendar: Calendar, some: TimeRange) -> None:
    found = previous(some, calendar)
    assert found is not None
    assert some.start == found.end


@given(calendars, days, grains, st.integers(1, 5))
def test_as_many_units_lie_before_whole_units(calendar: Calendar, day: date, grain: Grain, count: int) -> None:
    layout = layout_of(calendar)
    first = layout.containing(grain, day)
    some = TimeRange(first.start, layout.shift(first, count - 1).end, "units")
    before = previous(some, calendar)
    assert before is not None
    whole, whole_before = whole_units(some, calendar), whole_units(before, calendar)
    assert whole is not None
    assert whole_before is not None
    assert layout.shift(whole[0], -whole[1]).start == before.start


@pytest.mark.parametrize(
    ("start", "end", "calendar", "earlier"),
    [
        ("2024-01-01", "2024-04-01", GREGORIAN, ("2023-01-01", "2023-04-01")),
        ("2024-02-01", "2024-03-01", GREGORIAN, ("2023-02-01", "2023-03-01")),
        ("2024-01-01", "2024-05-17", GREGORIAN, ("2023-01-01", "2023-05-17")),
        ("2024-02-10", "2024-03-01", GREGORIAN, ("2023-02-10", "2023-03-01")),
        ("2023-04-01", "2024-04-01", FISCAL, ("2022-04-01", "2023-04-01")),
        ("2022-07-31", "2022-10-30", RETAIL, ("2021-08-01", "2021-10-31")),
        ("2024-02-04", "2024-05-17", RETAIL, ("2023-01-29", "2023-05-12")),
    ],
)
def test_the_comparable_a_year_earlier(start: str, end: str, calendar: Calendar, earlier: tuple[str, str]) -> None:
    found = same_period_last_year(period(start, end), calendar)
    assert found is not None
    assert (earlier, "") == (found_days(found.range), found.note)


def test_a_week_compares_with_the_one_of_its_number() -> None:
    found = same_period_last_year(period("2024-05-13", "2024-05-20"), GREGORIAN)
    assert found is not None
    assert ("2023-05-15", "2023-05-22") == found_days(found.range)


@pytest.mark.parametrize(
    ("start", "end", "calendar", "earlier"),
    [
        # 52 weeks after a year of 53: the first 52 of that.
        ("2024-02-04", "2025-02-02", RETAIL, ("2023-01-29", "2024-01-28")),
        # 53 weeks after a year of 52: all of that.
        ("2023-01-29", "2024-02-04", RETAIL, ("2022-01-30", "2023-01-29")),
        # The quarter with the extra week, and the same quarter a year later.
        ("2023-10-29", "2024-02-04", RETAIL, ("2022-10-30", "2023-01-29")),
        ("2024-11-03", "2025-02-02", RETAIL, ("2023-10-29", "2024-01-28")),
        ("2023-10-01", "2023-12-31", LAST_SATURDAY, ("2022-09-25", "2022-12-25")),
        # The week that no other year has.
        ("2024-01-28", "2024-02-04", RETAIL, ("2023-01-29", "2023-02-05")),
    ],
)
def test_a_week_53_year_compares_week_by_week_and_the_extra_week_is_told(
    start: str, end: str, calendar: Calendar, earlier: tuple[str, str]
) -> None:
    found = same_period_last_year(period(start, end), calendar)
    assert found is not None
    assert earlier == found_days(found.range)
    assert found.note


@given(week_calendars, days, grains)
def test_in_a_calendar_of_weeks_comparables_differ_by_the_extra_week_at_most(
    calendar: Calendar, day: date, grain: Grain
) -> None:
    unit = layout_of(calendar).containing(grain, day)
    found = same_period_last_year(TimeRange(unit.start, unit.end, unit.label), calendar)
    assert found is not None
    assert found.range.start is not None
    assert found.range.end is not None
    shorter = (unit.end - unit.start) - (found.range.end - found.range.start)
    assert shorter in (timedelta(), timedelta(weeks=1))
    assert not shorter or found.note


@given(calendars, days, grains)
def test_a_whole_unit_compares_with_the_one_of_its_number(calendar: Calendar, day: date, grain: Grain) -> None:
    layout = layout_of(calendar)
    unit = layout.containing(grain, day)
    found = same_period_last_year(TimeRange(unit.start, unit.end, unit.label), calendar)
    assert found is not None
    earlier = layout.nth(grain, unit.year - 1, unit.ordinal)
    assert earlier is None or earlier.start == found.range.start
