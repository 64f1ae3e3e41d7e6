"""What refused calls leave behind: counts of all, lines and spans of some, and nothing else."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.logs import Lines
from tests.serving import Serving, held_calls, outcome, serving

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = (("traceparent", f"00-{TRACE_ID}-00f067aa0ba902b7-01"),)


@asynccontextmanager
async def full(spans: InMemorySpanExporter | None = None) -> AsyncIterator[Serving]:
    """Serve with room for one call, which another call has."""
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def wait(request: Any, _context: Any) -> Any:
        begun.set()
        await let_go.wait()
        return request

    async with serving({"Wait": wait}, max_calls="1", spans=spans) as server:
        held = server.begin("Wait")
        await begun.wait()
        yield server
        let_go.set()
        assert "OK" == (await outcome(held)).code


async def test_a_refusal_has_the_callers_request_id_in_its_status_and_its_line(lines: Lines) -> None:
    async with full() as server:
        refused = await server.call("Wait", metadata=(("x-request-id", "mine-1"), *TRACED))
        assert "mine-1" == refused.request_id == refused.details["RequestInfo"].request_id
        others = [await server.call("Wait") for _ in range(3)]
        assert 3 == len({other.request_id for other in others})
    (line,) = [line for line in lines("request_completed") if line["request_id"] == "mine-1"]
    assert ("RESOURCE_EXHAUSTED", "OVERLOADED", TRACE_ID) == (line["code"], line["reason"], line["trace_id"])
    assert line["method"].endswith("/Wait")
    assert 0 < line["duration_ms"] < 1000


async def test_of_refusals_those_that_have_a_line_or_a_trace_of_the_callers_have_a_span() -> None:
    spans = InMemorySpanExporter()
    async with full(spans) as server:
        for _ in range(50):
            await server.call("Wait")
        for _ in range(20):
            await server.call("Wait", metadata=TRACED)
        await asyncio.sleep(0.05)
    refused: list[Any] = [
        span
        for span in spans.get_finished_spans()
        if (span.attributes or {})["rpc.response.status_code"] == "RESOURCE_EXHAUSTED"
    ]
    traced = [span for span in refused if span.context.trace_id == int(TRACE_ID, 16)]
    assert 20 == len(traced)
    assert {f"{0x00F067AA0BA902B7:016x}"} == {f"{span.parent.span_id:016x}" for span in traced}
    assert 10 <= len(refused) - len(traced) < 50


async def test_a_refusal_leaves_nothing_for_the_collector() -> None:
    """Until that is collected gRPC's core counts the call's stream, and refuses new ones on the connection for it."""
    async with full() as server:
        await server.call("Wait")
        gc.collect()
        gc.disable()
        try:
            before = held_calls()
            for _ in range(30):
                assert "RESOURCE_EXHAUSTED" == (await server.call("Wait")).code
            await asyncio.sleep(0.05)
            assert held_calls() <= before
        finally:
            gc.enable()


@pytest.mark.parametrize("patience", [0.0002, 0.001, 0.002])
async def test_who_gives_up_while_being_refused_is_counted_once_and_nothing_is_logged_as_a_bug(
    patience: float, lines: Lines
) -> None:
    async with full() as server:
        calls = [server.begin("Wait", timeout=patience) for _ in range(50)]
        for call in calls[::2]:
            call.cancel()
        codes = {(await outcome(call)).code for call in calls}
        assert codes <= {"RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "CANCELLED"}
        async with asyncio.timeout(10):
            while server.active() > 1:  # noqa: ASYNC110 - as a scrape sees it
                await asyncio.sleep(0.01)
        assert sum(server.counted().values()) <= 50
    assert "error" not in {line["level"] for line in lines()}
