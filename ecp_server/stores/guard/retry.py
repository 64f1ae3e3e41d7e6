"""When a failed call to a store is made again, and after which pause.

backoff gives the pauses. Its decorator is not used: its time limit does not cut an attempt, its jitter undercuts what a
server asked for, it knows no budget, and it logs what drivers say, addresses and passwords included.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import backoff

from ecp_server.domain.errors import CircuitOpen, StoreBusy, StoreError, StoreThrottled, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard.deadline import MINIMUM_SECONDS

FIRST_PAUSE_SECONDS: Final = 0.05
"""The longest pause before the second attempt; it doubles with each further one."""
LONGEST_PAUSE_SECONDS: Final = 1.0
SHORTEST_PAUSE_SECONDS: Final = 0.005
BUDGET_SHARE: Final = 0.2
BUDGET_MINIMUM: Final = 3.0
_BUDGET_SAVED: Final = 10.0
"""Retries that a time without failures saves up, at most."""

_WRITES_OR_PROBES: Final = frozenset({"probe"})
_READS_OF_STATE: Final = frozenset({"resolution", "executions", "feedback", "precedents"})


def may_be_repeated(store: StoreKind, operation: str) -> bool:
    """Return whether making a call twice does no more than making it once.

    What is written to the state store is not repeated: whether the first attempt was stored is not known. Health probes
    come again by themselves.
    """
    return operation in _READS_OF_STATE if store is StoreKind.STATE else operation not in _WRITES_OR_PROBES


class RetryBudget:
    """Bounds the retries of one store to a share of its calls, so that they do not keep a failing store down."""

    def __init__(self) -> None:
        self._left = BUDGET_MINIMUM

    def note_call(self) -> None:
        """Count a call, which earns a part of a retry."""
        self._left = min(self._left + BUDGET_SHARE, _BUDGET_SAVED)

    def spend(self) -> bool:
        """Take a retry out of the budget; return whether there was one."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """How often a call is made."""

    attempts: int = 3


class Retries:
    """The retries of one call."""

    def __init__(self, settings: RetrySettings, budget: RetryBudget, *, repeatable: bool) -> None:
        self._left = settings.attempts - 1 if repeatable else 0
        self._budget = budget
        self._pauses: Generator[float, Any, None] | None = None
        budget.note_call()

    def pause_after(self, error: StoreError, time_left: float) -> float | None:
        """Return the seconds to wait before the next attempt, or None where there is to be none.

        Another attempt is made only after an error that can pass by itself, and only where its pause leaves time.
        """
        if self._left <= 0 or not _is_transient(error):
            return None
        pause = self._pause()
        if isinstance(error, StoreThrottled) and error.retry_after_seconds is not None:
            pause += error.retry_after_seconds  # never sooner than it was asked for
        if pause + MINIMUM_SECONDS > time_left or not self._budget.spend():
            return None
        self._left -= 1
        return pause

    def _pause(self) -> float:
        if self._pauses is None:
            self._pauses = backoff.expo(factor=FIRST_PAUSE_SECONDS, max_value=LONGEST_PAUSE_SECONDS)
            next(self._pauses)  # its first value is for the decorator
        return max(SHORTEST_PAUSE_SECONDS, backoff.full_jitter(next(self._pauses)))


def _is_transient(error: StoreError) -> bool:
    """Tell whether the same call can succeed a little later.

    Without a time to come back it cannot (bad credentials); what was refused on this side is not to be pressed. Nobody
    is kept waiting for a decision by a policy engine that wants to be left alone: the question is denied at once.
    """
    if isinstance(error, CircuitOpen | StoreBusy) or _is_throttled_policy(error):
        return False
    return isinstance(error, StoreUnavailable) and error.retry_after_seconds is not None


def _is_throttled_policy(error: StoreError) -> bool:
    return isinstance(error, StoreThrottled) and error.store is StoreKind.POLICY
