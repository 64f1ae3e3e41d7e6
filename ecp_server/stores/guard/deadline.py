"""How long a call to a store may take: the smaller of the store's budget and what the caller has left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final, TypeVar

from typing_extensions import override

from ecp_server.domain.call import CALL
from ecp_server.domain.errors import DeadlineExceeded, EcpError, StoreTimeout
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.ports import Probed
from ecp_server.stores.wrap import around

P = TypeVar("P", bound=Probed)
T = TypeVar("T")

MINIMUM_SECONDS: Final = 0.005
"""With less than this left of the caller's time no store is asked (trust.md: no store work under 5 ms left)."""
RESERVE_SECONDS: Final = 0.05
"""Kept of the caller's time for what comes after a store that has a stand-in: stand-in, record and reply."""
_RESERVED_SHARE: Final = 0.25
"""The reserve is no more than this share of what is left, so that short deadlines leave time to ask at all."""
_TELLING_SHARE: Final = 0.25
"""A time-out says nothing of a store that had less than this share of its budget."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The end of one call to a store, on the clock of `time.monotonic`."""

    store: StoreKind
    ends_at: float
    by_caller: bool
    """Whether the caller's deadline set it, not the store's budget."""
    reserved: bool
    """Whether it leaves the caller time for a stand-in."""
    telling: bool
    """Whether running out of it says something of the store."""

    def left(self) -> float:
        """Return the seconds left; negative when it is over."""
        return self.ends_at - time.monotonic()

    def too_late(self) -> EcpError:
        """Return what to raise when it is over."""
        return DeadlineExceeded() if self.by_caller and not self.reserved else StoreTimeout(self.store)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long calls to one store may take."""

    store: StoreKind
    seconds: float
    has_stand_in: bool = False
    """Whether something stands in when it takes too long: then a part of the caller's time is kept for that."""

    def started(self) -> float:
        """Return the moment, on the clock of `time.monotonic`.

        Raises `DeadlineExceeded` where too little time is left to start a call.
        """
        now, deadline = time.monotonic(), CALL.get().deadline
        if deadline is not None and deadline - now < MINIMUM_SECONDS:
            raise DeadlineExceeded
        return now

    def limit(self, since: float | None = None) -> Limit:
        """Return the limit of a call that started then, or that starts now: as `started` raises."""
        now = self.started() if since is None else since
        deadline = CALL.get().deadline
        if deadline is None or deadline - now >= self.seconds + RESERVE_SECONDS:
            return Limit(self.store, now + self.seconds, by_caller=False, reserved=False, telling=True)
        left = deadline - now
        reserve = min(RESERVE_SECONDS, left * _RESERVED_SHARE) if self.has_stand_in else 0.0
        seconds = left - reserve
        if seconds >= self.seconds:
            return Limit(self.store, now + self.seconds, by_caller=False, reserved=False, telling=True)
        return Limit(
            self.store,
            now + seconds,
            by_caller=True,
            reserved=self.has_stand_in,
            telling=seconds >= self.seconds * _TELLING_SHARE,
        )


def bounded(port: P, budget: Budget) -> P:
    """Return the port with its calls cut off at their limit, for adapters that heed a cancellation.

    Raises `StoreTimeout` or `DeadlineExceeded` where the time is over.
    """

    async def in_time(_operation: str, call: Callable[[], Awaitable[T]], /) -> T:
        now = budget.started()
        answer = call().__await__()
        try:
            # What answers from memory is done by then, and needs no limit or timer: they cost more than most answers.
            first = answer.send(None)
        except StopIteration as done:
            found: T = done.value
            return found
        except TimeoutError as error:
            raise StoreTimeout(budget.store) from error
        return await _rest_in_time(_Begun(answer, first), budget.limit(now))

    return around(port, in_time)


async def _rest_in_time(rest: Awaitable[T], limit: Limit) -> T:
    scope = asyncio.timeout(limit.left())
    try:
        async with scope:
            answer = await rest
    except TimeoutError as error:
        # A driver's own time-out is the store's, whatever the caller has left.
        raise limit.too_late() if scope.expired() else StoreTimeout(limit.store) from error
    if scope.expired():  # a library on the way can swallow the cancellation and answer late
        raise limit.too_late()
    return answer


class _Begun(Awaitable[Any]):
    """What is left of an awaitable that has been taken to where it first waits, in the same task."""

    def __init__(self, steps: Any, first: Any) -> None:
        self._steps = steps
        self._first = first

    @override
    def __await__(self) -> Generator[Any, Any, Any]:
        waits_for = self._first
        try:
            while True:
                try:
                    sent = yield waits_for
                except BaseException as error:  # noqa: BLE001 - it goes where it was thrown
                    waits_for = self._steps.throw(error)
                else:
                    waits_for = self._steps.send(sent)
        except StopIteration as done:
            return done.value
