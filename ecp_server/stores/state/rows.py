"""Records as rows of the SQLite file."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import Any, Final

from ecp_server.domain.concepts import Choice
from ecp_server.domain.records import AuditRecord, ResolutionRecord

Statement = tuple[str, tuple[Any, ...]]
"""SQL and its parameters."""

_RESOLUTION_COLUMNS: Final = (
    "id, owner, request, response, catalog_version, as_of, settled, choices, create_time, expire_time"
)


def insert_audit(record: AuditRecord) -> Statement:
    """Return the statement that adds the record, once however often it is repeated."""
    row = (
        record.id,
        _utc(record.time),
        record.request_id,
        record.method,
        record.subject,
        record.actor,
        record.department,
        json.dumps(record.roles),
        int(record.verified),
        record.outcome,
        record.resolution_id,
        record.catalog_version,
        json.dumps(record.policies),
        json.dumps(record.products),
        record.plan_digest,
    )
    columns = (
        "id, time, request_id, method, subject, actor, department, roles, verified, outcome, resolution_id, "
        "catalog_version, policies, products, plan_digest"
    )
    return _insert("audit", columns, row)


def insert_resolution(record: ResolutionRecord) -> Statement:
    """Return the statement that adds the record, once however often it is repeated."""
    row = (
        record.id,
        record.owner,
        record.request,
        record.response,
        record.catalog_version,
        _utc(record.as_of),
        int(record.settled),
        json.dumps([[choice.subject_id, choice.option_id] for choice in record.choices]),
        _utc(record.create_time),
        _utc(record.expire_time),
    )
    return _insert("resolution", _RESOLUTION_COLUMNS, row)


def touch(now: datetime) -> Statement:
    """Return a statement that writes something to the disk and adds nothing."""
    return (
        "INSERT INTO liveness (id, time) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET time = excluded.time",
        (_utc(now),),
    )


def select_resolution(connection: sqlite3.Connection, resolution_id: str) -> ResolutionRecord | None:
    """Read one resolution."""
    row = connection.execute(
        f"SELECT {_RESOLUTION_COLUMNS} FROM resolution WHERE id = ?",  # noqa: S608 - a constant
        (resolution_id,),
    ).fetchone()
    if row is None:
        return None
    record_id, owner, request, response, catalog_version, as_of, settled, choices, create_time, expire_time = row
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
    )


def _insert(table: str, columns: str, row: tuple[Any, ...]) -> Statement:
    marks = ", ".join("?" * len(row))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING", row  # noqa: S608 - constants


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
