"""Questions to the semantic layer and the figures that come back, in no engine's own terms."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import Grain
from ecp_server.domain.plan import Filter

Value = Decimal | str | date | bool | None
"""One figure or key: an exact decimal, a text, a day, true or false, or null."""


@dataclass(frozen=True, slots=True)
class FigureQuery:
    """Measures, by dimensions, under conditions, over whole days."""

    measures: tuple[str, ...]
    """Addresses, e.g. "Revenue.netRevenue"."""
    dimensions: tuple[str, ...] = ()
    """Addresses of what to group by, e.g. "Revenue.countryCode"."""
    filters: tuple[Filter, ...] = ()
    """All of them hold; of the values of one, one suffices."""
    time_ref: str = ""
    """Address of the dimension that carries the period; "" where there is none."""
    start: date | None = None
    """The first day; None is unbounded."""
    end: date | None = None
    """The day after the last; None is unbounded."""
    time_zone: str = "UTC"
    """IANA name of the zone whose days these are."""
    granularity: Grain = Grain.NONE
    """Break into gregorian days, weeks from Monday, months, quarters or years, of ``time_ref``."""
    limit: int = 0
    """Rows at most; 0: all that the adapter may return."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The rows of one query, ordered by their keys."""

    columns: tuple[str, ...]
    """The dimensions' addresses, then ``time_ref`` where there is a granularity, then the measures' addresses."""
    rows: tuple[tuple[Value, ...], ...]
    """A value a column; a part of a period as its first day."""
    executed: FigureQuery
    """What ran, read back from the statement that the engine was given, to be held against what was asked."""
    refresh_time: datetime | None = None
    """When the source last refreshed its data; None where it does not say."""
