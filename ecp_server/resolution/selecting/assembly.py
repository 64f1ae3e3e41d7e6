"""Puts metrics, members, periods and comparisons together into the slices that a plan reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass as mutable_dataclass
from dataclasses import field

from ecp_server.domain.catalog import Metric, Severity
from ecp_server.domain.concepts import Ambiguity, Assumption, ResolvedConcept
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.domain.plan import Computation, OrderBy
from ecp_server.domain.resolution import Incompatible, Warning  # noqa: A004 - the contract's word
from ecp_server.resolution.draft import Draft, Grouping, Selection, Slice
from ecp_server.resolution.selecting.buckets import bucket_assumptions
from ecp_server.resolution.selecting.comparison import (
    GROWTH,
    Compared,
    Held,
    Main,
    assumed_comparand,
    compared_members,
    compared_metrics,
    compared_periods,
    compared_targets,
    comparison_computations,
    metrics_side_by_side,
    unit_mismatches,
)
from ecp_server.resolution.selecting.expansion import ACTUAL, Column, Expansion, Wanted, column_name
from ecp_server.resolution.selecting.named_periods import NamedPeriods, find_periods
from ecp_server.resolution.selecting.parts import Part, find_parts, time_concepts
from ecp_server.resolution.selecting.quotient import (
    MOVES,
    PER_UNIT,
    RATIO,
    Against,
    Quotient,
    divides,
    divisor,
    of_other_periods,
    quotient_computations,
)
from ecp_server.resolution.selecting.share import share_computations, whole, wholes
from ecp_server.resolution.selecting.side_by_side import crossed_sides, members_side_by_side
from ecp_server.resolution.selecting.slicing import Slicing, bucketed, grouping_concept, member_concept
from ecp_server.resolution.selecting.subjects import Subjects
from ecp_server.resolution.time.tiling import tiles

TIME_GRAIN = "time_grain"
COMPARABLE_PERIOD = "comparable_period"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the question is about, as far as its metrics go."""

    subjects: Subjects
    metrics: tuple[Metric, ...]
    ambiguities: tuple[Ambiguity, ...]
    offers: Mapping[str, frozenset[str]]
    concepts: tuple[ResolvedConcept, ...] = ()
    """Concepts that no mention stands for: the metric that the caller chose where the question named none."""
    assumptions: tuple[Assumption, ...] = ()
    """What was taken for granted of the metric."""


def assemble(draft: Draft, asked: Asked, slicing: Slicing) -> Selection | Incompatible:
    """Return the selection; without slices as long as a choice is open or nothing is to be read."""
    periods = find_periods(draft.parsed)
    if isinstance(periods, Incompatible):
        return periods
    parts = crossed_sides(draft, slicing.members) or find_parts(draft, asked.metrics, slicing, periods)
    if isinstance(parts, Incompatible):
        return parts
    if (running := _running_total(draft, asked, parts)) is not None:
        return running
    groupings: list[Grouping] = []
    ambiguities = [*asked.ambiguities, *slicing.ambiguities]
    told = [*draft.selection.assumptions, *asked.assumptions, *asked.subjects.assumptions]
    for part in parts:
        told += part.period.assumptions
    for grouping, named in {
        grouping.dimension.id: (grouping, named) for grouping, named in slicing.grouped_by
    }.values():
        with_members = bucketed(grouping, named, draft, asked.metrics, parts[0].period.range)
        if isinstance(with_members, Ambiguity):
            ambiguities.append(with_members)
        else:
            groupings.append(with_members)
            told += bucket_assumptions(with_members, draft)
    for part in parts:
        ambiguities += part.ambiguities
    assumptions = _merged(told)
    concepts = (
        *asked.concepts,
        *asked.subjects.concepts,
        *_slicing_concepts(slicing, parts),
        *time_concepts(periods.main, parts),
    )
    selection = Selection(
        concepts=_in_order(concepts),
        metrics=asked.metrics,
        members=parts[0].members if len(parts) == 1 else tuple([m for part in parts for m in part.members]),
        groupings=tuple(groupings),
        period=_shared_period(parts),
        other_readings=tuple([days for part in parts for days in part.period.other_readings]),
        assumptions=assumptions,
        ambiguities=tuple({a.id: a for a in ambiguities}.values()) if ambiguities else (),
        offers=_offers(asked, slicing, parts, assumptions, ambiguities),
    )
    if selection.ambiguities or not asked.metrics:
        return selection
    return _with_slices(draft, asked, selection, parts, periods)


