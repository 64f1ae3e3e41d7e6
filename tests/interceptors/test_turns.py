"""Turns: one call begins after another, and what has come meanwhile is seen first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace

import pytest

from ecp_server.interceptors import turns as turns_module
from ecp_server.interceptors.turns import (
    CROWD,
    MOST_TOGETHER,
    QUIET_ROUNDS,
    QUIET_SHARE,
    TOGETHER_SECONDS,
    Turns,
)

MAX_BEGUN = 8


class Begun:
    """Calls that wait for their turns; ``order`` are those that began."""

    def __init__(self, max_begun: int = MAX_BEGUN) -> None:
        self.turns = Turns(max_begun)
        self.order: list[str] = []
        self.compute: Callable[[], None] = lambda: None

    def call(self, name: str) -> asyncio.Task[None]:
        self.turns.came()
        return asyncio.create_task(self._begin(name))

    async def _begin(self, name: str) -> None:
        await self.turns.wait()
        self.order.append(name)
        self.compute()


def pass_(now: list[float], seconds: float) -> None:
    now[0] += seconds


async def rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_calls_begin_in_order_and_apart() -> None:
    begun = Begun()
    calls = [begun.call(name) for name in "abc"]
    seen: list[int] = []
    while len(begun.order) < 3:
        await rounds(1)
        seen.append(len(begun.order))
    assert ["a", "b", "c"] == begun.order
    assert [QUIET_ROUNDS] * 2 == [seen.count(1), seen.count(2)]
    await asyncio.gather(*calls)
    assert 0 == len(begun.turns)


async def test_while_others_come_none_begins_until_they_have_had_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(turns_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    begun = Begun()
    begun.compute = partial(pass_, now, 0.01)
    calls = [begun.call(name) for name in "ab"]
    while not begun.order:
        await rounds(1)
    waited = 0
    while len(begun.order) < 2:
        begun.turns.came()
        now[0] += 0.001
        await rounds(1)
        waited += 1
    assert 29 <= waited <= 33  # three times ten milliseconds, one a round
    await asyncio.gather(*calls)


async def test_one_begins_when_no_more_come(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(turns_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    begun = Begun()
    begun.compute = partial(pass_, now, 3600)
    calls = [begun.call(name) for name in "ab"]
    while not begun.order:
        await rounds(1)
    for _ in range(100):
        begun.turns.came()
        await rounds(1)
    assert ["a"] == begun.order
    await rounds(QUIET_ROUNDS + 2)
    assert ["a", "b"] == begun.order
    await asyncio.gather(*calls)


class Crowd:
    """A crowd that waits, each of whom computes for the same time; a round takes nothing but in ``begins``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float, size: int) -> None:
        self.now = [1.0]
        monkeypatch.setattr(turns_module, "time", SimpleNamespace(monotonic=lambda: self.now[0]))
        self.begun = Begun(max_begun=1000)
        self.begun.compute = partial(pass_, self.now, seconds)
        self.calls = [self.begun.call(str(number)) for number in range(size)]

    async def begins(self, *, come: bool = False) -> int:
        """Return how many begin next, a round taking a tenth of a millisecond."""
        before = len(self.begun.order)
        while len(self.begun.order) == before:
            if come:
                self.begun.turns.came()
            self.now[0] += 0.0001
            await rounds(1)
        return len(self.begun.order) - before

    async def end(self) -> None:
        for call in self.calls:
            call.cancel()
        await asyncio.wait(self.calls)


@pytest.mark.parametrize("come", [False, True])
async def test_of_a_crowd_as_many_begin_together_as_compute_quickly(
    monkeypatch: pytest.MonkeyPatch, *, come: bool
) -> None:
    crowd = Crowd(monkeypatch, TOGETHER_SECONDS / 4.5, size=CROWD + 12)
    assert 1 == await crowd.begins(come=come)  # nobody knows yet what one takes
    assert [4, 4, 4] == [await crowd.begins(come=come) for _ in range(3)]
    assert CROWD == len(crowd.begun.turns) + 1
    assert [1, 1] == [await crowd.begins(come=come) for _ in range(2)]  # a crowd no more
    await crowd.end()


async def test_however_quick_they_are_so_many_begin_together_and_however_slow_one_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    quick = Crowd(monkeypatch, 1e-6, size=200)
    assert [1, MOST_TOGETHER] == [await quick.begins() for _ in range(2)]
    await quick.end()
    slow = Crowd(monkeypatch, 5.0, size=200)
    assert [1, 1, 1] == [await slow.begins() for _ in range(3)]
    await slow.end()


