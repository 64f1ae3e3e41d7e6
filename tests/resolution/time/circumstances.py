"""Calendars and a day on which the tests ask, and what an expression then comes to."""

from __future__ import annotations

from datetime import date
from typing import Final

from hypothesis import strategies as st

from ecp_server.domain.catalog import GREGORIAN, Calendar, CalendarType, Weekday, YearEnd, YearName
from ecp_server.domain.text import tokenize
from ecp_server.resolution.time import Reading, find_times, read

TODAY: Final = date(2024, 5, 16)
"""A Thursday."""

FISCAL: Final = Calendar("fiscal", CalendarType.FISCAL_MONTHS, name="Fiscal year from April", start_month=4)
FISCAL_BY_START: Final = Calendar(
    "fiscal_by_start", CalendarType.FISCAL_MONTHS, start_month=4, year_named_by=YearName.START
)
RETAIL: Final = Calendar(
    "retail",
    CalendarType.FISCAL_WEEKS,
    pattern=(4, 5, 4),
    year_end=YearEnd(Weekday.SATURDAY, "nearest", 1),
    year_named_by=YearName.START,
)
"""The calendar of the National Retail Federation."""
LAST_SATURDAY: Final = Calendar(
    "last_saturday",
    CalendarType.FISCAL_WEEKS,
    year_end=YearEnd(Weekday.SATURDAY, "last", 9),
    leap_week_quarter=1,
)
"""Ends on the last Saturday of September; a 53rd week falls into the first quarter."""

gregorian_calendars = st.builds(Calendar, st.just("gregorian"), week_start=st.sampled_from(Weekday))
month_calendars = st.builds(
    Calendar,
    st.just("months"),
    st.just(CalendarType.FISCAL_MONTHS),
    week_start=st.sampled_from(Weekday),
    start_month=st.integers(1, 12),
    year_named_by=st.sampled_from(YearName),
)
week_calendars = st.builds(
    Calendar,
    st.just("weeks"),
    st.just(CalendarType.FISCAL_WEEKS),
    pattern=st.sampled_from([(4, 4, 5), (4, 5, 4), (5, 4, 4)]),
    year_end=st.builds(YearEnd, st.sampled_from(Weekday), st.sampled_from(["last", "nearest"]), st.integers(1, 12)),
    leap_week_quarter=st.integers(1, 4),
    year_named_by=st.sampled_from(YearName),
)
calendars = st.one_of(gregorian_calendars, month_calendars, week_calendars)
days = st.dates(date(1900, 1, 1), date(2100, 12, 31))
any_days = st.one_of(st.dates(), st.sampled_from([date.min, date.max, date(9999, 1, 1), date(1, 12, 31)]))


def reading(text: str, in_force: Calendar = GREGORIAN, fiscal: Calendar | None = None, today: date = TODAY) -> Reading:
    """Read the only time expression of a text."""
    (mention,) = find_times(tokenize(text))
    found = read(mention.expression, in_force, fiscal or in_force, today)
    assert found is not None, f"{text} has no days"
    return found


def span(
    text: str, in_force: Calendar = GREGORIAN, fiscal: Calendar | None = None, today: date = TODAY
) -> tuple[str | None, str | None]:
    """Return the first day and the day after the last of the only time expression of a text."""
    found = reading(text, in_force, fiscal, today).range
    return (
        found.start.isoformat() if found.start else None,
        found.end.isoformat() if found.end else None,
    )
