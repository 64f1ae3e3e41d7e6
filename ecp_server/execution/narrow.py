"""Narrows every query to the members that the request names. It never widens."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.catalog import Dimension
from ecp_server.domain.errors import FieldViolation, InvalidQuery, PolicyDenied
from ecp_server.domain.frozen import replace
from ecp_server.domain.plan import REQUEST, Filter, FilterOperator, Obligation, ObligationKind, SemanticQuery
from ecp_server.domain.provenance import Finding, StepStatus
from ecp_server.execution.draft import Draft
from ecp_server.resolution.draft import SlicedMember
from ecp_server.resolution.rights.obligations import restrict_buckets
from ecp_server.resolution.selecting.membership import bound_values, member_values

"""Where a filter comes from that the request puts there."""
MAX_VALUES = 1000
"""Of one filter (plan.proto)."""


def narrow(draft: Draft) -> tuple[Draft, Finding]:
    """Return the draft with every query narrowed.

    Raises `InvalidQuery` where a query lacks the dimension, a member is unknown or has nothing in common with what the
    question asks for, and `PolicyDenied` where the user may see nothing of a member.
    """
    if not draft.request.narrowing:
        return draft, Finding("The request narrows nothing", status=StepStatus.SKIPPED)
    queries = draft.plan.queries
    for dimension_id, members in draft.request.narrowing:
        dimension = draft.definitions.dimensions.get(dimension_id)
        if dimension is None:
            raise _invalid(dimension_id, "names no dimension")
        unknown = [member for member in members if member not in dimension.members]
        if unknown or not members:
            raise _invalid(dimension_id, f"names no member of it: {unknown[0][:80]}" if unknown else "names no member")
        queries = tuple(_narrowed(query, dimension, members, draft) for query in queries)
    named = {dimension: list(members) for dimension, members in draft.request.narrowing}
    reasoning = f"Every query is narrowed by {', '.join(named)}, as the request asks"
    return replace(draft, plan=replace(draft.plan, queries=queries)), Finding(reasoning, named)


def _narrowed(query: SemanticQuery, dimension: Dimension, members: Sequence[str], draft: Draft) -> SemanticQuery:
    cube = query.measures[0].ref.partition(".")[0]
    ref = dimension.ref_for(cube)
    metrics = [draft.definitions.metrics[measure.metric_id] for measure in query.measures]
    if ref is None or any(dimension.id not in metric.dimensions for metric in metrics):
        raise _invalid(dimension.id, f"the plan's query “{query.id}” does not have this dimension")
    if ref in draft.masked(query):
        raise PolicyDenied(_masking(draft, ref), "The request filters by values that are hidden from you")
    values: dict[str, None] = {}
    for member_id in members:
        own = _values(member_id, dimension, cube, query, draft)
        _refuse_outside(own, member_id, ref, query, draft.plan.obligations)
        values |= dict.fromkeys(own)
    if len(values) > MAX_VALUES:
        raise _invalid(dimension.id, f"stands for more than {MAX_VALUES} values")
    left = _left(query, ref, tuple(values))
    if not left:
        raise _invalid(dimension.id, f"leaves nothing of what the plan's query “{query.id}” asks for")
    condition = Filter(ref, FilterOperator.EQUALS, tuple(values), REQUEST, dimension.id)
    group_by = tuple(restrict_buckets(g, left) if g.dimension == dimension.id else g for g in query.group_by)
    if any(g.dimension == dimension.id and not g.ref and not g.buckets for g in group_by):
        raise _invalid(dimension.id, f"leaves none of the members that the plan's query “{query.id}” groups by")
    return replace(query, filters=(*query.filters, condition), group_by=group_by)


def _values(member_id: str, dimension: Dimension, cube: str, query: SemanticQuery, draft: Draft) -> tuple[str, ...]:
    """Return what a member stands for in the query's cube, as the question reads it."""
    member = draft.definitions.members[member_id]
    read = member_values(member, member.variations, draft.contexts, query.time_range)
    bound = bound_values(read, dimension, cube, draft.contexts) if isinstance(read, SlicedMember) else None
    if bound is None:
        raise _invalid(dimension.id, f"{member_id} has several readings; resolve the question for a department")
    return bound


def _refuse_outside(
    values: Sequence[str], member_id: str, ref: str, query: SemanticQuery, obligations: Sequence[Obligation]
) -> None:
    """Raise `PolicyDenied` where the user may see nothing of a member."""
    for demanded in obligations:
        if demanded.kind is ObligationKind.ROW_FILTER and demanded.ref == ref and demanded.query_id in ("", query.id):
            allowed = [value for value in values if value in demanded.values]
            if not allowed:
                raise PolicyDenied(demanded.policy, f"You may not see {member_id}")


def _left(query: SemanticQuery, ref: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values that all conditions on the address together let through."""
    left = values
    for condition in query.filters:
        if condition.ref == ref and condition.operator is FilterOperator.EQUALS:
            left = tuple(value for value in left if value in condition.values)
        elif condition.ref == ref and condition.operator is FilterOperator.NOT_EQUALS:
            left = tuple(value for value in left if value not in condition.values)
    return left


def _masking(draft: Draft, ref: str) -> str:
    return next(o.policy for o in draft.plan.obligations if o.kind is ObligationKind.MASK and o.ref == ref)


def _invalid(dimension: str, description: str) -> InvalidQuery:
    violation = FieldViolation(f"filters[{dimension}]", description)
    return InvalidQuery(f"{violation.field}: {description}", (violation,))