def _shared_period(parts: Sequence[Part]) -> TimeRange | None:
    """Return the period that all parts have; None where they differ."""
    first = parts[0].period.range
    if len(parts) == 1:
        return first
    return first if all(part.period.range == first for part in parts[1:]) else None


@mutable_dataclass(slots=True)
class _Table:
    """Collects the columns of the parts, what is computed of them, and what must be told of them."""

    concepts: list[ResolvedConcept]
    warnings: list[Warning]
    assumed: list[Assumption] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    mains: list[Column] = field(default_factory=list)
    derived: list[Computation] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    shares: list[tuple[Column, Column]] = field(default_factory=list)
    quotients: list[Quotient] = field(default_factory=list)


def _with_slices(
    draft: Draft, asked: Asked, selection: Selection, parts: Sequence[Part], periods: NamedPeriods
) -> Selection | Incompatible:
    """Add a query for every metric and part, and for what they are compared with."""
    table = _Table([*selection.concepts], [*selection.warnings])
    comparing = draft.parsed.comparing
    side_by_side = comparing and bool(members_side_by_side(draft, [named for part in parts for named in part.named]))
    for part in parts:
        named_actual = len(parts) == 1 or (part is parts[0] and side_by_side)
        problem = _add_part(draft, asked, selection, part, periods, table, named_actual=named_actual)
        if problem is not None:
            return problem
    if len(parts) > 1 and side_by_side and len(table.mains) == len(parts):
        table.held += [Held(table.mains[0], other) for other in table.mains[1:]]
    computed: list[Computation] = []
    if table.held:
        computed += comparison_computations(table.held)
        table.warnings += unit_mismatches(table.held)
    computed += (*share_computations(table.shares), *quotient_computations(draft, table.quotients))
    for growth in table.assumed:
        selection = _assuming(selection, growth)
    order_by, limit = _order(draft, computed, table.mains)
    more = len(table.concepts) > len(selection.concepts)
    return replace(
        selection,
        concepts=_in_order(table.concepts) if more else selection.concepts,
        slices=tuple(table.slices),
        computations=(*table.derived, *computed),
        warnings=tuple(table.warnings),
        order_by=order_by,
        limit=limit,
    )


def _order(draft: Draft, computed: Sequence[Computation], mains: Sequence[Column]) -> tuple[tuple[OrderBy, ...], int]:
    """Return how rows are ordered, by growth or a quotient if asked for, else by the first computed; how many are kept.

    With nothing computed they are ordered by the main column.
    """
    ranking = draft.parsed.ranking
    if ranking is None or not mains:
        return (), 0
    asked = (*MOVES, GROWTH) if draft.parsed.moved else (RATIO, PER_UNIT)
    first = (each.name for prefix in asked for each in computed if each.name.startswith(prefix))
    column = next(first, computed[0].name if computed else mains[0].name)
    return (OrderBy(column, ranking.descending),), ranking.limit


