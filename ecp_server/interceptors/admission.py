"""Refuses calls before they take what those being served need: by their number, and by how late the event loop runs.

A process that takes more than it can do serves nobody: every call waits for all others. What counts is not how many are
under way, for most of those wait for stores, but the queue for the processor, which shows as the lag of the event loop.
Health is exempt: a probe that fails for load kills the server when it is needed most.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

import grpc
from grpc import aio
from typing_extensions import override

from ecp_server.domain.errors import Overloaded
from ecp_server.domain.frozen import dataclass
from ecp_server.interceptors.handlers import Continuation, Handler

EXEMPT: Final = ("/grpc.", "/ecp.v1.HealthService/")
"""Health, and reflection beside it: prefixes of methods."""
ALWAYS_ADMITTED: Final = 64
"""Calls that may be under way however late the loop runs: they keep the processor busy, fewer might not."""
RETRY_SECONDS: Final = (0.5, 1.5)
"""Who is refused is told to come back after a time between these, so that not all come back at once."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """How much is too much."""

    calls: int
    """Calls under way."""
    lag_seconds: float
    """Lag of the event loop."""


class AdmissionInterceptor(aio.ServerInterceptor):
    """Lets calls in, or raises `Overloaded`."""

    def __init__(self, limits: AdmissionLimits, lag_seconds: Callable[[], float]) -> None:
        """``lag_seconds`` tells how late the event loop has run lately."""
        self._limits = limits
        self._lag_seconds = lag_seconds
        self._under_way = 0

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Count the call until its task ends; refuse it where there are too many, or enough and the loop is late."""
        if not handler_call_details.method.startswith(EXEMPT):
            if self._is_too_much():
                raise Overloaded(retry_after_seconds=random.uniform(*RETRY_SECONDS))  # noqa: S311 - no secret
            task = asyncio.current_task()
            if task is not None:
                self._under_way += 1
                task.add_done_callback(self._ended)
        return await continuation(handler_call_details)

    def _is_too_much(self) -> bool:
        if self._under_way < ALWAYS_ADMITTED:
            return False
        return self._under_way >= self._limits.calls or self._lag_seconds() > self._limits.lag_seconds

    def _ended(self, _task: object) -> None:
        self._under_way -= 1
