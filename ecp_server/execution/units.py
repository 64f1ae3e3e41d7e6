"""Gregorian units of time, which a semantic layer can break a period into, and whether they are the parts asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from ecp_server.domain.period import Grain, TimeBucket

_MONTHS: Final = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}
FROM_FINEST: Final = (Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.QUARTER, Grain.YEAR)


def unit_of(day: date, grain: Grain) -> tuple[date, date]:
    """Return the first day of the gregorian unit that holds ``day``, and the day after its last; weeks are Monday's."""
    if grain is Grain.DAY:
        return day, day + timedelta(days=1)
    if grain is Grain.WEEK:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=7)
    months = _MONTHS[grain]
    month = (day.month - 1) // months * months
    first = date(day.year, month + 1, 1)
    after = month + months
    return first, date(day.year + after // 12, after % 12 + 1, 1)


def native_grain(buckets: Sequence[TimeBucket]) -> Grain:
    """Return the grain whose units, cut by the whole period, provably are these parts; NONE where there is none."""
    start, end = buckets[0].start, buckets[-1].end
    for grain in FROM_FINEST:
        expected = start
        for bucket in buckets:
            unit_end = unit_of(bucket.start, grain)[1]
            if bucket.start != expected or bucket.end != min(unit_end, end):
                break
            expected = bucket.end
        else:
            return grain
    return Grain.NONE


def aligned(days: Sequence[date | None], grain: Grain) -> bool:
    """Tell whether a unit begins on each of these days, so that none reaches over them."""
    return all(day is None or unit_of(day, grain)[0] == day for day in days)
