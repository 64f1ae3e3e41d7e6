"""Takes a judgement of an answer: whose it is, what it teaches, and that it is on disk before the reply leaves."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog

from ecp_server.domain.call import CALL
from ecp_server.domain.catalog import Catalogs
from ecp_server.domain.errors import EcpError, FieldViolation, InvalidQuery, Reason, ResolutionNotFound
from ecp_server.domain.feedback import Correction, Judged, Report
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.records import AuditRecord, FeedbackRecord, PrecedentRecord, ResolutionRecord
from ecp_server.feedback.allowance import Allowance
from ecp_server.feedback.corrections import Checked, checked
from ecp_server.resolution.begin import DEPARTMENT
from ecp_server.resolution.prepared import Preparation, PreparedCatalog
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.teachable import department_of
from ecp_server.stores.ports import Policy, State

METHOD: Final = "ReportFeedback"
_NAMESPACE: Final = uuid.UUID("6ba53c15-94fb-4d6e-8f0d-5c1d0bd0c9ab")
"""Of ids of feedback and of what it teaches."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class FeedbackInstruments(Protocol):
    """The metrics of feedback."""

    def feedback(self, status: str) -> None:
        """Count one report; ``status`` is its verdict or the reason why it was not taken."""

    def precedents_recorded(self, count: int) -> None:
        """Count what a report taught."""


class Taught(Protocol):
    """What keeps precedents in memory."""

    def forget(self, department: str) -> None:
        """Read anew what a department has taught: it has changed."""


class Decoding(Protocol):
    """How a recorded answer is read; `rpc` knows."""

    def judged(self, record: ResolutionRecord) -> Judged:
        """Return the answer that the record holds."""


class Encoding(Protocol):
    """How feedback becomes the bytes that are recorded; `rpc` knows."""

    def feedback(self, corrections: Sequence[Correction], reporter: str, create_time: datetime) -> bytes:
        """Return the feedback as it is shown."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Takes feedback."""

    catalogs: Catalogs
    preparation: Preparation
    policy: Policy
    state: State
    taught: Taught
    allowance: Allowance
    instruments: FeedbackInstruments

    async def report(self, report: Report, decoding: Decoding, encoding: Encoding) -> FeedbackRecord:
        """Record a judgement and what it teaches, and return it as it is recorded: a repeated one as it was first.

        Raises `ResolutionNotFound`, `InvalidQuery` where the id of the request was used for another judgement,
        `InvalidChoice` where a correction cannot be, `RateLimited` where the reporter has taught too much, and
        `StoreError`.
        """
        structlog.contextvars.bind_contextvars(resolution_id=report.resolution_id)
        status = Reason.INTERNAL.value
        try:
            recorded = await self._taken(report, decoding, encoding)
            status = report.verdict.name
        except EcpError as error:
            status = error.reason.value
            raise
        finally:
            self.instruments.feedback(status)
        return recorded

    async def _taken(self, report: Report, decoding: Decoding, encoding: Encoding) -> FeedbackRecord:
        answer = await self.state.resolution(report.resolution_id)
        if answer is None or any(caller != answer.owner for caller in report.callers):
            raise ResolutionNotFound
        feedback_id = str(uuid.uuid5(_NAMESPACE, f"{answer.owner}\n{report.request_id}"))
        judged = decoding.judged(answer)
        prepared = self.preparation.of(self.catalogs.current)
        department = _taught_department(answer, judged, prepared)
        known = await self._recorded(feedback_id, report)
        if known is not None:
            if report.corrections:  # recorded by another server, or for a call that was over before this one forgot
                self.taught.forget(department)
            return known
        visibility = Visibility(self.policy, judged.principal)
        corrections = await checked(report.corrections, judged, prepared, visibility)
        now = datetime.now(UTC)
        feedback = FeedbackRecord(
            id=feedback_id,
            resolution_id=answer.id,
            reporter=answer.owner,
            verdict=report.verdict.name,
            digest=report.digest,
            feedback=encoding.feedback([one.correction for one in corrections], answer.owner, now),
            create_time=now,
        )
        precedents = [
            _precedent(i, one, department, feedback) for i, one in enumerate(corrections) if department and one.words
        ]
        audit = _audit(feedback, judged, prepared, corrections)
        if precedents:
            async with self.allowance.of(answer.owner, len(precedents)):
                await self.state.record(audit, feedback, *precedents)
            self.taught.forget(department)
            self.instruments.precedents_recorded(len(precedents))
        else:
            await self.state.record(audit, feedback)
        _log.info("feedback_recorded", verdict=feedback.verdict, precedents=[one.id for one in precedents])
        # Of two at the same time under one id the first is kept.
        return await self._recorded(feedback_id, report) or feedback

    async def _recorded(self, feedback_id: str, report: Report) -> FeedbackRecord | None:
        """Return what is recorded under an id; it must be what is reported."""
        for known in await self.state.feedback(ids=[feedback_id], limit=1):
            if known.digest != report.digest:
                violation = FieldViolation("request_id", "was used for other feedback")
                raise InvalidQuery(f"{violation.field} {violation.description}", (violation,))
            return known
        return None


def _taught_department(answer: ResolutionRecord, judged: Judged, prepared: PreparedCatalog) -> str:
    """Return the department that a correction teaches; "" where it teaches none.

    That is the reporter's own, where the answer went by its definitions: how others read words is theirs to say.
    """
    contexts = prepared.contexts
    own = department_of(contexts, judged.principal.department)
    asked_for = judged.definition_context or judged.principal.department
    chosen = next((choice.option_id for choice in answer.choices if choice.subject_id == DEPARTMENT), "")
    in_force = contexts.chain(asked_for) or contexts.chain(chosen)
    read_by = in_force[0] if in_force else department_of(contexts, asked_for)
    return own if own == read_by else ""


def _precedent(place: int, one: Checked, department: str, feedback: FeedbackRecord) -> PrecedentRecord:
    return PrecedentRecord(
        id=str(uuid.uuid5(_NAMESPACE, f"{feedback.id}\n{place}")),
        department=department,
        words=one.words,
        mention=one.mention,
        kind=one.correction.kind,
        option_id=one.correction.option_id,
        resolution_id=feedback.resolution_id,
        feedback_id=feedback.id,
        reporter=feedback.reporter,
        create_time=feedback.create_time,
    )


def _audit(
    feedback: FeedbackRecord, judged: Judged, prepared: PreparedCatalog, corrections: Sequence[Checked]
) -> AuditRecord:
    """Return the audit record of a report, under its id: repeated, it is there once too."""
    principal = judged.principal
    return AuditRecord(
        id=feedback.id,
        time=feedback.create_time,
        request_id=CALL.get().request_id,
        method=METHOD,
        subject=principal.subject,
        actor=principal.actor,
        department=principal.department,
        roles=principal.roles,
        verified=principal.verified,
        outcome=feedback.verdict,
        resolution_id=feedback.resolution_id,
        catalog_version=prepared.catalog.version,
        products=tuple(sorted({one.correction.option_id for one in corrections})),
    )
