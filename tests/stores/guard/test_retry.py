"""Which failed calls are made again, after which pause, and how many in all.

The defects of backoff 2.2.1 that a test would find if they came through are named with it.
"""

from __future__ import annotations

import logging

import pytest

from ecp_server.domain.errors import (
    CircuitOpen,
    PolicyMissing,
    PolicyUnavailable,
    StoreBusy,
    StoreError,
    StoreIncompatible,
    StoreQueryFailed,
    StoreThrottled,
    StoreTimeout,
    StoreUnavailable,
)
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard.retry import Retries, RetryBudget, RetrySettings, may_be_repeated

GRAPH = StoreKind.GRAPH
UNAVAILABLE = StoreUnavailable(GRAPH)


def retries(attempts: int = 3, budget: RetryBudget | None = None, *, repeatable: bool = True) -> Retries:
    return Retries(RetrySettings(attempts), budget or RetryBudget(), repeatable=repeatable)


def pauses(error: StoreError, attempts: int = 3, time_left: float = 60) -> list[float]:
    retrying = retries(attempts)
    found = []
    while (pause := retrying.pause_after(error, time_left)) is not None:
        found.append(pause)
    return found


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_a_call_is_made_so_often_at_most(attempts: int) -> None:
    assert attempts - 1 == len(pauses(UNAVAILABLE, attempts))


def test_pauses_grow_and_are_scattered_from_nothing_to_all() -> None:
    first, second = zip(*(pauses(UNAVAILABLE) for _ in range(2000)), strict=True)
    assert (True, True) == (0.005 == min(first), 0.045 < max(first) <= 0.05)
    assert (True, True) == (0.005 <= min(second) < 0.01, 0.09 < max(second) <= 0.1)


@pytest.mark.parametrize("error", [UNAVAILABLE, StoreThrottled(GRAPH), PolicyUnavailable()], ids=repr)
def test_what_can_pass_by_itself_is_tried_again(error: StoreError) -> None:
    assert 2 == len(pauses(error))


@pytest.mark.parametrize(
    "error",
    [
        StoreTimeout(GRAPH),
        StoreQueryFailed(GRAPH),
        CircuitOpen(GRAPH),
        StoreBusy(GRAPH),
        StoreUnavailable(GRAPH, retry_after_seconds=None),
        StoreIncompatible(GRAPH),
        PolicyMissing(),
        StoreThrottled(StoreKind.POLICY, retry_after_seconds=0),
    ],
    ids=repr,
)
def test_nothing_else_is(error: StoreError) -> None:
    assert [] == pauses(error)


def test_no_pause_undercuts_what_the_store_asked_for() -> None:
    """backoff: its default jitter makes 0.03 to 9.8 s of a Retry-After of 10 s."""
    found = [pause for _ in range(200) for pause in pauses(StoreThrottled(GRAPH, retry_after_seconds=10))]
    assert all(10 <= pause < 10.2 for pause in found)


def test_no_pause_outlasts_the_time() -> None:
    """backoff: ``max_time`` bounds neither pause nor attempt."""
    assert [] == pauses(StoreThrottled(GRAPH, retry_after_seconds=10), time_left=9)
    assert [] == pauses(UNAVAILABLE, time_left=0.009)


def test_retries_are_a_fifth_of_the_calls() -> None:
    """backoff: no budget, 1,000 requests make 4,000 calls."""
    budget, calls, made = RetryBudget(), 10_000, 0
    for _ in range(calls):
        retrying = retries(budget=budget)
        while retrying.pause_after(UNAVAILABLE, 60) is not None:
            made += 1
    assert calls * 0.2 <= made <= calls * 0.2 + 3


def test_a_calm_time_saves_up_no_storm() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        budget.note_call()
    assert 10 == sum(budget.spend() for _ in range(100))


def test_a_pause_that_is_not_made_costs_no_budget() -> None:
    budget = RetryBudget()
    for _ in range(100):
        assert retries(budget=budget).pause_after(UNAVAILABLE, 0) is None
    assert budget.spend()


@pytest.mark.parametrize(
    ("store", "operation", "repeatable"),
    [
        (StoreKind.GRAPH, "variations", True),
        (StoreKind.SEMANTIC, "run", True),
        (StoreKind.POLICY, "decide", True),
        (StoreKind.STATE, "resolution", True),
        (StoreKind.STATE, "record", False),
        (StoreKind.STATE, "what_comes_later", False),
        (StoreKind.GRAPH, "probe", False),
        (StoreKind.STATE, "probe", False),
    ],
)
def test_only_what_may_be_done_twice_is_repeated(store: StoreKind, operation: str, repeatable: bool) -> None:  # noqa: FBT001 - expected
    assert repeatable == may_be_repeated(store, operation)
    assert repeatable == (retries(repeatable=repeatable).pause_after(UNAVAILABLE, 60) is not None)


def test_nothing_of_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """backoff: logs the text of the exception, with whatever the driver put there."""
    error = StoreUnavailable(GRAPH)
    error.__cause__ = OSError("postgresql://ecp:hunter2@db")
    with caplog.at_level(logging.DEBUG):
        pauses(error)
    assert "" == caplog.text
