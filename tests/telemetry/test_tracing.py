"""W3C trace context in and out, recorded only where there is somewhere to send it."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ecp_server.telemetry.tracing import Propagated, Recorded, outgoing, tracing
from tests.logs import logged

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


def test_a_collector_that_is_named_gets_the_spans_by_the_end() -> None:
    received: list[ExportTraceServiceRequest] = []

    def export(request: ExportTraceServiceRequest, _context: Any) -> ExportTraceServiceResponse:
        received.append(request)
        return ExportTraceServiceResponse()

    handler = grpc.unary_unary_rpc_method_handler(
        export, ExportTraceServiceRequest.FromString, ExportTraceServiceResponse.SerializeToString
    )
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    collector = grpc.server(ThreadPoolExecutor(1))
    collector.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
    port = collector.add_insecure_port("127.0.0.1:0")
    collector.start()
    exporting = tracing(endpoint=f"http://127.0.0.1:{port}", sample_ratio=1.0, version="1")
    as_request(lambda: exporting.end(exporting.begin("/a.B/C", {}), method="/a.B/C", code="OK"))
    exporting.close()
    collector.stop(None).wait()
    (request,) = received
    assert ["/a.B/C"] == [
        span.name for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
    ]


def test_a_collector_that_is_away_does_not_keep_the_server_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecp_server.telemetry.tracing.EXPORT_SECONDS", 0.1)
    exporting = tracing(endpoint="http://127.0.0.1:9", sample_ratio=1.0, version="1")
    as_request(lambda: exporting.end(exporting.begin("/a.B/C", {}), method="/a.B/C", code="OK"))
    with logged() as lines:  # the exporter says so itself
        exporting.close()
    assert any("export" in line["event"].lower() for line in lines())
