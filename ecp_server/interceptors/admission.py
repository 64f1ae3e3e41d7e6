"""Refuses calls before they take what those being served need: where too many are under way, or the queue is too long.

A process that takes more than it can do serves nobody: every call waits for all others. What counts is not how many are
under way, for most of those wait for stores, but how long a call would wait before it begins (`Turns`). A refusal costs
a tenth of a call: nothing is read or parsed for it. Health is exempt: a probe that fails for load kills the server when
it is needed most.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final

import grpc
from grpc import aio
from typing_extensions import override

from ecp_server.domain.errors import Overloaded
from ecp_server.domain.frozen import dataclass
from ecp_server.interceptors.handlers import Context, Continuation, Handler
from ecp_server.interceptors.turns import Turns

EXEMPT: Final = ("/grpc.", "/ecp.v1.HealthService/")
"""Health, and reflection beside it: prefixes of methods."""
ALWAYS_QUEUED: Final = 64
"""Calls that may wait for their turn however long it takes: such bursts are usual."""
RETRY_SECONDS: Final = (0.5, 1.5)
"""Who is refused is told to come back after a time between these, so that not all come back at once."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """How much is too much."""

    calls: int
    """Calls under way, those that wait for their turn included."""
    queue_seconds: float
    """Time that a call waits for its turn."""


class AdmissionInterceptor(aio.ServerInterceptor):
    """Lets calls in, each in its turn, or raises `Overloaded`."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limits = limits
        self._turns = Turns()
        self._under_way = 0
        self._wrapped: dict[Handler, Handler] = {}

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Refuse the call where there are too many; else count it until its task ends."""
        if handler_call_details.method.startswith(EXEMPT):
            return await continuation(handler_call_details)
        self._turns.came()
        if self._is_too_much():
            raise Overloaded(retry_after_seconds=random.uniform(*RETRY_SECONDS))  # noqa: S311 - no secret
        task = asyncio.current_task()
        if task is not None:
            self._under_way += 1
            task.add_done_callback(self._ended)
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        wrapped = self._wrapped.get(handler)
        if wrapped is None:
            wrapped = self._wrapped[handler] = self._in_turn(handler)
        return wrapped

    def _in_turn(self, handler: Handler) -> Handler:
        """Return the handler with its behaviour begun in its turn; what streams begins at once."""
        behavior: Any = handler.unary_unary
        if behavior is None:
            return handler

        async def begin(request: Any, context: Context) -> Any:
            if self._under_way > 1:
                await self._turns.wait()
            return await behavior(request, context)

        return grpc.unary_unary_rpc_method_handler(begin, handler.request_deserializer, handler.response_serializer)

    def _is_too_much(self) -> bool:
        if self._under_way >= self._limits.calls:
            return True
        return len(self._turns) >= ALWAYS_QUEUED and self._turns.wait_seconds >= self._limits.queue_seconds

    def _ended(self, _task: object) -> None:
        self._under_way -= 1
