"""The guard as a whole, around a port and inside its observation."""

from __future__ import annotations

import asyncio
import math
import time

import pytest

from ecp_server.domain.errors import (
    CircuitOpen,
    DeadlineExceeded,
    NotPublished,
    PolicyMissing,
    StoreBusy,
    StoreError,
    StoreIncompatible,
    StoreQueryFailed,
    StoreThrottled,
    StoreTimeout,
    StoreUnavailable,
)
from ecp_server.domain.health import BreakerState
from ecp_server.domain.provenance import STORE_CALLS, StoreCall, StoreKind
from ecp_server.stores.guard import bulkhead
from ecp_server.stores.guard.deadline import Budget
from ecp_server.stores.guard.guarded import Guard, GuardSettings, guarded
from ecp_server.stores.observe import observed
from ecp_server.telemetry.metrics import Instruments
from tests.stores.guard.acting import SECRET, Act, Store, Told, answer, hang, raising, settings, time_left

GRAPH, STATE = StoreKind.GRAPH, StoreKind.STATE
DOWN = raising(StoreUnavailable(GRAPH))
ONCE = settings(attempts=1)
TRIPS = settings(attempts=1, failures=1)


class Guarded:
    """A store behind a guard."""

    def __init__(
        self, act: Act, chosen: GuardSettings | None = None, *, kind: StoreKind = GRAPH, seconds: float = 5
    ) -> None:
        self.told = Told()
        self.behind = Store(act)
        budget = Budget(kind, seconds, has_stand_in=kind is GRAPH)
        self.guard = Guard(budget, chosen or settings(), self.told, [self.told])
        self.port = guarded(self.behind, self.guard)

    async def fail(self, times: int) -> None:
        for _ in range(times):
            with pytest.raises(StoreUnavailable):
                await self.port.ask()


async def test_an_answer_passes() -> None:
    store = Guarded(answer)
    assert ("answer", 1, 0) == (await store.port.ask(), store.behind.asked, store.told.retries)


async def test_a_failure_that_passes_is_not_seen() -> None:
    left = [1, 2]

    async def act() -> object:
        if left:
            left.pop()
            raise StoreUnavailable(GRAPH)
        return "answer"

    store = Guarded(act)
    assert ("answer", 3, 2) == (await store.port.ask(), store.behind.asked, store.told.retries)


async def test_the_last_error_is_raised_as_it_is() -> None:
    error = StoreUnavailable(GRAPH)
    error.__cause__ = OSError(SECRET)
    store = Guarded(raising(error))
    with pytest.raises(StoreUnavailable) as raised:
        await store.port.ask()
    assert error is raised.value
    assert isinstance(raised.value.__cause__, OSError)
    assert 3 == store.behind.asked


async def test_the_call_that_opens_the_breaker_gets_its_own_error() -> None:
    """Aiobreaker (6): it gets a CircuitBreakerError."""
    store = Guarded(DOWN, TRIPS)
    with pytest.raises(StoreUnavailable) as raised:
        await store.port.ask()
    assert type(raised.value) is StoreUnavailable
    with pytest.raises(CircuitOpen):
        await store.port.ask()


async def test_an_open_breaker_costs_nothing_and_is_not_pressed() -> None:
    store = Guarded(DOWN, ONCE)
    await store.fail(5)
    started = time.monotonic()
    for _ in range(100):
        with pytest.raises(CircuitOpen) as raised:
            await store.port.ask()
        assert 29 < (raised.value.retry_after_seconds or 0) <= 30
    assert (5, 0) == (store.behind.asked, store.told.retries)
    assert time.monotonic() - started < 100 * 0.005


async def test_every_attempt_counts() -> None:
    """Two calls of three attempts: the fifth opens the breaker, and the call ends."""
    store = Guarded(DOWN)
    await store.fail(2)
    assert (5, BreakerState.OPEN) == (store.behind.asked, store.guard.breaker)


