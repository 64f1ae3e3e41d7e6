"""Gregorian units, and when they are the parts asked for."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.catalog import GREGORIAN
from ecp_server.domain.period import Grain, TimeBucket, TimeRange
from ecp_server.execution.units import FROM_FINEST, aligned, native_grain, unit_of
from ecp_server.resolution.time import buckets

DAYS = st.dates(date(1999, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(
    ("grain", "first", "after"),
    [
        (Grain.DAY, "2024-12-31", "2025-01-01"),
        (Grain.WEEK, "2024-12-30", "2025-01-06"),
        (Grain.MONTH, "2024-12-01", "2025-01-01"),
        (Grain.QUARTER, "2024-10-01", "2025-01-01"),
        (Grain.YEAR, "2024-01-01", "2025-01-01"),
    ],
)
def test_a_unit_holds_its_day(grain: Grain, first: str, after: str) -> None:
    assert (date.fromisoformat(first), date.fromisoformat(after)) == unit_of(date(2024, 12, 31), grain)


@given(DAYS, st.sampled_from(FROM_FINEST))
def test_units_tile_time(day: date, grain: Grain) -> None:
    first, after = unit_of(day, grain)
    assert first <= day < after
    assert unit_of(first, grain) == unit_of(after - timedelta(days=1), grain) == (first, after)
    assert unit_of(after, grain)[0] == after


@given(DAYS, st.integers(1, 900), st.sampled_from(FROM_FINEST))
def test_gregorian_parts_are_native_whatever_cuts_the_period(start: date, days: int, grain: Grain) -> None:
    period = TimeRange(start, start + timedelta(days=days), "")
    parts = buckets(period, grain, GREGORIAN, date(2050, 1, 1))
    found = native_grain(parts)
    assert found is not Grain.NONE
    cut = [
        (max(unit_of(part.start, found)[0], start), min(unit_of(part.start, found)[1], period.end or start))
        for part in parts
    ]
    assert cut == [(part.start, part.end) for part in parts]


def parts(*days: str) -> tuple[TimeBucket, ...]:
    ends = [date.fromisoformat(day) for day in days]
    return tuple(TimeBucket(one, other, "") for one, other in pairwise(ends))


@pytest.mark.parametrize(
    ("days", "grain"),
    [
        (("2024-04-01", "2024-07-01", "2024-10-01"), Grain.QUARTER),  # of a fiscal year from April
        (("2024-02-01", "2024-05-01", "2024-08-01"), Grain.NONE),  # of one from February
        (("2024-02-04", "2024-03-03", "2024-04-07"), Grain.NONE),  # months of weeks
        (("2024-12-30", "2025-01-06", "2025-01-13"), Grain.WEEK),
        (("2024-12-29", "2025-01-05", "2025-01-12"), Grain.NONE),  # weeks from Sunday
        (("2024-12-30", "2025-01-03"), Grain.WEEK),  # cut by the period
    ],
)
def test_parts_are_native_only_where_they_provably_are(days: tuple[str, ...], grain: Grain) -> None:
    assert native_grain(parts(*days)) is grain


def test_a_gap_is_not_native() -> None:
    apart = (*parts("2024-01-01", "2024-02-01"), *parts("2024-03-01", "2024-04-01"))
    assert native_grain(apart) is Grain.NONE


def test_bounds_are_aligned_where_units_begin() -> None:
    assert aligned([date(2024, 1, 1), None, date(2024, 4, 1)], Grain.QUARTER)
    assert not aligned([date(2024, 2, 1)], Grain.QUARTER)
