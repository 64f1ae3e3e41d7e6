"""The breaker: when it opens, whom it lets through, which results count.

The known defects of aiobreaker 1.2.0, of which a test names the one that it would find if it came through:
(1) half open admits everybody, (2) cancellations are not seen, (3) late results decide, (4, 5) zones and the wall clock
matter, (7, 8) what is excluded counts as a success, (9) listeners decide, (10) only failures in a row count, (12) it
warns from Python 3.12 on. (6), that it hides the error, and (11), that it takes only some shapes of calls, are those of
its `call`, which is not used: test_guarded.py.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from ecp_server.domain.errors import CircuitOpen
from ecp_server.domain.health import BreakerState
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard.breaker import Admission, Breaker, BreakerSettings, Verdict
from tests.stores.guard.acting import Clock, Told

SUCCESS, FAILURE, NEITHER = Verdict.SUCCESS, Verdict.FAILURE, Verdict.NEITHER
CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
RECOVERY = 30.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def breaker(clock: Clock, told: Told) -> Breaker:
    return Breaker(StoreKind.GRAPH, BreakerSettings(5, RECOVERY), [told], clock=clock)


def end(breaker: Breaker, *verdicts: Verdict) -> None:
    for verdict in verdicts:
        breaker.admit().end(verdict)


def opened(breaker: Breaker) -> None:
    end(breaker, *[FAILURE] * 5)
    assert OPEN is breaker.state


def half_opened(breaker: Breaker, clock: Clock) -> Admission:
    opened(breaker)
    clock.now += RECOVERY
    return breaker.admit()


def refused(breaker: Breaker) -> float:
    with pytest.raises(CircuitOpen) as raised:
        breaker.admit()
    assert raised.value.retry_after_seconds is not None
    return raised.value.retry_after_seconds


def test_five_failures_in_a_row_open_it(breaker: Breaker) -> None:
    end(breaker, *[FAILURE] * 4, SUCCESS, *[FAILURE] * 4)
    assert CLOSED is breaker.state
    end(breaker, FAILURE)
    assert OPEN is breaker.state


def test_it_says_when_to_come_back(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    assert RECOVERY == refused(breaker)
    clock.now += RECOVERY - 1
    assert 1.0 == refused(breaker)


def test_a_success_of_the_probe_closes_it(breaker: Breaker, clock: Clock, told: Told) -> None:
    half_opened(breaker, clock).end(SUCCESS)
    assert [OPEN, HALF_OPEN, CLOSED] == told.states
    end(breaker, *[FAILURE] * 4)
    assert CLOSED is breaker.state  # earlier failures are forgotten


def test_a_failure_of_the_probe_opens_it_anew(breaker: Breaker, clock: Clock) -> None:
    half_opened(breaker, clock).end(FAILURE)
    assert RECOVERY == refused(breaker)


def test_one_call_at_a_time_probes(breaker: Breaker, clock: Clock) -> None:
    """Defect 1."""
    half_opened(breaker, clock)
    for _ in range(200):
        assert refused(breaker) > 0


def test_a_cancelled_probe_makes_room_for_another(breaker: Breaker, clock: Clock) -> None:
    """Defect 2."""
    half_opened(breaker, clock).end(NEITHER)
    assert HALF_OPEN is breaker.state
    probe = breaker.admit()
    assert refused(breaker) > 0
    probe.end(SUCCESS)
    assert CLOSED is breaker.state


@pytest.mark.parametrize("late", [SUCCESS, FAILURE])
def test_a_late_result_does_not_decide(breaker: Breaker, clock: Clock, late: Verdict) -> None:
    """Defect 3."""
    straggler, another = breaker.admit(), breaker.admit()
    probe = half_opened(breaker, clock)
    straggler.end(late)
    assert HALF_OPEN is breaker.state
    assert refused(breaker) > 0  # the probe has its place still
    probe.end(SUCCESS)
    another.end(FAILURE)
    end(breaker, *[FAILURE] * 4)
    assert CLOSED is breaker.state


def test_a_straggler_does_not_prolong_the_time_out(breaker: Breaker, clock: Clock) -> None:
    """Defect 3."""
    straggler = breaker.admit()
    opened(breaker)
    clock.now += RECOVERY - 1
    straggler.end(FAILURE)
    assert 1.0 == refused(breaker)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_zones_the_wall_clock_and_warnings_do_not_matter(zone: str) -> None:
    """Defects 4, 5 and 12, in a process of its own; the library's clock goes back while it is open."""
    program = """
import datetime, time
import aiobreaker.circuitbreaker, aiobreaker.state
from ecp_server.domain.errors import CircuitOpen
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard.breaker import Breaker, BreakerSettings, Verdict
breaker = Breaker(StoreKind.GRAPH, BreakerSettings(1, 0.2))
breaker.admit().end(Verdict.FAILURE)
wall = time.time
time.time = lambda: wall() - 3600
class Earlier(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls):
        return cls.now(datetime.timezone.utc).replace(tzinfo=None)
aiobreaker.circuitbreaker.datetime = aiobreaker.state.datetime = Earlier
try:
    breaker.admit()
except CircuitOpen as refused:
    print(0 < refused.retry_after_seconds <= 0.2)
time.sleep(0.21)
breaker.admit().end(Verdict.SUCCESS)
print(breaker.state.name)
"""
    command = (sys.executable, "-W", "error", "-c", program)
    ended = subprocess.run(command, env={"TZ": zone}, capture_output=True, text=True, timeout=60, check=False)
    assert (["True", "CLOSED"], "") == (ended.stdout.split(), ended.stderr)


