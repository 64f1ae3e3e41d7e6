"""Records as rows of the SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from json.encoder import encode_basestring_ascii
from typing import Final

from ecp_server.domain.concepts import Choice
from ecp_server.domain.records import AuditRecord, ExecutionRecord, QueryReads, Recordable, ResolutionRecord
from ecp_server.stores.state.feedback_rows import insert_feedback
from ecp_server.stores.state.statements import Statement, insert, utc

_RESOLUTION_COLUMNS: Final = (
    "id, owner, request, response, catalog_version, as_of, settled, choices, create_time, expire_time, asked, reads"
)
_EXECUTION_COLUMNS: Final = "id, resolution_id, request, response, result, table_digest, create_time"


def insert_audit(record: AuditRecord) -> Statement:
    """Return the statement that adds the record, once however often it is repeated."""
    row = (
        record.id,
        utc(record.time),
        record.request_id,
        record.method,
        record.subject,
        record.actor,
        record.department,
        _texts(record.roles),
        int(record.verified),
        record.outcome,
        record.resolution_id,
        record.catalog_version,
        _texts(record.policies),
        _texts(record.products),
        record.plan_digest,
        record.execution_id,
        record.executed_digest,
    )
    columns = (
        "id, time, request_id, method, subject, actor, department, roles, verified, outcome, resolution_id, "
        "catalog_version, policies, products, plan_digest, execution_id, executed_digest"
    )
    return insert("audit", columns, row)


def _texts(texts: Sequence[str]) -> str:
    """Return texts as `json.dumps` writes them, at a quarter of its cost."""
    return f"[{', '.join(map(encode_basestring_ascii, texts))}]"


def insert_record(record: Recordable) -> Statement:
    """Return the statement that adds the record, once however often it is repeated."""
    if isinstance(record, ResolutionRecord):
        return _insert_resolution(record)
    return _insert_execution(record) if isinstance(record, ExecutionRecord) else insert_feedback(record)


def _insert_resolution(record: ResolutionRecord) -> Statement:
    row = (
        record.id,
        record.owner,
        record.request,
        record.response,
        record.catalog_version,
        utc(record.as_of),
        int(record.settled),
        json.dumps([[choice.subject_id, choice.option_id] for choice in record.choices]) if record.choices else "[]",
        utc(record.create_time),
        utc(record.expire_time),
        _texts(record.asked),
        json.dumps([[reads.query_id, reads.metrics, reads.essential] for reads in record.reads]),
    )
    return insert("resolution", _RESOLUTION_COLUMNS, row)


def _insert_execution(record: ExecutionRecord) -> Statement:
    row = (
        record.id,
        record.resolution_id,
        record.request,
        record.response,
        record.table,
        record.table_digest,
        utc(record.create_time),
    )
    return insert("execution", _EXECUTION_COLUMNS, row)


def touch(now: datetime) -> Statement:
    """Return a statement that writes something to the disk and adds nothing."""
    return Statement(
        "INSERT INTO liveness (id, time) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET time = excluded.time",
        (utc(now),),
    )


def select_resolution(connection: sqlite3.Connection, resolution_id: str) -> ResolutionRecord | None:
    """Read one resolution."""
    row = connection.execute(
        f"SELECT {_RESOLUTION_COLUMNS} FROM resolution WHERE id = ?",  # noqa: S608 - a constant
        (resolution_id,),
    ).fetchone()
    if row is None:
        return None
    record_id, owner, request, response, catalog_version, as_of, settled, choices, create_time, expire_time, *read = row
    asked, reads = read
    return ResolutionRecord(
        id=record_id,
        owner=owner,
        request=request,
        response=response,
        catalog_version=catalog_version,
        as_of=datetime.fromisoformat(as_of),
        settled=bool(settled),
        choices=tuple(Choice(subject, option) for subject, option in json.loads(choices)),
        create_time=datetime.fromisoformat(create_time),
        expire_time=datetime.fromisoformat(expire_time),
        asked=tuple(json.loads(asked)),
        reads=tuple(QueryReads(query, tuple(metrics), essential) for query, metrics, essential in json.loads(reads)),
    )


def select_executions(
    connection: sqlite3.Connection, resolution_id: str, limit: int, *, tables: bool
) -> list[ExecutionRecord]:
    """Read the newest executions of a resolution; without their tables unless asked."""
    columns = _EXECUTION_COLUMNS if tables else _EXECUTION_COLUMNS.replace("result", "x''")
    rows = connection.execute(
        f"SELECT {columns} FROM execution WHERE resolution_id = ? ORDER BY create_time DESC, id DESC LIMIT ?",  # noqa: S608 - constants
        (resolution_id, limit),
    ).fetchall()
    return [
        ExecutionRecord(record_id, of, request, response, table, digest, datetime.fromisoformat(create_time))
        for record_id, of, request, response, table, digest, create_time in rows
    ]
