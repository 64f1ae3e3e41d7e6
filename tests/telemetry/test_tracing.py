"""W3C trace context in and out, recorded only where there is somewhere to send it."""

import contextvars
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ecp_server.telemetry.tracing import Propagated, Recorded, Tracing, outgoing, tracing

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01", "tracestate": "vendor=1"}
UNSAMPLED = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-00"}


def as_request(function: Any) -> Any:
    """Run the function as a request is served: what it makes current is gone at its end."""
    return contextvars.copy_context().run(function)


def test_without_a_collector_nothing_is_recorded_but_the_trace_goes_on() -> None:
    def request() -> dict[str, str]:
        quiet = tracing(endpoint="", sample_ratio=1.0, version="1")
        span = quiet.begin("/a.B/C", SAMPLED)
        assert not span.is_recording()
        headers = outgoing()
        quiet.end(span, method="/a.B/C", code="OK")
        quiet.close()
        return headers

    headers = as_request(request)
    assert headers["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert headers["traceparent"].endswith("-01")
    assert SAMPLED["traceparent"] != headers["traceparent"]
    assert "vendor=1" == headers["tracestate"]


def test_a_trace_begun_here_without_a_collector_is_not_sampled() -> None:
    def request() -> dict[str, str]:
        Propagated().begin("/a.B/C", {})
        return outgoing()

    first, second = as_request(request), as_request(request)
    assert first["traceparent"].endswith("-00")
    assert first["traceparent"][:35] != second["traceparent"][:35]


def test_outside_a_request_there_is_nothing_to_pass_on() -> None:
    assert {} == outgoing()


@pytest.mark.parametrize(
    ("headers", "ratio", "recorded"),
    [(SAMPLED, 0.0, 1), (UNSAMPLED, 1.0, 0), ({}, 1.0, 1), ({}, 0.0, 0)],
    ids=["caller says yes", "caller says no", "all", "none"],
)
def test_caller_decides_on_sampling_before_the_ratio(headers: dict[str, str], ratio: float, recorded: int) -> None:
    spans = InMemorySpanExporter()
    sampling = Recorded(SimpleSpanProcessor(spans), ratio, "1")
    as_request(lambda: sampling.end(sampling.begin("/a.B/C", headers), method="/a.B/C", code="OK"))
    sampling.close()
    assert recorded == len(spans.get_finished_spans())


def test_span_of_a_request_is_a_servers_with_its_method_and_code() -> None:
    spans = InMemorySpanExporter()
    recording = Recorded(SimpleSpanProcessor(spans), 1.0, "1.2.3")
    as_request(lambda: recording.end(recording.begin("/a.B/C", SAMPLED), method="/a.B/C", code="UNAVAILABLE"))
    (span,) = spans.get_finished_spans()
    assert trace.SpanKind.SERVER is span.kind
    assert {"rpc.system.name": "grpc", "rpc.method": "/a.B/C", "rpc.response.status_code": "UNAVAILABLE"} == dict(
        span.attributes or {}
    )
    assert ("ecp-server", "1.2.3") == (
        span.resource.attributes["service.name"],
        span.resource.attributes["service.version"],
    )


def test_a_collector_that_is_named_gets_the_spans() -> None:
    """Nothing listens there: closing gives up after a moment instead of waiting for it."""
    exporting: Tracing = tracing(endpoint="http://127.0.0.1:9", sample_ratio=1.0, version="1")
    assert isinstance(exporting, Recorded)
    exporting.close()
