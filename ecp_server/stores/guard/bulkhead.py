"""A bound on the calls that a store is given at a time, and on how long anybody waits for one of them.

Each call is a task of its own: drivers wait for more than they are told to (psycopg 10 s for a cancelled query whose
server is gone), and what does not heed its cancellation is left behind, not waited for. It keeps its place until it
ends, so that no more than the bulkhead's size is ever left behind.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ecp_server.domain.errors import StoreBusy, StoreUnavailable
from ecp_server.domain.provenance import StoreKind

T = TypeVar("T")

WAIT_SECONDS: Final = 0.05
"""How long a call waits for a place."""
LAG_SECONDS: Final = 0.05
"""So late the event loop was busy with something else, and what came meanwhile has not been looked at."""
_CATCH_UP_SECONDS: Final = 0.02


class TimeIsOver(Exception):
    """The call did not end in time."""

    def __init__(self, *, loop_lagged: bool) -> None:
        super().__init__("the time is over")
        self.loop_lagged = loop_lagged
        """Whether the event loop was held up, so that nothing can be said of the store."""


class Bulkhead:
    """Runs calls to one store; to be used from one event loop."""

    def __init__(self, store: StoreKind, size: int) -> None:
        """``size`` is how many calls may be under way, those left behind included."""
        self._store = store
        self._free = size
        self._name = f"store {store.name.lower()}"
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._left_behind: set[asyncio.Task[object]] = set()

    @property
    def left_behind(self) -> int:
        """Return how many calls were given up and have not ended yet."""
        return len(self._left_behind)

    async def run(self, call: Callable[[], Awaitable[T]], ends_at: float) -> T:
        """Return what the call returns; ``ends_at`` is on the clock of `time.monotonic`.

        Raises `StoreBusy` where no place becomes free, `TimeIsOver`, `StoreUnavailable` where the call ends as if it
        had been cancelled, and what the call raises.
        """
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait_for_place(ends_at)
        task = asyncio.get_running_loop().create_task(_run(call), name=self._name)
        task.add_done_callback(self._ended)
        try:
            lagged = await _wait(task, ends_at)
        finally:
            if not task.done():
                task.cancel()
                self._left_behind.add(task)
        if not task.done():
            raise TimeIsOver(loop_lagged=lagged)
        if task.cancelled():
            # Nobody of ours cancelled it. As a CancelledError it would leave the caller without an answer.
            raise StoreUnavailable(self._store)
        return task.result()

    async def close(self, timeout_seconds: float) -> None:
        """Wait a while for the calls that were left behind; their stores are closed by now."""
        if self._left_behind:
            await asyncio.wait(self._left_behind, timeout=timeout_seconds)

    async def _wait_for_place(self, ends_at: float) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await asyncio.wait((place,), timeout=min(WAIT_SECONDS, ends_at - time.monotonic()))
        except BaseException:
            if place.done():
                self._give_place()
            raise
        finally:
            if not place.done():
                place.cancel()
                self._waiting.remove(place)
        if place.cancelled():
            raise StoreBusy(self._store)

    def _give_place(self) -> None:
        if self._waiting:
            self._waiting.popleft().set_result(None)
        else:
            self._free += 1

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._left_behind.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved: of a call that was left behind nobody asks any more
        self._give_place()


async def _run(call: Callable[[], Awaitable[T]]) -> T:
    return await call()


async def _wait(task: asyncio.Task[T], ends_at: float) -> bool:
    """Wait for a task until the time is over; return whether the event loop was held up meanwhile."""
    await _ends_or(task, ends_at - time.monotonic())
    lagged = time.monotonic() - ends_at > LAG_SECONDS
    if lagged and not task.done():
        await _ends_or(task, _CATCH_UP_SECONDS)
    return lagged


async def _ends_or(task: asyncio.Task[T], timeout_seconds: float) -> None:
    """Wait as `asyncio.wait` does, at half its cost: every call to a store pays for it."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()

    def end(_task: object = None) -> None:
        if not over.done():
            over.set_result(None)

    timer = loop.call_later(max(0.0, timeout_seconds), end)
    task.add_done_callback(end)
    try:
        await over
    finally:
        timer.cancel()
        task.remove_done_callback(end)
