"""State in a SQLite file: durable, shared by the processes of one machine, no server."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.records import (
    AuditRecord,
    ExecutionRecord,
    FeedbackRecord,
    Precedent,
    Recordable,
    ResolutionRecord,
)
from ecp_server.stores.state.database import Database, path_of, translated
from ecp_server.stores.state.feedback_rows import select_feedback, select_precedents
from ecp_server.stores.state.rows import insert_audit, insert_record, select_executions, select_resolution, touch
from ecp_server.stores.state.writer import GroupWriter

__all__ = ["EmbeddedState", "path_of"]

T = TypeVar("T")

BUSY_SECONDS: Final = 1.0
"""How long to wait for a lock that a program other than this server holds, such as a backup."""

MAX_WAITING: Final = 1024
"""Writes that may wait for the disk; more are refused, which tells of a disk that hangs."""


class EmbeddedState:
    """The State port over one SQLite file, which is opened when it is first needed."""

    adapter = "embedded"
    concurrency = MAX_WAITING

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS, max_waiting: int = MAX_WAITING) -> None:
        """Keep state in the file at ``path``; it and the folders above it are made where missing, for their owner."""
        self._writer = GroupWriter(Database(path, busy_seconds=busy_seconds), max_waiting=max_waiting)
        self._read_database = Database(path, busy_seconds=busy_seconds)
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ecp-state-reader")
        self._closed = False

    async def record(self, audit: AuditRecord, *records: Recordable) -> None:
        """Write all of them, or none; a record whose id is already there stays as it is. See `ports.State`."""
        await self._writer.write([insert_audit(audit), *[insert_record(record) for record in records]])

    async def resolution(self, resolution_id: str) -> ResolutionRecord | None:
        """Return a recorded resolution, expired or not; None where there is none."""
        return await self._read(lambda connection: select_resolution(connection, resolution_id))

    async def executions(self, resolution_id: str, *, limit: int, tables: bool) -> Sequence[ExecutionRecord]:
        """Return the newest executions of a resolution, newest first. See `ports.State`."""
        return await self._read(lambda connection: select_executions(connection, resolution_id, limit, tables=tables))

    async def feedback(
        self, *, ids: Sequence[str] = (), resolution_ids: Sequence[str] = (), limit: int
    ) -> Sequence[FeedbackRecord]:
        """Return the newest feedback with these ids or on these resolutions. See `ports.State`."""
        return await self._read(lambda connection: select_feedback(connection, ids, resolution_ids, limit))

    async def precedents(
        self,
        *,
        ids: Sequence[str] | None = None,
        departments: Sequence[str] | None = None,
        reporters: Sequence[str] | None = None,
        revoked: bool = False,
        skip: int = 0,
        limit: int,
    ) -> Sequence[Precedent]:
        """Return the newest precedents of whatever is given. See `ports.State`."""
        wanted = {"id": ids, "department": departments, "reporter": reporters}
        return await self._read(
            lambda connection: select_precedents(connection, wanted, revoked=revoked, skip=skip, limit=limit)
        )

    async def probe(self) -> None:
        """Write to the disk: a full one can still be read."""
        await self._writer.write([touch(datetime.now(UTC))])

    async def close(self) -> None:
        """Store what is waiting, and release the file."""
        await self._writer.close()
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._reader, self._read_database.close)
            self._reader.shutdown(wait=False)

    async def _read(self, select: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise StoreUnavailable(StoreKind.STATE)
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._select, select)

    def _select(self, select: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return select(self._read_database.connection())
        except Exception as error:
            self._read_database.renew()
            raise translated(error) from error
