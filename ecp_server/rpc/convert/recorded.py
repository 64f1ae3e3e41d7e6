"""Recorded answers as the domain runs them: the way back from the bytes that were sent."""

from __future__ import annotations

from datetime import date
from typing import Final

from ecp.v1 import plan_pb2, resolve_pb2, types_pb2
from ecp_server.domain.catalog import Severity
from ecp_server.domain.identity import Principal
from ecp_server.domain.period import Grain, TimeBucket, TimeRange
from ecp_server.domain.plan import (
    Alignment,
    Computation,
    ExecutionPlan,
    Filter,
    FilterOperator,
    GroupBy,
    Measure,
    MemberBucket,
    Obligation,
    ObligationKind,
    OrderBy,
    SemanticQuery,
)
from ecp_server.domain.records import ResolutionRecord
from ecp_server.domain.resolution import Confidence, ConfidenceLevel, Warning  # noqa: A004 - the contract's word
from ecp_server.execution.draft import Recorded

_SEVERITIES: Final = {
    types_pb2.SEVERITY_LOW: Severity.LOW,
    types_pb2.SEVERITY_MEDIUM: Severity.MEDIUM,
    types_pb2.SEVERITY_HIGH: Severity.HIGH,
    types_pb2.SEVERITY_CRITICAL: Severity.CRITICAL,
}


class RecordedAnswer:
    """Reads one recorded answer, and keeps its message for the reply that repeats parts of it."""

    def __init__(self) -> None:
        self.response = resolve_pb2.ResolveResponse()

    def recorded(self, record: ResolutionRecord) -> Recorded:
        """Return the answer that the record holds."""
        self.response = resolve_pb2.ResolveResponse.FromString(record.response)
        request = resolve_pb2.ResolveRequest.FromString(record.request)
        response = self.response
        return Recorded(
            principal=principal(response.principal),
            plan=execution_plan(response.plan) if response.HasField("plan") else None,
            confidence=_confidence(response.confidence) if response.HasField("confidence") else None,
            warnings=tuple(_warning(warning) for warning in response.warnings),
            definition_context=request.definition_context,
        )


def execution_plan(plan: plan_pb2.ExecutionPlan) -> ExecutionPlan:
    """Return the plan that a message holds."""
    return ExecutionPlan(
        queries=tuple(_query(query) for query in plan.queries),
        computations=tuple(Computation(c.name, c.expression, c.unit) for c in plan.computations),
        alignment=Alignment(
            keys=tuple(plan.alignment.keys),
            order_by=tuple(OrderBy(order.column, order.descending) for order in plan.alignment.order_by),
            limit=plan.alignment.limit,
        ),
        obligations=tuple(
            Obligation(ObligationKind(o.kind), o.ref, o.policy, o.reason, o.query_id, tuple(o.values))
            for o in plan.obligations
        ),
        digest=plan.digest,
    )


def _query(query: plan_pb2.SemanticQuery) -> SemanticQuery:
    return SemanticQuery(
        id=query.id,
        measures=tuple(Measure(m.name, m.ref, m.metric_id, m.unit) for m in query.measures),
        group_by=tuple(
            GroupBy(
                group.dimension,
                group.ref,
                group.level,
                tuple(MemberBucket(b.member_id, b.name, tuple(b.values)) for b in group.buckets),
            )
            for group in query.group_by
        ),
        filters=tuple(
            Filter(f.ref, FilterOperator(f.operator), tuple(f.values), f.source, f.dimension) for f in query.filters
        ),
        time_ref=query.time_ref,
        time_range=_time_range(query.time_range) if query.HasField("time_range") else None,
        label=query.label,
    )


def _time_range(period: types_pb2.TimeRange) -> TimeRange:
    return TimeRange(
        start=_day(period.start_date),
        end=_day(period.end_date),
        label=period.label,
        calendar=period.calendar,
        grain=Grain(period.grain),
        buckets=tuple(
            TimeBucket(date.fromisoformat(b.start_date), date.fromisoformat(b.end_date), b.label, b.partial)
            for b in period.buckets
        ),
        time_zone=period.time_zone,
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def principal(message: types_pb2.Principal) -> Principal:
    """Return the principal that a message holds."""
    return Principal(
        subject=message.subject,
        actor=message.actor,
        department=message.department,
        roles=tuple(message.roles),
        allowed_members=tuple(
            sorted((dimension, tuple(members.values)) for dimension, members in message.allowed_members.items())
        ),
        verified=message.verified,
    )


def _confidence(confidence: types_pb2.Confidence) -> Confidence:
    return Confidence(
        overall=confidence.overall,
        level=ConfidenceLevel(confidence.level),
        definition=confidence.definition,
        data_quality=confidence.data_quality if confidence.HasField("data_quality") else None,
        freshness=confidence.freshness if confidence.HasField("freshness") else None,
        completeness=confidence.completeness if confidence.HasField("completeness") else None,
    )


def _warning(warning: types_pb2.Warning) -> Warning:
    return Warning(
        warning.id,
        warning.type,
        _SEVERITIES[warning.severity],
        warning.message,
        warning.impact,
        warning.workaround,
    )
