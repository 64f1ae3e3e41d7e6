"""Periods and plans on the wire."""

from __future__ import annotations

from ecp.v1 import plan_pb2, types_pb2
from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import ExecutionPlan, SemanticQuery


def time_range(period: TimeRange) -> types_pb2.TimeRange:
    """Return the period as a message."""
    return types_pb2.TimeRange(
        start_date=period.start.isoformat() if period.start is not None else "",
        end_date=period.end.isoformat() if period.end is not None else "",
        label=period.label,
        calendar=period.calendar,
        grain=types_pb2.Grain.ValueType(period.grain),
        buckets=[
            types_pb2.TimeBucket(
                start_date=bucket.start.isoformat(),
                end_date=bucket.end.isoformat(),
                label=bucket.label,
                partial=bucket.partial,
            )
            for bucket in period.buckets
        ],
        time_zone=period.time_zone,
    )


def execution_plan(plan: ExecutionPlan) -> plan_pb2.ExecutionPlan:
    """Return the plan as a message."""
    return plan_pb2.ExecutionPlan(
        queries=[_query(query) for query in plan.queries],
        computations=[
            plan_pb2.Computation(name=c.name, expression=c.expression, unit=c.unit) for c in plan.computations
        ],
        alignment=plan_pb2.Alignment(
            keys=plan.alignment.keys,
            order_by=[plan_pb2.OrderBy(column=o.column, descending=o.descending) for o in plan.alignment.order_by],
            limit=plan.alignment.limit,
        ),
        obligations=[
            plan_pb2.Obligation(
                kind=plan_pb2.ObligationKind.ValueType(o.kind),
                query_id=o.query_id,
                ref=o.ref,
                values=o.values,
                policy=o.policy,
                reason=o.reason,
            )
            for o in plan.obligations
        ],
        digest=plan.digest,
    )


def _query(query: SemanticQuery) -> plan_pb2.SemanticQuery:
    return plan_pb2.SemanticQuery(
        id=query.id,
        measures=[plan_pb2.Measure(name=m.name, ref=m.ref, metric_id=m.metric_id, unit=m.unit) for m in query.measures],
        group_by=[
            plan_pb2.GroupBy(
                dimension=g.dimension,
                ref=g.ref,
                level=g.level,
                buckets=[plan_pb2.MemberBucket(member_id=b.member_id, name=b.name, values=b.values) for b in g.buckets],
            )
            for g in query.group_by
        ],
        filters=[
            plan_pb2.Filter(
                ref=f.ref,
                operator=plan_pb2.FilterOperator.ValueType(f.operator),
                values=f.values,
                source=f.source,
                dimension=f.dimension,
            )
            for f in query.filters
        ],
        time_ref=query.time_ref,
        time_range=time_range(query.time_range) if query.time_range is not None else None,
        label=query.label,
    )
