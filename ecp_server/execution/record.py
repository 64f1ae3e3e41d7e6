"""Writes the execution and its audit record, durably, before the reply leaves; refusals leave an audit record too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Protocol

from ecp_server.domain.call import CALL
from ecp_server.domain.errors import IncompatibleConcepts
from ecp_server.domain.execution import Execution
from ecp_server.domain.ids import uuid7
from ecp_server.domain.provenance import Provenance
from ecp_server.domain.records import AuditRecord, ExecutionRecord, ResolutionRecord
from ecp_server.execution.draft import Draft
from ecp_server.stores.ports import State

METHOD: Final = "Execute"
EXECUTED: Final = "EXECUTED"
CANCELLED: Final = "CANCELLED"


class Encoding(Protocol):
    """How an execution becomes the bytes that are recorded; `rpc` knows."""

    def request(self) -> bytes:
        """Return the request as it was received."""

    def response(self, execution: Execution) -> bytes:
        """Return the response with its whole provenance, without the table."""

    def table(self, execution: Execution) -> bytes:
        """Return the table. Raises `InvalidQuery` where it is larger than a reply may be."""


async def record(draft: Draft, state: State, encoding: Encoding) -> Execution:
    """Return the finished execution after the state store has it.

    Raises `StoreUnavailable` where it cannot be recorded.
    """
    execution = finish(draft)
    await state.record(
        audit(draft, EXECUTED, execution),
        ExecutionRecord(
            id=execution.id,
            resolution_id=draft.record.id,
            request=encoding.request(),
            response=encoding.response(execution),
            table=encoding.table(execution),
            table_digest=execution.table.digest(),
            create_time=execution.create_time,
        ),
    )
    return execution


def finish(draft: Draft) -> Execution:
    """Return the draft as the execution that the caller gets."""
    table, confidence, attestation = draft.table, draft.confidence, draft.attestation
    if table is None or confidence is None or attestation is None:
        raise IncompatibleConcepts("the resolution has nothing to run")
    return Execution(
        id=uuid7(),
        resolution_id=draft.record.id,
        table=table,
        validations=draft.validations,
        confidence=confidence,
        warnings=(*draft.answer.warnings, *draft.warnings),
        provenance=Provenance(
            steps=draft.steps,
            catalog_version=draft.record.catalog_version,
            policies_evaluated=_policies(draft),
            request_id=CALL.get().request_id,
        ),
        degradations=draft.degradations,
        attestation=attestation,
        create_time=datetime.now(UTC),
    )


def audit(draft: Draft, outcome: str, execution: Execution | None = None) -> AuditRecord:
    """Return the audit record of an execution, or of why there is none."""
    principal = draft.answer.principal
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
        resolution_id=draft.record.id,
        catalog_version=draft.record.catalog_version,
        policies=_policies(draft),
        products=tuple(sorted({m for reads in draft.record.reads for m in reads.metrics})),
        plan_digest=draft.plan.digest,
        execution_id=execution.id if execution is not None else "",
        executed_digest=draft.attestation.executed_digest if draft.attestation is not None else "",
    )


def audit_unread(record: ResolutionRecord, outcome: str) -> AuditRecord:
    """Return the audit record of a refusal before the recorded answer was looked at."""
    return AuditRecord(
        id=uuid7(),
        time=datetime.now(UTC),
        request_id=CALL.get().request_id,
        method=METHOD,
        subject=record.owner,
        actor="",
        department="",
        roles=(),
        verified=False,
        outcome=outcome,
        resolution_id=record.id,
        catalog_version=record.catalog_version,
    )


def _policies(draft: Draft) -> tuple[str, ...]:
    return tuple(sorted({decision.policy for decision in draft.decisions.values()}))
