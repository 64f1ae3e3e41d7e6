"""Figures by DuckDB in this process, over the files of the catalog's data folder: no server, read-only."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import structlog

from ecp_server.domain.catalog import Catalogs
from ecp_server.domain.errors import EcpError, IncompatibleConcepts, StoreQueryFailed, StoreUnavailable, TooLarge
from ecp_server.domain.figures import FigureQuery, Figures
from ecp_server.domain.identity import Principal
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.semantic.answer import Engine, answer
from ecp_server.stores.semantic.data import State, data_state, open_database, refresh_time

MAX_PARALLEL: Final = 4
"""Queries that run at a time; others wait for a thread."""

_LOG: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

_INTERRUPT_SECONDS: Final = 0.02
_TROUBLE: Final = (duckdb.IOException, duckdb.PermissionException, duckdb.ConnectionException)
"""What is wrong with files, not with the query."""


@dataclass(slots=True, eq=False)
class _Database:
    """The tables as they were at one state of the files, and what was found out about them."""

    connection: duckdb.DuckDBPyConnection
    state: State
    time_types: dict[str, dict[str, str]] = field(default_factory=dict)
    """The types of time dimensions by address, by the version of the catalog."""


_Work = Callable[[_Database, duckdb.DuckDBPyConnection], Figures]


class _Job:
    """One query under way in a thread; it can be interrupted from the loop at any moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._stopped = False

    def begin(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Note what is to be interrupted. Raises `StoreUnavailable` where nobody waits any more."""
        with self._lock:
            if self._stopped:
                raise StoreUnavailable(StoreKind.SEMANTIC)
            self._cursor = cursor

    def end(self) -> None:
        """Forget it."""
        with self._lock:
            self._cursor = None

    def stop(self) -> None:
        """Interrupt it. What begins a moment later is not, so it takes being told again."""
        with self._lock:
            self._stopped = True
            if self._cursor is not None:
                self._cursor.interrupt()


class DuckDbSemantic:
    """The Semantic port over files. They are looked at before each query, and opened anew where they have changed."""

    adapter = "duckdb"

    def __init__(self, catalogs: Catalogs, folder: Path, *, memory_mib: int, threads: int = 2) -> None:
        """Compute with at most ``memory_mib`` and as many ``threads`` from the files in ``folder``."""
        self._catalogs = catalogs
        self._folder = folder
        self._memory_mib = memory_mib
        self._threads = threads
        self._opening = threading.Lock()
        self._database: _Database | None = None
        self._executor = ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="ecp-duckdb")
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed = False
        self._unreadable = False

    async def run(self, queries: Sequence[FigureQuery], *, principal: Principal | None = None) -> Sequence[Figures]:
        """Run the queries side by side; see `ports.Semantic`. The model is that of the catalog in force.

        It knows no rules of its own about the ``principal``.

        Raises `IncompatibleConcepts` where that has none.
        """
        del principal
        catalog = self._catalogs.current
        if not catalog.model:
            raise IncompatibleConcepts("the catalog has no semantic model, so there are no figures here")

        def asked(query: FigureQuery) -> _Work:
            return lambda database, cursor: answer(query, catalog.model, _engine(database, cursor, catalog.version))

        jobs = [asyncio.ensure_future(self._in_thread(asked(query))) for query in queries]
        try:
            return await asyncio.gather(*jobs)
        finally:
            # Whoever failed or went away takes the others along.
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def probe(self) -> None:
        """Open the data where that is still to be done; where there is no model, there is nothing to open."""
        if self._catalogs.current.model:
            await self._in_thread(_probe)

    async def close(self) -> None:
        """Interrupt nothing, wait for what runs, and close the files."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._shut)

    def _shut(self) -> None:
        self._executor.shutdown(wait=True)
        if self._database is not None:
            self._database.connection.close()
            self._database = None

    async def _in_thread(self, work: _Work) -> Figures:
        if self._closed:
            raise StoreUnavailable(StoreKind.SEMANTIC)
        job = _Job()
        in_thread = self._executor.submit(self._work, work, job)
        running = asyncio.wrap_future(in_thread)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            # What asyncio wraps can be cancelled at any time, which tells nothing of the thread.
            if not in_thread.cancel():
                task = asyncio.create_task(_stop(running, job), name="interrupt duckdb")
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)
            raise

    def _work(self, work: _Work, job: _Job) -> Figures:
        try:
            database = self._opened()
            cursor = database.connection.cursor()
            try:
                job.begin(cursor)
                return work(database, cursor)
            finally:
                job.end()
                cursor.close()
        except Exception as error:
            raise _translated(error) from error

    def _state(self) -> State:
        """Return the state of the data, and tell the operator once where there is none: callers are told no paths."""
        try:
            state = data_state(self._folder)
        except StoreUnavailable as error:
            if not self._unreadable:
                cause = type(error.__cause__).__name__
                _LOG.error("semantic_data_unreadable", folder=str(self._folder), cause=cause)
            self._unreadable = True
            raise
        self._unreadable = False
        return state

    def _opened(self) -> _Database:
        """Return the tables as the files are now."""
        with self._opening:
            state = self._state()
            database = self._database
            if database is None or database.state != state:
                connection = open_database(self._folder, memory_mib=self._memory_mib, threads=self._threads)
                # Queries that still run keep the one before open: each has a cursor of its own.
                database = self._database = _Database(connection, state)
            return database


def _engine(database: _Database, cursor: duckdb.DuckDBPyConnection, version: str) -> Engine:
    types = database.time_types.setdefault(version, {})
    return Engine(cursor, types, refresh_time(database.state))


def _probe(database: _Database, cursor: duckdb.DuckDBPyConnection) -> Figures:
    cursor.execute("SELECT 1").fetchall()
    return Figures((), (), FigureQuery(()), refresh_time(database.state))


async def _stop(running: asyncio.Future[Figures], job: _Job) -> None:
    """Interrupt a query until its thread is free again."""
    while not running.done():
        job.stop()
        await asyncio.wait([running], timeout=_INTERRUPT_SECONDS)
    if not running.cancelled():
        running.exception()  # nobody waits for it any more


def _translated(error: Exception) -> EcpError:
    if isinstance(error, EcpError):
        return error
    if isinstance(error, duckdb.OutOfMemoryException):
        return TooLarge("working this out takes more memory than may be had for it")
    if isinstance(error, _TROUBLE):
        return StoreUnavailable(StoreKind.SEMANTIC)
    return StoreQueryFailed(StoreKind.SEMANTIC)
