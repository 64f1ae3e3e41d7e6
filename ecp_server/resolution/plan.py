"""Writes the semantic queries and the arithmetic over their results. It writes no SQL."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from ecp_server.domain.catalog import Dimension
from ecp_server.domain.frozen import replace
from ecp_server.domain.plan import (
    QUESTION,
    Alignment,
    ExecutionPlan,
    Filter,
    FilterOperator,
    GroupBy,
    Measure,
    MemberBucket,
    SemanticQuery,
)
from ecp_server.domain.provenance import Finding, StepStatus
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.draft import Draft, Grouping, Slice, SlicedMember
from ecp_server.resolution.rights.obligations import restrict_buckets
from ecp_server.resolution.selecting.membership import bound_values

MAX_VALUES = 1000
"""Of one filter (plan.proto)."""
PERIOD = "period"
"""The key that aligns buckets: their position, not their date."""


class _NoAddress(Exception):
    def __init__(self, problem: Incompatible) -> None:
        super().__init__(problem.message)
        self.problem = problem


def plan(draft: Draft) -> tuple[Draft, Finding]:
    """Return the draft with its plan; with a problem where a cube cannot be sliced as asked."""
    selection = draft.selection
    if not selection.slices:
        return draft, Finding("The question needs no figures", status=StepStatus.SKIPPED)
    try:
        queries = _asked_for([_query(part, draft) for part in selection.slices], draft)
    except _NoAddress as lacking:
        finding = Finding(lacking.problem.message, status=StepStatus.FAILED)
        return replace(draft, problem=lacking.problem), finding
    written = ExecutionPlan(
        queries=queries,
        computations=selection.computations,
        alignment=Alignment(_keys(draft), selection.order_by, selection.limit),
    )
    reasoning = f"{len(queries)} {'query' if len(queries) == 1 else 'queries'} for the semantic layer"
    output = {"queries": [query.id for query in queries], "computations": [c.name for c in selection.computations]}
    return replace(draft, plan=written), Finding(reasoning, output)


def _query(part: Slice, draft: Draft) -> SemanticQuery:
    metric = part.metrics[0].metric
    measures = [Measure(m.name, m.metric.semantic_ref or "", m.metric.id, m.metric.unit) for m in part.metrics]
    groupings = draft.selection.groupings if part.grouped else ()
    return SemanticQuery(
        id=part.id,
        measures=tuple(measures),
        group_by=tuple([_group_by(grouping, part, draft) for grouping in groupings]) if groupings else (),
        filters=_filters(part, draft) if part.members else (),
        time_ref=(metric.time_dimension or "") if part.period is not None else "",
        time_range=part.period,
        label=part.label or part.asked.name,
    )


def _asked_for(queries: Sequence[SemanticQuery], draft: Draft) -> tuple[SemanticQuery, ...]:
    """Return the queries with the members alone of which their conditions let anything through.

    A row of another would say that there is nothing of it, which nobody looked for.
    """
    left = [tuple(_let_through(group, query.filters) for group in query.group_by) for query in queries]
    for group in left[0]:
        if not group.ref and not group.buckets:
            name = draft.prepared.catalog.dimensions[group.dimension].name
            raise _NoAddress(Incompatible(f"None of what {name} is grouped by holds what the question asks for"))
    kept = {(g.dimension, bucket.member_id) for g in left[0] for bucket in g.buckets}
    return tuple(
        replace(query, group_by=tuple(map(partial(_left_or_kept, kept=kept), query.group_by, groups)))
        for query, groups in zip(queries, left, strict=True)
    )


def _let_through(group: GroupBy, filters: Sequence[Filter]) -> GroupBy:
    for condition in filters:
        if condition.dimension == group.dimension:
            values = {value for bucket in group.buckets for value in bucket.values}
            wanted = condition.operator is FilterOperator.EQUALS
            named = values.intersection(condition.values)
            group = restrict_buckets(group, tuple(named if wanted else values - named))
    return group


def _left_or_kept(group: GroupBy, left: GroupBy, *, kept: AbstractSet[tuple[str, str]]) -> GroupBy:
    """Return what is left of a grouping; the main query's members where that is nothing, so that these have rows."""
    if group.ref or left.buckets:
        return left
    buckets = tuple(b for b in group.buckets if (group.dimension, b.member_id) in kept)
    return replace(group, buckets=buckets or group.buckets)


