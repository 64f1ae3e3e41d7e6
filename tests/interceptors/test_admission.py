"""Too many calls, or too long a queue: the rest are refused at once, and health answers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from itertools import islice
from types import SimpleNamespace
from typing import Any, Final

from grpc import aio
from grpc_health.v1 import health_pb2

from ecp_server.interceptors.admission import ALWAYS_QUEUED, Admission, AdmissionInterceptor, AdmissionLimits
from ecp_server.interceptors.refusal import RefusalLines, Refusals
from ecp_server.interceptors.request_id import CallsInFlight
from ecp_server.telemetry.metrics import Instruments
from ecp_server.telemetry.tracing import Propagated
from tests.serving import NOT_SERVING, REQUEST, SERVICE, SERVING, Serving, outcome, serving

ALONE: Final = (("grpc.use_local_subchannel_pool", 1),)
"""Else equal channels share one connection, which takes a hundred calls at a time."""


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


async def connected_anew(stack: AsyncExitStack, server: Serving) -> list[Any]:
    """Return channels with a connection each."""
    return [await stack.enter_async_context(aio.insecure_channel(str(server.address), options=ALONE)) for _ in range(4)]


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


async def test_of_a_crowd_as_many_are_served_as_may_be_and_none_is_lost() -> None:
    waiting = Waiting()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving({"Wait": waiting}, max_calls="70"))
        channels = await connected_anew(stack, server)
        crowd = [
            asyncio.create_task(outcome(channels[i % 4].unary_unary(f"/{SERVICE}/Wait")(REQUEST.SerializeToString())))
            for i in range(300)
        ]
        refused = [await next_ for next_ in islice(asyncio.as_completed(crowd), 230)]
        assert {"RESOURCE_EXHAUSTED"} == {ended.code for ended in refused}
        assert all("RetryInfo" in ended.details for ended in refused)
        assert SERVING == await server.status()
        await waiting.reached(70)
        waiting.let_go.set()
        codes = Counter([(await call).code for call in crowd])
        assert {"OK": 70, "RESOURCE_EXHAUSTED": 230} == codes
        assert 70 == waiting.count
        counted = (await server.settled()).counted()
        assert codes == {code: count for (method, code), count in counted.items() if method == "Wait"}


async def test_a_queue_that_takes_too_long_grows_no_longer() -> None:
    """Each call computes for 5 ms: of two hundred some sixty-four may wait."""
    at_once: list[int] = []
    computing = 0

    async def compute(request: Any, _context: Any) -> Any:
        nonlocal computing
        computing += 1
        at_once.append(computing)
        time.sleep(0.005)  # noqa: ASYNC251 - it computes
        computing -= 1
        return request

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving({"Compute": compute}, max_queue_seconds="0.02"))
        channels = await connected_anew(stack, server)

        async def crowd() -> Counter[str]:
            calls = [
                outcome(channels[i % 4].unary_unary(f"/{SERVICE}/Compute")(REQUEST.SerializeToString()))
                for i in range(300)
            ]
            return Counter([ended.code for ended in await asyncio.gather(*calls)])

        await crowd()  # it learns how long they take
        codes = await crowd()
        assert {"OK", "RESOURCE_EXHAUSTED"} == codes.keys()
        assert codes["OK"] >= ALWAYS_QUEUED
        assert {1} == set(at_once)
        assert "OK" == (await server.call("Compute")).code


async def test_who_waits_for_a_turn_can_give_up() -> None:
    async def compute(request: Any, _context: Any) -> Any:
        time.sleep(0.005)  # noqa: ASYNC251 - it computes
        return request

    async with serving({"Compute": compute}) as server:
        calls = [server.begin("Compute", timeout=0.05 if i % 2 else None) for i in range(80)]
        codes = Counter([(await outcome(call)).code for call in calls])
        assert 40 <= codes["OK"]
        assert {"OK", "DEADLINE_EXCEEDED"} >= codes.keys()
        assert 0 == (await server.settled()).active()
        assert "OK" == (await server.call("Compute")).code


async def test_health_is_never_turned_away() -> None:
    admission = Admission(AdmissionLimits(calls=1, queue_seconds=0.25, begun=1))
    calls = CallsInFlight()
    refusals = Refusals(Instruments(), Propagated(), calls, RefusalLines())
    interceptor = AdmissionInterceptor(admission, refusals, calls)
    admission.enter()
    assert admission.is_too_much()

    async def continuation(_details: Any) -> Any:
        return None

    for method in ("/grpc.health.v1.Health/Check", "/ecp.v1.HealthService/GetHealth"):
        details: Any = SimpleNamespace(method=method, invocation_metadata=())
        for _ in range(3):
            assert await interceptor.intercept_service(continuation, details) is None


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


async def test_what_a_caller_of_an_unknown_method_names_is_no_label() -> None:
    waiting = Waiting()
    async with serving({"Wait": waiting, "Other": waiting}, max_calls="1") as server:
        held = server.begin("Wait")
        await waiting.reached(1)
        assert ["UNIMPLEMENTED"] * 3 == [(await server.call(f"Made{number}Up")).code for number in range(3)]
        assert "RESOURCE_EXHAUSTED" == (await server.call("Wait")).code
        waiting.let_go.set()
        # Of a method that nobody has called yet the first call is let in: then it is known to exist.
        assert "OK" == (await server.call("Other")).code
        assert "OK" == (await outcome(held)).code
        counted = (await server.settled()).counted()
    assert {
        ("other", "UNIMPLEMENTED"): 3,
        ("Wait", "RESOURCE_EXHAUSTED"): 1,
        ("Wait", "OK"): 1,
        ("Other", "OK"): 1,
    } == (counted)


async def test_while_it_drains_a_full_server_says_so() -> None:
    waiting = Waiting()
    async with serving({"Wait": waiting}, max_calls="1") as server:
        held = server.begin("Wait")
        await waiting.reached(1)
        assert "RESOURCE_EXHAUSTED" == (await server.call("Wait")).code
        drained = asyncio.ensure_future(server.drain())
        await server.becomes(NOT_SERVING)
        async with asyncio.timeout(10):
            while (refused := await server.call("Wait")).code == "RESOURCE_EXHAUSTED":  # noqa: ASYNC110 - as a caller sees it
                await asyncio.sleep(0.01)
        assert ("UNAVAILABLE", "the server is stopping") == (refused.code, refused.message)
        waiting.let_go.set()
        assert "OK" == (await outcome(held)).code
        await drained
