"""Records as rows of PostgreSQL: columns are called as the fields are, but for names that SQL keeps to itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from ecp_server.domain.concepts import Choice
from ecp_server.domain.records import AuditRecord, ExecutionRecord, QueryReads, ResolutionRecord

Record = AuditRecord | ResolutionRecord | ExecutionRecord

TABLES: Final[Mapping[type[Record], str]] = {
    AuditRecord: "audit",
    ResolutionRecord: "resolution",
    ExecutionRecord: "execution",
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
}
_FROM_COLUMN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "asked": tuple,
    "choices": lambda pairs: tuple(Choice(subject, option) for subject, option in pairs),
    "reads": lambda rows: tuple(QueryReads(query, tuple(metrics), essential) for query, metrics, essential in rows),
}


def parameters(record: Record) -> Sequence[Any]:
    """Return the values of a record's fields as `INSERTS` takes them."""
    values = ((field.name, getattr(record, field.name)) for field in fields(record))
    return [_TO_COLUMN[name](value) if name in _TO_COLUMN else value for name, value in values]


def resolution(row: Sequence[Any]) -> ResolutionRecord:
    """Return the record of a row of `SELECT_RESOLUTION`."""
    return ResolutionRecord(**_values(ResolutionRecord, row))


def execution(row: Sequence[Any]) -> ExecutionRecord:
    """Return the record of a row of `SELECT_EXECUTIONS`."""
    return ExecutionRecord(**_values(ExecutionRecord, row))


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


INSERTS: Final = {record: _insert(record, table) for record, table in TABLES.items()}
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
