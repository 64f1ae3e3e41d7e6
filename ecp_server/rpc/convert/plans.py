"""Periods and plans on the wire.

Messages are filled in place: one that is put into another is written to bytes and read back, at every level anew. One
of whose fields any is set, be it to nothing, is there.
"""

from __future__ import annotations

from ecp.v1 import plan_pb2, types_pb2
from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import ExecutionPlan, Filter, GroupBy, SemanticQuery


def fill_time_range(message: types_pb2.TimeRange, period: TimeRange) -> None:
    """Write the period into a message."""
    message.start_date = period.start.isoformat() if period.start is not None else ""
    message.end_date = period.end.isoformat() if period.end is not None else ""
    message.label = period.label
    message.calendar = period.calendar
    message.grain = types_pb2.Grain.ValueType(period.grain)
    message.time_zone = period.time_zone
    for bucket in period.buckets:
        part = message.buckets.add()
        part.start_date = bucket.start.isoformat()
        part.end_date = bucket.end.isoformat()
        part.label = bucket.label
        part.partial = bucket.partial


def fill_plan(message: plan_pb2.ExecutionPlan, plan: ExecutionPlan) -> None:
    """Write the plan into a message."""
    for query in plan.queries:
        _fill_query(message.queries.add(), query)
    for computed in plan.computations:
        computation = message.computations.add()
        computation.name = computed.name
        computation.expression = computed.expression
        computation.unit = computed.unit
    alignment = message.alignment
    alignment.limit = plan.alignment.limit
    alignment.keys.extend(plan.alignment.keys)
    for order in plan.alignment.order_by:
        order_by = alignment.order_by.add()
        order_by.column = order.column
        order_by.descending = order.descending
    for demanded in plan.obligations:
        obligation = message.obligations.add()
        obligation.kind = plan_pb2.ObligationKind.ValueType(demanded.kind)
        obligation.query_id = demanded.query_id
        obligation.ref = demanded.ref
        obligation.values.extend(demanded.values)
        obligation.policy = demanded.policy
        obligation.reason = demanded.reason
    message.digest = plan.digest


def _fill_query(message: plan_pb2.SemanticQuery, query: SemanticQuery) -> None:
    message.id = query.id
    for measured in query.measures:
        measure = message.measures.add()
        measure.name = measured.name
        measure.ref = measured.ref
        measure.metric_id = measured.metric_id
        measure.unit = measured.unit
    for grouping in query.group_by:
        _fill_grouping(message.group_by.add(), grouping)
    for condition in query.filters:
        _fill_filter(message.filters.add(), condition)
    message.time_ref = query.time_ref
    message.label = query.label
    if query.time_range is not None:
        fill_time_range(message.time_range, query.time_range)


def _fill_grouping(message: plan_pb2.GroupBy, grouping: GroupBy) -> None:
    message.dimension = grouping.dimension
    message.ref = grouping.ref
    message.level = grouping.level
    for member in grouping.buckets:
        bucket = message.buckets.add()
        bucket.member_id = member.member_id
        bucket.name = member.name
        bucket.values.extend(member.values)


def _fill_filter(message: plan_pb2.Filter, condition: Filter) -> None:
    message.ref = condition.ref
    message.operator = plan_pb2.FilterOperator.ValueType(condition.operator)
    message.values.extend(condition.values)
    message.source = condition.source
    message.dimension = condition.dimension