async def test_no_more_begin_together_than_may_have_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(monkeypatch, 1e-6, size=200)
    assert 1 == await crowd.begins()
    with ExitStack() as stores_are_slow:
        for _ in range(1000 - 3):
            stores_are_slow.enter_context(crowd.begun.turns.begun())
        assert 3 == await crowd.begins()
    await crowd.end()


async def test_before_a_crowd_goes_on_nobody_else_has_come_for_a_while_not_for_rounds_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(monkeypatch, 0.0018, size=200)
    assert [1, 6] == [await crowd.begins() for _ in range(2)]
    began = len(crowd.begun.order)
    for _ in range(5):
        await rounds(10 * QUIET_ROUNDS)  # in no time, as those of a loop that has nothing else to do
        crowd.begun.turns.came()
        crowd.now[0] += 0.9 * QUIET_SHARE * 6 * 0.0018
    await rounds(10 * QUIET_ROUNDS)
    assert began == len(crowd.begun.order)
    crowd.now[0] += 0.2 * QUIET_SHARE * 6 * 0.0018
    await rounds(10)
    assert began + 6 == len(crowd.begun.order)
    await crowd.end()


async def test_the_wait_in_a_crowd_is_told_by_each_of_those_that_begin_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd = Crowd(monkeypatch, TOGETHER_SECONDS / 4.5, size=1000)
    began_at = crowd.now[0]
    for _ in range(200):
        await crowd.begins()
    turns = crowd.begun.turns
    each = (crowd.now[0] - began_at) / len(crowd.begun.order)
    assert turns.wait_seconds == pytest.approx(len(turns) * each, rel=0.05)
    await crowd.end()


async def test_the_loop_gives_way_once_after_each_call_that_began_or_came() -> None:
    ways: list[int] = []
    turns = Turns(MAX_BEGUN, lambda: ways.append(len(turns)))
    first, second = asyncio.create_task(turns.wait()), asyncio.create_task(turns.wait())
    await asyncio.wait((first,))
    assert [2, 1] == ways  # those that wait: at first, and when one had begun
    turns.came()
    await rounds(3)
    assert [2, 1, 1] == ways
    await asyncio.wait((second,))
    await rounds(3)
    assert [2, 1, 1] == ways  # nobody waits


async def test_a_call_that_is_given_up_is_passed_over() -> None:
    begun = Begun()
    first, second = begun.call("a"), begun.call("b")
    await rounds(1)
    first.cancel()
    await asyncio.wait((first, second))
    assert ["b"] == begun.order
    assert 0 == len(begun.turns)


async def test_the_wait_is_told_by_how_fast_calls_have_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(turns_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    begun = Begun()
    calls = [begun.call(str(number)) for number in range(300)]
    while len(begun.order) < 200:
        before = len(begun.order)
        await rounds(1)
        now[0] += 0.01 * (len(begun.order) - before)
    assert begun.turns.wait_seconds == pytest.approx(len(begun.turns) * 0.01, rel=0.01)
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)


async def test_a_pause_between_crowds_is_no_slowness(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(turns_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    begun = Begun()
    for _ in range(5):
        await asyncio.gather(begun.call("a"), begun.call("b"))
        now[0] += 3600
    waiting = begun.call("c")
    await rounds(1)
    assert 0.0 == begun.turns.wait_seconds
    await waiting


async def test_a_pause_is_no_call_that_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(turns_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    begun = Begun()
    await begun.call("a")
    now[0] += 3600
    call = begun.call("b")
    for _ in range(QUIET_ROUNDS + 3):
        await rounds(1)
        begun.turns.came()
    assert ["a", "b"] == begun.order
    await call


async def test_none_begins_while_too_many_have_begun_and_not_ended() -> None:
    begun = Begun()
    with ExitStack() as stores_are_slow:
        for _ in range(MAX_BEGUN):
            stores_are_slow.enter_context(begun.turns.begun())
        calls = [begun.call(name) for name in "ab"]
        await rounds(10 * QUIET_ROUNDS)
        assert [] == begun.order
        with begun.turns.begun():
            await rounds(10 * QUIET_ROUNDS)
        assert [] == begun.order  # one too many ended, and as many as may be are left
    await asyncio.gather(*calls)
    assert ["a", "b"] == begun.order


async def test_nothing_is_looked_at_while_none_may_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, looks = Begun(), 0
    look = Turns._look

    def counted(turns: Turns, loop: asyncio.AbstractEventLoop) -> None:
        nonlocal looks
        looks += 1
        look(turns, loop)

    monkeypatch.setattr(Turns, "_look", counted)
    with ExitStack() as stores_are_slow:
        for _ in range(MAX_BEGUN):
            stores_are_slow.enter_context(begun.turns.begun())
        call = begun.call("a")
        await rounds(100)
        assert 0 == looks  # the thread that is waited for needs the core
    await call
    assert 0 < looks
