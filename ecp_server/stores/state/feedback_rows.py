"""Feedback, precedents and revocations as rows of the SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.records import FeedbackRecord, Precedent, PrecedentRecord, RevocationRecord
from ecp_server.stores.state.statements import Statement, insert, utc

_FEEDBACK: Final = "id, resolution_id, reporter, verdict, digest, feedback, create_time"
_PRECEDENT: Final = "id, department, words, mention, kind, option_id, resolution_id, feedback_id, reporter, create_time"
_REVOCATION: Final = "id, revoker, reason, create_time"


def insert_feedback(record: FeedbackRecord | PrecedentRecord | RevocationRecord) -> Statement:
    """Return the statement that adds the record, once however often it is repeated."""
    moment = utc(record.create_time)
    if isinstance(record, RevocationRecord):
        return insert("revocation", _REVOCATION, (record.id, record.revoker, record.reason, moment))
    if isinstance(record, FeedbackRecord):
        of = (record.id, record.resolution_id, record.reporter)
        return insert("feedback", _FEEDBACK, (*of, record.verdict, record.digest, record.feedback, moment))
    row = (
        record.id,
        record.department,
        record.words,
        record.mention,
        record.kind.name,
        record.option_id,
        record.resolution_id,
        record.feedback_id,
        record.reporter,
        moment,
    )
    marks = ", ".join("?" * len(row))
    statement = (
        f"INSERT INTO precedent ({_PRECEDENT}) SELECT {marks} "  # noqa: S608 - marks and constants
        "WHERE EXISTS (SELECT 1 FROM feedback WHERE id = ? AND create_time = ?) ON CONFLICT (id) DO NOTHING"
    )
    return Statement(statement, (*row, record.feedback_id, moment))


def select_feedback(
    connection: sqlite3.Connection, ids: Sequence[str], resolution_ids: Sequence[str], limit: int
) -> list[FeedbackRecord]:
    """Read the newest feedback with these ids or on these resolutions."""
    rows = connection.execute(
        f"SELECT {_FEEDBACK} FROM feedback WHERE id IN ({_marks(ids)}) OR resolution_id IN ({_marks(resolution_ids)}) "  # noqa: S608 - marks and constants
        "ORDER BY create_time DESC, id DESC LIMIT ?",
        (*ids, *resolution_ids, limit),
    )
    return [
        FeedbackRecord(record_id, of, reporter, verdict, digest, feedback, datetime.fromisoformat(made))
        for record_id, of, reporter, verdict, digest, feedback, made in rows
    ]


def select_precedents(
    connection: sqlite3.Connection,
    wanted: Mapping[str, Sequence[str] | None],
    *,
    revoked: bool,
    skip: int,
    limit: int,
) -> list[Precedent]:
    """Read the newest precedents that have one of the values wanted in each column, None for any."""
    conditions = ["1"]
    parameters: list[Any] = []
    for column, values in wanted.items():
        if values is not None:
            conditions.append(f"precedent.{column} IN ({_marks(values)})")
            parameters += values
    if not revoked:
        conditions.append("revocation.id IS NULL")
    columns = ", ".join(f"precedent.{name}" for name in _PRECEDENT.split(", "))
    rows = connection.execute(
        f"SELECT {columns}, revocation.revoker, revocation.reason, revocation.create_time "  # noqa: S608 - marks and constants
        f"FROM precedent LEFT JOIN revocation ON revocation.id = precedent.id WHERE {' AND '.join(conditions)} "
        "ORDER BY precedent.create_time DESC, precedent.id DESC LIMIT ? OFFSET ?",
        (*parameters, limit, skip),
    )
    return [_precedent(row) for row in rows]


def _precedent(row: tuple[Any, ...]) -> Precedent:
    precedent_id, department, words, mention, kind, *meant, made, revoker, reason, revoked = row
    option_id, resolution_id, feedback_id, reporter = meant
    record = PrecedentRecord(
        id=precedent_id,
        department=department,
        words=words,
        mention=mention,
        kind=ConceptKind[kind],
        option_id=option_id,
        resolution_id=resolution_id,
        feedback_id=feedback_id,
        reporter=reporter,
        create_time=datetime.fromisoformat(made),
    )
    if revoked is None:
        return Precedent(record)
    return Precedent(record, RevocationRecord(record.id, revoker, reason, datetime.fromisoformat(revoked)))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
