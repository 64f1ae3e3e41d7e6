"""Every call is counted once, with the code that its caller saw, and logged and traced so."""

import asyncio
import gc
import time
from typing import Any

import pytest
from grpc_health.v1 import health_pb2
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from ecp_server.domain.errors import ConceptNotFound, InvalidQuery, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.interceptors.refusal import RefusalLines
from ecp_server.interceptors.request_id import CallsInFlight
from ecp_server.interceptors.telemetry import TelemetryInterceptor
from ecp_server.telemetry.metrics import Instruments
from ecp_server.telemetry.tracing import Propagated, outgoing
from tests.logs import Lines
from tests.serving import MESSAGE, SERVICE, held_calls, outcome, serving

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


async def echo(request: Any, _context: Any) -> Any:
    return request


async def forever(_request: Any, _context: Any) -> Any:
    await asyncio.Event().wait()


async def test_answers_and_refusals_are_counted_with_their_code(lines: Lines) -> None:
    async def fail(_request: Any, _context: Any) -> Any:
        raise StoreUnavailable(StoreKind.STATE)

    async def bug(_request: Any, _context: Any) -> Any:
        raise ValueError

    async with serving({"Echo": echo, "Fail": fail, "Bug": bug}) as server:
        for method in ("Echo", "Echo", "Fail", "Bug"):
            await server.call(method)
        await server.call("Echo", b"\xff")
        await server.settled()
        assert {
            ("Echo", "OK"): 2,
            ("Fail", "UNAVAILABLE"): 1,
            ("Bug", "INTERNAL"): 1,
            ("Echo", "INVALID_ARGUMENT"): 1,
        } == server.counted()
    completed = [(line["method"].rpartition("/")[2], line["code"]) for line in lines("request_completed")]
    assert sorted(completed) == sorted(
        [("Echo", "OK"), ("Echo", "OK"), ("Fail", "UNAVAILABLE"), ("Bug", "INTERNAL"), ("Echo", "INVALID_ARGUMENT")]
    )
    assert all(line["duration_ms"] > 0 for line in lines("request_completed"))


async def test_a_refused_call_leaves_nothing_for_the_collector() -> None:
    """Until that is collected gRPC's core counts the call's stream, and refuses new ones on the connection for it."""

    async def fail(_request: Any, _context: Any) -> Any:
        problem = ConceptNotFound("nothing matches")
        raise problem  # whose traceback holds this frame, which holds it

    async with serving({"Fail": fail}) as server:
        await server.call("Fail")
        await server.settled()
        gc.collect()
        gc.disable()
        try:
            before = held_calls()
            for _ in range(10):
                assert "NOT_FOUND" == (await server.call("Fail")).code
            await server.settled()
            assert held_calls() <= before
        finally:
            gc.enable()


async def test_a_refusal_whose_causes_go_in_a_circle_ends() -> None:
    async def fail(_request: Any, _context: Any) -> Any:
        first, second = ConceptNotFound("nothing matches"), ValueError()
        first.__cause__, second.__context__ = second, first
        raise first

    async with serving({"Fail": fail}) as server:
        assert "NOT_FOUND" == (await server.call("Fail", timeout=10)).code


async def test_unknown_methods_are_counted_under_one_label(lines: Lines) -> None:
    async with serving() as server:
        for n in range(50):
            assert "UNIMPLEMENTED" == (await server.call(f"/no.such.Service{n}/{'M' * 300}")).code
        await server.settled()
        assert {("other", "UNIMPLEMENTED"): 50} == server.counted()
    assert all(len(line["method"]) <= 200 for line in lines("request_completed"))


async def test_deadline_is_counted_as_the_caller_saw_it(lines: Lines) -> None:
    async with serving({"Forever": forever}) as server:
        assert "DEADLINE_EXCEEDED" == (await server.call("Forever", timeout=0.1)).code
        await server.settled()
        assert {("Forever", "DEADLINE_EXCEEDED"): 1} == server.counted()
    assert "DEADLINE_EXCEEDED" == lines("request_completed")[0]["code"]


async def test_cancelled_call_is_counted_as_cancelled(lines: Lines) -> None:
    started = asyncio.Event()

    async def waits(_request: Any, _context: Any) -> Any:
        started.set()
        await asyncio.Event().wait()

    async with serving({"Waits": waits}) as server:
        call = server.begin("Waits")
        await started.wait()
        call.cancel()
        await server.settled()
        assert {("Waits", "CANCELLED"): 1} == server.counted()
    assert "CANCELLED" == lines("request_completed")[0]["code"]


