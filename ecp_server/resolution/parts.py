"""The parts of a question that share a calendar: their members, their period, what is open about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from ecp_server.domain.catalog import Calendar, Metric
from ecp_server.domain.concepts import Ambiguity, ConceptKind, ResolvedConcept
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.derivation import needs_period
from ecp_server.resolution.draft import Draft, SlicedMember, TimedMention
from ecp_server.resolution.intent import compares
from ecp_server.resolution.periods import (
    CalendarsInForce,
    Period,
    ask_period,
    calendars_in_force,
    said_period,
    unsaid_period,
)
from ecp_server.resolution.slicing import NamedMember, Slicing, read_members
from ecp_server.resolution.time import Comparison, Several, TooManyBuckets, buckets

NOW = "now"


@dataclass(frozen=True, slots=True)
class Part:
    """The members that share a calendar, with the period that it gives them."""

    named: tuple[NamedMember, ...]
    members: tuple[SlicedMember, ...]
    calendars: CalendarsInForce
    period: Period
    ambiguities: tuple[Ambiguity, ...]
    offers: tuple[tuple[str, frozenset[str]], ...]


def find_parts(draft: Draft, metrics: Sequence[Metric], slicing: Slicing) -> tuple[Part, ...] | Incompatible:
    """Return one part, or one for each member where their calendars differ (catalog.md, Calendar)."""
    times = named_periods(draft)
    if any(isinstance(timed.expression, Several) for timed in times):
        return Incompatible(f"“{times[0].mention.text}” names several periods; ask for one at a time")
    apart = next((t for t in times[1:] if not compares(draft.parsed, times[0].last, t.first)), None)
    if apart is not None:
        return Incompatible(f"“{apart.mention.text}” names a second period; ask for one at a time")
    parts: list[Part] = []
    for group in _by_calendar(draft, metrics, slicing):
        part = _part(draft, metrics, replace(slicing, members=group), times)
        if isinstance(part, Incompatible):
            return part
        parts.append(part)
    return tuple(parts)


def named_periods(draft: Draft) -> list[TimedMention]:
    """Return the mentions that name a period of their own, the main one first, not one by its relation to another.

    A "now" beside another period is but a manner of speaking.
    """
    times = [timed for timed in draft.parsed.times if not isinstance(timed.expression, Comparison)]
    return [timed for timed in times if timed.mention.text.casefold() != NOW] or times[:1]


def time_concepts(draft: Draft, parts: Sequence[Part]) -> list[ResolvedConcept]:
    """Return the named period as a concept, once for each reading of it."""
    readings = {part.period.range: part.period for part in parts}
    return [
        ResolvedConcept(
            kind=ConceptKind.TIME,
            mention=timed.mention,
            id=period.id,
            name=days.label,
            reason=f"“{timed.mention.text}” by the {days.calendar} calendar: {period.reason}",
            confidence=1.0,
            time_range=days,
        )
        for timed in named_periods(draft)[:1]
        for days, period in readings.items()
        if days is not None
    ]


def _by_calendar(draft: Draft, metrics: Sequence[Metric], slicing: Slicing) -> list[tuple[NamedMember, ...]]:
    included = [named for named in slicing.members if not named.named.excluded]
    calendars = {calendars_in_force(draft, metrics, [named.member]).plain for named in included}
    if len(calendars) <= 1:
        return [slicing.members]
    excluded = tuple(named for named in slicing.members if named.named.excluded)
    return [(named, *excluded) for named in included]


def _part(
    draft: Draft, metrics: Sequence[Metric], slicing: Slicing, times: Sequence[TimedMention]
) -> Part | Incompatible:
    included = [named.member for named in slicing.members if not named.named.excluded]
    calendars = calendars_in_force(draft, metrics, included)
    period = _period(draft, metrics, calendars, times)
    if isinstance(period, Incompatible):
        return period
    if draft.parsed.grain is not Grain.NONE and period.ambiguity is None:
        broken = _broken(draft, period.range, calendars)
        if isinstance(broken, Incompatible):
            return broken
        period = replace(period, range=broken)
    readings = read_members(slicing, draft, period.range)
    asked = (period.ambiguity,) if period.ambiguity is not None else ()
    offers = (*period.offers, *readings.offers)
    return Part(slicing.members, readings.members, calendars, period, (*asked, *readings.ambiguities), offers)


def _period(
    draft: Draft, metrics: Sequence[Metric], calendars: CalendarsInForce, times: Sequence[TimedMention]
) -> Period | Incompatible:
    if times:
        return said_period(times[0], draft, calendars)
    if not metrics:
        return Period(None, "")
    period = unsaid_period(metrics[0], draft, calendars)
    if period.range is None and any(needs_period(metric, draft.prepared.catalog) for metric in metrics):
        return replace(period, assumptions=(), ambiguity=ask_period(metrics[0], draft, calendars))
    return period


def broken_like(period: TimeRange, like: TimeRange, calendar: Calendar, today: date) -> TimeRange:
    """Break a period into the same grain as another, so that they align bucket by bucket."""
    if like.grain is Grain.NONE:
        return period
    return replace(period, grain=like.grain, buckets=buckets(period, like.grain, calendar, today))


def _broken(draft: Draft, period: TimeRange | None, calendars: CalendarsInForce) -> TimeRange | Incompatible:
    """Break the period into buckets of the grain that the question asks for."""
    grain = draft.parsed.grain
    if period is None or period.start is None:
        return Incompatible(f"A period with a start is needed to break it into {grain.name.lower()}s")
    try:
        return replace(period, grain=grain, buckets=buckets(period, grain, calendars.plain, draft.today))
    except TooManyBuckets:
        return Incompatible(f"{period.label} has too many {grain.name.lower()}s; ask for a shorter period")
