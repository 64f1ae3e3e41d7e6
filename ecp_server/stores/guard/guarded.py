"""The guard of a store: deadline(retry(breaker(bulkhead(attempt)))), around any port.

Deadline outermost, so that no pause and no driver outlasts it; the breaker within the retries, so that it counts every
attempt and each finds it as it is; the bulkhead within the breaker, so that what is refused takes no place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from ecp_server.domain.errors import (
    EcpError,
    NotPublished,
    PolicyMissing,
    StoreBusy,
    StoreError,
    StoreIncompatible,
    StoreThrottled,
    StoreTimeout,
    StoreUnavailable,
)
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.health import BreakerState
from ecp_server.stores.guard.breaker import Breaker, BreakerListener, BreakerSettings, Verdict
from ecp_server.stores.guard.bulkhead import Bulkhead, TimeIsOver
from ecp_server.stores.guard.deadline import MINIMUM_SECONDS, Budget, Limit
from ecp_server.stores.guard.retry import Retries, RetryBudget, RetrySettings, may_be_repeated
from ecp_server.stores.observe import REPORT, CallReport
from ecp_server.stores.ports import Probed
from ecp_server.stores.wrap import around

P = TypeVar("P", bound=Probed)
T = TypeVar("T")

_IT_WORKS: Final = (NotPublished, PolicyMissing, StoreBusy, StoreIncompatible, StoreThrottled)

CLOSE_SECONDS: Final = 1.0
"""How long closing waits for calls that were left behind."""


class GuardInstruments(Protocol):
    """The metrics of guards."""

    def store_retry(self, store: str, /) -> None:
        """Count an attempt after the first."""


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """What operators choose, the same for every store."""

    retry: RetrySettings
    breaker: BreakerSettings
    concurrency: int
    """Calls to one store at a time, where its adapter does not say how many it can take."""


class Guard:
    """Keeps one store from harming its callers, and its callers from harming it."""

    def __init__(
        self,
        budget: Budget,
        settings: GuardSettings,
        instruments: GuardInstruments,
        listeners: Sequence[BreakerListener] = (),
        *,
        concurrency: int | None = None,
        batched: Mapping[str, int] | None = None,
    ) -> None:
        """``concurrency`` is how many calls the adapter can take at a time.

        ``batched`` are the operations that it gathers, and how many of each may wait for that: they are not among them.
        """
        self._store = budget.store
        self._budget = budget
        self._retry = settings.retry
        self._retry_budget = RetryBudget()
        self._breaker = Breaker(budget.store, settings.breaker, listeners)
        self._bulkhead = Bulkhead(budget.store, concurrency or settings.concurrency)
        self._batched = {operation: Bulkhead(budget.store, size) for operation, size in (batched or {}).items()}
        self._instruments = instruments
        self._asked_to_wait_until = 0.0

    @property
    def breaker(self) -> BreakerState:
        """Return the state of the breaker."""
        return self._breaker.state

    @property
    def left_behind(self) -> int:
        """Return how many calls were given up and have not ended yet."""
        return sum(bulkhead.left_behind for bulkhead in (self._bulkhead, *self._batched.values()))

    async def __call__(self, operation: str, call: Callable[[], Awaitable[T]], /) -> T:
        """Answer one call of the port, within the budget of the store and the time that the caller has left.

        Raises what the adapter raised in its last attempt, `CircuitOpen`, `StoreBusy`, `StoreTimeout`, or
        `DeadlineExceeded` where the caller's time is over.
        """
        limit = self._budget.limit()
        bulkhead = self._batched.get(operation, self._bulkhead)
        repeatable = may_be_repeated(self._store, operation)
        retries = Retries(self._retry, self._retry_budget, repeatable=repeatable)
        report = REPORT.get() or CallReport()
        report.attempts = 0
        while True:
            try:
                return await self._attempt(call, limit, report, bulkhead)
            except StoreError as error:
                pause = retries.pause_after(error, limit.left())
                if pause is None:
                    raise
            self._instruments.store_retry(self._store.name.lower())
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Wait a while for what was left behind; to be called after the adapter is closed."""
        for bulkhead in (self._bulkhead, *self._batched.values()):
            await bulkhead.close(CLOSE_SECONDS)

    async def _attempt(
        self, call: Callable[[], Awaitable[T]], limit: Limit, report: CallReport, bulkhead: Bulkhead
    ) -> T:
        if limit.left() < MINIMUM_SECONDS:
            raise limit.too_late()
        self._respect_wish()
        admission = self._breaker.admit()
        report.attempts += 1
        verdict = Verdict.NEITHER  # also where the caller goes away
        try:
            answer = await bulkhead.run(call, limit.ends_at)
            verdict = Verdict.SUCCESS
        except TimeIsOver as over:
            verdict = Verdict.FAILURE if limit.telling and not over.loop_lagged else Verdict.NEITHER
            raise limit.too_late() from None
        except TimeoutError as error:
            verdict = Verdict.FAILURE
            raise StoreTimeout(self._store) from error
        except StoreThrottled as error:
            until = time.monotonic() + (error.retry_after_seconds or 0.0)
            # Of calls side by side another may have been asked to wait for longer.
            self._asked_to_wait_until = max(until, self._asked_to_wait_until)
            raise
        except Exception as error:
            verdict = verdict_of(error)
            raise
        finally:
            admission.end(verdict)
        return answer

    def _respect_wish(self) -> None:
        wait = self._asked_to_wait_until - time.monotonic()
        if wait > 0:
            raise StoreThrottled(self._store, retry_after_seconds=wait)


def guarded(port: P, guard: Guard) -> P:
    """Return the port with its calls guarded."""
    return around(port, guard)


def verdict_of(error: Exception) -> Verdict:
    """Return what an exception of an adapter says of its store.

    That it does not answer, or with something that nobody can read, is a failure. That it refuses a query which should
    have been right, lacks what it is to have, takes no more for now, or is of another version than expected, says
    nothing: it works.
    """
    if isinstance(error, _IT_WORKS):
        return Verdict.NEITHER
    failed = isinstance(error, StoreUnavailable | StoreTimeout) or not isinstance(error, EcpError)
    return Verdict.FAILURE if failed else Verdict.NEITHER