async def test_message_that_is_too_large_is_counted_with_the_cores_code() -> None:
    async with serving({"Echo": echo}, max_message_bytes="1000") as server:
        assert "RESOURCE_EXHAUSTED" == (await server.call("Echo", bytes(5_000_000))).code
        await server.settled()
        assert {("Echo", "RESOURCE_EXHAUSTED"): 1} == server.counted()


@pytest.mark.parametrize("code", ["DEADLINE_EXCEEDED", "CANCELLED"])
async def test_call_that_ends_while_it_queues_is_counted_without_reaching_its_handler(code: str) -> None:
    """The event loop is busy, so the call's deadline passes, or its caller hangs up, before its message is read."""
    reached: list[Any] = []

    async def reach(request: Any, _context: Any) -> Any:
        reached.append(request)
        return request

    async with serving({"Reach": reach}) as server:
        await server.call("Reach")
        reached.clear()
        call = server.begin("Reach", timeout=0.05 if code == "DEADLINE_EXCEEDED" else None)
        if code == "CANCELLED":
            await asyncio.sleep(0)  # the headers are on their way
            call.cancel()
        else:
            time.sleep(0.2)  # noqa: ASYNC251 - this is the busy loop
        assert code == (await outcome(call)).code
        await server.settled()
    assert [] == reached


async def test_answer_that_comes_after_cancellation_is_not_counted_as_seen() -> None:
    """A handler that swallows its cancellation, as libraries have done, answers nobody."""
    started = asyncio.Event()

    async def stubborn(request: Any, _context: Any) -> Any:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return request

    async def stubborn_and_wrong(_request: Any, _context: Any) -> Any:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise InvalidQuery("too late") from None

    async with serving({"Stubborn": stubborn, "Wrong": stubborn_and_wrong}) as server:
        for method in ("Stubborn", "Wrong"):
            started.clear()
            call = server.begin(method)
            await started.wait()
            call.cancel()
            await server.settled()
        assert "DEADLINE_EXCEEDED" == (await server.call("Stubborn", timeout=0.1)).code
        await server.settled()
        assert {
            ("Stubborn", "CANCELLED"): 1,
            ("Wrong", "CANCELLED"): 1,
            ("Stubborn", "DEADLINE_EXCEEDED"): 1,
        } == server.counted()


async def test_requests_under_way_are_shown_until_they_end() -> None:
    release = asyncio.Event()
    started = asyncio.Event()

    async def waits(request: Any, _context: Any) -> Any:
        started.set()
        await release.wait()
        return request

    async with serving({"Waits": waits}) as server:
        call = server.begin("Waits")
        await started.wait()
        assert server.active() == 1
        release.set()
        await call
        await server.settled()
        assert server.active() == 0


async def test_every_call_that_came_in_is_counted_once_whatever_becomes_of_it(lines: Lines) -> None:
    async def sometimes(request: Any, _context: Any) -> Any:
        await asyncio.sleep(0.001 * len(request.values))
        return request

    async with serving({"Sometimes": sometimes}) as server:
        calls = [
            server.begin("Sometimes", MESSAGE(values=["x"] * (n % 7)).SerializeToString(), timeout=0.003 * (1 + n % 3))
            for n in range(200)
        ]
        for call in calls[::5]:
            call.cancel()
        outcomes = [await outcome(call) for call in calls]
        await server.call("/unknown/Method")
        await server.settled()
        counted, started, completed = server.counted(), lines("request_started"), lines("request_completed")
    assert len(started) == len(completed) == sum(counted.values())
    assert len({line["request_id"] for line in completed}) == len(completed)
    assert sum(o.code == "OK" for o in outcomes) <= counted.get(("Sometimes", "OK"), 0)


