"""Takes what a path carries through one step and adds it to the provenance: its reason, its time, the stores asked."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from structlog.typing import FilteringBoundLogger

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import FALLBACK, STORE_CALLS, Finding, Step, StepStatus, StepType, StoreCall

C = TypeVar("C")
"""What a path carries: a frozen dataclass, such as a draft, which every step returns anew."""

_NAMES: Final = {status: status.name for status in StepStatus}
"""Made once: Python makes the name of a member by several calls each time."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a path; ``depends_on`` are the ids of the steps whose output it uses."""

    id: str
    type: StepType
    depends_on: tuple[str, ...] = ()


Work = Callable[[C], tuple[C, Finding] | Awaitable[tuple[C, Finding]]]
"""What a step does."""


async def take(stage: Stage, work: Work[C], draft: C, steps: list[Step], log: FilteringBoundLogger | None) -> C:
    """Return the draft as the step leaves it, and add the step to those taken; told to ``log`` where there is one."""
    calls: list[StoreCall] = []
    collecting = STORE_CALLS.set(calls)
    start_time, started = datetime.now(UTC), time.perf_counter()
    try:
        done = work(draft)
        draft, finding = done if isinstance(done, tuple) else await done
    finally:
        STORE_CALLS.reset(collecting)
    status = finding.status
    for call in calls:
        if call.outcome == FALLBACK and status is StepStatus.COMPLETE:
            status = StepStatus.DEGRADED
    step = Step(
        id=stage.id,
        type=stage.type,
        status=status,
        depends_on=stage.depends_on,
        start_time=start_time,
        duration_ms=(time.perf_counter() - started) * 1e3,
        store_calls=tuple(calls),
        reasoning=finding.reasoning,
        output=finding.output,
    )
    steps.append(step)
    if log is not None:
        log.debug("step_completed", step=step.id, status=_NAMES[status], duration_ms=round(step.duration_ms, 3))
    return draft
