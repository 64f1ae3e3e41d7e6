"""Too many calls, or a loop that is late: the rest are refused at once, and health answers."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from grpc_health.v1 import health_pb2

from ecp_server.domain.errors import Overloaded
from ecp_server.interceptors.admission import AdmissionInterceptor, AdmissionLimits
from tests.serving import SERVING, Serving, outcome, serving


class Waiting:
    """A behaviour that waits, and counts how many calls do."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.count = 0

    async def __call__(self, request: Any, _context: Any) -> Any:
        self.count += 1
        await self.let_go.wait()
        return request

    async def reached(self, count: int) -> None:
        async with asyncio.timeout(30):
            while self.count < count:  # noqa: ASYNC110 - counted by the calls
                await asyncio.sleep(0.005)


async def connected(server: Serving, calls: int) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(server.call("Wait")) for _ in range(calls)]


async def test_calls_past_the_most_are_refused_and_health_answers() -> None:
    waiting = Waiting()
    async with serving({"Wait": waiting}, max_calls="70") as server:
        calls = await connected(server, 70)
        await waiting.reached(70)
        refused = await server.call("Wait")
        assert ("RESOURCE_EXHAUSTED", "the server is overloaded") == (refused.code, refused.message)
        assert "ERROR_REASON_OVERLOADED" == refused.details["ErrorInfo"].reason
        assert 0.5 <= refused.details["RetryInfo"].retry_delay.ToTimedelta().total_seconds() <= 1.5
        assert refused.request_id == refused.details["RequestInfo"].request_id
        assert () == refused.initial  # so that gRPC may retry
        assert SERVING == await server.status()
        waiting.let_go.set()
        assert {"OK"} == {(await call).code for call in calls}
        assert "OK" == (await server.call("Wait")).code
        counted = (await server.settled()).counted()
        assert {("Wait", "OK"): 71, ("Wait", "RESOURCE_EXHAUSTED"): 1} == {
            key: count for key, count in counted.items() if key[0] == "Wait"
        }


async def test_a_call_that_was_given_up_makes_room() -> None:
    waiting = Waiting()
    async with serving({"Wait": waiting}, max_calls="70") as server:
        calls = [server.begin("Wait") for _ in range(70)]
        await waiting.reached(70)
        for call in calls[:10]:
            call.cancel()
        await asyncio.gather(*(outcome(call) for call in calls[:10]))
        more: list[asyncio.Task[Any]] = []
        async with asyncio.timeout(30):
            while len(more) < 10:
                call = asyncio.create_task(server.call("Wait"))
                await asyncio.wait((call,), timeout=0.2)
                if not call.done():
                    more.append(call)
        waiting.let_go.set()
        assert {"OK"} == {ended.code for ended in await asyncio.gather(*more, *(outcome(c) for c in calls[10:]))}


class Admitting:
    """The interceptor alone, with a lag that a test chooses; calls last until they are let go."""

    def __init__(self) -> None:
        self.lag = 0.0
        self.let_go = asyncio.Event()
        self.calls: list[asyncio.Task[None]] = []
        self._interceptor = AdmissionInterceptor(AdmissionLimits(1000, 0.025), lambda: self.lag)

    async def admits(self, method: str = "/test.v1.TestService/Wait") -> bool:
        """Make a call; return whether it was let in."""
        details: Any = SimpleNamespace(method=method, invocation_metadata=())
        call = asyncio.create_task(self._serve(details))
        await asyncio.sleep(0)
        if not call.done():
            self.calls.append(call)
            return True
        with pytest.raises(Overloaded):
            call.result()
        return False

    async def _serve(self, details: Any) -> None:
        async def continuation(_details: Any) -> Any:
            return None

        await self._interceptor.intercept_service(continuation, details)
        await self.let_go.wait()


async def test_a_late_loop_takes_no_more_calls_than_keep_it_busy() -> None:
    admitting = Admitting()
    admitting.lag = 1.0
    assert [True] * 64 + [False] * 6 == [await admitting.admits() for _ in range(70)]
    assert await admitting.admits("/grpc.health.v1.Health/Check")
    assert await admitting.admits("/ecp.v1.HealthService/GetHealth")
    admitting.lag = 0.02
    assert [True] * 200 == [await admitting.admits() for _ in range(200)]
    admitting.let_go.set()
    await asyncio.gather(*admitting.calls)
    admitting.lag = 1.0
    admitting.let_go.clear()
    assert await admitting.admits()
    admitting.let_go.set()
    await asyncio.gather(*admitting.calls)


async def test_idle_watches_of_health_take_no_room() -> None:
    async def answer(request: Any, _context: Any) -> Any:
        return request

    async with serving({"Answer": answer}, max_calls="1") as server:
        watches = [server.health.Watch(health_pb2.HealthCheckRequest(service="")) for _ in range(80)]
        assert {SERVING} == {(await watch.read()).status for watch in watches}
        assert "OK" == (await server.call("Answer")).code
        for watch in watches:
            watch.cancel()


async def test_a_refusal_takes_no_time() -> None:
    waiting = Waiting()
    async with serving({"Wait": waiting}, max_calls="64") as server:
        calls = await connected(server, 64)
        await waiting.reached(64)
        started = time.monotonic()
        refused = await asyncio.gather(*(server.call("Wait") for _ in range(30)))
        assert {"RESOURCE_EXHAUSTED"} == {ended.code for ended in refused}
        assert time.monotonic() - started < 5
        assert 64 == waiting.count
        waiting.let_go.set()
        await asyncio.gather(*calls)
