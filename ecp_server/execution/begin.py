"""Starts an execution: whose resolution, whether it can still be run, by which catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from ecp_server.domain.catalog import Catalogs
from ecp_server.domain.errors import AmbiguousConcept, IncompatibleConcepts, ResolutionExpired, ResolutionNotFound
from ecp_server.domain.execution import ExecutionRequest
from ecp_server.domain.records import ResolutionRecord
from ecp_server.execution.draft import Draft, Recorded
from ecp_server.execution.reads import modelled_otherwise
from ecp_server.resolution.begin import DEPARTMENT
from ecp_server.resolution.prepared import Preparation
from ecp_server.stores.ports import State


class Decoding(Protocol):
    """How a recorded answer is read; `rpc` knows."""

    def recorded(self, record: ResolutionRecord) -> Recorded:
        """Return the answer that the record holds."""


async def find(request: ExecutionRequest, state: State) -> ResolutionRecord:
    """Return the resolution. Raises `ResolutionNotFound` where it is unknown or another's: the two look the same."""
    record = await state.resolution(request.resolution_id)
    if record is None or any(caller != record.owner for caller in request.callers):
        raise ResolutionNotFound
    return record


def begin(
    request: ExecutionRequest,
    record: ResolutionRecord,
    catalogs: Catalogs,
    preparation: Preparation,
    decoding: Decoding,
) -> Draft:
    """Return the draft of an execution.

    Raises `ResolutionExpired` where the resolution is too old, the catalog that it was resolved by is held no more, or
    the semantic model has changed where the plan reads it: figures would be of something else than what was resolved;
    `AmbiguousConcept` where it is not settled, and `IncompatibleConcepts` where it needs no figures.
    """
    if record.expire_time <= datetime.now(UTC):
        raise ResolutionExpired
    if not record.settled:
        raise AmbiguousConcept(
            "the resolution is not settled: choose between its options, or ask in other words",
            metadata={"resolution_id": record.id},
        )
    answer = decoding.recorded(record)
    if answer.plan is None or not answer.plan.queries:
        raise IncompatibleConcepts(
            "the resolution has nothing to run: its answer needs no figures", metadata={"resolution_id": record.id}
        )
    definitions = catalogs.held(record.catalog_version)
    if definitions is None or modelled_otherwise(answer.plan, definitions, catalogs.current):
        raise ResolutionExpired
    contexts, own = preparation.of(definitions).contexts, preparation.of(catalogs.current).contexts
    department = answer.principal.department
    chosen = next((choice.option_id for choice in record.choices if choice.subject_id == DEPARTMENT), "")
    return Draft(
        request=request,
        record=record,
        answer=answer,
        plan=answer.plan,
        definitions=definitions,
        rights=catalogs.current,
        contexts=contexts.chain(answer.definition_context or department) or contexts.chain(chosen),
        own_contexts=own.chain(department),
        confidence=answer.confidence,
    )
