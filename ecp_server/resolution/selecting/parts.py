"""The parts of a question that share a calendar: their members, their period, what is open about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from ecp_server.domain.catalog import Calendar, Metric
from ecp_server.domain.concepts import Ambiguity, Assumption, ConceptKind, Option, ResolvedConcept
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.derivation import needs_period
from ecp_server.resolution.draft import Draft, SlicedMember, TimedMention
from ecp_server.resolution.selecting.choosing import EXACTNESS_FACTOR
from ecp_server.resolution.selecting.compared_units import compared_unit, grain_within, last_compared
from ecp_server.resolution.selecting.named_periods import NamedPeriods, following
from ecp_server.resolution.selecting.periods import (
    CalendarsInForce,
    Period,
    ask_period,
    calendars_in_force,
    implied_period,
    said_period,
    unsaid_period,
)
from ecp_server.resolution.selecting.slicing import NamedMember, Slicing, read_members
from ecp_server.resolution.time import Comparison, TooManyBuckets, buckets

GRAIN = "grain"
_DAYS_UP_TO = 31
_YEARS_FROM = 5 * 365
_SEVERAL = 2


@dataclass(frozen=True, slots=True)
class Part:
    """The members that share a calendar, with the period that it gives them."""

    named: tuple[NamedMember, ...]
    members: tuple[SlicedMember, ...]
    calendars: CalendarsInForce
    period: Period
    ambiguities: tuple[Ambiguity, ...]
    offers: tuple[tuple[str, frozenset[str]], ...]


def find_parts(
    draft: Draft, metrics: Sequence[Metric], slicing: Slicing, periods: NamedPeriods
) -> tuple[Part, ...] | Incompatible:
    """Return one part, or one for each member where their calendars differ (catalog.md, Calendar)."""
    parts: list[Part] = []
    for group in _by_calendar(draft, metrics, slicing):
        part = _part(draft, metrics, group, periods)
        if isinstance(part, Incompatible):
            return part
        parts.append(part)
    return tuple(parts)


def time_concepts(main: TimedMention | None, parts: Sequence[Part]) -> list[ResolvedConcept]:
    """Return the named period as a concept, once for each reading of it."""
    if main is None:
        return []
    readings = [(part.period.range, part.period) for part in parts]
    if len(readings) > 1:
        readings = list(dict(readings).items())
    return [
        ResolvedConcept(
            kind=ConceptKind.TIME,
            mention=main.mention,
            id=period.id,
            name=days.label,
            reason=f"“{main.mention.text}” by the {days.calendar} calendar: {period.reason}",
            confidence=EXACTNESS_FACTOR[main.exactness],
            time_range=days,
        )
        for days, period in readings
        if days is not None
    ]


def _by_calendar(draft: Draft, metrics: Sequence[Metric], slicing: Slicing) -> list[tuple[NamedMember, ...]]:
    """Return the members of one part, or of each: one of those whose calendars differ, with all others."""
    if len(slicing.members) < _SEVERAL:
        return [slicing.members]
    included = [named for named in slicing.members if not named.named.excluded]
    dimension = next((named.member.dimension for named in included if named.member.calendar), None)
    own = [named for named in included if named.member.dimension == dimension]
    if len(own) < _SEVERAL or len({calendars_in_force(draft, metrics, [n.member]).plain for n in own}) <= 1:
        return [slicing.members]
    shared = tuple(named for named in slicing.members if named not in own)
    return [(named, *shared) for named in own]


def _part(
    draft: Draft, metrics: Sequence[Metric], members: tuple[NamedMember, ...], periods: NamedPeriods
) -> Part | Incompatible:
    included = [named.member for named in members if not named.named.excluded]
    calendars = calendars_in_force(draft, metrics, included)
    period = _period(draft, metrics, calendars, periods)
    if isinstance(period, Incompatible):
        return period
    grain = draft.parsed.grain
    if grain is Grain.NONE:
        grain = _grain_compared(draft, period, calendars)
    if (draft.parsed.trend or grain is not Grain.NONE) and period.ambiguity is None:
        broken = _broken(draft, metrics, period, calendars, grain, said=periods.main is not None)
        if isinstance(broken, Incompatible):
            return broken
        period = broken
    readings = read_members(members, draft, metrics, period.range)
    if readings.problem is not None:
        return readings.problem
    asked = (period.ambiguity,) if period.ambiguity is not None else ()
    offers = (*period.offers, *readings.offers)
    return Part(members, readings.members, calendars, period, (*asked, *readings.ambiguities), offers)


def _period(
    draft: Draft, metrics: Sequence[Metric], calendars: CalendarsInForce, periods: NamedPeriods
) -> Period | Incompatible:
    if periods.main is not None:
        return said_period(periods.main, draft, calendars)
    for held_against in periods.compared:
        after = following(held_against.expression)
        if after is not None:
            return implied_period(replace(held_against, expression=after), draft, calendars)
    if not metrics:
        return Period(None, "")
    over_time = draft.parsed.trend or draft.parsed.grain is not Grain.NONE
    if not over_time and (compared := last_compared(draft.parsed.times)) is not None:
        return implied_period(compared, draft, calendars)
    period = unsaid_period(metrics[0], draft, calendars)
    related = any(isinstance(timed.expression, Comparison) for timed in draft.parsed.times)
    if period.range is None and (related or any(needs_period(m, draft.prepared.catalog) for m in metrics)):
        return replace(period, assumptions=(), ambiguity=ask_period(metrics[0], draft, calendars))
    return period


def _grain_compared(draft: Draft, period: Period, calendars: CalendarsInForce) -> Grain:
    """Return the grain of a period that is held against what lies before unit by unit: "MoM in 2024" is by month."""
    of, days = compared_unit(draft.parsed.times), period.range
    return Grain.NONE if of is None or days is None else grain_within(days, of[1], calendars.of(days))


def broken_like(period: TimeRange, like: TimeRange, calendar: Calendar, today: date) -> TimeRange:
    """Break a period into the same grain as another, so that they align bucket by bucket."""
    if like.grain is Grain.NONE:
        return period
    return replace(period, grain=like.grain, buckets=buckets(period, like.grain, calendar, today))


def _broken(
    draft: Draft, metrics: Sequence[Metric], period: Period, calendars: CalendarsInForce, grain: Grain, *, said: bool
) -> Period | Incompatible:
    """Break the period into buckets of the grain that the question asks for, or that suits a trend."""
    days = period.range
    assumptions = period.assumptions
    if grain is Grain.NONE:
        grain = _suitable_grain(days, metrics, draft)
        assumptions = (*assumptions, _grain_assumption(grain))
    if days is None or days.start is None:
        if said:
            return Incompatible(f"A period with a start is needed to break it into {grain.name.lower()}s")
        return replace(period, assumptions=(), ambiguity=ask_period(metrics[0], draft, calendars) if metrics else None)
    try:
        parts = buckets(days, grain, calendars.of(days), draft.today)
    except TooManyBuckets:
        return Incompatible(f"{days.label} has too many {grain.name.lower()}s; ask for a shorter period")
    offers = (*period.offers, (GRAIN, frozenset(each.name.lower() for each in Grain if each is not Grain.NONE)))
    return replace(period, range=replace(days, grain=grain, buckets=parts), assumptions=assumptions, offers=offers)


def _suitable_grain(days: TimeRange | None, metrics: Sequence[Metric], draft: Draft) -> Grain:
    """Return the grain that the caller chose, else months, days in a short period, years in a long one.

    Never finer than the data.
    """
    chosen = next((c.option_id for c in draft.question.choices if c.subject_id == GRAIN), "")
    finest = max((metric.time_grain for metric in metrics), default=Grain.DAY)
    for grain in Grain:
        if grain.name.lower() == chosen:
            return max(grain, finest)
    length = (days.end - days.start).days if days is not None and days.start and days.end else _YEARS_FROM
    grain = Grain.DAY if length <= _DAYS_UP_TO else Grain.MONTH if length < _YEARS_FROM else Grain.YEAR
    return max(grain, finest)


def _grain_assumption(grain: Grain) -> Assumption:
    taken = Option(grain.name.lower(), f"by {grain.name.lower()}")
    others = tuple(Option(g.name.lower(), f"by {g.name.lower()}") for g in Grain if g not in (Grain.NONE, grain))
    return Assumption(GRAIN, taken, "The question asks how it went over time and names no grain", others)
