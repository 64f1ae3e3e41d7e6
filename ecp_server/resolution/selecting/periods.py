"""Which calendar is in force, and which days the question means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache

from ecp_server.domain.catalog import GREGORIAN, Calendar, CalendarType, Catalog, Member, Metric
from ecp_server.domain.concepts import Ambiguity, Assumption, ConceptKind, Option
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import TimeRange
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.draft import Draft, TimedMention
from ecp_server.resolution.time import Expression, Note, Reading, ToDate, period_expression, read
from ecp_server.resolution.time.relativity import depends_on_today

PERIOD = "period"
CALENDAR = "calendar"
TIME_ZONE = "time_zone"
PARTIAL_PERIOD = "partial_period"
ALL_TIME = "all_time"
AS_OF = "as_of"
TO_DATE = "to_date"

# What words mean by some calendars is worked out once a day, not once a question: there are not many of either.
_CALENDARS_KEPT = 512
_PERIODS_KEPT = 2048

_OFFERED_PERIODS = ("last month", "last quarter", "last year", "year to date", "this year")


@dataclass(frozen=True, slots=True, eq=False)
class CalendarsInForce:
    """The calendars that words are read by (catalog.md, Calendar). Equal ones are mostly the same object."""

    plain: Calendar
    """Of words that name none."""
    fiscal: Calendar
    """Of "fiscal" and "FY"."""
    data: Calendar
    """That the data itself is kept by, which decides what its grain can tile."""
    reason: str
    others: tuple[Calendar, ...] = ()
    """The weaker ones, strongest first, each of which words that name no calendar could mean."""
    time_zone: str = "UTC"
    """Where the days of the data are counted; today is counted where the request says."""
    chosen: bool = False
    """The caller chose it, so that nothing is assumed."""

    def of(self, period: TimeRange) -> Calendar:
        """Return the calendar that a period was read by: the words may have named another than the plain one."""
        for calendar in (self.plain, self.fiscal, *self.others, GREGORIAN):
            if calendar.id == period.calendar:
                return calendar
        return self.plain


@dataclass(frozen=True, slots=True)
class Period:
    """The days that an expression means, and what was taken for granted."""

    range: TimeRange | None
    id: str
    other_readings: tuple[TimeRange, ...] = ()
    """By the other calendars that the words could mean."""
    assumptions: tuple[Assumption, ...] = ()
    ambiguity: Ambiguity | None = None
    reason: str = ""
    offers: tuple[tuple[str, frozenset[str]], ...] = ()
    """What a choice can name beside the assumptions."""


def calendars_in_force(draft: Draft, metrics: Sequence[Metric], members: Sequence[Member]) -> CalendarsInForce:
    """Return the calendars for these metrics and members; the caller sees to members whose calendars differ."""
    catalog = draft.prepared.catalog
    named = [(_calendar(catalog, member.calendar), member.name) for member in members if member.calendar]
    zone = ""
    for metric in metrics:
        if metric.calendar:
            named.append((_calendar(catalog, metric.calendar), metric.name))
        zone = zone or metric.time_zone or ""
    zone = zone or catalog.manifest.default_time_zone
    choices = draft.question.choices
    choice = next((c.option_id for c in choices if c.subject_id == CALENDAR), None) if choices else None
    return _in_force(tuple(named), draft.prepared.contexts.calendars(draft.contexts), zone, choice)


@lru_cache(maxsize=_CALENDARS_KEPT)
def _in_force(
    named: tuple[tuple[Calendar, str], ...], general: tuple[tuple[Calendar, str], ...], zone: str, choice: str | None
) -> CalendarsInForce:
    """Return the calendars where members and metrics of these names have their own, before the general ones."""
    chain = [*((calendar, f"{name} has it") for calendar, name in named), *general, (GREGORIAN, "no other applies")]
    fiscal = named[0][0] if named else next((c for c, _ in general if c.type is not CalendarType.GREGORIAN), GREGORIAN)
    plain, reason = chain[0]
    chosen = next((calendar for calendar, _ in chain if calendar.id == choice), None)
    if chosen is not None:
        plain, reason = chosen, "the caller chose it"
    others = dict.fromkeys(calendar for calendar, _ in chain if calendar != plain)
    # The weakest of the general ones is the catalog's default.
    data = named[0][0] if named else general[-1][0]
    return CalendarsInForce(plain, fiscal, data, reason, tuple(others), zone, chosen is not None)


def said_period(timed: TimedMention, draft: Draft, calendars: CalendarsInForce) -> Period | Incompatible:
    """Read an expression of the question; incompatible where there are no such days, e.g. a week 53 in a year of 52."""
    assumed_zone = "" if draft.question.time_zone else draft.time_zone
    said = _said(timed.expression, calendars, draft.today, assumed_zone)
    if said is None:
        return Incompatible(f"“{timed.mention.text}” has no days")
    period = said.period
    if draft.question.choices and (chosen := _chosen_reading(said.reading, said.notes, draft)) is not None:
        days = _in_zone(chosen.range, calendars)
        return Period(days, chosen.id, period.other_readings, reason="the caller chose it", offers=period.offers)
    return period


@dataclass(frozen=True, slots=True)
class _Said:
    """What words say by themselves: how they read, what that took for granted, and the period they mean."""

    reading: Reading
    notes: tuple[Note, ...]
    period: Period


@lru_cache(maxsize=_PERIODS_KEPT)
def _said(expression: Expression, calendars: CalendarsInForce, today: date, assumed_zone: str) -> _Said | None:
    """Read an expression; ``assumed_zone`` is the zone of ``today`` where the request does not say it."""
    reading = read(expression, calendars.plain, calendars.fiscal, today)
    if reading is None:
        return None
    notes = tuple(note for note in reading.notes if note.id != CALENDAR or not note.alternatives)
    readings = {} if reading.calendar_said else _by_other_calendars(expression, reading, calendars, today)
    offers = [(PERIOD, frozenset(other.id for other in note.alternatives)) for note in notes]
    assumptions = [_noted_assumption(notes, reading)] if notes else []
    if _unfinished(expression, reading, today):
        offers.append((PARTIAL_PERIOD, frozenset({TO_DATE, reading.id})))
        assumptions.append(_partial_assumption(reading, today))
    if readings:
        offers.append((CALENDAR, frozenset((calendars.plain.id, *readings))))
        if not calendars.chosen:
            assumptions.append(_calendar_assumption(reading, readings, calendars))
    if assumed_zone and depends_on_today(expression) and _depends_on_zone(expression, reading, calendars, today):
        assumptions.append(_zone_assumption(assumed_zone, today))
    period = Period(
        _in_zone(reading.range, calendars),
        reading.id,
        other_readings=tuple(_in_zone(other.range, calendars) for other in readings.values()),
        assumptions=tuple(assumptions),
        reason="the question says so" if reading.calendar_said else calendars.reason,
        offers=tuple(offers),
    )
    return _Said(reading, notes, period)


def implied_period(timed: TimedMention, draft: Draft, calendars: CalendarsInForce) -> Period | Incompatible:
    """Return a period that the question implies by what it is held against, told as an assumption."""
    period = said_period(timed, draft, calendars)
    if isinstance(period, Incompatible) or period.range is None:
        return period
    taken = Option(period.id, period.range.label, _days(period.range), ConceptKind.TIME)
    reason = f"The question names only what to compare with, “{timed.mention.text}”; what follows it is taken"
    return replace(period, assumptions=(*period.assumptions, Assumption(PERIOD, taken, reason)))


def unsaid_period(metric: Metric, draft: Draft, calendars: CalendarsInForce) -> Period:
    """Return the period of a question that names none: the metric's default, as an assumption, or the question back."""
    offered = {words.replace(" ", "_"): _read(words, draft, calendars) for words in _OFFERED_PERIODS}
    default = metric.default_period
    taken = None
    if default not in (None, "ask"):
        taken = _read("today" if default == AS_OF else str(default), draft, calendars)
        taken = replace(taken, id=AS_OF) if default == AS_OF else taken
        offered[taken.id] = taken
    options = tuple(_period_option(option_id, reading) for option_id, reading in offered.items())
    offers = ((PERIOD, frozenset(offered) if default == "ask" else frozenset((*offered, ALL_TIME))),)
    for choice in draft.question.choices:
        if choice.subject_id == PERIOD and choice.option_id in offered:
            chosen = offered[choice.option_id].range
            return Period(_in_zone(chosen, calendars), choice.option_id, reason="the caller chose it", offers=offers)
        if (choice.subject_id, choice.option_id) == (PERIOD, ALL_TIME) and default != "ask":
            return Period(None, ALL_TIME, reason="the caller chose it", offers=offers)
    if default == "ask":
        message = f"{metric.name} needs a period. Which one?"
        return Period(None, "", ambiguity=Ambiguity(PERIOD, None, options, message), offers=offers)
    if taken is None:
        reason = f"The question names no period, and {metric.name} has no default one"
        assumption = Assumption(PERIOD, Option(ALL_TIME, "All time"), reason, options)
        return Period(None, ALL_TIME, assumptions=(assumption,), reason=reason, offers=offers)
    reason = f"The question names no period; {default} is the default of {metric.name}"
    others = tuple(option for option in options if option.id != taken.id)
    assumption = Assumption(PERIOD, _period_option(taken.id, taken), reason, others)
    days = _in_zone(taken.range, calendars)
    return Period(days, taken.id, assumptions=(assumption,), reason=reason, offers=offers)


