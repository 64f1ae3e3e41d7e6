"""Holds what the semantic layer ran against what was planned and decided, before a row of it is looked at.

What ran is read back from the statement that the engine was given (`domain.figures.Figures.executed`), so that an
adapter that loses a condition on its way is caught here. Nothing of an execution that does not match is given out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

import structlog

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.execution import Attestation
from ecp_server.domain.figures import FigureQuery, Figures
from ecp_server.domain.identity import Principal
from ecp_server.domain.plan import ExecutionPlan, Filter, FilterOperator, Obligation, ObligationKind
from ecp_server.domain.policy import Decision
from ecp_server.domain.provenance import StoreKind
from ecp_server.execution.pieces import Piece

_LOG: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def attest(
    plan: ExecutionPlan,
    pieces: Mapping[str, Sequence[Piece]],
    answers: Mapping[str, Sequence[Figures]],
    decision_id: str,
) -> Attestation:
    """Return the attestation that each query, by its id, ran as it was meant to.

    Raises `StoreQueryFailed`, which shows nothing to the caller, where anything that was to hold is not in what ran.
    """
    checked = 0
    for query in plan.queries:
        demanded = [o for o in plan.obligations if o.query_id in ("", query.id)]
        for piece, figures in zip(pieces[query.id], answers[query.id], strict=True):
            lost = [*_lost_obligations(demanded, figures.executed), *_lost(piece.query, figures.executed)]
            if lost:
                _LOG.error("attestation_failed", query=query.id, lost=lost)
                raise StoreQueryFailed(StoreKind.SEMANTIC)
        checked += len(demanded)
    executed = [figures.executed for query in plan.queries for figures in answers[query.id]]
    return Attestation(plan.digest, digest_of(executed), decision_id, checked)


def _lost_obligations(demanded: Sequence[Obligation], executed: FigureQuery) -> Iterator[str]:
    """Yield the obligations that are not in what ran."""
    for obligation in demanded:
        if obligation.kind is ObligationKind.ROW_FILTER:
            allowed = set(obligation.values)
            held = any(
                ran.ref == obligation.ref
                and ran.operator is FilterOperator.EQUALS
                and ran.values
                and allowed.issuperset(ran.values)
                for ran in executed.filters
            )
        else:
            held = obligation.ref not in (*executed.measures, *executed.dimensions)
        if not held:
            yield f"{obligation.kind.name} {obligation.ref} of {obligation.policy}"


def _lost(asked: FigureQuery, executed: FigureQuery) -> Iterator[str]:
    """Yield what was asked and is not in what ran, and what ran though it was not asked."""
    for condition in asked.filters:
        if _bare(condition) not in {_bare(ran) for ran in executed.filters}:
            yield f"filter {condition.ref} of {condition.source}"
    if (asked.start, asked.end) != (executed.start, executed.end):
        yield "period"
    for part in ("measures", "dimensions", "time_ref", "granularity"):
        if getattr(asked, part) != getattr(executed, part) and not _needless(part, asked):
            yield part
    if (asked.start, asked.end) != (None, None) and asked.time_zone != executed.time_zone:
        yield "time zone"


def _needless(part: str, asked: FigureQuery) -> bool:
    """Tell whether a statement need not hold this: a dimension for days that are neither bounded nor told apart."""
    return part == "time_ref" and not asked.granularity and (asked.start, asked.end) == (None, None)


def _bare(condition: Filter) -> tuple[str, FilterOperator, frozenset[str]]:
    return condition.ref, condition.operator, frozenset(condition.values)


def digest_of(queries: Sequence[FigureQuery]) -> str:
    """Return the SHA-256 of queries in canonical form, in which conditions have no order; lower-case hexadecimal."""
    return _sha256([_canonical(query) for query in queries])


def decision_id_of(decisions: Mapping[str, Decision], principal: Principal) -> str:
    """Return what names a decision: the SHA-256 of whom it is about and of all that was decided."""
    return _sha256(
        [
            [principal.subject, principal.actor, principal.department, principal.roles, principal.allowed_members],
            [
                [
                    product,
                    decision.allow,
                    decision.policy,
                    [[f.dimension, f.members] for f in decision.row_filters],
                    [[mask.column, mask.method] for mask in decision.masks],
                ]
                for product, decision in sorted(decisions.items())
            ],
        ]
    )


def _canonical(query: FigureQuery) -> list[object]:
    return [
        query.measures,
        query.dimensions,
        sorted([f.ref, int(f.operator), sorted(f.values)] for f in query.filters),
        query.time_ref,
        None if query.start is None else query.start.isoformat(),
        None if query.end is None else query.end.isoformat(),
        query.time_zone,
        int(query.granularity),
        query.limit,
    ]


def _sha256(canonical: object) -> str:
    encoded = json.dumps(canonical, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(encoded.encode()).hexdigest()
