"""HTTP exchanges that can be given up without harm to the connections of their client.

httpx cleans up after a cancelled exchange behind a shield of anyio's, which holds against anyio's own cancellation and
not against a second `Task.cancel`: that leaves the connection in the pool as if it were in use, and when all are so
nothing is ever answered again (httpcore has no way to tell). A call is cancelled twice easily: by its time-out and by
its caller who goes away. So each exchange is a task of its own, which nobody cancels but by its scope.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

T = TypeVar("T")

_CLOSE_SECONDS: Final = 1.0
"""How long closing waits for exchanges that were given up."""


class Exchanges:
    """The exchanges of one client."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    async def run(self, exchange: Callable[[], Awaitable[T]], timeout_seconds: float = math.inf) -> T:
        """Return what the exchange returns. Raises `TimeoutError` where its time is over, and what it raises.

        It may go on for a moment after the caller has gone, to clean up.
        """
        scope = anyio.CancelScope(deadline=anyio.current_time() + timeout_seconds)
        task = asyncio.create_task(_within(scope, exchange), name="http exchange")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        try:
            await asyncio.wait((task,))
        finally:
            scope.cancel()
        answer = task.result()
        if answer is None:
            raise TimeoutError
        return answer[0]

    async def close(self) -> None:
        """Wait for exchanges that were given up."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSE_SECONDS)

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved: of one that was given up nobody asks any more


async def _within(scope: anyio.CancelScope, exchange: Callable[[], Awaitable[T]]) -> tuple[T] | None:
    with scope:
        return (await exchange(),)
    return None