async def test_of_many_refusals_some_are_logged_and_all_are_counted(lines: Lines) -> None:
    let_go = asyncio.Event()

    async def wait(request: Any, _context: Any) -> Any:
        await let_go.wait()
        return request

    async with serving({"Wait": wait}, max_calls="1") as server:
        held = server.begin("Wait")
        while not server.active():  # noqa: ASYNC110 - as a scrape sees it
            await asyncio.sleep(0.01)
        for _ in range(200):
            assert "RESOURCE_EXHAUSTED" == (await server.call("Wait")).code
        # What was left out is told by the next line, of whatever call.
        let_go.set()
        await outcome(held)
        assert {("Wait", "RESOURCE_EXHAUSTED"): 200, ("Wait", "OK"): 1} == (await server.settled()).counted()
    completed = lines("request_completed")
    refused = [line for line in completed if line["code"] == "RESOURCE_EXHAUSTED"]
    assert {"OVERLOADED"} == {line["reason"] for line in refused}
    assert 10 <= len(refused) < 200
    assert 200 == len(refused) + sum(line.get("refused_calls_not_logged", 0) for line in completed)


async def test_health_checks_are_logged_for_debugging_alone(lines: Lines) -> None:
    async with serving() as server:
        await server.health.Check(health_pb2.HealthCheckRequest())
        await server.settled()
        assert {("/grpc.health.v1.Health/Check", "OK"): 1} == server.counted()
    (line,) = lines("request_completed")
    assert "debug" == line["level"]


async def test_interceptor_that_is_cancelled_leaves_no_request_under_way() -> None:
    class Details:
        method = f"/{SERVICE}/Echo"
        invocation_metadata = ()

    async def waits(_details: Any) -> Any:
        await asyncio.Event().wait()

    instruments = Instruments()
    interceptor = TelemetryInterceptor(instruments, Propagated(), CallsInFlight(), RefusalLines())
    task = asyncio.create_task(interceptor.intercept_service(waits, Details()))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
    assert instruments.registry.get_sample_value("rpc_server_active_requests", {"rpc_method": "other"}) == 0


async def test_trace_of_the_caller_goes_on_in_the_log_and_towards_stores(lines: Lines) -> None:
    async def shows_trace(_request: Any, _context: Any) -> Any:
        return MESSAGE(values=[outgoing()["traceparent"]])

    async with serving({"ShowsTrace": shows_trace}) as server:
        result = await server.call("ShowsTrace", metadata=(("traceparent", TRACEPARENT), ("tracestate", "a=b")))
        await server.settled()
    (sent,) = MESSAGE.FromString(result.response).values
    line = lines("request_completed")[0]
    assert f"00-{TRACE_ID}-{line['span_id']}-01" == sent
    assert TRACE_ID == line["trace_id"]


@pytest.mark.parametrize("header", ["", "00-0-0-00", "nonsense", "ff" * 100])
async def test_malformed_trace_headers_begin_a_new_trace(header: str, lines: Lines) -> None:
    async with serving({"Echo": echo}) as server:
        assert "OK" == (await server.call("Echo", metadata=(("traceparent", header),))).code
        await server.settled()
    assert len(lines("request_completed")[0]["trace_id"]) == 32


async def test_one_span_a_request_with_method_and_code() -> None:
    async def bug(_request: Any, _context: Any) -> Any:
        raise ValueError

    spans = InMemorySpanExporter()
    async with serving({"Echo": echo, "Bug": bug}, spans=spans) as server:
        await server.call("Echo", metadata=(("traceparent", TRACEPARENT),))
        await server.call("Bug")
        await server.call("Echo", b"\xff")
        await server.call("/no.such.Service/Method")
        await server.settled()
    assert [
        (f"/{SERVICE}/Echo", "OK", StatusCode.UNSET),
        (f"/{SERVICE}/Bug", "INTERNAL", StatusCode.ERROR),
        (f"/{SERVICE}/Echo", "INVALID_ARGUMENT", StatusCode.UNSET),
        ("other", "UNIMPLEMENTED", StatusCode.ERROR),
    ] == [
        (span.name, (span.attributes or {})["rpc.response.status_code"], span.status.status_code)
        for span in spans.get_finished_spans()
    ]
    first = spans.get_finished_spans()[0]
    assert int(TRACE_ID, 16) == first.context.trace_id
    assert first.parent is not None
    assert "b7ad6b7169203331" == format(first.parent.span_id, "016x")


async def test_watchers_are_counted_when_they_leave() -> None:
    async with serving() as server:
        watch = server.health.Watch(health_pb2.HealthCheckRequest())
        await watch.read()
        assert server.active() == 1
        watch.cancel()
        await server.settled()
        assert {("/grpc.health.v1.Health/Watch", "CANCELLED"): 1} == server.counted()
