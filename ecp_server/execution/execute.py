"""The path of an execution: the steps in order."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Sequence
from dataclasses import field
from functools import partial
from typing import Final, Protocol

import structlog

from ecp_server.domain.call import CALL, Call
from ecp_server.domain.catalog import Catalogs
from ecp_server.domain.errors import EcpError, PolicyDenied, Reason, StoreError
from ecp_server.domain.execution import Execution, ExecutionRequest
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.impaired import nothing_impaired
from ecp_server.domain.policy import Action
from ecp_server.domain.provenance import Step, StepType, StoreKind
from ecp_server.domain.records import AuditRecord
from ecp_server.execution.authorize import authorize
from ecp_server.execution.begin import Decoding, begin, find
from ecp_server.execution.compute import compute
from ecp_server.execution.draft import Draft
from ecp_server.execution.narrow import narrow
from ecp_server.execution.record import CANCELLED, EXECUTED, Encoding, audit, audit_unread, record
from ecp_server.execution.run import Runner
from ecp_server.execution.validate import validate
from ecp_server.resolution.prepared import Preparation
from ecp_server.resolution.stage import Stage, Work, take
from ecp_server.stores.ports import Policy, Registry, State

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

_REAUTHORIZE: Final = Stage("reauthorize", StepType.AUTHORIZE, ("authorize",))
_NARROW: Final = Stage("narrow", StepType.PLAN, ("reauthorize",))
_RUN: Final = Stage("run", StepType.RUN, ("narrow",))
_COMPUTE: Final = Stage("compute", StepType.COMPUTE, ("run",))
_VALIDATE: Final = Stage("validate", StepType.VALIDATE, ("compute",))


class ExecuteInstruments(Protocol):
    """The metrics of executions."""

    def execute(self, status: str, seconds: float) -> None:
        """Count one execution; ``status`` is EXECUTED or the reason why there are no figures."""

    def degraded_reply(self, store: str) -> None:
        """Count a reply in which something stood in for the store."""

    def validation(self, severity: str, passed: bool) -> None:  # noqa: FBT001 - the two outcomes of a rule
        """Count one rule that was evaluated."""

    def policy_decision(self, action: str, allowed: bool) -> None:  # noqa: FBT001 - the two outcomes of a decision
        """Count what policy said of one plan."""


@dataclass(frozen=True, slots=True)
class ExecuteStores:
    """The ports that an execution asks."""

    policy: Policy
    """Whatever it keeps: an execution is always decided anew (policy.md)."""
    registry: Registry
    state: State


@dataclass(frozen=True, slots=True)
class Executor:
    """Runs the plans of settled resolutions."""

    catalogs: Catalogs
    preparation: Preparation
    stores: ExecuteStores
    runner: Runner
    instruments: ExecuteInstruments
    _audits: set[asyncio.Task[None]] = field(default_factory=set)
    """Audit records that are being written although their callers may have gone."""

    async def execute(self, request: ExecutionRequest, decoding: Decoding, encoding: Encoding) -> Execution:
        """Take a settled resolution along the path and return the recorded execution.

        Raises `ResolutionNotFound`, `ResolutionExpired`, `AmbiguousConcept`, `IncompatibleConcepts`, `InvalidQuery`,
        `PolicyDenied`, `BusinessRuleViolation`, `DataQuality`, and `StoreError` where a store that has no stand-in
        fails.
        """
        started = time.perf_counter()
        status = Reason.INTERNAL.value
        structlog.contextvars.bind_contextvars(resolution_id=request.resolution_id)
        try:
            execution = await self._walk(request, decoding, encoding)
            status = EXECUTED
        except asyncio.CancelledError:
            status = CANCELLED
            raise
        except EcpError as error:
            status = error.reason.value
            raise
        finally:
            self.instruments.execute(status, time.perf_counter() - started)
        for impaired in execution.degradations:
            self.instruments.degraded_reply(impaired.store.name.lower())
        for validation in execution.validations:
            self.instruments.validation(validation.severity.value, validation.passed)
        _log.info("execution_complete", execution_id=execution.id, rows=execution.table.row_count)
        return execution

    async def _walk(self, request: ExecutionRequest, decoding: Decoding, encoding: Encoding) -> Execution:
        """Go the path: read the steps from top to bottom. Whatever the outcome, the audit has it."""
        stores, impaired = self.stores, nothing_impaired()
        found = await find(request, stores.state)
        try:
            draft = begin(request, found, self.catalogs, self.preparation, decoding)
        except EcpError as refusal:
            await self._audit(audit_unread(found, refusal.reason.value))
            raise
        steps: Sequence[tuple[Stage, Work[Draft]]] = (
            (_REAUTHORIZE, partial(authorize, policy=stores.policy)),
            (_NARROW, narrow),
            (_RUN, self.runner.run),
            (_COMPUTE, compute),
            (_VALIDATE, partial(validate, registry=stores.registry)),
        )
        taken: list[Step] = []
        log = _log.bind()
        listening = log if log.is_enabled_for(logging.DEBUG) else None
        try:
            for stage, work in steps:
                draft = await take(stage, work, draft, taken, listening)
            self.instruments.policy_decision(Action.EXECUTE.value, True)
            for told in draft.degradations:
                impaired.note(told)
            return await record(
                replace(draft, degradations=impaired.degradations, steps=tuple(taken)), stores.state, encoding
            )
        except asyncio.CancelledError:
            _ = self._begin_audit(audit(draft, CANCELLED))
            raise
        except EcpError as refusal:
            if isinstance(refusal, PolicyDenied):
                self.instruments.policy_decision(Action.EXECUTE.value, False)
            if not (isinstance(refusal, StoreError) and refusal.store is StoreKind.STATE):
                await self._audit(audit(draft, refusal.reason.value))
            raise
        except Exception:  # a defect of ours, perhaps after rows were read
            await self._audit(audit(draft, Reason.INTERNAL.value))
            raise

    async def _audit(self, refused: AuditRecord) -> None:
        """Write the audit record of what did not come off; a caller who goes away does not stop it."""
        await asyncio.shield(self._begin_audit(refused))

    def _begin_audit(self, refused: AuditRecord) -> asyncio.Task[None]:
        """Begin to write an audit record, whether or not the caller is gone or out of time."""
        task = asyncio.create_task(self._write(refused), context=_of_its_own(), name="audit")
        self._audits.add(task)
        task.add_done_callback(self._written)
        return task

    async def _write(self, refused: AuditRecord) -> None:
        await self.stores.state.record(refused)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._audits.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("audit_failed", cause=type(error).__name__)

    async def close(self) -> None:
        """Wait for what is still being written."""
        if self._audits:
            await asyncio.wait(self._audits)


def _of_its_own() -> contextvars.Context:
    """Return a context like this one, without the caller's deadline."""
    context = contextvars.copy_context()
    context.run(CALL.set, Call(CALL.get().request_id))
    return context
