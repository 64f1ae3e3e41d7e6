"""Whether data of a grain can be put together into a period."""

from __future__ import annotations

from ecp_server.domain.catalog import Calendar
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.resolution.time.calendars import layout_of


def tiles(grain: Grain, period: TimeRange, calendar: Calendar) -> bool:
    """Tell whether whole units of ``grain`` make up the period exactly; an open end needs none to end there."""
    if grain is Grain.DAY:
        return True
    layout = layout_of(calendar)
    return all(
        layout.start(grain, layout.index(grain, bound.toordinal())) == bound.toordinal()
        for bound in (period.start, period.end)
        if bound is not None
    )