def ask_period(metric: Metric, draft: Draft, calendars: CalendarsInForce) -> Ambiguity:
    """Return the question for a period that a metric cannot do without."""
    options = (_period_option(w.replace(" ", "_"), _read(w, draft, calendars)) for w in _OFFERED_PERIODS)
    return Ambiguity(PERIOD, None, tuple(options), f"{metric.name} compares periods. Which one is meant?")


def _calendar(catalog: Catalog, calendar_id: str | None) -> Calendar:
    return catalog.calendars.get(calendar_id or "", GREGORIAN)


def _by_other_calendars(
    expression: Expression, reading: Reading, calendars: CalendarsInForce, today: date
) -> dict[str, Reading]:
    """Return the readings by weaker calendars, by calendar id; each that comes to other days once."""
    found: dict[str, Reading] = {}
    seen = {(reading.range.start, reading.range.end)}
    for calendar in calendars.others:
        other = read(expression, calendar, calendars.fiscal, today)
        if other is not None and (days := (other.range.start, other.range.end)) not in seen:
            seen.add(days)
            found[calendar.id] = other
    return found


def _calendar_assumption(reading: Reading, readings: Mapping[str, Reading], calendars: CalendarsInForce) -> Assumption:
    """Say which calendar was taken, with the others as options."""
    others = tuple(_period_option(calendar, other) for calendar, other in readings.items())
    name = calendars.plain.name or calendars.plain.id
    reason = f"The question does not say which calendar; {name} is taken: {calendars.reason}"
    return Assumption(CALENDAR, _period_option(calendars.plain.id, reading), reason, others)


