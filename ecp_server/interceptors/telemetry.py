"""Counts, times, traces and logs every call, with the status that its caller saw."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import Any, Final

import grpc
import structlog
from grpc import aio
from opentelemetry.trace import Span
from typing_extensions import override

from ecp_server.domain.frozen import dataclass
from ecp_server.interceptors.endings import code_lost, code_seen
from ecp_server.interceptors.handlers import Context, Continuation, Handler, reading, without_frames
from ecp_server.interceptors.refusal import RefusalLines
from ecp_server.interceptors.request_id import CallsInFlight
from ecp_server.telemetry.metrics import OTHER, Instruments
from ecp_server.telemetry.tracing import Tracing, trace_headers

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_PROBES: Final = "/grpc."
"""Health checks and reflection come every few seconds from machines: their lines are for debugging."""
_LOGGED_METHOD_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class _Observed:
    """A call under observation."""

    method: str
    started: float
    span: Span


_OBSERVED: ContextVar[_Observed] = ContextVar("observed")


class TelemetryInterceptor(aio.ServerInterceptor):
    """Observes calls from the outside of everything that can refuse them."""

    def __init__(
        self, instruments: Instruments, tracing: Tracing, calls: CallsInFlight, refusal_lines: RefusalLines
    ) -> None:
        self._instruments = instruments
        self._tracing = tracing
        self._calls = calls
        self._wrapped: dict[Handler, Handler] = {}
        self._refusal_lines = refusal_lines

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Begin to observe the call; its handler ends that."""
        method = handler_call_details.method
        started = time.perf_counter()
        span = self._tracing.begin(method, trace_headers(handler_call_details.invocation_metadata))
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
                code = code_seen(context, self._calls, "OK")
            except aio.AbortError as abort:
                code = code_seen(context, self._calls, "UNKNOWN")
                # gRPC keeps it on the call, which the frames of its traceback hold in turn. Such calls wait for the
                # collector, and the core, which counts their streams, refuses new ones on the connection meanwhile.
                without_frames(abort)
                del requests, context
                raise
            except BaseException:
                code = code_lost(context, self._calls)
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

    def _finish(self, observed: _Observed, label: str, code: str) -> None:
        seconds = time.perf_counter() - observed.started
        self._instruments.request_finished(label, code, seconds)
        self._tracing.end(observed.span, method=label, code=code)
        log = _log.debug if observed.method.startswith(_PROBES) else _log.info
        log(
            "request_completed",
            method=observed.method[:_LOGGED_METHOD_LENGTH],
            code=code,
            duration_ms=round(seconds * 1000, 3),
            **self._refusal_lines.left_out(),
        )
