"""The days that an expression comes to, with their names, and how lengths of time are added to days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import date, timedelta
from typing import Any, Final

from ecp_server.domain.catalog import GREGORIAN, Calendar, CalendarType
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.resolution.time.calendars import (
    DAYS_OF_WEEK,
    MONTHS_OF_YEAR,
    Layout,
    add_days,
    add_months,
    clamped,
    layout_of,
)
from ecp_server.resolution.time.expressions import Expression, Said, Steps, TimeUnit
from ecp_server.resolution.time.periods import days_label

_DAY: Final = timedelta(days=1)
_BUSINESS_DAYS: Final = 5
_MONTHS: Final = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: MONTHS_OF_YEAR}


@dataclass(frozen=True, slots=True)
class Span:
    """Days from ``start`` to ``end``, exclusive; None is unbounded."""

    start: date | None
    end: date | None
    label: str
    id: str
    calendar: Calendar
    parts: tuple[Span, ...] = ()

    @property
    def first_day(self) -> date:
        """The first day, or the first that there is."""
        return self.start or date.min

    @property
    def last_day(self) -> date:
        """The last day, or the last that there is."""
        return self.end - _DAY if self.end and self.end > date.min else self.end or date.max


@dataclass(frozen=True, slots=True)
class Here:
    """The circumstances in which expressions are read."""

    in_force: Calendar
    fiscal: Calendar
    today: date
    readers: Mapping[type, Reader] = field(repr=False)
    """What reads each kind of expression."""
    main: TimeRange | None = None
    said: Said = Said.NOTHING
    """What to assume that words say of the calendar which say nothing."""
    years_on: int = 0
    """How much later a year that was left out shall be than the rules say."""
    day_first: bool = False
    """Read figures as day and month where both orders are possible."""

    def span(self, expression: Expression, said: Said = Said.NOTHING) -> Span | None:
        """Return the days of an expression, None if none; ``said`` is what words around it say of the calendar."""
        return self.readers[type(expression)](self, expression, said)

    @property
    def gregorian(self) -> Calendar:
        """The gregorian calendar: the one in force where it is one, with its own start of the week."""
        return self.in_force if self.in_force.type is CalendarType.GREGORIAN else GREGORIAN

    def layout(self, said: Said) -> Layout:
        """Return the calendar that words take which say this of it."""
        if said is Said.FISCAL:
            return layout_of(self.fiscal)
        return layout_of(self.gregorian if said is Said.CALENDAR else self.in_force)

    def month_layout(self, said: Said) -> Layout:
        """Return the calendar whose months names stand for: the gregorian one unless "fiscal" is said."""
        return layout_of(self.fiscal if said is Said.FISCAL else self.gregorian)

    def blocks(
        self, said: Said, unit: TimeUnit, first: int, count: int, name: str = "", layout: Layout | None = None
    ) -> Span:
        """Return ``count`` units from the one numbered ``first`` on, with their labels and, unless named, their id."""
        layout = layout or self.layout(said)
        start = layout.start(unit.grain, first * unit.size)
        end = layout.start(unit.grain, (first + count) * unit.size)
        label, own = _block_names(layout, unit, first)
        if count > 1:
            last_label, last = _block_names(layout, unit, first + count - 1)
            label, own = f"{label} to {last_label}", f"{own}_to_{last}"
        if (
            said is Said.CALENDAR
            and self.gregorian is not self.in_force
            and (unit.grain not in (Grain.DAY, Grain.MONTH))
        ):
            own = f"calendar_{own}"
        return Span(clamped(start), clamped(end), label, name or own, layout.calendar)

    def one_day(self, day: date) -> Span:
        """Return one day."""
        return self.days(day, add_days(day, 1))

    def days(self, start: date, end: date, name: str = "", calendar: Calendar | None = None) -> Span:
        """Return days that are no unit, named by the first and the last."""
        last = add_days(end, -1)
        own = start.isoformat() if last <= start else f"{start.isoformat()}_to_{last.isoformat()}"
        return Span(start, end, days_label(start, end), name or own, calendar or self.in_force)

    def weekends(self, first: int, count: int, name: str) -> Span:
        """Return Saturdays and Sundays from the first to the last of these weekends."""
        monday = self.today.toordinal() - self.today.weekday() + DAYS_OF_WEEK * first
        saturday, after = monday + _BUSINESS_DAYS, monday + DAYS_OF_WEEK * count
        return self.days(clamped(saturday), clamped(after), name)

    def business_days(self, first: int, count: int, name: str) -> Span:
        """Return so many business days after today or before it; of the current one, today."""
        if first == 0:
            return self.days(self.today, add_days(self.today, 1), name)
        start = business_day(self.today, first)
        if first < 0:
            return self.days(start, self.today if first + count == 0 else add_days(start, 1), name)
        return self.days(start, add_days(business_day(self.today, first + count - 1), 1), name)


Reader = Callable[[Here, Any, Said], Span | None]
"""Reads one kind of expression; what the words around it say of the calendar comes last."""


def business_day(day: date, count: int) -> date:
    """Return the Monday to Friday so many after ``day``, or before it where negative."""
    if count == 0:
        return day
    step = 1 if count > 0 else -1
    weeks, rest = divmod(abs(count) - 1, _BUSINESS_DAYS)
    # Whole weeks first, so that a large number costs no more than a small one.
    moved = add_days(day, step * weeks * DAYS_OF_WEEK)
    for _ in range(rest + 1):
        moved = add_days(moved, step)
        while moved.weekday() >= _BUSINESS_DAYS and date.min < moved < date.max:
            moved = add_days(moved, step)
    return moved


def moved(day: date, steps: Steps, *, back: bool) -> date:
    """Return the day so long after ``day``, or before it; months keep the day where the month has it."""
    months = 0
    for count, unit in steps:
        signed = -count if back else count
        if unit.grain in _MONTHS:
            # Years and months in a row are one move: on the way there may be a February that lacks the day.
            months += signed * unit.size * _MONTHS[unit.grain]
            continue
        day, months = add_months(day, months), 0
        if unit is TimeUnit.BUSINESS_DAY:
            day = business_day(day, signed)
        else:
            day = add_days(day, signed * (DAYS_OF_WEEK if unit.grain is Grain.WEEK else 1))
    return add_months(day, months)


def _block_names(layout: Layout, unit: TimeUnit, index: int) -> tuple[str, str]:
    """Return the label and the id of a unit, halves and decades included."""
    if unit.size == 1:
        one = layout.unit(unit.grain, index)
        return one.label, one.id
    year, place = divmod(index, 2)
    if unit is TimeUnit.HALF:
        return (
            (f"H{place + 1} FY{year}", f"fy{year}_h{place + 1}")
            if layout.fiscal
            else (f"H{place + 1} {year}", f"{year}_h{place + 1}")
        )
    first = index * unit.size
    return (f"FY{first}s", f"fy{first}_to_fy{first + unit.size - 1}") if layout.fiscal else (f"{first}s", f"{first}s")


def units_id(said: Said, unit: TimeUnit, first: int, count: int) -> str:
    """Return the canonical expression for units that lie so far from the current one; empty where there is none."""
    if unit is TimeUnit.DAY and count == 1 and abs(first) <= 1:
        return ("today", "tomorrow", "yesterday")[first]
    calendar = f"{said}_" if said else ""
    word = f"{calendar}{unit.word}"
    many = f"{count}_{calendar}{'halve' if unit is TimeUnit.HALF else unit.word}s" if count > 1 else word
    if first + count == 0:
        return f"last_{many}"
    if first == 1:
        return f"next_{many}"
    if count == 1:
        named = {0: f"this_{word}", -2: f"{word}_before_last", 2: f"{word}_after_next"}
        return named.get(first, "")
    return ""
