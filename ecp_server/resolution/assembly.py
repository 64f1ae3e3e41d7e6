"""Puts metrics, members, periods and comparisons together into the slices that a plan reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecp_server.domain.catalog import Metric, Severity
from ecp_server.domain.concepts import Ambiguity, Assumption, Intent, ResolvedConcept
from ecp_server.domain.frozen import replace
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.domain.plan import Computation, OrderBy
from ecp_server.domain.resolution import Incompatible, Warning  # noqa: A004 - the contract's word
from ecp_server.resolution.comparison import (
    Compared,
    Main,
    compared_members,
    compared_metrics,
    compared_periods,
    compared_targets,
    comparison_computations,
    members_side_by_side,
    metrics_side_by_side,
)
from ecp_server.resolution.derivation import computed_from
from ecp_server.resolution.draft import Draft, Grouping, Selection
from ecp_server.resolution.expansion import ACTUAL, Column, Expansion, Wanted
from ecp_server.resolution.named_periods import NamedPeriods, find_periods
from ecp_server.resolution.parts import Part, find_parts, time_concepts
from ecp_server.resolution.share import share_computation, whole
from ecp_server.resolution.slicing import Slicing, bucketed, grouping_concept, member_concept
from ecp_server.resolution.subjects import Subjects
from ecp_server.resolution.time.tiling import tiles

TIME_GRAIN = "time_grain"
VARIANCE = "variance"
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """What the question is about, as far as its metrics go."""

    subjects: Subjects
    metrics: tuple[Metric, ...]
    ambiguities: tuple[Ambiguity, ...]
    offers: Mapping[str, frozenset[str]]
    concepts: tuple[ResolvedConcept, ...] = ()
    """Concepts that no mention stands for: the metric that the caller chose where the question named none."""


def assemble(draft: Draft, asked: Asked, slicing: Slicing) -> Selection | Incompatible:
    """Return the selection; without slices as long as a choice is open or nothing is to be read."""
    periods = find_periods(draft.parsed)
    if isinstance(periods, Incompatible):
        return periods
    parts = find_parts(draft, asked.metrics, slicing, periods)
    if isinstance(parts, Incompatible):
        return parts
    groupings = [bucketed(g, named, draft, parts[0].period.range) for g, named in slicing.grouped_by]
    ambiguities = (
        *asked.ambiguities,
        *slicing.ambiguities,
        *(grouping for grouping in groupings if isinstance(grouping, Ambiguity)),
        *(ambiguity for part in parts for ambiguity in part.ambiguities),
    )
    assumed = (assumption for part in parts for assumption in part.period.assumptions)
    assumptions = _once((*draft.selection.assumptions, *asked.subjects.assumptions, *assumed))
    concepts = (
        *asked.concepts,
        *asked.subjects.concepts,
        *_slicing_concepts(slicing, parts),
        *time_concepts(periods.main, parts),
    )
    selection = Selection(
        concepts=_in_order(concepts),
        metrics=asked.metrics,
        members=tuple(member for part in parts for member in part.members),
        groupings=tuple(grouping for grouping in groupings if isinstance(grouping, Grouping)),
        period=parts[0].period.range if len({part.period.range for part in parts}) == 1 else None,
        other_readings=tuple(days for part in parts for days in part.period.other_readings),
        assumptions=assumptions,
        ambiguities=tuple({a.id: a for a in ambiguities}.values()),
        offers=_offers(asked, slicing, parts, assumptions, ambiguities),
    )
    if selection.ambiguities or not asked.metrics:
        return selection
    return _with_slices(draft, selection, parts, periods)


def _with_slices(
    draft: Draft, selection: Selection, parts: Sequence[Part], periods: NamedPeriods
) -> Selection | Incompatible:
    """Add a query for every metric and part, and for what they are compared with."""
    mains: list[Column] = []
    for part in parts:
        added = _with_part(draft, selection, part, parts, periods)
        if isinstance(added, Incompatible):
            return added
        selection, columns = added
        mains += columns
    if len(parts) > 1 and draft.parsed.intent is Intent.COMPARISON and len(mains) == len(parts):
        alone = len(mains) == _PAIR
        compared = (c for other in mains[1:] for c in comparison_computations(mains[0], other, alone=alone))
        selection = replace(selection, computations=(*selection.computations, *compared))
    return _ordered(draft, replace(selection, concepts=_in_order(selection.concepts)), mains)


def _ordered(draft: Draft, selection: Selection, mains: Sequence[Column]) -> Selection:
    """Order the rows as the question asks: by what a comparison computes, else by the main column."""
    ranking = draft.parsed.ranking
    if ranking is None or not mains:
        return selection
    compared = next((c.name for c in selection.computations if c.name == VARIANCE), mains[0].name)
    return replace(selection, order_by=(OrderBy(compared, ranking.descending),), limit=ranking.limit)


def _with_part(
    draft: Draft, selection: Selection, part: Part, parts: Sequence[Part], periods: NamedPeriods
) -> tuple[Selection, list[Column]] | Incompatible:
    """Add the columns of one part and return its main ones; a column whose data is too coarse is told instead."""
    mains: list[Column] = []
    expansion = Expansion(draft.prepared.catalog, part.calendars.plain, draft.today)
    held_against = metrics_side_by_side(draft, selection.metrics)
    derived: list[Computation] = []
    compared: list[Computation] = []
    for metric in selection.metrics:
        if metric in held_against:
            continue
        first = part is parts[0] and draft.parsed.intent is Intent.COMPARISON
        shared = len(parts) == 1 or first
        wanted = _main(metric, selection, part, shared=shared, alone=bool(held_against), draft=draft)
        main = Main(wanted, part.calendars, periods, selection.groupings)
        others = _compared(draft, main, part, held_against)
        if isinstance(others, Incompatible):
            return others
        selection, columns = _add(draft, selection, part, expansion, [Compared(main.wanted), *others])
        derived += [c for column in columns for c in _computed(column)]
        if columns and columns[0].name == main.wanted.name:
            mains.append(columns[0])
            held = {other.wanted.name for other in others if other.computed}
            beside = [column for column in columns[1:] if column.name in held]
            compared += [c for o in beside for c in comparison_computations(columns[0], o, alone=len(held) == 1)]
        if draft.parsed.share_at is not None and columns:
            total = whole(draft, main.wanted, part.named, selection.groupings)
            if isinstance(total, Incompatible):
                return total
            compared.append(share_computation(columns[0], expansion.add(total)))
    slices = (*selection.slices, *expansion.slices)
    computations = (*selection.computations, *derived, *compared)
    return replace(selection, slices=slices, computations=computations), mains


def _main(metric: Metric, selection: Selection, part: Part, *, shared: bool, alone: bool, draft: Draft) -> Wanted:
    """Return the main column of a metric, named "actual", or by what tells it from the others."""
    name, label = ACTUAL, metric.name
    if not shared:
        name, label = part.named[0].member.id, part.named[0].member.name
    if len(selection.metrics) > 1 and not alone:
        name = metric.id if shared else f"{metric.id}.{name}"
    beside = {m.member.id for m in members_side_by_side(draft, part.members)}
    members = tuple(m for m in part.members if m.member.id not in beside)
    return Wanted(name, metric, part.period.range, members, label)


def _add(
    draft: Draft, selection: Selection, part: Part, expansion: Expansion, wanted: Sequence[Compared]
) -> tuple[Selection, list[Column]]:
    columns: list[Column] = []
    for each in wanted:
        if each.concept is not None:
            selection = replace(selection, concepts=(*selection.concepts, each.concept))
        coarse = _too_coarse(each.wanted.metric, each.wanted.period, part, draft)
        if coarse is not None:
            selection = replace(selection, warnings=(*selection.warnings, coarse))
        else:
            columns.append(expansion.add(each.wanted))
    return selection, columns


def _compared(
    draft: Draft, main: Main, part: Part, held_against: Sequence[Metric]
) -> tuple[Compared, ...] | Incompatible:
    targets = compared_targets(draft, main)
    if isinstance(targets, Incompatible):
        return targets
    periods = compared_periods(draft, main)
    if isinstance(periods, Incompatible):
        return periods
    members = compared_members(main, members_side_by_side(draft, part.members))
    return targets + periods + members + compared_metrics(main, held_against)


def _computed(column: Column) -> list[Computation]:
    """Return the computation that makes a column; none where it is a measure."""
    if column.expression == column.name:
        return []
    return [Computation(column.name, column.expression, column.unit)]


def _too_coarse(metric: Metric, period: TimeRange | None, part: Part, draft: Draft) -> Warning | None:
    """Tell that the data of a metric is not fine enough: a period that it cannot tile is not computed (catalog.md)."""
    if period is None:
        return None
    read = (metric, *computed_from(draft.prepared.catalog, metric))
    coarsest = max(each.time_grain for each in read)
    broken_finer = Grain.NONE < period.grain < coarsest
    if not broken_finer and tiles(coarsest, period, part.calendars.data):
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
    read = {member.member.id: member for part in parts for member in part.members}
    concepts = [member_concept(named, read[named.member.id]) for named in slicing.members if named.member.id in read]
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
    told = [(a.id, frozenset((a.taken.id, *(option.id for option in a.alternatives)))) for a in assumptions]
    told += [(a.id, frozenset(option.id for option in a.options)) for a in ambiguities]
    for subject, options in (*told, *slicing.offers, *(offer for part in parts for offer in part.offers)):
        offers[subject] = offers.get(subject, frozenset()) | options
    return offers


def _once(assumptions: Sequence[Assumption]) -> tuple[Assumption, ...]:
    return tuple({assumption.id: assumption for assumption in reversed(assumptions)}.values())[::-1]


def _in_order(concepts: Sequence[ResolvedConcept]) -> tuple[ResolvedConcept, ...]:
    """Order concepts as the text does, each mention of a thing once."""
    unique = {(c.kind, c.id, c.mention, c.time_range): c for c in concepts}
    return tuple(sorted(unique.values(), key=lambda c: (c.mention.start, c.mention.end, c.kind, c.id)))
