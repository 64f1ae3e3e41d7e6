"""State stores under test: how to open them, and what they must hold.

As a program it records for ever with several calls in flight, and prints each id once its record is acknowledged:
``python -m tests.conformance.states ADAPTER LOCATION``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from ecp_server.domain.concepts import Choice, ConceptKind
from ecp_server.domain.records import (
    AuditRecord,
    ExecutionRecord,
    FeedbackRecord,
    PrecedentRecord,
    QueryReads,
    ResolutionRecord,
    RevocationRecord,
)
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.ports import State
from ecp_server.stores.state.embedded import EmbeddedState
from ecp_server.stores.state.postgres import PostgresState

NOW: Final = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)

RESOLUTION: Final = ResolutionRecord(
    id="res-1",
    owner="ann",
    request=b"\x00request\xff",
    response=bytes(range(256)) * 8,
    catalog_version="3f2a",
    as_of=NOW,
    settled=True,
    choices=(Choice("revenue", "net_revenue"), Choice("period", "é")),
    create_time=NOW + timedelta(milliseconds=1),
    expire_time=NOW + timedelta(hours=1),
    asked=("net_revenue",),
    reads=(QueryReads("actual", ("net_revenue",)), QueryReads("budget", ("budget", "é"), essential=False)),
)
EXECUTION: Final = ExecutionRecord(
    id="exe-1",
    resolution_id="res-1",
    request=b"\x00request\xff",
    response=bytes(range(256)),
    table=b"\xfftable\x00",
    table_digest="5f2c",
    create_time=NOW + timedelta(minutes=1),
)
FEEDBACK: Final = FeedbackRecord(
    id="fee-1",
    resolution_id="res-1",
    reporter="ann",
    verdict="CORRECTED",
    digest="9d1e",
    feedback=b"\x00feedback\xff",
    create_time=NOW + timedelta(minutes=2),
)
PRECEDENT: Final = PrecedentRecord(
    id="pre-1",
    department="finance",
    words="top line",
    mention="Top-Line",
    kind=ConceptKind.METRIC,
    option_id="net_revenue",
    resolution_id="res-1",
    feedback_id="fee-1",
    reporter="ann",
    create_time=NOW + timedelta(minutes=2),
)
REVOCATION: Final = RevocationRecord(
    id="pre-1", revoker="oscar", reason="it means gross revenue", create_time=NOW + timedelta(days=1)
)
AUDIT: Final = AuditRecord(
    id="audit-1",
    time=NOW,
    request_id="req-1",
    method="/ecp.v1.ContextService/Resolve",
    subject="ann",
    actor="agent-7",
    department="finance",
    roles=("analyst", "auditor"),
    verified=True,
    outcome="RESOLVED",
    resolution_id="res-1",
    catalog_version="3f2a",
    policies=("builtin.certification",),
    products=("net_revenue", "term:revenue"),
    plan_digest="e3b0c442",
    execution_id="exe-1",
    executed_digest="77c2",
)


def pair(name: str) -> tuple[AuditRecord, ResolutionRecord]:
    """Return an audit record and its resolution, named after ``name``."""
    return (
        replace(AUDIT, id=f"audit-{name}", resolution_id=f"res-{name}"),
        replace(RESOLUTION, id=f"res-{name}", request=name.encode()),
    )


@dataclass(frozen=True)
class StateUnderTest:
    """One store, which may be opened several times."""

    adapter: str
    location: str

    def open(self) -> State:
        """Open the store as one more replica would."""
        return STATES[self.adapter].open(self.location)

    def audit(self) -> list[AuditRecord]:
        """Return every audit record, in the order in which they were recorded."""
        return STATES[self.adapter].audit(self.location)


@dataclass(frozen=True)
class StateAdapter:
    """How to open an adapter, and how to read what its port only writes."""

    open: Callable[[str], State]
    audit: Callable[[str], list[AuditRecord]]


def _embedded_audit(location: str) -> list[AuditRecord]:
    columns = [field.name for field in fields(AuditRecord)]
    with closing(sqlite3.connect(location)) as connection:
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM audit ORDER BY sequence").fetchall()  # noqa: S608 - names of fields
    return [_audit_record(dict(zip(columns, row, strict=True))) for row in rows]


def _audit_record(row: Mapping[str, Any]) -> AuditRecord:
    lists = {name: tuple(json.loads(row[name])) for name in ("roles", "policies", "products")}
    return AuditRecord(
        **{**row, **lists, "time": datetime.fromisoformat(row["time"]), "verified": bool(row["verified"])}
    )


def _postgres_audit(location: str) -> list[AuditRecord]:
    columns = ", ".join(field.name for field in fields(AuditRecord))
    with psycopg.connect(location) as connection:
        rows = connection.execute(f"SELECT {columns} FROM ecp_state.audit ORDER BY sequence".encode()).fetchall()  # noqa: S608 - names of fields
    return [_of_row(row) for row in rows]


def _of_row(row: tuple[Any, ...]) -> AuditRecord:
    values: Any = [tuple(value) if isinstance(value, list) else value for value in row]
    return AuditRecord(*values)


STATES: Final = {
    "embedded": StateAdapter(lambda location: EmbeddedState(Path(location)), _embedded_audit),
    "postgres": StateAdapter(
        lambda location: PostgresState(Endpoint(location), pool_size=4, timeout_seconds=5), _postgres_audit
    ),
}


async def _record_for_ever(state: State) -> None:
    async def one_after_another(worker: int) -> None:
        number = 0
        while True:
            name = f"{os.getpid()}-{worker}-{number}"
            await state.record(*pair(name))
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()
            number += 1

    async with asyncio.TaskGroup() as workers:
        for worker in range(8):
            workers.create_task(one_after_another(worker))


if __name__ == "__main__":
    asyncio.run(_record_for_ever(StateUnderTest(sys.argv[1], sys.argv[2]).open()))
