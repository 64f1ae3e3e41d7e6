"""Request ids: whose they are, where they go; and the calls in flight."""

import asyncio
import json
import string
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.call import CALL, Call
from ecp_server.interceptors.request_id import CallsInFlight, chosen
from tests.logs import Lines
from tests.serving import MESSAGE, serving


async def echo(request: Any, _context: Any) -> Any:
    return request


async def whoami(_request: Any, _context: Any) -> Any:
    call = CALL.get()
    remaining = call.remaining()
    return MESSAGE(values=[call.request_id, "" if remaining is None else str(remaining)])


async def test_callers_id_is_used_and_comes_back_in_initial_and_trailing_metadata() -> None:
    async with serving({"WhoAmI": whoami}) as server:
        outcome = await server.call("WhoAmI", metadata=(("x-request-id", "caller-1.2_3"),))
        assert ["caller-1.2_3", ""] == list(MESSAGE.FromString(outcome.response).values)
        assert (("x-request-id", "caller-1.2_3"),) == outcome.initial
        assert (("x-request-id", "caller-1.2_3"),) == outcome.trailing


async def test_own_id_is_made_where_the_caller_sends_none() -> None:
    async with serving({"Echo": echo}) as server:
        first, second = await server.call("Echo"), await server.call("Echo")
        assert set(first.request_id) <= set(string.hexdigits)
        assert len(first.request_id) == 32
        assert first.request_id != second.request_id
        assert first.initial == first.trailing


@pytest.mark.parametrize(
    "sent",
    [
        [("x-request-id", "")],
        [("x-request-id", "a" * 65)],
        [("x-request-id", "two words")],
        [("x-request-id", 'quote"')],
        [("x-request-id", "<script>")],
        [("x-request-id", "%0a")],
        [("x-request-id", "one"), ("x-request-id", "two")],
        [("x-request-id", "same"), ("x-request-id", "same")],
        [("x-request-id-bin", b"\n\x00{}")],
        [("x-request-id", "a" * 6000)],
    ],
    ids=lambda sent: str(sent)[:40],
)
async def test_hostile_or_doubled_id_is_replaced_and_the_call_goes_on(
    sent: list[tuple[str, Any]], lines: Lines
) -> None:
    async with serving({"Echo": echo}) as server:
        outcome = await server.call("Echo", metadata=tuple(sent))
        await server.settled()
    assert outcome.code == "OK"
    assert len(outcome.request_id) == 32
    (line,) = lines("request_completed")
    assert outcome.request_id == line["request_id"]


@given(st.lists(st.tuples(st.sampled_from(["x-request-id", "x-request-id-bin", "other"]), st.text() | st.binary())))
def test_an_accepted_id_never_carries_anything_but_letters_digits_dots_underscores_and_hyphens(
    metadata: list[tuple[str, str | bytes]],
) -> None:
    taken = chosen(metadata)
    assert 1 <= len(taken) <= 64
    assert set(taken) <= set(string.ascii_letters + string.digits + "._-")


async def test_every_line_of_a_request_carries_its_id(lines: Lines) -> None:
    async def chatty(request: Any, _context: Any) -> Any:
        structlog.contextvars.bind_contextvars(resolution_id="r-1")
        structlog.get_logger().info("step_completed")
        return request

    async with serving({"Chatty": chatty}) as server:
        ids = [f"call-{n}" for n in range(20)]
        await asyncio.gather(*(server.call("Chatty", metadata=(("x-request-id", id_),)) for id_ in ids))
        await server.settled()
        for id_ in ids:
            own = lines(request_id=id_)
            assert ["request_started", "step_completed", "request_completed"] == [line["event"] for line in own]
            assert [None, "r-1", "r-1"] == [line.get("resolution_id") for line in own]
            assert len({line["trace_id"] for line in own}) == 1


async def test_deadline_is_known_to_the_handler() -> None:
    async with serving({"WhoAmI": whoami}) as server:
        outcome = await server.call("WhoAmI", timeout=30)
        # gRPC sends deadlines of more than ten seconds rounded up to tenths of a second.
        assert 25 < float(MESSAGE.FromString(outcome.response).values[1]) <= 30.1


async def test_trailing_metadata_of_a_handler_does_not_lose_the_id() -> None:
    async def sets_trailers(request: Any, context: Any) -> Any:
        context.set_trailing_metadata((*context.trailing_metadata(), ("x-extra", "1")))
        return request

    async with serving({"SetsTrailers": sets_trailers}) as server:
        outcome = await server.call("SetsTrailers")
        assert {"x-request-id", "x-extra"} == {key for key, _ in outcome.trailing}


async def test_calls_in_flight_are_counted_until_their_task_is_done() -> None:
    calls = CallsInFlight()
    release = asyncio.Event()

    async def serve() -> None:
        calls.enter()
        await release.wait()

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    assert len(calls) == 1
    assert not await calls.drained(0.01)
    release.set()
    assert await calls.drained(5)
    assert len(calls) == 0
    await task


async def test_calls_that_are_cut_off_are_cancelled() -> None:
    calls = CallsInFlight()

    async def serve() -> None:
        calls.enter()
        await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    calls.cut_off()
    assert await calls.drained(5)
    assert task.cancelled()


async def test_refused_calls_are_not_waited_for() -> None:
    calls = CallsInFlight()
    calls.refuse()
    calls.enter()
    assert len(calls) == 0
    assert calls.are_refused


async def test_quiet_waits_for_the_last_call_to_be_a_while_ago_but_not_for_ever() -> None:
    calls = CallsInFlight()
    calls.refuse()
    await calls.quiet(0.2, at_most_seconds=10)  # none has come yet
    calls.enter()
    started = asyncio.get_running_loop().time()
    await calls.quiet(0.05, at_most_seconds=10)
    assert asyncio.get_running_loop().time() - started >= 0.05
    calls.enter()
    await calls.quiet(60, at_most_seconds=0.05)


def test_a_call_outside_a_task_is_not_counted() -> None:
    calls = CallsInFlight()
    loop = asyncio.new_event_loop()
    loop.call_soon(calls.enter)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert len(calls) == 0


def test_time_left_of_a_call_is_never_negative() -> None:
    assert Call("id", deadline=0.0).remaining() == 0


async def test_unknown_methods_have_an_id_in_the_log(lines: Lines) -> None:
    async with serving() as server:
        await server.call("/no.such.Service/Method", metadata=(("x-request-id", "lost"),))
        await server.settled()
    (line,) = lines("request_completed")
    assert "lost" == line["request_id"]
    assert json.dumps(line)


async def test_quiet_waits_longer_once_calls_were_refused() -> None:
    calls = CallsInFlight()
    calls.enter()
    calls.refuse()
    calls.enter()
    started = asyncio.get_running_loop().time()
    await calls.quiet(0.05, at_most_seconds=10)
    assert asyncio.get_running_loop().time() - started >= 0.2
