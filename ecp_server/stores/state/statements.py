"""Statements for the SQLite file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Statement = tuple[str, tuple[Any, ...]]
"""SQL and its parameters."""


def insert(table: str, columns: str, row: tuple[Any, ...]) -> Statement:
    """Return the statement that adds a row, once however often it is repeated."""
    marks = ", ".join("?" * len(row))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING", row  # noqa: S608 - constants


def utc(moment: datetime) -> str:
    """Return a moment so that moments sort as their texts do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