def _add_part(
    draft: Draft,
    asked: Asked,
    selection: Selection,
    part: Part,
    periods: NamedPeriods,
    table: _Table,
    *,
    named_actual: bool,
) -> Incompatible | None:
    """Add the slices and columns of one part; a column whose data is too coarse is told instead."""
    days = part.period.range
    calendar = part.calendars.plain if days is None else part.calendars.of(days)
    expansion = Expansion(draft.prepared.catalog, calendar, draft.today)
    mains, held_against = _sides(draft, asked, selection.metrics)
    by = divisor(draft, asked.subjects) if draft.parsed.divisor is not None else None
    read: dict[str, Column] = {}
    beside: dict[Column, list[Against]] = {}
    for metric in mains:
        wanted = _main(metric, part, alone=len(mains) == 1, named_actual=named_actual, draft=draft)
        main = Main(wanted, part.calendars, periods, selection.groupings)
        others = _compared(draft, main, part, held_against)
        if isinstance(others, Incompatible):
            return others
        added = _add(draft, table, part, expansion, [Compared(wanted), *others])
        column = added.pop(wanted.name, None)
        if column is None:
            continue
        read[metric.id] = column
        table.mains.append(column)
        table.held += [
            Held(column, added[other.wanted.name], other.grows)
            for other in others
            if other.computed and other.wanted.name in added
        ]
        if draft.parsed.moved and (growth := assumed_comparand(draft, main)) is not None:
            table.assumed.append(growth)
        if draft.parsed.share_at is not None:
            total = whole(draft, main, part, selection.groupings)
            if isinstance(total, Incompatible):
                return total
            table.shares.append((column, expansion.add(total)))
        table.quotients += [
            Quotient(column, added[o.wanted.name]) for o in others if divides(draft, o) and o.wanted.name in added
        ]
        beside[column] = [(o.wanted.period, added[o.wanted.name]) for o in others if o.grows and o.wanted.name in added]
    if by is not None and by.id in read:
        first = next((column for metric, column in read.items() if metric != by.id), None)
        if first is not None:
            against = of_other_periods(first, read[by.id], beside)
            table.quotients.append(Quotient(first, read[by.id], against))
    table.slices += expansion.slices
    return None


def _sides(draft: Draft, asked: Asked, metrics: Sequence[Metric]) -> tuple[Sequence[Metric], Sequence[Metric]]:
    """Return the metrics of the main columns, and those that they are held against."""
    beside = metrics_side_by_side(draft, asked.subjects) if draft.parsed.comparing else ()
    if not beside:
        return metrics, ()
    return [metric for metric in metrics if metric.id not in beside], [m for m in metrics if m.id in beside]


def _assuming(selection: Selection, assumption: Assumption) -> Selection:
    """Tell of one more thing that was taken for granted, and offer its alternatives."""
    options = frozenset((assumption.taken.id, *(option.id for option in assumption.alternatives)))
    return replace(
        selection,
        assumptions=_merged((*selection.assumptions, assumption)),
        offers={**selection.offers, assumption.id: options},
    )


def _main(metric: Metric, part: Part, *, alone: bool, named_actual: bool, draft: Draft) -> Wanted:
    """Return the main column of a metric, named "actual", or by what tells it from the others."""
    name, label = ACTUAL, metric.name
    if not named_actual:
        name, label = part.named[0].member.id, part.named[0].member.name
    if not alone:
        name = metric.id if named_actual else f"{metric.id}.{name}"
    members = part.members
    if draft.parsed.comparing and (beside := members_side_by_side(draft, part.named)):
        members = tuple([m for m in members if m.excluded or m.member.id not in beside])
    if draft.parsed.share_at is not None and (around := wholes(members)):
        members = tuple([m for m in members if m not in around])
    return Wanted(column_name(name), metric, part.period.range, members, label)


def _add(
    draft: Draft, table: _Table, part: Part, expansion: Expansion, wanted: Sequence[Compared]
) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for each in wanted:
        if each.concept is not None:
            table.concepts.append(each.concept)
        if each.note:
            table.warnings.append(Warning(COMPARABLE_PERIOD, COMPARABLE_PERIOD, Severity.LOW, each.note))
        coarse = _too_coarse(each.wanted.metric, each.wanted.period, part, draft)
        if coarse is not None:
            table.warnings.append(coarse)
        else:
            columns[each.wanted.name] = expansion.add(each.wanted)
    for column in columns.values():
        if column.expression != column.name:  # a measure is computed by the semantic layer
            table.derived.append(Computation(column.name, column.expression, column.unit))
    return columns


def _compared(
    draft: Draft, main: Main, part: Part, held_against: Sequence[Metric]
) -> tuple[Compared, ...] | Incompatible:
    targets = compared_targets(draft, main)
    if isinstance(targets, Incompatible):
        return targets
    periods = compared_periods(draft, main)
    if isinstance(periods, Incompatible):
        return periods
    if not draft.parsed.comparing:
        return targets + periods
    beside = members_side_by_side(draft, part.named)
    members = compared_members(main, [m for m in part.members if m.member.id in beside and not m.excluded])
    return targets + periods + members + compared_metrics(main, held_against)


