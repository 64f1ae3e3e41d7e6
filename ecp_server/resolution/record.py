"""Writes the resolution and its audit record, durably, before the reply leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

from ecp_server.domain.call import CALL
from ecp_server.domain.concepts import Mention
from ecp_server.domain.errors import PolicyDenied, Reason
from ecp_server.domain.ids import uuid7
from ecp_server.domain.provenance import Provenance
from ecp_server.domain.records import AuditRecord, QueryReads, ResolutionRecord
from ecp_server.domain.resolution import NotFound, Problem, Resolution, ResolutionStatus
from ecp_server.resolution.draft import Draft, read_by
from ecp_server.resolution.restate import restate
from ecp_server.stores.ports import State

METHOD = "Resolve"


class Encoding(Protocol):
    """How a resolution becomes the bytes that are recorded; `rpc` knows."""

    def request(self) -> bytes:
        """Return the request as it was received."""

    def response(self, resolution: Resolution) -> bytes:
        """Return the response with its whole provenance."""


async def record(draft: Draft, state: State, encoding: Encoding, expire_after: timedelta) -> Resolution:
    """Return the finished resolution after the state store has it.

    Raises `StoreUnavailable` where it cannot be recorded.
    """
    resolution = finish(draft, expire_after)
    await state.record(
        _audit(draft, resolution.id, outcome_of(resolution)),
        ResolutionRecord(
            id=resolution.id,
            owner=draft.question.principal.subject,
            request=encoding.request(),
            response=encoding.response(resolution),
            catalog_version=resolution.provenance.catalog_version,
            as_of=draft.question.as_of,
            choices=draft.question.choices,
            settled=resolution.status is ResolutionStatus.RESOLVED,
            create_time=resolution.create_time,
            expire_time=resolution.expire_time,
            asked=tuple(metric.id for metric in draft.selection.metrics),
            reads=_reads(draft),
        ),
    )
    return resolution


def _reads(draft: Draft) -> tuple[QueryReads, ...]:
    """Return what each query of the plan reads, of those that policy let into it."""
    planned = {query.id for query in draft.plan.queries} if draft.plan is not None else set()
    return tuple(
        QueryReads(part.id, tuple(dict.fromkeys(metric.id for metric in read_by(part))), part.essential)
        for part in draft.selection.slices
        if part.id in planned
    )


async def record_denial(draft: Draft, state: State, denial: PolicyDenied) -> None:
    """Record that policy denied the question."""
    await state.record(_audit(draft, "", denial.reason.value, (denial.policy,)))


def finish(draft: Draft, expire_after: timedelta) -> Resolution:
    """Return the draft as the resolution that the caller gets."""
    selection = draft.selection
    now = datetime.now(UTC)
    return Resolution(
        id=uuid7(),
        question=draft.question,
        status=_status(draft),
        intent=draft.parsed.intent,
        interpretation="" if draft.problem is not None else restate(draft),
        concepts=selection.concepts,
        unmatched=_unmatched(draft),
        time_range=selection.period,
        plan=draft.plan,
        confidence=draft.confidence,
        warnings=draft.warnings,
        assumptions=selection.assumptions,
        ambiguities=selection.ambiguities,
        answer=selection.answer,
        provenance=Provenance(
            steps=draft.steps,
            catalog_version=draft.prepared.catalog.version,
            policies_evaluated=_policies(draft),
            request_id=CALL.get().request_id,
        ),
        degradations=draft.degradations,
        create_time=now,
        expire_time=now + expire_after,
        problem=draft.problem,
    )


def _policies(draft: Draft) -> tuple[str, ...]:
    return tuple(sorted(draft.policies | {decision.policy for decision in draft.decisions.values()}))


def _status(draft: Draft) -> ResolutionStatus:
    if draft.problem is not None:
        return ResolutionStatus.UNSPECIFIED
    asks = bool(draft.selection.ambiguities)
    return ResolutionStatus.DISAMBIGUATION_REQUIRED if asks else ResolutionStatus.RESOLVED


def _unmatched(draft: Draft) -> tuple[Mention, ...]:
    problem = draft.problem
    return problem.unmatched if isinstance(problem, NotFound) else draft.parsed.unmatched


def outcome_of(resolution: Resolution) -> str:
    """Return RESOLVED, DISAMBIGUATION_REQUIRED, or the reason of the problem."""
    if resolution.problem is None:
        return resolution.status.name
    return _reason(resolution.problem).value


def _reason(problem: Problem) -> Reason:
    return Reason.CONCEPT_NOT_FOUND if isinstance(problem, NotFound) else Reason.INCOMPATIBLE_CONCEPTS


def _audit(draft: Draft, resolution_id: str, outcome: str, policies: tuple[str, ...] = ()) -> AuditRecord:
    principal = draft.question.principal
    return AuditRecord(
        id=uuid7(),
        time=datetime.now(UTC),
        request_id=CALL.get().request_id,
        method=METHOD,
        subject=principal.subject,
        actor=principal.actor,
        department=principal.department,
        roles=principal.roles,
        verified=principal.verified,
        outcome=outcome,
        resolution_id=resolution_id,
        catalog_version=draft.prepared.catalog.version,
        policies=policies or _policies(draft),
        products=tuple(sorted({part.asked.id for part in draft.selection.slices})),
        plan_digest=draft.plan.digest if draft.plan is not None else "",
    )
