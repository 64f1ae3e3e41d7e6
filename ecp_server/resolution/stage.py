"""Takes a draft through one step and adds it to the provenance: its reason, its time, the stores that it asked."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import STORE_CALLS, Finding, Step, StepType, StoreCall
from ecp_server.resolution.draft import Draft

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

Work = Callable[[Draft], "tuple[Draft, Finding] | Awaitable[tuple[Draft, Finding]]"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the path; ``depends_on`` are the ids of the steps whose output it uses."""

    id: str
    type: StepType
    depends_on: tuple[str, ...]
    work: Work


async def take(stage: Stage, draft: Draft) -> Draft:
    """Return the draft as the step leaves it, with the step added."""
    calls: list[StoreCall] = []
    collecting = STORE_CALLS.set(calls)
    start_time, started = datetime.now(UTC), time.perf_counter()
    try:
        done = stage.work(draft)
        draft, finding = await done if inspect.isawaitable(done) else done
    finally:
        STORE_CALLS.reset(collecting)
    step = Step(
        id=stage.id,
        type=stage.type,
        status=finding.status,
        depends_on=stage.depends_on,
        start_time=start_time,
        duration_ms=(time.perf_counter() - started) * 1e3,
        store_calls=tuple(calls),
        reasoning=finding.reasoning,
        output=finding.output,
    )
    _log.debug("step_completed", step=step.id, status=step.status.name, duration_ms=round(step.duration_ms, 3))
    return replace(draft, steps=(*draft.steps, step))
