"""A circuit breaker: a store that keeps failing is left alone for a while, then tried by one call.

aiobreaker keeps the state and the count of failures. Who may call and what a result means is decided here: the library
lets everybody through when half open, lets late results decide, counts excluded errors as successes, reads the wall
clock, and stays closed for ever where a listener raises.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final, Protocol

import structlog
from aiobreaker import CircuitBreaker, CircuitBreakerState  # type: ignore[import-untyped]  # it ships no types
from aiobreaker.storage.memory import CircuitMemoryStorage  # type: ignore[import-untyped]  # as above

from ecp_server.domain.errors import CircuitOpen
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.health import BreakerState
from ecp_server.domain.provenance import StoreKind

WINDOW_SECONDS: Final = 10.0
WINDOW_CALLS: Final = 20
"""So many results within the window, at least, make a rate."""
WINDOW_RATE: Final = 0.5
"""The share of failures within the window that opens the breaker."""
_SHORTEST_RETRY_SECONDS: Final = 0.1
"""What a caller is told to wait at least."""

_LOG: Final = structlog.get_logger(__name__)
_STATES: Final[Mapping[CircuitBreakerState, BreakerState]] = {
    CircuitBreakerState.CLOSED: BreakerState.CLOSED,
    CircuitBreakerState.OPEN: BreakerState.OPEN,
    CircuitBreakerState.HALF_OPEN: BreakerState.HALF_OPEN,
}


class Verdict(Enum):
    """What a call says of its store."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEITHER = "neither"
    """Nothing: the caller went away, the query was wrong, the call was never sent."""


class BreakerListener(Protocol):
    """Who is told when a breaker changes."""

    def breaker_changed(self, store: StoreKind, state: BreakerState, /) -> None:
        """Take note of the new state, which is in force already. What it raises is logged and changes nothing."""


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a breaker opens, and for how long."""

    failures: int = 5
    """So many failures in a row open it."""
    recovery_seconds: float = 5.0


class Breaker:
    """The breaker of one store; to be used from one event loop."""

    def __init__(
        self,
        store: StoreKind,
        settings: BreakerSettings,
        listeners: Sequence[BreakerListener] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._settings = settings
        self._listeners = listeners
        self._clock = clock
        # Its storage is set from here, not by `CircuitBreaker.open()`: that warns, and so may raise, from Python 3.12.
        self._storage = CircuitMemoryStorage(CircuitBreakerState.CLOSED)
        self._kept = CircuitBreaker(fail_max=settings.failures, state_storage=self._storage, name=store.name)
        self._results: deque[tuple[float, bool]] = deque()
        self._failed = 0
        self._opened_at = 0.0
        self._epoch = 0
        """Grows with every change of state: results of an earlier epoch say nothing of the present one."""
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """Return the state; OPEN lasts until the first call after the recovery time."""
        return _STATES[self._kept.current_state]

    def admit(self) -> Admission:
        """Let a call through, which tells its result to what is returned.

        Raises `CircuitOpen` while the store is left alone, and while another call probes it.
        """
        # The library's state as it is: ours is looked up by hashing an enumeration, which Python does in Python.
        state = self._storage.state
        if state is CircuitBreakerState.CLOSED:
            return Admission(self, self._epoch)
        if state is CircuitBreakerState.OPEN:
            wait = self._opened_at + self._settings.recovery_seconds - self._clock()
            if wait > 0:
                raise CircuitOpen(self._store, retry_after_seconds=max(wait, _SHORTEST_RETRY_SECONDS))
            self._change(CircuitBreakerState.HALF_OPEN)
        if self._probing:
            raise CircuitOpen(self._store, retry_after_seconds=_SHORTEST_RETRY_SECONDS)
        self._probing = True
        return Admission(self, self._epoch)

    def take(self, epoch: int, verdict: Verdict) -> None:
        """Take the result of a call that was admitted in this epoch."""
        if epoch != self._epoch:
            return
        if self._storage.state is CircuitBreakerState.HALF_OPEN:
            self._probing = False
            if verdict is Verdict.SUCCESS:
                self._change(CircuitBreakerState.CLOSED)
            elif verdict is Verdict.FAILURE:
                self._open()
        elif verdict is Verdict.SUCCESS:
            self._storage.reset_counter()
            self._note(failed=False)
        elif verdict is Verdict.FAILURE:
            self._storage.increment_counter()
            self._note(failed=True)
            if self._kept.fail_counter >= self._kept.fail_max or self._fails_too_often():
                self._open()

    def _open(self) -> None:
        self._opened_at = self._clock()
        self._change(CircuitBreakerState.OPEN)

    def _change(self, state: CircuitBreakerState) -> None:
        self._storage.state = state
        self._epoch += 1
        self._probing = False
        if state is CircuitBreakerState.CLOSED:
            self._storage.reset_counter()
            self._results.clear()
            self._failed = 0
        for listener in self._listeners:
            try:
                listener.breaker_changed(self._store, self.state)
            except Exception as error:  # noqa: BLE001 - whoever listens must not decide
                _LOG.error("breaker_listener_failed", store=self._store.name.lower(), cause=type(error).__name__)

    def _note(self, *, failed: bool) -> None:
        now = self._clock()
        self._results.append((now, failed))
        self._failed += failed
        while self._results[0][0] <= now - WINDOW_SECONDS:
            self._failed -= self._results.popleft()[1]

    def _fails_too_often(self) -> bool:
        return len(self._results) >= WINDOW_CALLS and self._failed >= WINDOW_RATE * len(self._results)


@dataclass(frozen=True, slots=True)
class Admission:
    """The right to make one call."""

    _breaker: Breaker
    _epoch: int

    def end(self, verdict: Verdict) -> None:
        """Tell what came of the call. To be called once, whatever happens: a probe holds its place until then."""
        self._breaker.take(self._epoch, verdict)