async def test_a_time_out_counts_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aiobreaker (2): 50 time-outs outside of it leave it closed."""
    monkeypatch.setattr(bulkhead, "LAG_SECONDS", math.inf)  # a busy machine: test_bulkhead has it
    store = Guarded(hang, seconds=0.1)
    for _ in range(5):
        with pytest.raises(StoreTimeout):
            await store.port.ask()
    assert (5, BreakerState.OPEN) == (store.behind.asked, store.guard.breaker)


async def test_a_time_out_of_the_driver_counts_too() -> None:
    store = Guarded(raising(TimeoutError(SECRET)), TRIPS)
    with pytest.raises(StoreTimeout):
        await store.port.ask()
    assert BreakerState.OPEN is store.guard.breaker


async def test_short_deadlines_of_callers_do_not_count() -> None:
    store = Guarded(hang)
    for _ in range(6):
        with time_left(0.02), pytest.raises(StoreTimeout):
            await store.port.ask()
    assert BreakerState.CLOSED is store.guard.breaker


async def test_callers_who_go_away_do_not_count() -> None:
    store = Guarded(hang, TRIPS)
    for _ in range(10):
        asking = asyncio.create_task(store.port.ask())
        await asyncio.sleep(0.001)
        asking.cancel()
        await asyncio.wait((asking,))
        assert asking.cancelled()
    assert (BreakerState.CLOSED, 0) == (store.guard.breaker, store.told.retries)
    await store.guard.close()
    assert 0 == store.guard.left_behind


async def test_a_cancelled_probe_frees_its_place() -> None:
    store = Guarded(DOWN, settings(attempts=1, failures=1, recovery_seconds=0.01))
    await store.fail(1)
    await asyncio.sleep(0.02)
    store.behind.act = hang
    probing = asyncio.create_task(store.port.ask())
    await asyncio.sleep(0.001)
    with pytest.raises(CircuitOpen):
        await store.port.ask()
    probing.cancel()
    await asyncio.wait((probing,))
    store.behind.act = answer
    assert "answer" == await store.port.ask()
    assert BreakerState.CLOSED is store.told.states[-1]


SAYS_NOTHING = (
    StoreQueryFailed(GRAPH),
    StoreThrottled(GRAPH, retry_after_seconds=0),
    StoreBusy(GRAPH),
    NotPublished(GRAPH),
    StoreIncompatible(GRAPH),
    PolicyMissing(),
)


@pytest.mark.parametrize("error", SAYS_NOTHING, ids=repr)
async def test_a_refused_query_is_neither_failure_nor_success(error: StoreError) -> None:
    """Aiobreaker (7): what is excluded counts as a success there."""
    store = Guarded(raising(error), settings(attempts=1, failures=3))
    for _ in range(5):
        with pytest.raises(type(error)):
            await store.port.ask()
    assert [] == store.told.states
    store.behind.act = DOWN
    await store.fail(2)
    store.behind.act = raising(error)
    with pytest.raises(type(error)):
        await store.port.ask()
    store.behind.act = DOWN
    await store.fail(1)
    assert [BreakerState.OPEN] == store.told.states


async def test_what_nobody_can_read_is_a_failure() -> None:
    store = Guarded(raising(UnicodeDecodeError("utf-8", b"\xff", 0, 1, SECRET)))
    for _ in range(5):
        with pytest.raises(UnicodeDecodeError):
            await store.port.ask()
    assert (5, BreakerState.OPEN) == (store.behind.asked, store.guard.breaker)


async def test_a_write_is_not_repeated() -> None:
    store = Guarded(raising(StoreUnavailable(STATE)), kind=STATE)
    with pytest.raises(StoreUnavailable):
        await store.port.record()
    assert 1 == store.behind.asked


async def test_the_bound_holds_where_the_driver_heeds_nothing() -> None:
    """Psycopg ends 10 s after its cancellation where the server is gone."""
    let_go = asyncio.Event()

    async def act() -> object:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    store = Guarded(act, settings(concurrency=2, failures=100))
    started = time.monotonic()
    for error in (StoreTimeout, StoreTimeout, StoreBusy):
        with time_left(0.1), pytest.raises(error):
            await store.port.ask()
    assert time.monotonic() - started < 1
    assert 2 == store.guard.left_behind == store.behind.asked
    let_go.set()
    await store.guard.close()
    assert 0 == store.guard.left_behind


async def test_a_full_bulkhead_says_nothing_of_the_store() -> None:
    store = Guarded(hang, settings(concurrency=1, failures=1))
    asking = asyncio.create_task(store.port.ask())
    await asyncio.sleep(0.001)
    with pytest.raises(StoreBusy):
        await store.port.ask()
    assert (1, BreakerState.CLOSED) == (store.behind.asked, store.guard.breaker)
    asking.cancel()
    await asyncio.wait((asking,))


async def test_what_an_adapter_gathers_takes_no_place_of_others() -> None:
    store = Store(hang)
    guard = Guard(Budget(STATE, 5), settings(concurrency=1), Told(), batched={"record": 2})
    port = guarded(store, guard)
    writing = [asyncio.create_task(port.record()) for _ in range(2)]
    reading = asyncio.create_task(port.ask())
    await asyncio.sleep(0.001)
    assert 3 == store.asked
    for call in (port.record, port.ask):
        with pytest.raises(StoreBusy):
            await call()
    for task in (*writing, reading):
        task.cancel()
    await asyncio.wait((*writing, reading))
    await guard.close()


async def test_an_attempt_that_hangs_is_cut_and_no_other_made() -> None:
    """Backoff never cuts an attempt."""
    store = Guarded(hang, seconds=0.05)
    started = time.monotonic()
    with pytest.raises(StoreTimeout):
        await store.port.ask()
    assert 0.04 < time.monotonic() - started < 1
    assert 1 == store.behind.asked


async def test_a_store_without_a_stand_in_has_all_of_the_callers_time() -> None:
    store = Guarded(hang, kind=STATE)
    with time_left(0.02), pytest.raises(DeadlineExceeded):
        await store.port.ask()


async def test_what_a_store_asks_for_is_respected() -> None:
    """No call before its time; one that can wait for it does, and one that cannot fails at once."""
    asked_at: list[float] = []

    async def act() -> object:
        asked_at.append(time.monotonic())
        if len(asked_at) == 1:
            raise StoreThrottled(GRAPH, retry_after_seconds=0.5)
        return "answer"

    store = Guarded(act)
    first = asyncio.create_task(store.port.ask())
    await asyncio.sleep(0.01)
    with time_left(0.1), pytest.raises(StoreThrottled) as raised:
        await store.port.ask()
    assert 0 < (raised.value.retry_after_seconds or 0) < 0.5
    assert 1 == store.behind.asked
    assert "answer" == await first
    assert asked_at[1] - asked_at[0] >= 0.5
    assert BreakerState.CLOSED is store.guard.breaker


async def test_a_long_wish_is_not_waited_for() -> None:
    store = Guarded(raising(StoreThrottled(GRAPH, retry_after_seconds=60)))
    started = time.monotonic()
    for _ in range(10):
        with pytest.raises(StoreThrottled):
            await store.port.ask()
    assert time.monotonic() - started < 1
    assert 1 == store.behind.asked


async def test_of_two_wishes_the_longer_one_is_respected() -> None:
    """Two calls are under way; the second to be answered is asked for less."""
    wishes = iter((60.0, 0.0))
    both = asyncio.Barrier(2)

    async def act() -> object:
        await both.wait()
        raise StoreThrottled(GRAPH, retry_after_seconds=next(wishes))

    store = Guarded(act, ONCE)
    await asyncio.gather(store.port.ask(), store.port.ask(), return_exceptions=True)
    with pytest.raises(StoreThrottled) as raised:
        await store.port.ask()
    assert (raised.value.retry_after_seconds or 0) > 59
    assert 2 == store.behind.asked


async def test_attempts_are_reported() -> None:
    store = Guarded(DOWN, settings(failures=4))
    instruments = Instruments()
    port = observed(store.port, GRAPH, instruments=instruments)
    calls: list[StoreCall] = []
    token = STORE_CALLS.set(calls)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await port.ask()
    STORE_CALLS.reset(token)
    instruments.close()
    assert [("STORE_UNAVAILABLE", 3), ("CIRCUIT_OPEN", 1), ("CIRCUIT_OPEN", 0)] == [
        (call.outcome, call.attempts) for call in calls
    ]


async def test_attempts_stay_near_the_calls_while_everything_fails() -> None:
    """backoff: 1,000 requests make 4,000 calls. The breaker stays closed here: the budget alone bounds them."""
    store = Guarded(DOWN, settings(failures=10**9))
    store.guard._breaker._fails_too_often = lambda: False  # type: ignore[method-assign] # it would help
    for _ in range(20):
        await asyncio.gather(*(store.fail(1) for _ in range(60)))
    assert 1200 * 1.15 < store.behind.asked <= 1200 * 1.2 + 3


async def test_one_of_two_hundred_calls_probes() -> None:
    await half_open_cycles(10)


@pytest.mark.long
async def test_one_of_two_hundred_calls_probes_in_a_thousand_cycles() -> None:
    await half_open_cycles(1000)


async def half_open_cycles(cycles: int) -> None:
    """Each cycle: the store is down, 200 calls find the breaker ready to try it, one of them does."""
    store = Guarded(DOWN, settings(attempts=1, failures=1, recovery_seconds=0.05))
    await store.fail(1)
    for _ in range(cycles):
        await asyncio.sleep(0.06)
        before = store.behind.asked
        outcomes = await asyncio.gather(*(store.port.ask() for _ in range(200)), return_exceptions=True)
        assert 1 == store.behind.asked - before
        assert 199 == sum(isinstance(outcome, CircuitOpen) for outcome in outcomes)
    assert 1 + cycles == store.behind.asked
