"""State in PostgreSQL: durable, shared by all servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ecp_server.domain.errors import StoreIncompatible
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.records import (
    AuditRecord,
    ExecutionRecord,
    FeedbackRecord,
    Precedent,
    Recordable,
    ResolutionRecord,
)
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.postgresql.migrations import Schema
from ecp_server.stores.postgresql.pool import Connection, Database
from ecp_server.stores.state import postgres_rows as rows
from ecp_server.stores.state.group import GroupCommit
from ecp_server.stores.state.postgres_rows import Record

SCHEMA: Final = Schema.of("ecp_state", __package__)

MAX_WAITING: Final = 1024
"""Records that may wait for the server; more are refused, which tells of one that hangs."""

_TOUCH: Final = (
    "INSERT INTO ecp_state.liveness (id, time) VALUES (1, now()) ON CONFLICT (id) DO UPDATE SET time = excluded.time"
)


class PostgresState:
    """The State port over one database, whose schema `ecp-server migrate` makes."""

    adapter = "postgres"

    def __init__(self, endpoint: Endpoint, *, pool_size: int, timeout_seconds: float) -> None:
        """``timeout_seconds`` bounds a statement, and how long a batch of records may take."""
        self.concurrency = pool_size
        self.batched = {"record": MAX_WAITING}  # one connection, however many wait for it
        self._database = Database(
            endpoint,
            StoreKind.STATE,
            size=pool_size,
            timeout_seconds=timeout_seconds,
            read_only=False,
            configure=_reach_the_disk,
        )
        self._writer: GroupCommit[Sequence[Record]] = GroupCommit(
            self._store, max_waiting=MAX_WAITING, timeout_seconds=timeout_seconds
        )

    async def record(self, audit: AuditRecord, *records: Recordable) -> None:
        """Write all of them, or none; a record whose id is already there stays as it is. See `ports.State`."""
        await self._writer.write((audit, *records))

    async def resolution(self, resolution_id: str) -> ResolutionRecord | None:
        """Return a recorded resolution, expired or not; None where there is none."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(rows.SELECT_RESOLUTION, (resolution_id,), binary=True)
            row = await cursor.fetchone()
        return None if row is None else rows.resolution(row)

    async def executions(self, resolution_id: str, *, limit: int, tables: bool) -> Sequence[ExecutionRecord]:
        """Return the newest executions of a resolution, newest first. See `ports.State`."""
        async with self._database.connection() as connection:
            select = rows.SELECT_EXECUTIONS[tables]
            cursor = await connection.execute(select, (resolution_id, limit), binary=True)
            return [rows.execution(row) for row in await cursor.fetchall()]

    async def feedback(
        self, *, ids: Sequence[str] = (), resolution_ids: Sequence[str] = (), limit: int
    ) -> Sequence[FeedbackRecord]:
        """Return the newest feedback with these ids or on these resolutions. See `ports.State`."""
        async with self._database.connection() as connection:
            parameters = (list(ids), list(resolution_ids), limit)
            cursor = await connection.execute(rows.SELECT_FEEDBACK, parameters, binary=True)
            return [rows.feedback(row) for row in await cursor.fetchall()]

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
        async with self._database.connection() as connection:
            wanted = {"id": ids, "department": departments, "reporter": reporters}
            select = rows.select_precedents(wanted, revoked=revoked, skip=skip, limit=limit)
            cursor = await connection.execute(*select, binary=True)
            return [rows.precedent(row) for row in await cursor.fetchall()]

    async def probe(self) -> None:
        """Write something, and see that the schema is this server's or a newer one's, and whole."""
        await self._writer.write(())
        async with self._database.connection() as connection:
            if await SCHEMA.applied(connection) < SCHEMA.latest:
                raise StoreIncompatible(StoreKind.STATE)
            await connection.execute(rows.SELECT_RESOLUTION, ("",))

    async def close(self) -> None:
        """Store what is waiting, and release the connections."""
        await self._writer.close()
        await self._database.close()

    async def _store(self, batch: Sequence[Sequence[Record]]) -> None:
        by_kind: dict[type[Record], list[Sequence[Any]]] = {}
        for record in (record for records in batch for record in records):
            by_kind.setdefault(type(record), []).append(rows.parameters(record))
        async with self._database.connection() as connection, connection.pipeline(), connection.transaction():
            cursor = connection.cursor()
            for kind, found in by_kind.items():
                await cursor.executemany(rows.INSERTS[kind], found)
            if not all(batch):
                await cursor.execute(_TOUCH)


async def _reach_the_disk(connection: Connection) -> None:
    """Let a commit wait for the disk, unless the server is set to wait for more than that, such as a replica."""
    await connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    )
