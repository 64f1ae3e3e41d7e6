"""Group commit on the event loop: what gathers while a batch is being stored is stored as the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from ecp_server.domain.errors import StoreError, StoreQueryFailed, StoreTimeout, StoreUnavailable
from ecp_server.domain.provenance import StoreKind

T = TypeVar("T")

_LOG: Final = structlog.get_logger(__name__)
_MAX_BATCH: Final = 512


@dataclass(frozen=True, slots=True)
class _Write(Generic[T]):
    """What is to be stored, and who waits for it."""

    item: T
    stored: asyncio.Future[None]


class GroupCommit(Generic[T]):
    """Stores items in batches, one batch at a time; to be used from one event loop."""

    def __init__(
        self, store: Callable[[Sequence[T]], Awaitable[None]], *, max_waiting: int, timeout_seconds: float
    ) -> None:
        """``store`` stores all items of a batch or none, and raises `StoreError`; it may be repeated.

        A batch that takes longer than the time-out is given up: whether it was stored is not known then. More than
        ``max_waiting`` items that are not stored yet are refused.
        """
        self._store = store
        self._max_waiting = max_waiting
        self._timeout_seconds = timeout_seconds
        self._queue: deque[_Write[T]] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._given_up: set[asyncio.Future[None]] = set()
        self._closed = False

    async def write(self, item: T) -> None:
        """Return when the item is stored. A caller who gives up does not stop that. Raises `StoreError`."""
        if self._closed or self._waiting >= self._max_waiting:
            raise StoreUnavailable(StoreKind.STATE)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="state writer")
        # Cancelling the caller cancels this future, which is only how the caller hears of it.
        stored = asyncio.get_running_loop().create_future()
        self._waiting += 1
        self._queue.append(_Write(item, stored))
        self._wake.set()
        await stored

    async def close(self) -> None:
        """Store what is waiting, then stop. Calling it twice does nothing more."""
        self._closed = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task])
        for task in self._given_up:
            task.cancel()

    async def _run(self) -> None:
        while self._queue or not self._closed:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), _MAX_BATCH))]
            self._settle(batch, await self._outcomes(batch))

    async def _outcomes(self, batch: Sequence[_Write[T]]) -> list[StoreError | None]:
        try:
            await self._bounded(batch)
        except StoreQueryFailed as failure:
            if len(batch) == 1:
                return [failure]
            # One of them cannot be stored: the others must not suffer from it.
            return [outcome for write in batch for outcome in await self._outcomes([write])]
        except StoreError as failure:
            return [failure] * len(batch)
        return [None] * len(batch)

    async def _bounded(self, batch: Sequence[_Write[T]]) -> None:
        """Store the batch, or leave it to itself: a driver that waits for a silent server may not heed cancellation."""
        task = asyncio.ensure_future(self._store([write.item for write in batch]))
        done, _ = await asyncio.wait([task], timeout=self._timeout_seconds)
        if not done:
            task.cancel()
            self._given_up.add(task)
            task.add_done_callback(self._forget)
            raise StoreTimeout(StoreKind.STATE)
        try:
            task.result()
        except StoreError:
            raise
        except (Exception, asyncio.CancelledError) as error:  # whatever it is, those who wait must hear of it
            raise StoreQueryFailed(StoreKind.STATE) from error

    def _forget(self, task: asyncio.Future[None]) -> None:
        self._given_up.discard(task)
        if not task.cancelled():
            task.exception()  # told already

    def _settle(self, batch: Sequence[_Write[T]], outcomes: Sequence[StoreError | None]) -> None:
        self._waiting -= len(batch)
        for write, failure in zip(batch, outcomes, strict=True):
            if write.stored.done():
                if failure is not None:
                    _LOG.error("state_write_lost", error=type(failure).__name__, cause=type(failure.__cause__).__name__)
            elif failure is None:
                write.stored.set_result(None)
            else:
                write.stored.set_exception(failure)
