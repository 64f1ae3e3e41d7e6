"""Turns: one call begins after another, and what has come meanwhile is seen first."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from ecp_server.interceptors import turns as turns_module
from ecp_server.interceptors.turns import MOST_ROUNDS, QUIET_ROUNDS, Turns


class Begun:
    """Calls that wait for their turns; ``order`` are those that began."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.order: list[str] = []

    def call(self, name: str) -> asyncio.Task[None]:
        self.turns.came()
        return asyncio.create_task(self._begin(name))

    async def _begin(self, name: str) -> None:
        await self.turns.wait()
        self.order.append(name)


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


async def test_none_begins_while_others_come_until_that_takes_too_long() -> None:
    begun = Begun()
    call = begun.call("a")
    for _ in range(MOST_ROUNDS - 1):
        await rounds(1)
        begun.turns.came()
        assert [] == begun.order
    await rounds(3)
    assert ["a"] == begun.order
    await call


async def test_one_begins_when_no_more_come() -> None:
    begun = Begun()
    call = begun.call("a")
    for _ in range(MOST_ROUNDS // 2):
        await rounds(1)
        begun.turns.came()
    assert [] == begun.order
    await rounds(QUIET_ROUNDS + 2)
    assert ["a"] == begun.order
    await call


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
