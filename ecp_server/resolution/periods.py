"""Which calendar is in force, and which days the question means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ecp_server.domain.catalog import GREGORIAN, Calendar, CalendarType, Catalog, Member, Metric
from ecp_server.domain.concepts import Ambiguity, Assumption, ConceptKind, Option
from ecp_server.domain.period import TimeRange
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.time import Expression, Note, Reading, period_expression, read

PERIOD = "period"
CALENDAR = "calendar"
ALL_TIME = "all_time"

_OFFERED_PERIODS = ("last month", "last quarter", "last year", "year to date", "this year")


@dataclass(frozen=True, slots=True)
class CalendarsInForce:
    """The calendar for words that name none, and the one for "fiscal" (catalog.md, Calendar)."""

    plain: Calendar
    fiscal: Calendar
    reason: str


@dataclass(frozen=True, slots=True)
class Period:
    """The days that an expression means, and what was taken for granted."""

    range: TimeRange | None
    id: str
    assumptions: tuple[Assumption, ...] = ()
    ambiguity: Ambiguity | None = None
    said: bool = True
    """The question named it."""
    reason: str = ""


def calendars_in_force(draft: Draft, metrics: Sequence[Metric], members: Sequence[Member]) -> CalendarsInForce:
    """Return the calendars for these metrics and members; the caller sees to members whose calendars differ."""
    catalog = draft.prepared.catalog
    named = [(_calendar(catalog, member.calendar), f"{member.name} has it") for member in members if member.calendar]
    named += [(_calendar(catalog, metric.calendar), f"{metric.name} has it") for metric in metrics if metric.calendar]
    general = [
        (calendar, f"it is the calendar of {context}")
        for context in draft.contexts
        for calendar in catalog.calendars.values()
        if context in calendar.departments
    ]
    general.append((catalog.default_calendar, "it is the catalog's default"))
    plain, reason = (named + general)[0]
    fiscal = named[0][0] if named else next((c for c, _ in general if c.type is not CalendarType.GREGORIAN), plain)
    chosen = _chosen_calendar(draft, catalog)
    if chosen is not None:
        return CalendarsInForce(chosen, fiscal, "the caller chose it")
    return CalendarsInForce(plain, fiscal, reason)


def said_period(expression: Expression, draft: Draft, calendars: CalendarsInForce) -> Period:
    """Read an expression of the question."""
    reading = read(expression, calendars.plain, calendars.fiscal, draft.today)
    for choice in draft.question.choices:
        for note in reading.notes:
            picked = next((other for other in note.alternatives if other.id == choice.option_id), None)
            if choice.subject_id == note.id and picked is not None:
                told = _note_assumption(note, reading)
                return Period(_in_zone(picked.range, draft), picked.id, (told,), reason="the caller chose it")
    assumptions = [_note_assumption(note, reading) for note in reading.notes]
    if draft.question.time_zone == "" and _depends_on_zone(expression, reading, calendars, draft):
        assumptions.append(_zone_assumption(draft))
    if (told_of := _unfinished(reading.range, draft)) is not None:
        assumptions.append(told_of)
    return Period(_in_zone(reading.range, draft), reading.id, tuple(assumptions), reason=calendars.reason)


def unsaid_period(metric: Metric, draft: Draft, calendars: CalendarsInForce) -> Period:
    """Return the period of a question that names none: the metric's default, as an assumption, or the question back."""
    default = metric.default_period
    offered = [_offered(words, draft, calendars) for words in _OFFERED_PERIODS]
    for choice in draft.question.choices:
        if choice.subject_id == PERIOD:
            chosen = period_expression(choice.option_id.replace("_", " "))
            if chosen is not None and any(option.id == choice.option_id for option in offered):
                reading = read(chosen, calendars.plain, calendars.fiscal, draft.today)
                return Period(_in_zone(reading.range, draft), choice.option_id, reason="the caller chose it")
    if default == "ask":
        message = f"{metric.name} needs a period. Which one?"
        return Period(None, "", ambiguity=Ambiguity(PERIOD, None, tuple(offered), message), said=False)
    if default is None:
        taken = Option(ALL_TIME, "All time")
        reason = f"The question names no period, and {metric.name} has no default one"
        return Period(None, ALL_TIME, (Assumption(PERIOD, taken, reason, tuple(offered)),), said=False)
    expression = period_expression("today" if default == "as_of" else default)
    if expression is None:  # refused when the catalog was loaded
        msg = f"the default period of {metric.id} cannot be read"
        raise ValueError(msg)
    reading = read(expression, calendars.plain, calendars.fiscal, draft.today)
    taken = Option(reading.id, reading.range.label, _days(reading.range))
    reason = f"The question names no period; {default} is the default of {metric.name}"
    others = tuple(option for option in offered if option.id != reading.id)
    assumption = Assumption(PERIOD, taken, reason, others)
    return Period(_in_zone(reading.range, draft), reading.id, (assumption,), said=False, reason=reason)