def _filters(part: Slice, draft: Draft) -> tuple[Filter, ...]:
    """Return one condition a dimension for what is wanted, and one for what is left out."""
    by_dimension: dict[str, list[SlicedMember]] = {}
    for member in part.members:
        by_dimension.setdefault(member.member.dimension, []).append(member)
    filters: list[Filter] = []
    for dimension_id, members in by_dimension.items():
        dimension = draft.prepared.catalog.dimensions[dimension_id]
        ref = _address(dimension, part)
        included = [m for m in members if not m.excluded]
        wanted = _values(included, dimension, part, draft)
        excludes = len(included) < len(members)
        left_out = _values([m for m in members if m.excluded], dimension, part, draft) if excludes else ()
        if excludes and _cannot_exclude(members, wanted, left_out):
            raise _NoAddress(Incompatible(f"{part.asked.name} cannot leave out what the question leaves out"))
        if max(len(wanted), len(left_out)) > MAX_VALUES:
            raise _NoAddress(Incompatible(f"The question asks for more than {MAX_VALUES} values of {dimension.name}"))
        if included:
            kept = tuple([value for value in wanted if value not in left_out]) if left_out else wanted
            if not kept:
                raise _NoAddress(Incompatible(f"Nothing of {dimension.name} is left of what the question asks for"))
            filters.append(Filter(ref, FilterOperator.EQUALS, kept, QUESTION, dimension_id))
        elif left_out:
            filters.append(Filter(ref, FilterOperator.NOT_EQUALS, left_out, QUESTION, dimension_id))
    return tuple(filters)


def _cannot_exclude(members: Sequence[SlicedMember], wanted: Sequence[str], left_out: Sequence[str]) -> bool:
    """Tell whether a cube has names for what is wanted that cannot be taken apart as the question asks."""
    own_wanted = {value for m in members if not m.excluded for value in m.values}
    own_left_out = {value for m in members if m.excluded for value in m.values}
    return bool(own_wanted & own_left_out) and not set(wanted) & set(left_out)


def _values(members: Sequence[SlicedMember], dimension: Dimension, part: Slice, draft: Draft) -> tuple[str, ...]:
    """Return the values of all members in the slice's cube, each once, in the catalog's order."""
    values: dict[str, None] = {}
    cube = part.cube
    for member in members:
        bound = bound_values(member, dimension, cube, draft.contexts)
        if bound is None:
            name = member.member.name
            raise _NoAddress(Incompatible(f"{part.asked.name} knows several readings of {name}; name a department"))
        values |= dict.fromkeys(bound)
    return tuple(values)


def _group_by(grouping: Grouping, part: Slice, draft: Draft) -> GroupBy:
    """Group by the level itself where the semantic layer has it, else by buckets of the members' values."""
    dimension = grouping.dimension
    level = next((lv for lv in dimension.levels if lv.id == grouping.level), None)
    address = _address(dimension, part)
    if level is not None and level.ref is not None and level.ref.partition(".")[0] == part.cube:
        return GroupBy(dimension.id, level.ref, level.id)
    if level is None and all(len(s.values) == 1 for s in grouping.members):
        return GroupBy(dimension.id, address)
    buckets = tuple(
        MemberBucket(s.member.id, s.member.name, _values([s], dimension, part, draft)) for s in grouping.members
    )
    return GroupBy(dimension.id, "", grouping.level, buckets)


def _address(dimension: Dimension, part: Slice) -> str:
    ref = dimension.ref_for(part.cube)
    if ref is None:
        raise _NoAddress(Incompatible(f"{part.asked.name} cannot be sliced by {dimension.name}", ()))
    return ref


def _keys(draft: Draft) -> tuple[str, ...]:
    broken = [part for part in draft.selection.slices if part.period is not None and part.period.buckets]
    keys = (PERIOD,) if broken else ()
    groupings = draft.selection.groupings
    return (*keys, *[grouping.dimension.id for grouping in groupings]) if groupings else keys
