"""Puts metrics, members, periods and comparisons together into the slices that a plan reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ecp_server.domain.catalog import Calendar, Metric
from ecp_server.domain.concepts import Ambiguity, Assumption, ConceptKind, ResolvedConcept
from ecp_server.domain.plan import Computation
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.comparison import Compared, compared_periods, compared_targets, comparison_computations
from ecp_server.resolution.draft import Draft, Grouping, Selection, Slice, SlicedMember, TimedMention
from ecp_server.resolution.expansion import Column, Expansion
from ecp_server.resolution.periods import (
    CalendarsInForce,
    Period,
    calendars_in_force,
    said_period,
    unsaid_period,
)
from ecp_server.resolution.slicing import NamedMember, Slicing, bucketed, grouping_concept, member_concept, read_members
from ecp_server.resolution.subjects import Subjects
from ecp_server.resolution.time import Comparison

ACTUAL = "actual"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the question is about, as far as its metrics go."""

    subjects: Subjects
    metrics: tuple[Metric, ...]
    ambiguities: tuple[Ambiguity, ...]
    offers: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Part:
    """The members that share a calendar, with the period that it gives them."""

    named: tuple[NamedMember, ...]
    members: tuple[SlicedMember, ...]
    calendar: Calendar
    period: Period
    ambiguities: tuple[Ambiguity, ...]


def assemble(draft: Draft, asked: Asked, slicing: Slicing) -> Selection | Incompatible:
    """Return the selection; without slices as long as a choice is open or nothing is to be read."""
    times = _periods_named(draft)
    if len(times) > 1:
        return Incompatible(f"“{times[1].mention.text}” names a second period; ask for one at a time")
    parts = [
        _part(draft, asked.metrics, slicing, group, times) for group in _by_calendar(draft, asked.metrics, slicing)
    ]
    groupings = [bucketed(g, named, draft, parts[0].period.range) for g, named in slicing.grouped_by]
    ambiguities = (
        *asked.ambiguities,
        *(g for g in groupings if isinstance(g, Ambiguity)),
        *slicing.ambiguities,
        *(a for part in parts for a in part.ambiguities),
    )
    assumptions = _once((*draft.selection.assumptions, *asked.subjects.assumptions, *_period_assumptions(parts)))
    shared = parts[0].period.range if len({part.period.range for part in parts}) == 1 else None
    selection = Selection(
        concepts=_in_order(
            (*asked.subjects.concepts, *_slicing_concepts(slicing, parts), *_time_concepts(times, parts))
        ),
        metrics=asked.metrics,
        members=tuple(member for part in parts for member in part.members),
        groupings=tuple(grouping for grouping in groupings if isinstance(grouping, Grouping)),
        period=shared,
        assumptions=assumptions,
        ambiguities=tuple({a.id: a for a in ambiguities}.values()),
        offers=_offers(asked, slicing, assumptions, ambiguities),
    )
    if selection.ambiguities or not asked.metrics:
        return selection
    return _with_slices(draft, selection, parts)


def _periods_named(draft: Draft) -> list[TimedMention]:
    """Return the mentions that name a period of their own, not one by its relation to another."""
    return [timed for timed in draft.parsed.times if not isinstance(timed.expression, Comparison)]


def _by_calendar(draft: Draft, metrics: Sequence[Metric], slicing: Slicing) -> list[tuple[NamedMember, ...]]:
    """Return the members in groups that are read by one query: all of them, or each alone where calendars differ."""
    included = [named for named in slicing.members if not named.named.excluded]
    calendars = {calendars_in_force(draft, metrics, [named.member]).plain for named in included}
    if len(calendars) <= 1:
        return [slicing.members]
    excluded = tuple(named for named in slicing.members if named.named.excluded)
    return [(named, *excluded) for named in included]


def _part(
    draft: Draft,
    metrics: Sequence[Metric],
    slicing: Slicing,
    group: tuple[NamedMember, ...],
    times: Sequence[TimedMention],
) -> Part:
    calendars = calendars_in_force(draft, metrics, [named.member for named in group if not named.named.excluded])
    period = _period(draft, metrics, calendars, times)
    readings = read_members(replace(slicing, members=group), draft, period.range)
    ambiguities = (*((period.ambiguity,) if period.ambiguity is not None else ()), *readings.ambiguities)
    return Part(group, readings.members, calendars.plain, period, ambiguities)


def _period(
    draft: Draft, metrics: Sequence[Metric], calendars: CalendarsInForce, times: Sequence[TimedMention]
) -> Period:
    if times:
        return said_period(times[0].expression, draft, calendars)
    if metrics:
        return unsaid_period(metrics[0], draft, calendars)
    return Period(None, "", said=False)


