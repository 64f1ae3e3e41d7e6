"""No more calls at a time than a store can take, and nobody waits for one that does not end."""

from __future__ import annotations

import asyncio
import time

import pytest

from ecp_server.domain.errors import StoreBusy, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard import bulkhead as bulkheads
from ecp_server.stores.guard.bulkhead import Bulkhead, TimeIsOver
from tests.stores.guard.acting import answer, hang, raising


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


class Stubborn:
    """Calls that do not heed a cancellation, until they are let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.ended = 0

    async def __call__(self) -> object:
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                continue
        self.ended += 1
        return "late"


@pytest.fixture
def bulkhead() -> Bulkhead:
    return Bulkhead(StoreKind.STATE, 3)


async def test_an_answer_and_an_error_pass(bulkhead: Bulkhead) -> None:
    assert "answer" == await bulkhead.run(answer, soon())
    error = ValueError("wrong")
    with pytest.raises(ValueError, match="wrong") as raised:
        await bulkhead.run(raising(error), soon())
    assert error is raised.value


async def test_a_call_that_heeds_nothing_is_left_behind(bulkhead: Bulkhead) -> None:
    stubborn = Stubborn()
    started = time.monotonic()
    with pytest.raises(TimeIsOver):
        await bulkhead.run(stubborn, soon(0.05))
    assert time.monotonic() - started < 1
    assert 1 == bulkhead.left_behind
    stubborn.let_go.set()
    await bulkhead.close(5)
    assert (0, 1) == (bulkhead.left_behind, stubborn.ended)


async def test_what_is_left_behind_keeps_its_place(bulkhead: Bulkhead) -> None:
    stubborn = Stubborn()
    for _ in range(3):
        with pytest.raises(TimeIsOver):
            await bulkhead.run(stubborn, soon(0.01))
    for _ in range(3):
        with pytest.raises(StoreBusy):
            await bulkhead.run(answer, soon())
    assert 3 == bulkhead.left_behind
    stubborn.let_go.set()
    await bulkhead.close(5)
    assert "answer" == await bulkhead.run(answer, soon())


async def test_a_call_waits_for_a_place_but_not_for_long(bulkhead: Bulkhead) -> None:
    let_go = asyncio.Event()
    busy = [asyncio.create_task(bulkhead.run(let_go.wait, soon())) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(StoreBusy):
        await bulkhead.run(answer, soon())
    waiting = asyncio.create_task(bulkhead.run(answer, soon()))
    await asyncio.sleep(0.001)
    let_go.set()
    assert "answer" == await waiting
    await asyncio.gather(*busy)


async def test_a_caller_who_goes_away_while_it_waits_takes_no_place(bulkhead: Bulkhead) -> None:
    """Also where the place becomes free at the same moment."""
    for turns in [0, 1, 2, 3, 4, 5] * 20:
        let_go = asyncio.Event()
        busy = [asyncio.create_task(bulkhead.run(let_go.wait, soon())) for _ in range(3)]
        await asyncio.sleep(0)
        waiting = asyncio.create_task(bulkhead.run(answer, soon()))
        await asyncio.sleep(0)
        let_go.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait((waiting, *busy))
        await asyncio.sleep(0)
        assert 3 == bulkhead._free


async def test_a_caller_who_goes_away_cancels_the_call(bulkhead: Bulkhead) -> None:
    ended: list[str] = []

    async def act() -> object:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return None

    asking = asyncio.create_task(bulkhead.run(act, soon()))
    await asyncio.sleep(0.001)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await bulkhead.close(5)
    await asyncio.sleep(0)
    assert (["cancelled"], 3) == (ended, bulkhead._free)


async def test_a_cancellation_of_the_drivers_own_making_is_an_error(bulkhead: Bulkhead) -> None:
    """It would leave the caller of the RPC without a status."""
    with pytest.raises(StoreUnavailable):
        await bulkhead.run(raising(asyncio.CancelledError()), soon())


async def test_an_error_of_what_was_left_behind_is_no_noise(
    bulkhead: Bulkhead, caplog: pytest.LogCaptureFixture
) -> None:
    async def act() -> object:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            raise ValueError("postgresql://ecp:hunter2@db") from None
        return None

    with pytest.raises(TimeIsOver):
        await bulkhead.run(act, soon(0.01))
    await bulkhead.close(5)
    await asyncio.sleep(0)
    assert "" == caplog.text


async def test_a_blocked_loop_is_not_held_against_the_store(
    bulkhead: Bulkhead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulkheads, "_CATCH_UP_SECONDS", 0.5)  # on a busy machine rounds of the loop take their time
    begun = asyncio.Event()

    async def act() -> object:
        begun.set()
        await asyncio.sleep(0.01)  # the answer is there while the loop is blocked
        for _ in range(5):
            await asyncio.sleep(0)
        return "answer"

    asking = asyncio.create_task(bulkhead.run(act, soon(0.05)))
    await begun.wait()
    time.sleep(0.3)  # noqa: ASYNC251 - that is the point
    assert "answer" == await asking
    hanging = asyncio.create_task(bulkhead.run(hang, soon(0.05)))
    await asyncio.sleep(0)
    time.sleep(0.3)  # noqa: ASYNC251 - as above
    with pytest.raises(TimeIsOver) as over:
        await hanging
    assert over.value.loop_lagged
