"""Whether the days of a time expression depend on which day today is."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ecp_server.resolution.time.expressions import (
    Day,
    Expression,
    Month,
    Offset,
    Open,
    Part,
    Recurring,
    Remaining,
    Stretch,
    ToDate,
    Units,
    Weekday,
)
from ecp_server.resolution.time.readings import nodes_of

_RELATIVE: Final = (Offset, Open, Recurring, Remaining, Stretch, ToDate, Units, Weekday)


@lru_cache(maxsize=1024)
def depends_on_today(expression: Expression) -> bool:
    """Tell whether another today could mean other days: "last month" does, "March" does, "March 2024" does not."""
    return any(
        isinstance(node, _RELATIVE)
        or (isinstance(node, Month | Day) and node.year is None)
        or (isinstance(node, Part) and node.within is None)
        for node in nodes_of(expression)
    )