def test_what_says_nothing_is_no_success(breaker: Breaker, clock: Clock) -> None:
    """Defects 7 and 8."""
    end(breaker, *[FAILURE, FAILURE, NEITHER] * 2)
    assert CLOSED is breaker.state
    end(breaker, FAILURE)
    assert OPEN is breaker.state
    clock.now += RECOVERY
    end(breaker, NEITHER)
    assert HALF_OPEN is breaker.state


def test_listeners_hear_of_it_when_it_has_changed(clock: Clock) -> None:
    """Defect 9."""
    seen: list[tuple[BreakerState, BreakerState]] = []

    class Looking:
        def breaker_changed(self, _store: StoreKind, state: BreakerState) -> None:
            seen.append((state, watched.state))

    watched = Breaker(StoreKind.GRAPH, BreakerSettings(5, RECOVERY), [Looking()], clock=clock)
    half_opened(watched, clock).end(SUCCESS)
    assert [(OPEN, OPEN), (HALF_OPEN, HALF_OPEN), (CLOSED, CLOSED)] == seen


def test_a_listener_that_raises_changes_nothing(clock: Clock, told: Told) -> None:
    """Defect 9."""

    class Raising:
        def breaker_changed(self, _store: StoreKind, _state: BreakerState) -> None:
            raise RuntimeError("postgresql://ecp:hunter2@db")

    breaker = Breaker(StoreKind.GRAPH, BreakerSettings(5, RECOVERY), [Raising(), told], clock=clock)
    with capture_logs() as logs:
        opened(breaker)
    assert [OPEN] == told.states
    assert ["breaker_listener_failed"] == [line["event"] for line in logs]
    assert "hunter2" not in repr(logs)


def test_half_of_the_calls_failing_opens_it(breaker: Breaker) -> None:
    """Defect 10."""
    end(breaker, *[FAILURE, SUCCESS] * 9)
    assert CLOSED is breaker.state
    end(breaker, SUCCESS, FAILURE)
    assert OPEN is breaker.state


def test_fewer_than_half_do_not(breaker: Breaker) -> None:
    end(breaker, *[FAILURE, SUCCESS, SUCCESS] * 1000)
    assert CLOSED is breaker.state


def test_what_is_older_than_the_window_does_not_count(breaker: Breaker, clock: Clock) -> None:
    for _ in range(100):
        end(breaker, FAILURE, SUCCESS)
        clock.now += 2
    assert CLOSED is breaker.state


def test_nothing_is_kept_past_the_window(breaker: Breaker, clock: Clock) -> None:
    for _ in range(10_000):
        end(breaker, SUCCESS)
        clock.now += 0.1
    assert len(breaker._results) <= 101
