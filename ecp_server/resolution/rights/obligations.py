"""Rewrites one query as policy demands: row filters and masks, each recorded as an obligation."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.catalog import Catalog, Dimension, Metric
from ecp_server.domain.errors import PolicyDenied
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.identity import Principal
from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import Filter, FilterOperator, GroupBy, Obligation, ObligationKind, SemanticQuery
from ecp_server.domain.policy import Decision, Mask, RowFilter
from ecp_server.resolution.draft import SlicedMember
from ecp_server.resolution.selecting.membership import bound_values, member_values

ALLOWED_MEMBERS = "allowed_members"
"""The policy's name where a row filter comes from the principal's own restriction."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand on a query, and the policy that makes it."""

    policy: str
    row_filter: RowFilter | None = None
    mask: Mask | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the catalog, the contexts that apply and the principal."""

    catalog: Catalog
    contexts: tuple[str, ...]
    principal: Principal


def demands_on(metrics: Sequence[Metric], decisions: Sequence[Decision], reader: Reader) -> tuple[Demand, ...]:
    """Return what the decisions and the principal's own members demand, each once.

    Allowed members become row filters for every dimension with row-level security, whatever the policy says
    (policy.md). Raises `PolicyDenied` where a metric lacks the dimension of a row filter.
    """
    demanding = [one for one in decisions if one.row_filters or one.masks]
    if not demanding and not reader.principal.allowed_members:
        return ()
    demands: dict[Demand, None] = {}
    for decision in demanding:
        demands |= dict.fromkeys(Demand(decision.policy, row_filter=f) for f in decision.row_filters)
        demands |= dict.fromkeys(Demand(decision.policy, mask=mask) for mask in decision.masks)
    for dimension_id, members in reader.principal.allowed_members:
        dimension = reader.catalog.dimensions.get(dimension_id)
        if dimension is not None and dimension.row_level:
            demands[Demand(ALLOWED_MEMBERS, row_filter=RowFilter(dimension_id, members))] = None
    for demand in demands:
        for metric in metrics:
            if demand.row_filter is not None and demand.row_filter.dimension not in metric.dimensions:
                raise PolicyDenied(demand.policy, f"{metric.name} cannot be restricted to what you may see")
    return tuple(demands)


def apply(
    query: SemanticQuery, demands: Sequence[Demand], reader: Reader
) -> tuple[SemanticQuery, tuple[Obligation, ...]]:
    """Return the query that policy lets run, and its obligations.

    Raises `PolicyDenied` where nothing of what is asked for is left, or where the query uses a masked column.
    """
    if not demands:
        return query, ()
    obligations: list[Obligation] = []
    asked = _addresses(query, reader.catalog)
    for demand in demands:
        if demand.row_filter is not None:
            query, obligation = _restrict(query, demand.policy, demand.row_filter, reader)
            obligations.append(obligation)
        if demand.mask is not None:
            obligations.append(_mask(query, demand.policy, demand.mask, asked))
    return query, tuple(obligations)


def _restrict(
    query: SemanticQuery, policy: str, row_filter: RowFilter, reader: Reader
) -> tuple[SemanticQuery, Obligation]:
    dimension = reader.catalog.dimensions[row_filter.dimension]
    cube = query.measures[0].ref.partition(".")[0]
    ref = dimension.ref_for(cube)
    values = allowed_values(row_filter, dimension, cube, query.time_range, reader)
    refusal = PolicyDenied(policy, f"You may not see any of the {dimension.name.lower()} that the question asks for")
    if ref is None or not values or not _anything_left(query, dimension.id, values):
        raise refusal
    group_by = tuple(restrict_buckets(g, values) if g.dimension == dimension.id else g for g in query.group_by)
    if any(g.dimension == dimension.id and not g.ref and not g.buckets for g in group_by):
        raise refusal
    condition = Filter(ref, FilterOperator.EQUALS, values, policy, dimension.id)
    reason = f"Only the {dimension.name.lower()} that you may see"
    obligation = Obligation(ObligationKind.ROW_FILTER, ref, policy, reason, query.id, values)
    return replace(query, filters=(*query.filters, condition), group_by=group_by), obligation


def allowed_values(
    row_filter: RowFilter, dimension: Dimension, cube: str, period: TimeRange | None, reader: Reader
) -> tuple[str, ...]:
    """Return the values of the allowed members in ``cube``; where no context decides, those that all agree on."""
    values: dict[str, None] = {}
    for member_id in row_filter.members:
        member = reader.catalog.members.get(member_id)
        if member is None or member.dimension != dimension.id:
            continue
        read = member_values(member, member.variations, reader.contexts, period)
        if not isinstance(read, SlicedMember):
            readings = [set(variation.values) for variation in member.variations]
            read = SlicedMember(member, tuple(sorted(set.intersection(*readings))) if readings else (), "")
        values |= dict.fromkeys(bound_values(read, dimension, cube, reader.contexts) or ())
    return tuple(values)


def _anything_left(query: SemanticQuery, dimension: str, allowed: Sequence[str]) -> bool:
    """Tell whether all conditions on the dimension together, those of other policies included, let a value through."""
    left = set(allowed)
    for condition in query.filters:
        if condition.dimension == dimension and condition.operator is FilterOperator.EQUALS:
            left &= set(condition.values)
        elif condition.dimension == dimension and condition.operator is FilterOperator.NOT_EQUALS:
            left -= set(condition.values)
    return bool(left)


def restrict_buckets(group: GroupBy, allowed: Sequence[str]) -> GroupBy:
    """Return the grouping with nothing but the allowed values in its buckets, and without those left empty."""
    if group.ref:
        return group
    cut = (replace(b, values=tuple(v for v in b.values if v in allowed)) for b in group.buckets)
    return replace(group, buckets=tuple(bucket for bucket in cut if bucket.values))


def _addresses(query: SemanticQuery, catalog: Catalog) -> frozenset[str]:
    """Return what the question groups and filters by: the address that buckets are made of, and that of its period."""
    cube = query.measures[0].ref.partition(".")[0]
    grouped = (group.ref or catalog.dimensions[group.dimension].ref_for(cube) or "" for group in query.group_by)
    return frozenset((query.time_ref, *(condition.ref for condition in query.filters), *grouped)) - {""}


def _mask(query: SemanticQuery, policy: str, mask: Mask, asked: frozenset[str]) -> Obligation:
    if mask.column in asked:
        raise PolicyDenied(policy, "The question groups or filters by values that are hidden from you")
    return Obligation(ObligationKind.MASK, mask.column, policy, f"Values are hidden ({mask.method})", query.id)