def _calendar(catalog: Catalog, calendar_id: str | None) -> Calendar:
    return catalog.calendars.get(calendar_id or "", GREGORIAN)


def _chosen_calendar(draft: Draft, catalog: Catalog) -> Calendar | None:
    for choice in draft.question.choices:
        if choice.subject_id == CALENDAR:
            return GREGORIAN if choice.option_id == GREGORIAN.id else catalog.calendars.get(choice.option_id)
    return None


def _note_assumption(note: Note, reading: Reading) -> Assumption:
    """Tell what the reading took for granted, with the other readings as options."""
    taken = Option(reading.id, reading.range.label, _days(reading.range), ConceptKind.TIME)
    others = tuple(Option(a.id, a.range.label, _days(a.range), ConceptKind.TIME) for a in note.alternatives)
    return Assumption(note.id, taken, note.reason, others)


def _depends_on_zone(expression: Expression, reading: Reading, calendars: CalendarsInForce, draft: Draft) -> bool:
    """Tell whether another zone, where it is a day earlier or later, would mean other days."""
    neighbours = (draft.today - timedelta(days=1), draft.today + timedelta(days=1))
    others = (read(expression, calendars.plain, calendars.fiscal, day).range for day in neighbours)
    return any((o.start, o.end) != (reading.range.start, reading.range.end) for o in others)


def _zone_assumption(draft: Draft) -> Assumption:
    taken = Option(draft.time_zone, draft.time_zone, f"Today is {draft.today.isoformat()}")
    return Assumption(
        "time_zone", taken, "The request names no time zone; the catalog's default decides which day today is"
    )


def _unfinished(period: TimeRange, draft: Draft) -> Assumption | None:
    """Tell that the period has begun but not ended."""
    if period.end is None or period.end <= draft.today + timedelta(days=1):
        return None
    if period.start is not None and period.start > draft.today:
        return None
    taken = Option("whole_period", period.label, _days(period))
    to_date = replace(period, end=draft.today + timedelta(days=1))
    other = Option("to_date", f"{period.label} to date", _days(to_date))
    reason = f"{period.label} has not ended; its data goes to {draft.today.isoformat()} at most"
    return Assumption("unfinished_period", taken, reason, (other,))


def _offered(words: str, draft: Draft, calendars: CalendarsInForce) -> Option:
    expression = period_expression(words)
    if expression is None:
        msg = f"{words!r} is no period"
        raise ValueError(msg)
    reading = read(expression, calendars.plain, calendars.fiscal, draft.today)
    return Option(words.replace(" ", "_"), reading.range.label, _days(reading.range), ConceptKind.TIME)


def _in_zone(period: TimeRange, draft: Draft) -> TimeRange:
    return replace(period, time_zone=draft.time_zone)


def _days(period: TimeRange) -> str:
    """Write the days of a period for a person, both ends included."""
    last = None if period.end is None else period.end - timedelta(days=1)
    return f"{period.start or '…'} to {last or '…'}"
