"""The digest of a plan: SHA-256 over its canonical form."""

from __future__ import annotations

import hashlib
import json
from typing import Final

from ecp_server.domain.frozen import replace
from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import ExecutionPlan, SemanticQuery

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def with_digest(plan: ExecutionPlan) -> ExecutionPlan:
    """Return the plan with its digest. Equal plans have equal ones; names for people have no part in it."""
    return replace(plan, digest=hashlib.sha256(_ENCODER.encode(_canonical(plan)).encode()).hexdigest())


def _canonical(plan: ExecutionPlan) -> list[object]:
    """Return the plan as nested lists, everything at its place; a new field gets a place at the end."""
    return [
        [_query(query) for query in plan.queries],
        [[c.name, c.expression, c.unit] for c in plan.computations],
        [plan.alignment.keys, [[o.column, o.descending] for o in plan.alignment.order_by], plan.alignment.limit],
        [[int(o.kind), o.query_id, o.ref, o.values, o.policy] for o in plan.obligations],
    ]


def _query(query: SemanticQuery) -> list[object]:
    return [
        query.id,
        [[m.name, m.ref, m.metric_id, m.unit] for m in query.measures],
        [[g.dimension, g.ref, g.level, [[b.member_id, b.values] for b in g.buckets]] for g in query.group_by],
        [[f.ref, int(f.operator), f.values, f.source, f.dimension] for f in query.filters],
        query.time_ref,
        None if query.time_range is None else _period(query.time_range),
    ]


def _period(period: TimeRange) -> list[object]:
    return [
        _day(period.start),
        _day(period.end),
        period.calendar,
        int(period.grain),
        [[_day(bucket.start), _day(bucket.end)] for bucket in period.buckets],
        period.time_zone,
    ]


def _day(day: object) -> str | None:
    return None if day is None else str(day)
