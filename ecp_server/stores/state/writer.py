"""Group commit: one thread writes whatever has gathered while the disk was busy, in one transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

import structlog

from ecp_server.domain.errors import StoreError, StoreQueryFailed, StoreUnavailable
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.state.database import Database, translated
from ecp_server.stores.state.statements import Statement, together

_LOG: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Write:
    """Statements that are stored together or not at all, and who waits for them."""

    statements: Sequence[Statement]
    stored: asyncio.Future[None]


class GroupWriter:
    """Writes to a database in a thread of its own; to be used from one event loop."""

    def __init__(self, database: Database, *, max_waiting: int) -> None:
        """Refuse more than ``max_waiting`` writes that are not stored yet."""
        self._database = database
        self._max_waiting = max_waiting
        self._waiting = 0
        self._queue: SimpleQueue[_Write | None] = SimpleQueue()
        self._stopped: asyncio.Future[None] | None = None
        """Set when the thread has ended; None before it starts."""
        self._closed = False

    async def write(self, statements: Sequence[Statement]) -> None:
        """Return when the statements are on the disk. A caller who gives up does not stop them.

        Raises `StoreUnavailable` or `StoreQueryFailed`.
        """
        if self._closed or self._waiting >= self._max_waiting:
            raise StoreUnavailable(StoreKind.STATE)
        loop = asyncio.get_running_loop()
        if self._stopped is None:
            self._start(loop)
        # Cancelling the caller cancels this future, which is only how the caller hears of it.
        stored = loop.create_future()
        self._waiting += 1
        self._queue.put(_Write(statements, stored))
        await stored

    async def close(self) -> None:
        """Store what is waiting, then stop. Calling it twice does nothing more."""
        if self._stopped is not None and not self._closed:
            self._queue.put(None)
        self._closed = True
        if self._stopped is not None:
            await asyncio.shield(self._stopped)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        thread = threading.Thread(target=self._run, args=(loop,), name="ecp-state-writer", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the process has as many as it may have
            raise StoreUnavailable(StoreKind.STATE) from error
        self._stopped = loop.create_future()

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while batch := self._gathered():
                _tell(loop, self._settle, batch, self._store(batch))
        finally:
            self._database.close()
            _tell(loop, self._end)

    def _gathered(self) -> list[_Write]:
        """Wait for a write and return it with all that have gathered; nothing at the end."""
        batch: list[_Write] = []
        write = self._queue.get()
        while write is not None:
            batch.append(write)
            try:
                write = self._queue.get_nowait()
            except Empty:
                return batch
        if batch:
            self._queue.put(None)  # the end is still to be met
        return batch

    def _store(self, batch: Sequence[_Write]) -> list[StoreError | None]:
        try:
            self._transact(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            failure = translated(error)
            if isinstance(failure, StoreQueryFailed) and len(batch) > 1:
                # One of them cannot be stored: the others must not suffer from it.
                return [outcome for write in batch for outcome in self._store([write])]
            self._database.renew()
            return [failure, *(translated(error) for _ in batch[1:])]
        return [None] * len(batch)

    def _transact(self, batch: Sequence[_Write]) -> None:
        with self._database.transaction() as connection:
            for statement in together([statement for write in batch for statement in write.statements]):
                connection.execute(statement.sql, statement.parameters)

    def _settle(self, batch: Sequence[_Write], outcomes: Sequence[StoreError | None]) -> None:
        self._waiting -= len(batch)
        for write, failure in zip(batch, outcomes, strict=True):
            if write.stored.done():
                if failure is not None:
                    _LOG.error("state_write_lost", error=type(failure).__name__, cause=type(failure.__cause__).__name__)
            elif failure is None:
                write.stored.set_result(None)
            else:
                write.stored.set_exception(failure)

    def _end(self) -> None:
        if self._stopped is not None and not self._stopped.done():
            self._stopped.set_result(None)


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[..., None], *arguments: object) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(callback, *arguments)
