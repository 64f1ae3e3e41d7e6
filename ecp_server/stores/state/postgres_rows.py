"""Records as rows of PostgreSQL: columns are called as the fields are, but for names that SQL keeps to itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from ecp_server.domain.concepts import Choice, ConceptKind
from ecp_server.domain.records import (
    AuditRecord,
    ExecutionRecord,
    FeedbackRecord,
    Precedent,
    PrecedentRecord,
    QueryReads,
    Recordable,
    ResolutionRecord,
    RevocationRecord,
)

Record = AuditRecord | Recordable

TABLES: Final[Mapping[type[Record], str]] = {
    AuditRecord: "audit",
    ResolutionRecord: "resolution",
    ExecutionRecord: "execution",
    FeedbackRecord: "feedback",
    PrecedentRecord: "precedent",
    RevocationRecord: "revocation",
}

_COLUMNS: Final = {"table": "result"}
"""The columns whose names differ from those of their fields."""

_TO_COLUMN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "roles": list,
    "policies": list,
    "products": list,
    "asked": list,
    "choices": lambda choices: Jsonb([[choice.subject_id, choice.option_id] for choice in choices]),
    "reads": lambda reads: Jsonb([[each.query_id, each.metrics, each.essential] for each in reads]),
    "kind": lambda kind: kind.name,
}
_FROM_COLUMN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "asked": tuple,
    "choices": lambda pairs: tuple(Choice(subject, option) for subject, option in pairs),
    "reads": lambda rows: tuple(QueryReads(query, tuple(metrics), essential) for query, metrics, essential in rows),
    "kind": lambda name: ConceptKind[name],
}


def parameters(record: Record) -> Sequence[Any]:
    """Return the values of a record's fields as `INSERTS` takes them."""
    values = ((field.name, getattr(record, field.name)) for field in fields(record))
    row = [_TO_COLUMN[name](value) if name in _TO_COLUMN else value for name, value in values]
    return [*row, record.feedback_id, record.create_time] if isinstance(record, PrecedentRecord) else row


def resolution(row: Sequence[Any]) -> ResolutionRecord:
    """Return the record of a row of `SELECT_RESOLUTION`."""
    return ResolutionRecord(**_values(ResolutionRecord, row))


def execution(row: Sequence[Any]) -> ExecutionRecord:
    """Return the record of a row of `SELECT_EXECUTIONS`."""
    return ExecutionRecord(**_values(ExecutionRecord, row))


def feedback(row: Sequence[Any]) -> FeedbackRecord:
    """Return the record of a row of `SELECT_FEEDBACK`."""
    return FeedbackRecord(**_values(FeedbackRecord, row))


def precedent(row: Sequence[Any]) -> Precedent:
    """Return the precedent of a row of `select_precedents`."""
    *of, revoker, reason, revoked = row
    record = PrecedentRecord(**_values(PrecedentRecord, of))
    return Precedent(record, None if revoked is None else RevocationRecord(record.id, revoker, reason, revoked))


def select_precedents(
    wanted: Mapping[str, Sequence[str] | None], *, revoked: bool, skip: int, limit: int
) -> tuple[sql.Composed, Sequence[Any]]:
    """Return the statement that reads the newest precedents, and its parameters.

    They have one of the values wanted in each column, None for any.
    """
    conditions: list[sql.Composable] = [sql.SQL("TRUE" if revoked else "revocation.id IS NULL")]
    parameters: list[Any] = []
    for column, values in wanted.items():
        if values is not None:
            conditions.append(sql.SQL("{} = ANY(%s)").format(sql.Identifier("precedent", column)))
            parameters.append(list(values))
    columns = sql.SQL(", ").join(sql.Identifier("precedent", field.name) for field in fields(PrecedentRecord))
    return _SELECT_PRECEDENTS.format(columns, sql.SQL(" AND ").join(conditions)), [*parameters, limit, skip]


def _values(record: type[Record], row: Sequence[Any]) -> dict[str, Any]:
    values = zip((field.name for field in fields(record)), row, strict=True)
    return {name: _FROM_COLUMN[name](value) if name in _FROM_COLUMN else value for name, value in values}


def _columns(record: type[Record], **instead: sql.SQL) -> sql.Composed:
    return sql.SQL(", ").join(
        instead.get(field.name) or sql.Identifier(_COLUMNS.get(field.name, field.name)) for field in fields(record)
    )


def _insert(record: type[Record], table: str) -> sql.Composed:
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(fields(record)))
    return sql.SQL("INSERT INTO ecp_state.{} ({}) VALUES ({}) ON CONFLICT (id) DO NOTHING").format(
        sql.Identifier(table), _columns(record), marks
    )


_INSERT_PRECEDENT: Final = sql.SQL(
    "INSERT INTO ecp_state.precedent ({}) SELECT {} "
    "WHERE EXISTS (SELECT FROM ecp_state.feedback WHERE id = %s AND create_time = %s) ON CONFLICT (id) DO NOTHING"
).format(
    _columns(PrecedentRecord),
    sql.SQL(", ").join([*[sql.SQL("%s::text")] * (len(fields(PrecedentRecord)) - 1), sql.SQL("%s::timestamptz")]),
)
INSERTS: Final = {record: _insert(record, table) for record, table in TABLES.items()} | {
    PrecedentRecord: _INSERT_PRECEDENT
}
"""The statement that adds a record, once however often it is repeated."""

SELECT_RESOLUTION: Final = sql.SQL("SELECT {} FROM ecp_state.resolution WHERE id = %s").format(
    _columns(ResolutionRecord)
)
_OF_RESOLUTION: Final = (
    "SELECT {} FROM ecp_state.execution WHERE resolution_id = %s ORDER BY create_time DESC, id DESC LIMIT %s"
)
SELECT_EXECUTIONS: Final = {
    True: sql.SQL(_OF_RESOLUTION).format(_columns(ExecutionRecord)),
    False: sql.SQL(_OF_RESOLUTION).format(_columns(ExecutionRecord, table=sql.SQL("''::bytea"))),
}
"""The newest executions of a resolution, with their tables or without."""

SELECT_FEEDBACK: Final = sql.SQL(
    "SELECT {} FROM ecp_state.feedback WHERE id = ANY(%s) OR resolution_id = ANY(%s) "
    "ORDER BY create_time DESC, id DESC LIMIT %s"
).format(_columns(FeedbackRecord))
_SELECT_PRECEDENTS: Final = sql.SQL(
    "SELECT {}, revocation.revoker, revocation.reason, revocation.create_time FROM ecp_state.precedent "
    "LEFT JOIN ecp_state.revocation ON revocation.id = precedent.id WHERE {} "
    "ORDER BY precedent.create_time DESC, precedent.id DESC LIMIT %s OFFSET %s"
)
