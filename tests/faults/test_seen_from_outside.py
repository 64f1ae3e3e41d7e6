"""What an operator sees of calls that end badly: the code that the caller saw, under the id that the caller has."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from grpc import aio

from ecp.v1 import resolve_pb2
from tests.faults.callers import calling, turn_held
from tests.processes import ServerProcess, serving
from tests.rpc.test_bad_input import MALFORMED
from tests.serving import Outcome, outcome

RESOLVE = "/ecp.v1.ResolveService/Resolve"
EXECUTE = "/ecp.v1.ResolveService/Execute"
QUESTION = resolve_pb2.ResolveRequest(concept="revenue of Snowflake in fiscal 2024").SerializeToString()
DURATIONS = "rpc_server_call_duration_seconds_count"
OF_THE_SERVER = {
    "server_started",
    "server_draining",
    "server_stopped",
    "service_degraded",
    "service_recovered",
    "semantic_data_unreadable",
}
"""Events that belong to no request."""


class Caller:
    """Calls by raw method and bytes, each under an id of its own, and keeps what it saw."""

    def __init__(self, channel: aio.Channel) -> None:
        self._channel: Any = channel
        self.seen: dict[str, tuple[str, Outcome]] = {}
        """Method and outcome by request id."""

    def begin(self, method: str, request: bytes = QUESTION, **options: Any) -> tuple[str, Any]:
        """Start a call; return its id and itself."""
        request_id = f"seen-{len(self.seen)}"
        self.seen[request_id] = (method, Outcome("UNKNOWN"))
        metadata = (("x-request-id", request_id),)
        return request_id, self._channel.unary_unary(method)(request, metadata=metadata, **options)

    async def call(self, method: str, request: bytes = QUESTION, **options: Any) -> Outcome:
        """Make a call and wait for its end."""
        return await self.ended(*self.begin(method, request, **options))

    async def ended(self, request_id: str, call: Any) -> Outcome:
        """Wait for the end of a call."""
        ended = await outcome(call)
        self.seen[request_id] = (self.seen[request_id][0], ended)
        return ended


async def every_end(server: ServerProcess, folder: Path) -> Caller:
    """Bring about every way in which a call can end."""
    async with aio.insecure_channel(server.address) as channel:
        caller = Caller(channel)
        for _ in range(3):
            await caller.call(RESOLVE)
        await caller.call(RESOLVE, resolve_pb2.ResolveRequest(concept="flux capacitance").SerializeToString())
        await caller.call(RESOLVE, MALFORMED["truncated"])
        await caller.call(RESOLVE, b"\x0a\x80\x80\x80\x02" + b"x" * (4 << 20))
        await caller.call(EXECUTE)
        await caller.call("/ecp.v1.ResolveService/NoSuchMethod")
        await caller.call("/no.such.Service/Method")
        with turn_held(folder):
            late = [caller.begin(RESOLVE, timeout=0.5) for _ in range(4)]
            left = [caller.begin(RESOLVE) for _ in range(5)]
            await asyncio.gather(*(caller.ended(*call) for call in late))
            for _, call in left:
                call.cancel()
            await asyncio.gather(*(caller.ended(*call) for call in left))
    return caller


async def counts(server: ServerProcess) -> Counter[tuple[str, str]]:
    """Return how many requests are over, by method and code, once none is under way."""
    async with asyncio.timeout(30):
        while any(value for _, value in await server.measured("rpc_server_active_requests")):  # noqa: ASYNC110 - a scrape
            await asyncio.sleep(0.05)
    return Counter(
        {(s["rpc_method"], s["rpc_response_status_code"]): int(n) for s, n in await server.measured(DURATIONS)}
    )


KNOWN = {RESOLVE, EXECUTE}


async def test_every_call_is_counted_and_logged_as_its_caller_saw_it(catalog: Path, tmp_path: Path) -> None:
    async with serving(catalog, tmp_path, log_level="DEBUG") as server:
        caller = await every_end(server, tmp_path)
        counted = await counts(server)
        assert await server.stopped() == 0
        lines = [json.loads(line) for line in server.log_lines]
    codes = [outcome.code for _, outcome in caller.seen.values()]
    assert {"OK": 3, "NOT_FOUND": 2, "INVALID_ARGUMENT": 1, "RESOURCE_EXHAUSTED": 1, "UNIMPLEMENTED": 2} | {
        "DEADLINE_EXCEEDED": 4,
        "CANCELLED": 5,
    } == Counter(codes)
    assert counted == Counter(
        (method if method in KNOWN else "other", outcome.code) for method, outcome in caller.seen.values()
    )
    completed = {line["request_id"]: line["code"] for line in lines if line["event"] == "request_completed"}
    assert completed == {request_id: outcome.code for request_id, (_, outcome) in caller.seen.items()}


async def test_every_line_of_a_request_is_json_and_carries_its_id(catalog: Path, tmp_path: Path) -> None:
    async with serving(catalog, tmp_path, log_level="DEBUG", store_timeout_seconds="0.5") as server:
        async with calling(server.address) as callers:
            asked = [callers.begin(f"revenue of Snowflake in fiscal {year}") for year in range(2015, 2025)]
            asked += [callers.begin("flux capacitance\nrequest_completed") for _ in range(10)]
            await asyncio.gather(*asked)
            with turn_held(tmp_path):  # stores fail too
                await asyncio.gather(*(callers.begin("revenue of Snowflake in fiscal 2024") for _ in range(10)))
        assert await server.stopped() == 0
        lines = [json.loads(line) for line in server.log_lines]
    once = ("request_started", "resolution_started", "resolution_complete", "request_completed")
    told = dict.fromkeys(once, 1) | {"step_completed": 7}
    for request_id, ended in callers.outcomes.items():
        events = Counter(line["event"] for line in lines if line.get("request_id") == request_id)
        if ended.code == "OK":
            assert told == events
        else:
            assert {"request_started": 1, "request_completed": 1}.items() <= events.items()
    assert {"OK": 10, "NOT_FOUND": 10, "UNAVAILABLE": 10} == Counter(o.code for o in callers.outcomes.values())
    failures = [line["request_id"] for line in lines if line["event"] == "store_call_failed" and "request_id" in line]
    assert {i for i, o in callers.outcomes.items() if o.code == "UNAVAILABLE"} <= set(failures)
    ids = set(callers.outcomes)
    strays = [line for line in lines if line.get("request_id") not in ids and line["event"] not in OF_THE_SERVER]
    assert [] == [line for line in strays if line.get("operation") != "probe"]


@pytest.mark.parametrize("asked_for", ["false", "true"])
async def test_question_is_logged_only_when_asked_for(catalog: Path, tmp_path: Path, asked_for: str) -> None:
    async with serving(catalog, tmp_path, log_level="DEBUG", log_questions=asked_for) as server:
        async with calling(server.address) as callers:
            await callers.begin("zanzibarian revenue of Snowflake")
        assert await server.stopped() == 0
        assert (asked_for == "true") == ("zanzibarian" in server.log.read_text(encoding="utf-8"))
