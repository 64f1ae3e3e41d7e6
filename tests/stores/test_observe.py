"""Every store call is counted, recorded, and its failure logged without what drivers say."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from structlog.testing import capture_logs

from ecp_server.domain.errors import (
    EcpError,
    StoreQueryFailed,
    StoreTimeout,
    StoreUnavailable,
)
from ecp_server.domain.provenance import STORE_CALLS, StoreCall, StoreKind
from ecp_server.stores.observe import REPORT, observed
from ecp_server.telemetry.metrics import Instruments

SECRET = "postgresql://ecp:hunter2@db"


class Counted:
    """Instruments that remember."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str, str]] = []
        self.seconds: list[float] = []

    def store_call(self, store: str, adapter: str, operation: str, outcome: str, seconds: float) -> None:
        self.calls.append((store, adapter, operation, outcome))
        self.seconds.append(seconds)


class Store:
    """A port whose one method does what the test says."""

    adapter = "embedded"

    def __init__(self, act: Callable[[], Awaitable[object]]) -> None:
        self._act = act

    async def ask(self) -> object:
        """Do it."""
        return await self._act()

    async def probe(self) -> None:
        """Do it, too."""
        await self._act()

    async def close(self) -> None:
        """Close nothing."""


async def _answer() -> object:
    return "answer"


async def _hang() -> object:
    await asyncio.sleep(600)
    return "never"


def _raising(error: Exception) -> Callable[[], Awaitable[object]]:
    async def act() -> object:
        raise error

    return act


def _observed(act: Callable[[], Awaitable[object]], counted: Counted) -> Store:
    return observed(Store(act), StoreKind.GRAPH, instruments=counted)


@contextmanager
def _collected() -> Iterator[list[StoreCall]]:
    calls: list[StoreCall] = []
    token = STORE_CALLS.set(calls)
    yield calls
    STORE_CALLS.reset(token)


@pytest.fixture
def counted() -> Counted:
    return Counted()


async def test_an_answer_is_counted_and_recorded(counted: Counted) -> None:
    with _collected() as calls, capture_logs() as logs:
        assert "answer" == await _observed(_answer, counted).ask()
    assert [("graph", "embedded", "ask", "ok")] == counted.calls
    (call,) = calls
    assert StoreCall(StoreKind.GRAPH, "embedded", "ask", call.duration_ms, "ok", 1) == call
    assert call.duration_ms == pytest.approx(counted.seconds[0] * 1e3)
    assert [] == logs


async def test_outside_a_step_nothing_is_recorded(counted: Counted) -> None:
    await _observed(_answer, counted).probe()
    assert [("graph", "embedded", "probe", "ok")] == counted.calls


async def test_a_caller_who_goes_away_is_no_failure_of_the_store(counted: Counted) -> None:
    asking = asyncio.create_task(_observed(_hang, counted).ask())
    await asyncio.sleep(0)
    asking.cancel()
    with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        await asking
    assert [("graph", "embedded", "ask", "cancelled")] == counted.calls
    assert [] == logs


@pytest.mark.parametrize(
    "error",
    [StoreUnavailable(StoreKind.GRAPH), StoreQueryFailed(StoreKind.GRAPH), StoreTimeout(StoreKind.GRAPH)],
    ids=lambda error: type(error).__name__,
)
async def test_an_error_of_the_port_passes_as_it_is(counted: Counted, error: EcpError) -> None:
    with _collected() as calls, pytest.raises(type(error)) as raised:
        await _observed(_raising(error), counted).ask()
    assert error is raised.value
    assert [error.reason.value] == [call.outcome for call in calls]
    assert [("graph", "embedded", "ask", error.reason.value)] == counted.calls


async def test_what_nobody_foresaw_is_opaque(counted: Counted) -> None:
    error = ValueError(SECRET)
    with pytest.raises(StoreQueryFailed) as raised:
        await _observed(_raising(error), counted).ask()
    assert error is raised.value.__cause__
    assert "internal error" == raised.value.message
    assert [("graph", "embedded", "ask", "INTERNAL")] == counted.calls


async def test_a_failure_is_logged_with_its_cause_and_without_its_words(counted: Counted) -> None:
    async def act() -> object:
        with closing(sqlite3.connect(":memory:")) as connection:
            try:
                connection.execute(f'SELECT * FROM "{SECRET}"')  # noqa: S608 - for its words to be in the error
            except sqlite3.OperationalError as error:
                raise StoreUnavailable(StoreKind.GRAPH) from error
        return None

    with capture_logs() as logs, pytest.raises(StoreUnavailable):
        await _observed(act, counted).ask()
    (line,) = logs
    assert SECRET not in repr(line)
    assert {
        "event": "store_call_failed",
        "log_level": "warning",
        "store": "graph",
        "adapter": "embedded",
        "operation": "ask",
        "outcome": "STORE_UNAVAILABLE",
        "attempts": 1,
        "cause": "StoreUnavailable < OperationalError(SQLITE_ERROR)",
    } == {key: value for key, value in line.items() if key not in {"duration_ms", "where"}}
    assert ".act:" in line["where"]


async def test_an_implicit_cause_is_told_too(counted: Counted) -> None:
    async def act() -> object:
        try:
            os.close(-1)
        except OSError:
            raise StoreUnavailable(StoreKind.GRAPH)  # noqa: B904 - that is the point
        return None

    with capture_logs() as logs, pytest.raises(StoreUnavailable):
        await _observed(act, counted).ask()
    assert "StoreUnavailable < OSError(9)" == logs[0]["cause"]


async def test_a_wrapper_within_tells_what_it_did(counted: Counted) -> None:
    """Also from a task of its own."""

    async def retry() -> None:
        report = REPORT.get()
        assert report is not None
        report.attempts = 3
        report.outcome = "fallback"

    async def act() -> object:
        await asyncio.create_task(retry())
        return None

    with _collected() as calls:
        await _observed(act, counted).ask()
        await _observed(_answer, counted).ask()
    assert [("fallback", 3), ("ok", 1)] == [(call.outcome, call.attempts) for call in calls]
    assert REPORT.get() is None


async def test_calls_at_the_same_time_do_not_mix_their_reports(counted: Counted) -> None:
    async def act() -> object:
        report = REPORT.get()
        assert report is not None
        report.attempts += 1
        await asyncio.sleep(0)
        return report.attempts

    store = _observed(act, counted)
    assert [2, 2, 2] == list(await asyncio.gather(*(store.ask() for _ in range(3))))


async def test_the_servers_instruments_count_store_calls() -> None:
    instruments = Instruments()
    store = observed(Store(_answer), StoreKind.GRAPH, instruments=instruments)
    await store.ask()
    counts = [
        sample.value
        for family in instruments.registry.collect()
        for sample in family.samples
        if sample.name == "ecp_store_query_duration_seconds_count"
    ]
    assert [1.0] == counts
    instruments.close()
