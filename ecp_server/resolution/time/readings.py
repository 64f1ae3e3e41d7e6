"""Reads a time expression, once it is known which calendar is in force and which day today is.

The rules are those of the design, Time readings; which calendar words take is catalog.md, Calendar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from ecp_server.domain.catalog import GREGORIAN, Calendar
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import TimeRange
from ecp_server.resolution.time import days_of_names, days_of_ranges, days_of_relatives
from ecp_server.resolution.time.expressions import Day, Expression, Month, Part, Said
from ecp_server.resolution.time.spans import Here, Span

_READERS: Final = {**days_of_names.READERS, **days_of_relatives.READERS, **days_of_ranges.READERS}


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was assumed: what about, why in a sentence, and what else could have been meant."""

    id: str
    """calendar, year, day_month_order, weekday or future_period."""
    reason: str
    alternatives: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The days that an expression stands for."""

    range: TimeRange
    id: str
    """Canonical expression, e.g. "last_quarter", "fy2024_q3", "2024-01"."""
    calendar_said: bool
    """The words fixed the calendar."""
    notes: tuple[Note, ...] = ()
    parts: tuple[Reading, ...] = ()
    """The periods of a list, each on its own; the range then reaches from the first to the last."""

    @property
    def alternatives(self) -> tuple[Reading, ...]:
        """Every other reading that is plausible."""
        return tuple(other for note in self.notes for other in note.alternatives)


def read(
    expression: Expression, in_force: Calendar, fiscal: Calendar, today: date, main: TimeRange | None = None
) -> Reading | None:
    """Return the days that an expression stands for; None where there are none, e.g. a week 53 in a year of 52.

    Args:
        expression: what `find_times` found.
        in_force: the calendar of words that say neither "calendar" nor "fiscal".
        fiscal: the strongest calendar that is not gregorian, or that a member or metric names; gregorian if none.
        today: the day that the question is asked on, in its zone.
        main: the period that "same period last year" and its like refer to; without it they have no reading.
    """
    here = Here(in_force, fiscal, today, _READERS, main)
    span = here.span(expression)
    if span is None:
        return None
    nodes = nodes_of(expression)
    said = any(getattr(node, "said", Said.NOTHING) for node in nodes)
    notes = (*_calendar_notes(here, expression, span, nodes), *_other_notes(here, expression, span, nodes))
    return _reading(span, notes, said=said)


@lru_cache(maxsize=1024)
def nodes_of(expression: Expression) -> tuple[object, ...]:
    """Return the expression and those inside it."""
    return tuple(_walk(expression))


def _walk(part: object) -> Iterator[object]:
    if isinstance(part, tuple):
        for item in part:
            yield from _walk(item)
    elif is_dataclass(part):
        yield part
        for field in fields(part):
            yield from _walk(getattr(part, field.name))


def _reading(span: Span, notes: tuple[Note, ...] = (), *, said: bool) -> Reading:
    parts = tuple(_reading(part, said=said) for part in span.parts)
    return Reading(TimeRange(span.start, span.end, span.label, span.calendar.id), span.id, said, notes, parts)


def _other(here: Here, expression: Expression, span: Span, *, said: bool) -> tuple[Reading, ...]:
    """Return what the expression comes to in other circumstances, if that differs."""
    other = here.span(expression)
    if other is None or (other.start, other.end) == (span.start, span.end):
        return ()
    return (_reading(other, said=said),)


def _calendar_notes(here: Here, expression: Expression, span: Span, nodes: tuple[object, ...]) -> Iterator[Note]:
    said = {getattr(node, "said", Said.NOTHING) for node in nodes} - {Said.NOTHING}
    if said:
        if Said.FISCAL in said and here.fiscal == GREGORIAN:
            yield Note("calendar", "No fiscal calendar is defined, so the gregorian one is taken.")
        return
    others: list[Reading] = []
    if here.in_force is not here.gregorian:
        others += _other(replace(here, said=Said.CALENDAR), expression, span, said=False)
    # Where the fiscal calendar is in force already, "fiscal" would change only what the names of months stand for.
    if here.fiscal != here.in_force or any(isinstance(node, Month) for node in nodes):
        others += _other(replace(here, said=Said.FISCAL), expression, span, said=False)
    if others:
        name = here.in_force.name or here.in_force.id
        yield Note("calendar", f"The words do not say which calendar; {name} is in force.", tuple(others))


def _other_notes(here: Here, expression: Expression, span: Span, nodes: tuple[object, ...]) -> Iterator[Note]:
    if any(
        (isinstance(node, Month | Day) and node.year is None) or (isinstance(node, Part) and node.within is None)
        for node in nodes
    ):
        later = span.first_day <= here.today
        others = _other(replace(here, years_on=1 if later else -1), expression, span, said=False)
        if others:
            yield Note("year", f"The year is left out; {span.label} is taken.", others)
    days = [node for node in nodes if isinstance(node, Day)]
    if any(day.either_order for day in days):
        others = _other(replace(here, day_first=True), expression, span, said=False)
        if others:
            yield Note("day_month_order", f"The month is taken to come first: {span.label}.", others)
    if len(days) == 1 and expression is days[0] and days[0].weekday not in (None, span.first_day.weekday()):
        yield Note("weekday", f"{span.label} is no such weekday.")
    if span.first_day > here.today:
        yield Note("future_period", f"{span.label} has not begun.")
