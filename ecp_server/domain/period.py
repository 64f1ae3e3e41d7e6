"""Periods of whole days, as answers and plans carry them."""

from __future__ import annotations

from datetime import date
from enum import IntEnum

from typing_extensions import override

from ecp_server.domain.frozen import dataclass


class Grain(IntEnum):
    """A size of period, of the calendar that applies; numbered as in types.proto."""

    NONE = 0
    DAY = 1
    WEEK = 2
    MONTH = 3
    QUARTER = 4
    YEAR = 5


@dataclass(frozen=True, slots=True)
class TimeBucket:
    """A part of a period, from ``start`` (first day) to ``end`` (the day after the last)."""

    start: date
    end: date
    label: str
    partial: bool = False
    """It has not ended, or the period cuts it."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Whole days from ``start`` to ``end``, exclusive; None is unbounded."""

    start: date | None
    end: date | None
    label: str
    calendar: str = "gregorian"
    grain: Grain = Grain.NONE
    buckets: tuple[TimeBucket, ...] = ()
    """Complete and in order where ``grain`` is set."""
    time_zone: str = "UTC"
    """IANA name of the zone whose days these are."""

    @override
    def __hash__(self) -> int:
        """Hash the days alone: what else tells two periods apart seldom does so by itself."""
        return hash((self.start, self.end))

    def overlaps(self, start: date | None, end: date | None) -> bool:
        """Tell whether any day lies in both this range and [start, end); None is unbounded."""
        begins_before = self.start is None or end is None or self.start < end
        ends_after = self.end is None or start is None or start < self.end
        return begins_before and ends_after
