"""A call to a store ends with the store's budget or the caller's time, and leaves time for a stand-in."""

from __future__ import annotations

import asyncio

import pytest

from ecp_server.domain.errors import DeadlineExceeded, StoreTimeout
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard.deadline import Budget, bounded
from tests.stores.guard.acting import SECRET, Act, Store, answer, hang, raising, time_left


def _bounded(act: Act, *, seconds: float = 5.0) -> Store:
    return bounded(Store(act), Budget(StoreKind.STATE, seconds))


async def test_an_answer_in_time_passes() -> None:
    with time_left(60):
        assert "answer" == await _bounded(answer).ask()


async def test_an_answer_that_waits_passes_with_what_it_waited_for() -> None:
    async def act() -> object:
        found = []
        for number in range(3):
            await asyncio.sleep(0.001)
            found.append(await asyncio.to_thread(lambda n=number: n))  # type: ignore[misc]
        try:
            await asyncio.to_thread(lambda: 1 // 0)
        except ZeroDivisionError:
            found.append(3)
        return found

    assert [0, 1, 2, 3] == await _bounded(act).ask()


async def test_an_error_passes_whether_or_not_something_was_waited_for() -> None:
    async def act() -> object:
        await asyncio.sleep(0)
        raise ValueError("wrong")

    for failing in (act, raising(ValueError("wrong"))):
        with pytest.raises(ValueError, match="wrong"):
            await _bounded(failing).ask()


async def test_a_caller_who_goes_away_is_heeded() -> None:
    ended: list[bool] = []

    async def act() -> object:
        try:
            await hang()
        finally:
            ended.append(True)
        return None

    asking = asyncio.create_task(_bounded(act).ask())
    await asyncio.sleep(0.001)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [True] == ended


async def test_a_call_ends_with_the_budget_of_its_store() -> None:
    with pytest.raises(StoreTimeout):
        await _bounded(hang, seconds=0.01).ask()


async def test_a_call_ends_with_the_deadline_of_the_caller() -> None:
    with time_left(0.03), pytest.raises(DeadlineExceeded):
        await _bounded(hang).ask()


async def test_the_smaller_of_the_two_decides() -> None:
    with time_left(60), pytest.raises(StoreTimeout):
        await _bounded(hang, seconds=0.01).ask()


async def test_no_store_is_asked_where_no_time_is_left() -> None:
    store = Store(answer)
    with time_left(0.004), pytest.raises(DeadlineExceeded):
        await bounded(store, Budget(StoreKind.STATE, 5.0)).ask()
    assert 0 == store.asked


async def test_a_time_out_of_the_driver_is_the_stores() -> None:
    with time_left(4), pytest.raises(StoreTimeout):
        await _bounded(raising(TimeoutError(SECRET))).ask()


async def test_an_answer_that_comes_too_late_is_none() -> None:
    """Some drivers swallow the cancellation and go on (psycopg_pool)."""

    async def act() -> object:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            return "late"
        return "never"

    with pytest.raises(StoreTimeout):
        await _bounded(act, seconds=0.01).ask()
    with time_left(0.02), pytest.raises(DeadlineExceeded):
        await _bounded(act).ask()


@pytest.mark.parametrize(("left", "kept"), [(1.0, 0.05), (0.4, 0.05), (0.1, 0.025), (0.02, 0.005)])
def test_time_is_kept_for_what_stands_in(left: float, kept: float) -> None:
    with time_left(left):
        limit = Budget(StoreKind.GRAPH, 2.0, has_stand_in=True).limit()
        assert limit.left() == pytest.approx(left - kept, abs=0.003)
    assert isinstance(limit.too_late(), StoreTimeout)  # which a stand-in can take


def test_a_store_without_a_stand_in_gets_all_of_the_time() -> None:
    with time_left(0.4):
        limit = Budget(StoreKind.STATE, 2.0).limit()
        assert limit.left() == pytest.approx(0.4, abs=0.003)
    assert isinstance(limit.too_late(), DeadlineExceeded)


@pytest.mark.parametrize(("left", "telling"), [(60.0, True), (1.0, True), (0.4, False), (0.02, False)])
def test_a_short_deadline_says_nothing_of_the_store(left: float, telling: bool) -> None:  # noqa: FBT001 - expected
    with time_left(left):
        assert telling == Budget(StoreKind.GRAPH, 2.0, has_stand_in=True).limit().telling
