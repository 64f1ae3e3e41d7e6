"""Documents of calendars (catalog.md, Calendar)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field
from typing_extensions import override

from ecp_server.catalog.documents.base import Document, Id, Part, Problem, Texts
from ecp_server.domain.catalog import GREGORIAN, Calendar, CalendarType, Weekday, YearEnd, YearName

MonthNumber = Annotated[int, Field(ge=1, le=12)]

_KEYS_OF_TYPE: Final = {
    CalendarType.GREGORIAN: frozenset[str](),
    CalendarType.FISCAL_MONTHS: frozenset({"start_month", "year_named_by"}),
    CalendarType.FISCAL_WEEKS: frozenset({"pattern", "year_end", "leap_week_quarter", "year_named_by"}),
}
_REQUIRED: Final = {CalendarType.FISCAL_MONTHS: "start_month", CalendarType.FISCAL_WEEKS: "year_end"}


class YearEndPart(Part):
    """The last such weekday of the month, or the one nearest to its last day."""

    weekday: Weekday
    """The last day of a week."""
    rule: Literal["last", "nearest"]
    """The last such weekday of the month, or the one nearest to its last day."""
    month: MonthNumber
    """The one that a year ends in, or near."""

    def to_domain(self) -> YearEnd:
        """Return where the year ends."""
        return YearEnd(self.weekday, self.rule, self.month)


class CalendarDocument(Document):
    """How years, quarters, months and weeks are laid."""

    kind: Literal["calendar"]
    id: Id
    type: CalendarType
    """How it divides its years; each type has keys of its own."""
    name: str = ""
    default: bool = False
    """Whether it applies where no department, metric or member says otherwise; at most one does."""
    departments: Texts = ()
    """Contexts whose calendar this is."""
    week_start: Weekday | None = None
    """By default monday; with fiscal_weeks the day after `year_end.weekday`, and nothing else."""
    start_month: MonthNumber | None = None
    """With fiscal_months: the first month of a year."""
    year_named_by: YearName = YearName.END
    """Whether FY2024 is the year that starts or that ends in 2024."""
    pattern: Literal["4-4-5", "4-5-4", "5-4-4"] = "4-4-5"
    """With fiscal_weeks: the weeks in the months of a quarter."""
    year_end: YearEndPart | None = None
    """With fiscal_weeks: where a year ends."""
    leap_week_quarter: Annotated[int, Field(ge=1, le=4)] = 4
    """With fiscal_weeks: the quarter that takes a 53rd week."""

    @override
    def problems(self) -> Iterator[Problem]:
        """Yield what makes the calendar impossible: keys of another type, keys missing, two starts of a week."""
        for key in sorted(frozenset.union(*_KEYS_OF_TYPE.values()) - _KEYS_OF_TYPE[self.type]):
            if key in self.model_fields_set:
                yield Problem((key,), f"does not belong to a calendar of type {self.type}")
        required = _REQUIRED.get(self.type)
        if required is not None and getattr(self, required) is None:
            yield Problem((required,), f"is required for a calendar of type {self.type}")
        if self.week_start not in (None, self._week_start()):
            yield Problem(("week_start",), f"weeks start on {self._week_start()}, the day after the year's last")
        if self.id == GREGORIAN.id and self.type is not CalendarType.GREGORIAN:
            yield Problem(("id",), f"is the name of the {GREGORIAN.name}")

    def _week_start(self) -> Weekday:
        if self.year_end is None:
            return self.week_start or Weekday.MONDAY
        return tuple(Weekday)[(self.year_end.weekday.number + 1) % 7]

    def to_domain(self) -> Calendar:
        """Return the calendar."""
        first, second, third = (int(weeks) for weeks in self.pattern.split("-"))
        return Calendar(
            id=self.id,
            type=self.type,
            name=self.name or self.id,
            default=self.default,
            departments=self.departments,
            week_start=self._week_start(),
            start_month=self.start_month or 1,
            year_named_by=self.year_named_by,
            pattern=(first, second, third),
            year_end=self.year_end.to_domain() if self.year_end else None,
            leap_week_quarter=self.leap_week_quarter,
        )