def _chosen_reading(reading: Reading, notes: Sequence[Note], draft: Draft) -> Reading | None:
    """Return the other reading that the caller chose, "to date" of a period that has not ended included."""
    for choice in draft.question.choices:
        if (choice.subject_id, choice.option_id) == (PARTIAL_PERIOD, TO_DATE):
            return replace(reading, range=_to_date(reading, draft.today), id=f"{reading.id}_{TO_DATE}")
        others = [other for note in notes for other in note.alternatives]
        chosen = next((other for other in others if other.id == choice.option_id), None)
        if choice.subject_id == PERIOD and chosen is not None:
            return chosen
    return None


def _to_date(reading: Reading, today: date) -> TimeRange:
    end = today + timedelta(days=1)
    return replace(reading.range, end=end, label=f"{reading.range.label} to date")


def _noted_assumption(notes: Sequence[Note], reading: Reading) -> Assumption:
    """Tell all that the reading took for granted, with the other readings as options."""
    others = {other.id: _period_option(other.id, other) for note in notes for other in note.alternatives}
    reason = " ".join(note.reason for note in notes)
    return Assumption(PERIOD, _period_option(reading.id, reading), reason, tuple(others.values()))


def has_not_ended(period: TimeRange, today: date) -> bool:
    """Tell whether the period has begun and goes on after today."""
    begun = period.start is None or period.start <= today
    return begun and period.end is not None and period.end > today + timedelta(days=1)


def _unfinished(expression: Expression, reading: Reading, today: date) -> bool:
    """Tell whether the period has not ended; one that goes to date has no more to come."""
    return has_not_ended(reading.range, today) and not isinstance(expression, ToDate)


def _partial_assumption(reading: Reading, today: date) -> Assumption:
    to_date = _to_date(reading, today)
    other = Option(TO_DATE, to_date.label, _days(to_date), ConceptKind.TIME)
    taken = _period_option(reading.id, reading)
    return Assumption(PARTIAL_PERIOD, taken, f"{reading.range.label} has not ended", (other,))


def _depends_on_zone(expression: Expression, reading: Reading, calendars: CalendarsInForce, today: date) -> bool:
    """Tell whether another zone, where it is a day earlier or later, would mean other days."""
    for day in (today - timedelta(days=1), today + timedelta(days=1)):
        other = read(expression, calendars.plain, calendars.fiscal, day)
        if other is not None and (other.range.start, other.range.end) != (reading.range.start, reading.range.end):
            return True
    return False


def _zone_assumption(zone: str, today: date) -> Assumption:
    taken = Option(zone, zone, f"Today is {today.isoformat()}")
    return Assumption(TIME_ZONE, taken, "The request names no time zone; the catalog's default says which day today is")


def _read(words: str, draft: Draft, calendars: CalendarsInForce) -> Reading:
    """Read words of ours, or of the catalog, which checked them when it was loaded."""
    expression = _expression(words)
    said = None if expression is None else _said(expression, calendars, draft.today, "")
    if said is None:
        msg = f"{words!r} is no period"
        raise ValueError(msg)
    return said.reading


@lru_cache(maxsize=_CALENDARS_KEPT)
def _expression(words: str) -> Expression | None:
    return period_expression(words)


def _period_option(option_id: str, reading: Reading) -> Option:
    return Option(option_id, reading.range.label, _days(reading.range), ConceptKind.TIME)


def _in_zone(period: TimeRange, calendars: CalendarsInForce) -> TimeRange:
    return replace(period, time_zone=calendars.time_zone)


def _days(period: TimeRange) -> str:
    """Write the days of a period for a person, both ends included."""
    last = None if period.end is None else period.end - timedelta(days=1)
    return f"{period.start or '…'} to {last or '…'}"