def _too_coarse(metric: Metric, period: TimeRange | None, part: Part, draft: Draft) -> Warning | None:
    """Tell that the data of a metric is not fine enough: a period that it cannot tile is not computed (catalog.md)."""
    if period is None:
        return None
    coarsest = draft.prepared.derivations.coarsest(metric)
    broken_finer = Grain.NONE < period.grain < coarsest
    if not broken_finer and (coarsest is Grain.DAY or tiles(coarsest, period, part.calendars.data)):
        return None
    grain = coarsest.name.lower()
    return Warning(
        metric.id,
        TIME_GRAIN,
        Severity.HIGH,
        f"{metric.name} is known by the {grain}; {period.label} is not made of whole {grain}s",
        "The figure is not computed.",
        f"Ask for whole {grain}s.",
    )


def _slicing_concepts(slicing: Slicing, parts: Sequence[Part]) -> list[ResolvedConcept]:
    if not slicing.members and not slicing.grouped_by:
        return []
    read = {(member.member.id, member.excluded): member for part in parts for member in part.members}
    named_once = [(named, read.get((named.member.id, named.named.excluded))) for named in slicing.members]
    concepts = [member_concept(named, member) for named, member in named_once if member is not None]
    return concepts + [grouping_concept(mention, grouping) for grouping, mention in slicing.grouped_by]


def _offers(
    asked: Asked,
    slicing: Slicing,
    parts: Sequence[Part],
    assumptions: Sequence[Assumption],
    ambiguities: Sequence[Ambiguity],
) -> Mapping[str, frozenset[str]]:
    """Return every option by the subject that a choice can name; what was chosen before stays on offer."""
    offers: dict[str, frozenset[str]] = dict(asked.offers)
    told = [(a.id, frozenset([a.taken.id, *[option.id for option in a.alternatives]])) for a in assumptions]
    told += [(a.id, frozenset([option.id for option in a.options])) for a in ambiguities]
    told += slicing.offers
    for part in parts:
        told += part.offers
    for subject, options in told:
        offers[subject] = offers[subject] | options if subject in offers else options
    return offers


def _merged(assumptions: Sequence[Assumption]) -> tuple[Assumption, ...]:
    """Tell each assumption once; where parts take different things for granted, all of them."""
    merged: dict[str, Assumption] = {}
    for one in assumptions:
        known = merged.setdefault(one.id, one)
        if known.taken.id != one.taken.id:
            options = {o.id: o for o in (*known.alternatives, one.taken, *one.alternatives) if o.id != known.taken.id}
            reason = f"{known.reason}; elsewhere {one.taken.name}: {one.reason}"
            merged[one.id] = replace(known, reason=reason, alternatives=tuple(options.values()))
    return tuple(merged.values())


def _running_total(draft: Draft, asked: Asked, parts: Sequence[Part]) -> Incompatible | None:
    """Refuse a running total over time: each part of the period would need a beginning of its own."""
    if draft.parsed.grain is Grain.NONE and not draft.parsed.trend:
        return None
    broken = [part for part in parts if part.period.range is not None and part.period.range.buckets]
    for metric in asked.metrics if broken else ():
        if any(m.cumulative is not None for m in draft.prepared.derivations.read_for(metric)):
            return Incompatible(f"{metric.name} is a running total; ask for it at the end of one period")
    return None


def _in_order(concepts: Sequence[ResolvedConcept]) -> tuple[ResolvedConcept, ...]:
    """Order concepts as the text does, each mention of a thing once."""
    placed: dict[tuple[int, int, int, str], list[ResolvedConcept]] = {}
    for concept in concepts:
        place = (concept.mention.start, concept.mention.end, concept.kind, concept.id)
        placed.setdefault(place, []).append(concept)
    if len(placed) == len(concepts):
        return tuple([same[0] for _, same in sorted(placed.items())])
    ordered: list[ResolvedConcept] = []
    for _, same in sorted(placed.items()):
        # Of different calendars it is several things.
        ordered += same if len(same) == 1 else {concept.time_range: concept for concept in same}.values()
    return tuple(ordered)
