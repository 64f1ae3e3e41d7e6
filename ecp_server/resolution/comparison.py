"""What the main figure is held against: targets and other periods, with the arithmetic that compares them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecp_server.domain.catalog import AssetKind, AssetRef, Metric, Target
from ecp_server.domain.concepts import ConceptKind, Intent, ResolvedConcept
from ecp_server.domain.frozen import replace
from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import Computation
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.choosing import exactness_factor
from ecp_server.resolution.draft import Draft, Grouping, NamedMention, SlicedMember, TimedMention
from ecp_server.resolution.expansion import Column, Wanted
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.membership import last_day
from ecp_server.resolution.named_periods import NamedPeriods
from ecp_server.resolution.parts import broken_like
from ecp_server.resolution.periods import CalendarsInForce, said_period
from ecp_server.resolution.slicing import misfit
from ecp_server.resolution.time import Comparand, Comparison, previous, same_period_last_year

PREVIOUS = "previous"
LAST_YEAR = "last_year"

OTHER_PERIOD = "other_period"

_NAMES = {Comparand.PRIOR_PERIOD: PREVIOUS, Comparand.SAME_PERIOD_LAST_YEAR: LAST_YEAR}
_LABELS = {PREVIOUS: "Previous period", LAST_YEAR: "Same period last year"}


@dataclass(frozen=True, slots=True)
class Compared:
    """One column beside the main one, and the concept that asks for it where that is not one of its own."""

    wanted: Wanted
    concept: ResolvedConcept | None = None
    computed: bool = True
    """Whether arithmetic holds the main column against it; else it merely stands beside it."""


@dataclass(frozen=True, slots=True)
class Main:
    """The main column, and what it is a column of."""

    wanted: Wanted
    calendars: CalendarsInForce
    periods: NamedPeriods
    groupings: tuple[Grouping, ...] = ()


def compared_targets(draft: Draft, main: Main) -> tuple[Compared, ...] | Incompatible:
    """Return a column for each target that the question names, or the problem that the metric has no such target."""
    metric, period = main.wanted.metric, main.wanted.period
    found: list[Compared] = []
    for named in draft.parsed.names:
        senses = named.named(SenseKind.TARGET)
        if not senses or named.named(SenseKind.METRIC, SenseKind.TERM):
            continue
        target = _target(metric, {sense.id for sense in senses}, period, draft)
        if target is None:
            return _no_such_target(draft, metric, named)
        planned = draft.prepared.catalog.metrics[target.metric]
        sliced = [*(m.member.dimension for m in main.wanted.members), *(g.dimension.id for g in main.groupings)]
        if (problem := misfit(draft, (planned,), sliced)) is not None:
            return problem
        concept = ResolvedConcept(
            kind=ConceptKind.COMPARISON,
            mention=named.mention,
            id=f"target.{target.name}",
            name=planned.name,
            definition=planned.definition,
            reason=f"{metric.name} has the target {target.name}",
            confidence=exactness_factor(named.exactness),
            certification_tier=planned.certification_tier,
        )
        wanted = Wanted(target.name, planned, period, main.wanted.members, planned.name, essential=False)
        found.append(Compared(wanted, concept))
    return tuple(found)


def compared_periods(draft: Draft, main: Main) -> tuple[Compared, ...] | Incompatible:
    """Return a column for each period beside the main one."""
    related = [timed for timed in draft.parsed.times if isinstance(timed.expression, Comparison)]
    found: list[Compared] = []
    for timed in (*related, *main.periods.compared, *main.periods.listed):
        listed = timed in main.periods.listed
        if isinstance(timed.expression, Comparison):
            other = _comparable(timed.expression.comparand, main)
        else:
            other = _named_period(timed, draft, main, f"period_{len(found) + 2}" if listed else OTHER_PERIOD)
        if other is None or main.wanted.period is None:
            return Incompatible(f"“{timed.mention.text}” needs a period to be compared with")
        days = broken_like(other.days, main.wanted.period, main.calendars.plain, draft.today)
        concept = ResolvedConcept(
            kind=ConceptKind.COMPARISON if other.name in _LABELS else ConceptKind.TIME,
            mention=timed.mention,
            id=other.concept_id,
            name=_LABELS.get(other.name, days.label),
            reason=f"“{timed.mention.text}” is {days.label}",
            confidence=1.0,
            time_range=days,
        )
        label = _LABELS.get(other.name, days.label)
        wanted = replace(main.wanted, name=other.name, period=days, label=label, essential=listed)
        found.append(Compared(wanted, concept, computed=not listed))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Other:
    """A period that the main one is held against."""

    name: str
    concept_id: str
    days: TimeRange


def _comparable(comparand: Comparand, main: Main) -> _Other | None:
    """Return the period before the main one, or the same one a year earlier."""
    period = main.wanted.period
    if period is None:
        return None
    if comparand is Comparand.PRIOR_PERIOD:
        days = previous(period, main.calendars.plain)
    else:
        comparable = same_period_last_year(period, main.calendars.plain)
        days = None if comparable is None else comparable.range
    if days is None:
        return None
    return _Other(_NAMES[comparand], comparand.value, replace(days, time_zone=period.time_zone))


def _named_period(timed: TimedMention, draft: Draft, main: Main, name: str) -> _Other | None:
    """Return a period that is named beside the main one; where it would be the main one itself, the one before that."""
    said = said_period(timed, draft, main.calendars)
    if isinstance(said, Incompatible) or said.range is None or main.wanted.period is None:
        return None
    if name != OTHER_PERIOD:
        return _Other(name, said.id, said.range)
    for comparand in Comparand:
        comparable = _comparable(comparand, main)
        if comparable is not None and _same_days(comparable.days, said.range):
            return comparable
    if _same_days(said.range, main.wanted.period):
        return _comparable(Comparand.PRIOR_PERIOD, main)
    return _Other(name, said.id, said.range)


def _same_days(one: TimeRange, other: TimeRange) -> bool:
    return (one.start, one.end) == (other.start, other.end)


def members_side_by_side(draft: Draft, members: Sequence[SlicedMember]) -> tuple[SlicedMember, ...]:
    """Return the members that the first of their dimension is held against: a comparing word stands among them."""
    if draft.parsed.intent is not Intent.COMPARISON or not draft.parsed.compares_names:
        return ()
    first: dict[str, SlicedMember] = {}
    included = [m for m in members if not m.excluded]
    beside = [m for m in included if first.setdefault(m.member.dimension, m) is not m]
    return tuple(beside) if len({m.member.dimension for m in beside}) == 1 else ()


def metrics_side_by_side(draft: Draft, metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """Return the metrics that the first one is held against: a comparing word stands among them."""
    if draft.parsed.intent is not Intent.COMPARISON or not draft.parsed.compares_names:
        return ()
    return tuple(metrics[1:])


def compared_members(main: Main, others: Sequence[SlicedMember]) -> tuple[Compared, ...]:
    """Return a column for each member that the first one is held against."""
    dimensions = {m.member.dimension for m in others}
    shared = tuple(m for m in main.wanted.members if m.member.dimension not in dimensions or m.excluded)
    return tuple(
        Compared(replace(main.wanted, name=m.member.id, members=(*shared, m), label=m.member.name)) for m in others
    )


def compared_metrics(main: Main, others: Sequence[Metric]) -> tuple[Compared, ...]:
    """Return a column for each metric that the first one is held against."""
    return tuple(
        Compared(replace(main.wanted, name=metric.id, metric=metric, label=metric.name, essential=False))
        for metric in others
    )


def comparison_computations(actual: Column, other: Column, *, alone: bool) -> tuple[Computation, ...]:
    """Return the arithmetic that holds the main column against another; none where their units differ.

    ``alone``: no other column is compared with, so that the computations need no name of their own.
    """
    if actual.unit != other.unit:
        return ()
    suffix = "" if alone else f"_{other.name}"
    percent = "growth_pct" if other.name in (PREVIOUS, LAST_YEAR, OTHER_PERIOD) else "variance_pct"
    difference = f"{actual.expression} - {other.expression}"
    unit = "percentage_points" if actual.unit == "percent" else actual.unit
    return (
        Computation(f"variance{suffix}", difference, unit),
        Computation(f"{percent}{suffix}", f"({difference}) / {other.expression} * 100", "percent"),
    )


def _no_such_target(draft: Draft, metric: Metric, named: NamedMention) -> Incompatible:
    """Say which metrics have the target that this one lacks; only what the user may discover."""
    names = {sense.id for sense in named.named(SenseKind.TARGET)}
    having = dict.fromkeys(m for name in sorted(names) for m in draft.prepared.metrics_by_target.get(name, ()))
    fits = [m for m in having if AssetRef(AssetKind.METRIC, m.id) in draft.visible and m.id != metric.id]
    others = f"{', '.join(m.name for m in fits)} can be held against it" if fits else "nothing can be held against it"
    message = f"{metric.name} has no target “{named.mention.text}” in this period; {others}"
    return Incompatible(message, tuple(m.id for m in fits))


def _target(metric: Metric, names: set[str], period: TimeRange | None, draft: Draft) -> Target | None:
    day = last_day(period) or draft.today
    for target in metric.targets:
        holds = (target.valid_from is None or target.valid_from <= day) and (
            target.valid_to is None or day < target.valid_to
        )
        if target.name in names and holds and _visible(target, draft):
            return target
    return None


def _visible(target: Target, draft: Draft) -> bool:
    return AssetRef(AssetKind.METRIC, target.metric) in draft.visible
