"""Refuses calls before they take what those being served need: where too many are under way, or the queue is too long.

A process that takes more than it can do serves nobody: every call waits for all others. What counts is not how many are
under way, for most of those wait for stores, but how long a call would wait before it begins (`Turns`). It is decided
outside of all that is done for a call, so that a refusal costs little more than gRPC takes for it. Health is exempt: a
probe that fails for load kills the server when it is needed most.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import grpc
from grpc import aio
from typing_extensions import override

from ecp_server import threads
from ecp_server.domain.frozen import dataclass
from ecp_server.interceptors.handlers import Context, Continuation, Handler
from ecp_server.interceptors.refusal import Refusals
from ecp_server.interceptors.request_id import CallsInFlight
from ecp_server.interceptors.turns import Turns

EXEMPT: Final = ("/grpc.", "/ecp.v1.HealthService/")
"""Health, and reflection beside it: prefixes of methods."""
ALWAYS_QUEUED: Final = 64
"""Calls that may wait for their turn however long it takes: such bursts are usual."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """How much is too much."""

    calls: int
    """Calls under way, those that wait for their turn included."""
    queue_seconds: float
    """Time that a call waits for its turn."""
    begun: int
    """Calls that have begun and not ended."""


class Admission:
    """The calls that were let in."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limits = limits
        self.turns = Turns(limits.begun, threads.giving_way())
        self.under_way = 0

    def is_too_much(self) -> bool:
        """Return whether one more call would be too much."""
        if self.under_way >= self._limits.calls:
            return True
        return len(self.turns) >= ALWAYS_QUEUED and self.turns.wait_seconds >= self._limits.queue_seconds

    def enter(self) -> None:
        """Count the call that the current task serves until that task is done."""
        task = asyncio.current_task()
        if task is not None:
            self.under_way += 1
            task.add_done_callback(self._ended)

    def _ended(self, _task: object) -> None:
        self.under_way -= 1


class AdmissionInterceptor(aio.ServerInterceptor):
    """Lets calls in, or refuses them; outside of everything else."""

    def __init__(self, admission: Admission, refusals: Refusals, calls: CallsInFlight) -> None:
        self._admission = admission
        self._refusals = refusals
        self._calls = calls
        self._methods: set[str] = set()
        """Those that exist, as far as they have been called."""

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Refuse the call where there are too many; else count it until its task ends."""
        method = handler_call_details.method
        # A server that drains refuses everything, with another status.
        if self._calls.are_refused or method.startswith(EXEMPT):
            return await continuation(handler_call_details)
        self._admission.turns.came()
        # Nobody can know of another method yet whether it exists: that is found out below, once.
        if method in self._methods and self._admission.is_too_much():
            return self._refusals.refuse(handler_call_details)
        self._admission.enter()
        handler = await continuation(handler_call_details)
        if handler is not None:
            self._methods.add(method)
        return handler


class TurnInterceptor(aio.ServerInterceptor):
    """Has each call begin in its turn; inside of everything else."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._wrapped: dict[Handler, Handler] = {}

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Wrap the method's handler."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(EXEMPT):
            return handler
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
            turns = self._admission.turns
            if self._admission.under_way > 1:
                await turns.wait()
            with turns.begun():
                return await behavior(request, context)

        return grpc.unary_unary_rpc_method_handler(begin, handler.request_deserializer, handler.response_serializer)
