"""Counts, times, traces and logs every call, with the status that its caller saw."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Final

import grpc
import structlog
from grpc import aio
from opentelemetry.trace import Span
from typing_extensions import override

from ecp_server.domain.frozen import dataclass
from ecp_server.interceptors.handlers import Context, Continuation, Handler, reading, without_frames
from ecp_server.interceptors.request_id import CallsInFlight
from ecp_server.telemetry.metrics import OTHER, Instruments
from ecp_server.telemetry.tracing import TRACE_HEADERS, Tracing

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_PROBES: Final = "/grpc."
"""Health checks and reflection come every few seconds from machines: their lines are for debugging."""
_LOGGED_METHOD_LENGTH: Final = 200
_REFUSED: Final = grpc.StatusCode.RESOURCE_EXHAUSTED.name
_REFUSALS_A_SECOND: Final = 10
"""Lines of refused calls; who is overloaded has better to do. The metrics count them all."""


@dataclass(frozen=True, slots=True)
class _Observed:
    """A call under observation."""

    method: str
    started: float
    span: Span


_OBSERVED: ContextVar[_Observed] = ContextVar("observed")


class _Refusals:
    """How many refused calls were told in this second, and how many were left out since a line was written."""

    def __init__(self) -> None:
        self._second = 0
        self._told = 0
        self._left_out = 0

    def may_be_told(self, now: float) -> bool:
        """Count a refused call; return whether it gets a line."""
        if self._second != int(now):
            self._second, self._told = int(now), 0
        self._told += 1
        if self._told > _REFUSALS_A_SECOND:
            self._left_out += 1
            return False
        return True

    def left_out(self) -> dict[str, int]:
        """Return the field of the next line that tells of it, if there is something to tell."""
        count, self._left_out = self._left_out, 0
        return {"refused_calls_not_logged": count} if count else {}


_ROUNDED_UP_SECONDS: Final = 0.02
"""A deadline comes rounded up to ten milliseconds: its caller gives up that much before it passes here."""


class TelemetryInterceptor(aio.ServerInterceptor):
    """Observes calls from the outside of everything that can refuse them."""

    def __init__(self, instruments: Instruments, tracing: Tracing, calls: CallsInFlight) -> None:
        self._instruments = instruments
        self._tracing = tracing
        self._calls = calls
        self._wrapped: dict[Handler, Handler] = {}
        self._refusals = _Refusals()

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Begin to observe the call; its handler ends that."""
        method = handler_call_details.method
        started = time.perf_counter()
        span = self._tracing.begin(method, _trace_headers(handler_call_details.invocation_metadata))
        observed = _Observed(method, started, span)
        _log.debug("request_started", method=method[:_LOGGED_METHOD_LENGTH])
        try:
            handler = await continuation(handler_call_details)
        except asyncio.CancelledError:
            self._instruments.request_started(OTHER)
            self._finish(observed, OTHER, "CANCELLED")
            raise
        if handler is None:
            self._instruments.request_started(OTHER)
            self._finish(observed, OTHER, "UNIMPLEMENTED")
            return None
        self._instruments.request_started(method)
        _OBSERVED.set(observed)
        wrapped = self._wrapped.get(handler)
        if wrapped is None:
            wrapped = self._wrapped[handler] = self._observing(handler)
        return wrapped

    def _observing(self, handler: Handler) -> Handler:
        behavior: Any = handler.stream_stream or handler.stream_unary

        async def observe(requests: Any, context: Context) -> Any:
            observed = _OBSERVED.get()
            code = "UNKNOWN"
            try:
                response = await behavior(requests, context)
                code = self._seen(context, "OK")
            except aio.AbortError as abort:
                code = self._seen(context, "UNKNOWN")
                # gRPC keeps it on the call, which the frames of its traceback hold in turn. Such calls wait for the
                # collector, and the core, which counts their streams, refuses new ones on the connection meanwhile.
                without_frames(abort)
                del requests, context
                raise
            except BaseException:
                code = self._lost(context)
                raise
            finally:
                self._finish(observed, observed.method, code)
            return response

        return reading(
            observe,
            streams=handler.response_streaming,
            deserializer=handler.request_deserializer,
            serializer=handler.response_serializer,
        )

    def _seen(self, context: Context, default: str) -> str:
        """Return the status that was, or will be, sent: unless the call was cancelled before that could be."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return self._lost(context)
        code: grpc.StatusCode | None = context.code()
        return default if code is None else code.name

    def _lost(self, context: Context) -> str:
        """Return what the caller of a call that got no status from us saw."""
        left: float | None = context.time_remaining()
        if left is not None and left <= _ROUNDED_UP_SECONDS:
            return "DEADLINE_EXCEEDED"
        if self._calls.are_cut_off:
            return "UNAVAILABLE"
        code: grpc.StatusCode | None = context.code()
        return "CANCELLED" if code is None else code.name

    def _finish(self, observed: _Observed, label: str, code: str) -> None:
        seconds = time.perf_counter() - observed.started
        self._instruments.request_finished(label, code, seconds)
        self._tracing.end(observed.span, method=label, code=code)
        if code == _REFUSED and not self._refusals.may_be_told(observed.started):
            return
        log = _log.debug if observed.method.startswith(_PROBES) else _log.info
        log(
            "request_completed",
            method=observed.method[:_LOGGED_METHOD_LENGTH],
            code=code,
            duration_ms=round(seconds * 1000, 3),
            **self._refusals.left_out(),
        )


def _trace_headers(metadata: Iterable[tuple[str, str | bytes]]) -> dict[str, str]:
    return {key: value for key, value in metadata if key in TRACE_HEADERS and isinstance(value, str)}
