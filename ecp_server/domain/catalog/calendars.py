"""Calendars (catalog.md, Calendar)."""

from __future__ import annotations

from enum import StrEnum

from typing_extensions import override

from ecp_server.domain.frozen import dataclass


class CalendarType(StrEnum):
    """How a calendar divides its years."""

    GREGORIAN = "gregorian"
    FISCAL_MONTHS = "fiscal_months"
    FISCAL_WEEKS = "fiscal_weeks"


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def number(self) -> int:
        """Return 0 for Monday to 6 for Sunday, as `datetime.date.weekday` does."""
        return tuple(Weekday).index(self)


class YearName(StrEnum):
    """Which end of a fiscal year names it."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class YearEnd:
    """Where a calendar of weeks ends its year: the ``last`` such weekday of the month, or that ``nearest`` its end."""

    weekday: Weekday
    rule: str
    month: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """How years, quarters, months and weeks are laid (catalog.md, Calendar)."""

    id: str
    type: CalendarType = CalendarType.GREGORIAN
    name: str = ""
    default: bool = False
    departments: tuple[str, ...] = ()
    week_start: Weekday = Weekday.MONDAY
    start_month: int = 1
    year_named_by: YearName = YearName.END
    pattern: tuple[int, int, int] = (4, 4, 5)
    year_end: YearEnd | None = None
    leap_week_quarter: int = 4

    @override
    def __hash__(self) -> int:
        """Hash the id alone: calendars are looked up by, many times a question."""
        return hash(self.id)


GREGORIAN = Calendar(id="gregorian", name="Gregorian calendar")
