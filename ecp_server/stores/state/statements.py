"""Statements for the SQLite file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

MAX_ROWS: Final = 32
"""Rows of one statement: with 17 columns they are within the 999 parameters that any SQLite takes."""


class Statement(NamedTuple):
    """SQL and its parameters."""

    sql: str
    parameters: tuple[Any, ...]
    row: str = ""
    """The part of ``sql`` that stands for a row, where it may be repeated for more of them."""


def insert(table: str, columns: str, row: tuple[Any, ...]) -> Statement:
    """Return the statement that adds a row, once however often it is repeated."""
    return _insert_into(table, columns, len(row))._replace(parameters=row)


def together(statements: Iterable[Statement]) -> Iterator[Statement]:
    """Return fewer statements that do the same: each table's rows in their order, before whatever is no row.

    The driver gives Python's lock up at each statement, and gets it back when the event loop lets it have it.
    """
    rows: dict[str, list[Statement]] = {}
    others: list[Statement] = []
    for statement in statements:
        (rows.setdefault(statement.sql, []) if statement.row else others).append(statement)
    for same in rows.values():
        for start in range(0, len(same), MAX_ROWS):
            some = same[start : start + MAX_ROWS]
            yield Statement(
                _repeated(some[0].sql, some[0].row, len(some)), (*chain(*[each.parameters for each in some]),)
            )
    yield from others


@lru_cache
def _insert_into(table: str, columns: str, count: int) -> Statement:
    row = f"({', '.join('?' * count)})"
    sql = f"INSERT INTO {table} ({columns}) VALUES {row} ON CONFLICT (id) DO NOTHING"  # noqa: S608 - constants
    return Statement(sql, (), row)


@lru_cache(maxsize=256)
def _repeated(sql: str, row: str, count: int) -> str:
    return sql.replace(row, ", ".join([row] * count), 1)


def utc(moment: datetime) -> str:
    """Return a moment so that moments sort as their texts do."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")
