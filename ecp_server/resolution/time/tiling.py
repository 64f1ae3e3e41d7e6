"""Whether data of a grain can be put together into a period."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

from ecp_server.domain.catalog import Calendar
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.resolution.time.calendars import layout_of

_KEPT: Final = 4096
"""Days: questions begin and end on the same few."""


def tiles(grain: Grain, period: TimeRange, calendar: Calendar) -> bool:
    """Tell whether whole units of ``grain`` make up the period exactly; an open end needs none to end there."""
    if grain is Grain.DAY:
        return True
    start, end = period.start, period.end
    return (start is None or _begins(grain, start, calendar)) and (end is None or _begins(grain, end, calendar))


@lru_cache(maxsize=_KEPT)
def _begins(grain: Grain, day: date, calendar: Calendar) -> bool:
    """Tell whether a unit begins on the day."""
    layout = layout_of(calendar)
    return layout.start(grain, layout.index(grain, day.toordinal())) == day.toordinal()
