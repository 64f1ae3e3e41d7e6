"""Traces: one span a request, W3C trace context in and out.

Where no collector is named nothing is recorded, but every request still has its trace id, in logs and towards stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ecp_server.telemetry.trace_ids import TRACE_IDS

_W3C: Final = TraceContextTextMapPropagator()
_TRACE_HEADERS: Final = frozenset(_W3C.fields)
"""The headers, lower case, that carry a trace from one program to the next."""

# What a server's span calls an error: its own failures, not the caller's (OpenTelemetry semantic conventions, gRPC).
_SERVER_ERRORS: Final = frozenset(
    ("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")
)


EXPORT_SECONDS: Final = 3.0
"""How long one export may take, retries included; so long can a collector that is away hold up the server's end."""


class Tracing(Protocol):
    """Makes the span of a request."""

    def begin(self, method: str, headers: Mapping[str, str]) -> Span:
        """Start the span, a child of the trace in ``headers`` if there is one, and make it the current one."""

    def end(self, span: Span, *, method: str, code: str) -> None:
        """Finish the span with the gRPC status that the caller saw."""

    def close(self) -> None:
        """Send what is not sent yet. Blocks for `EXPORT_SECONDS` at most."""


def tracing(*, endpoint: str, sample_ratio: float, version: str) -> Tracing:
    """Return tracing that exports to ``endpoint``, or that only carries trace ids where it is empty."""
    if not endpoint:
        return Propagated()
    # Only who exports pays for importing an exporter.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
    return Recorded(BatchSpanProcessor(exporter), sample_ratio, version)


def trace_headers(metadata: Iterable[tuple[str, str | bytes]]) -> dict[str, str]:
    """Return the headers among a call's metadata that carry the caller's trace."""
    return {key: value for key, value in metadata if key in _TRACE_HEADERS and isinstance(value, str)}


def outgoing() -> dict[str, str]:
    """Return the headers that make a request to a store part of the current trace."""
    headers: dict[str, str] = {}
    _W3C.inject(headers)
    return headers


class Propagated:
    """Carries the caller's trace on, or a new one that is not sampled."""

    def __init__(self) -> None:
        self._ids = RandomIdGenerator()

    def begin(self, method: str, headers: Mapping[str, str]) -> Span:  # noqa: ARG002 - as `Tracing`
        """As `Tracing`."""
        span_id = self._ids.generate_span_id()
        parent = _parent(headers) if headers else None
        if parent is not None and parent.is_valid:
            made = SpanContext(parent.trace_id, span_id, False, parent.trace_flags, parent.trace_state)
        else:
            made = SpanContext(self._ids.generate_trace_id(), span_id, is_remote=False)
        span = NonRecordingSpan(made)
        _make_current(span, made)
        return span

    def end(self, span: Span, *, method: str, code: str) -> None:
        """As `Tracing`."""

    def close(self) -> None:
        """As `Tracing`."""


class Recorded:
    """Records the sampled spans and hands them to ``processor``."""

    def __init__(self, processor: SpanProcessor, sample_ratio: float, version: str) -> None:
        self._provider = TracerProvider(
            sampler=ParentBasedTraceIdRatio(sample_ratio),
            resource=Resource.create({"service.name": "ecp-server", "service.version": version}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("ecp_server")

    def begin(self, method: str, headers: Mapping[str, str]) -> Span:
        """As `Tracing`."""
        span = self._tracer.start_span(
            method, _W3C.extract(headers, context.Context()), SpanKind.SERVER, {"rpc.system.name": "grpc"}
        )
        _make_current(span, span.get_span_context())
        return span

    def end(self, span: Span, *, method: str, code: str) -> None:
        """As `Tracing`."""
        if span.is_recording():
            span.update_name(method)
            span.set_attributes({"rpc.method": method, "rpc.response.status_code": code})
            if code in _SERVER_ERRORS:
                span.set_status(Status(StatusCode.ERROR))
        span.end()

    def close(self) -> None:
        """As `Tracing`."""
        self._provider.shutdown()


def _parent(headers: Mapping[str, str]) -> SpanContext:
    return trace.get_current_span(_W3C.extract(headers, context.Context())).get_span_context()


def _make_current(span: Span, made: SpanContext) -> None:
    """Make it the current span until the task ends: each request is served by a task of its own."""
    context.attach(trace.set_span_in_context(span, context.Context()))
    TRACE_IDS.set({"trace_id": f"{made.trace_id:032x}", "span_id": f"{made.span_id:016x}"})
