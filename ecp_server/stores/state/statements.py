"""Statements for the SQLite file."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Statement = tuple[str, tuple[Any, ...]]
"""SQL and its parameters."""


def insert(table: str, columns: str, row: tuple[Any, ...]) -> Statement:
    """Return the statement that adds a row, once however often it is repeated."""
    return _insert_into(table, columns, len(row)), row


@lru_cache
def _insert_into(table: str, columns: str, count: int) -> str:
    marks = ", ".join("?" * count)
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 - constants


def utc(moment: datetime) -> str:
    """Return a moment so that moments sort as their texts do."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")