def _with_slices(draft: Draft, selection: Selection, parts: Sequence[Part]) -> Selection | Incompatible:
    """Add a query for every metric and part, and for what they are compared with."""
    slices: tuple[Slice, ...] = ()
    computations: tuple[Computation, ...] = ()
    concepts = selection.concepts
    for part in parts:
        expansion = Expansion(draft.prepared.catalog, part.calendar)
        columns: dict[str, Column] = {}
        for metric in selection.metrics:
            name = _column_name(metric, part, alone=len(selection.metrics) == 1, shared=len(parts) == 1)
            label = part.named[0].member.name if len(parts) > 1 else metric.name
            columns[name] = expansion.add(name, metric, part.period.range, part.members, label)
            compared = _compared(draft, metric, part)
            if isinstance(compared, Incompatible):
                return compared
            for other in compared:
                column = expansion.add(other.name, other.metric, other.period, part.members, other.label)
                growth = other.metric is metric
                computations += comparison_computations(columns[name], column, growth=growth)
                concepts = (*concepts, other.concept)
        derived = [c for c in columns.values() if c.expression != c.name]
        computations = (*(Computation(c.name, _outer(c.expression), c.unit) for c in derived), *computations)
        slices += expansion.slices
    return replace(selection, slices=slices, computations=computations, concepts=_in_order(concepts))


def _compared(draft: Draft, metric: Metric, part: Part) -> tuple[Compared, ...] | Incompatible:
    targets = compared_targets(draft, metric, part.period.range)
    if isinstance(targets, Incompatible):
        return targets
    periods = compared_periods(draft.parsed.times, metric, part.period.range, part.calendar)
    return periods if isinstance(periods, Incompatible) else targets + periods


def _column_name(metric: Metric, part: Part, *, alone: bool, shared: bool) -> str:
    """Name the main column: "actual", or by what tells it from the others."""
    if shared:
        return ACTUAL if alone else metric.id
    member = part.named[0].member.id
    return member if alone else f"{metric.id}.{member}"


def _outer(expression: str) -> str:
    """Take the outermost parentheses off an expression that is not used inside another."""
    return expression[1:-1] if expression.startswith("(") else expression


def _slicing_concepts(slicing: Slicing, parts: Sequence[Part]) -> list[ResolvedConcept]:
    read = {member.member.id: member for part in parts for member in part.members}
    concepts = [member_concept(named, read[named.member.id]) for named in slicing.members if named.member.id in read]
    return concepts + [grouping_concept(mention, grouping) for grouping, mention in slicing.grouped_by]


def _time_concepts(times: Sequence[TimedMention], parts: Sequence[Part]) -> list[ResolvedConcept]:
    """Return the named period as a concept, once for each reading of it."""
    readings = {part.period.range: part.period for part in parts}
    return [
        ResolvedConcept(
            kind=ConceptKind.TIME,
            mention=timed.mention,
            id=period.id,
            name=period_range.label,
            reason=f"“{timed.mention.text}” by the {period_range.calendar} calendar: {period.reason}",
            confidence=1.0,
            time_range=period_range,
        )
        for timed in times
        for period_range, period in readings.items()
        if period_range is not None
    ]


def _period_assumptions(parts: Sequence[Part]) -> list[Assumption]:
    return [assumption for part in parts for assumption in part.period.assumptions]


def _offers(
    asked: Asked,
    slicing: Slicing,
    assumptions: Sequence[Assumption],
    ambiguities: Sequence[Ambiguity],
) -> Mapping[str, frozenset[str]]:
    """Return every option by the subject that a choice can name; what was chosen before stays on offer."""
    offers: dict[str, frozenset[str]] = dict(asked.offers)
    for assumption in assumptions:
        ids = {assumption.taken.id, *(option.id for option in assumption.alternatives)}
        offers[assumption.id] = offers.get(assumption.id, frozenset()) | ids
    for ambiguity in ambiguities:
        ids = {option.id for option in ambiguity.options}
        offers[ambiguity.id] = offers.get(ambiguity.id, frozenset()) | ids
    for subject, options in slicing.offers:
        offers[subject] = offers.get(subject, frozenset()) | options
    return offers


def _once(assumptions: Sequence[Assumption]) -> tuple[Assumption, ...]:
    return tuple({assumption.id: assumption for assumption in reversed(assumptions)}.values())[::-1]


def _in_order(concepts: Sequence[ResolvedConcept]) -> tuple[ResolvedConcept, ...]:
    """Order concepts as the text does, each mention of a thing once."""
    unique = {(c.kind, c.id, c.mention, c.time_range): c for c in concepts}
    return tuple(sorted(unique.values(), key=lambda c: (c.mention.start, c.mention.end, c.kind, c.id)))
