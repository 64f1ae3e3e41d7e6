"""The digest of a plan: SHA-256 over its canonical form."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from ecp_server.domain.frozen import replace
from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import ExecutionPlan, GroupBy, SemanticQuery

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def with_digest(plan: ExecutionPlan) -> ExecutionPlan:
    """Return the plan with its digest. Equal plans have equal ones; names for people have no part in it."""
    return replace(plan, digest=hashlib.sha256(_ENCODER.encode(_canonical(plan)).encode()).hexdigest())


def _canonical(plan: ExecutionPlan) -> list[object]:
    """Return the plan as nested lists, everything at its place; a new field gets a place at the end."""
    order = plan.alignment
    return [
        [_query(query) for query in plan.queries],
        [[c.name, c.expression, c.unit] for c in plan.computations] if plan.computations else [],
        [order.keys, [[o.column, o.descending] for o in order.order_by] if order.order_by else [], order.limit],
        [[int(o.kind), o.query_id, o.ref, o.values, o.policy] for o in plan.obligations] if plan.obligations else [],
    ]


def _query(query: SemanticQuery) -> list[object]:
    return [
        query.id,
        [[m.name, m.ref, m.metric_id, m.unit] for m in query.measures],
        [_group(group) for group in query.group_by] if query.group_by else [],
        [[f.ref, int(f.operator), f.values, f.source, f.dimension] for f in query.filters],
        query.time_ref,
        None if query.time_range is None else _period(query.time_range),
    ]


def _group(group: GroupBy) -> list[object]:
    return [group.dimension, group.ref, group.level, [[b.member_id, b.values] for b in group.buckets]]


def _period(period: TimeRange) -> list[object]:
    return [
        None if period.start is None else period.start.isoformat(),
        None if period.end is None else period.end.isoformat(),
        period.calendar,
        int(period.grain),
        [[bucket.start.isoformat(), bucket.end.isoformat()] for bucket in period.buckets] if period.buckets else [],
        period.time_zone,
    ]
