"""Reads back what the server recorded, after it was killed: nothing can have been flushed on its way out."""

from __future__ import annotations

import sqlite3
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ecp.v1 import resolve_pb2


@dataclass(frozen=True, slots=True)
class Records:
    """What was found in the state store."""

    replies: int
    """Answers that callers had."""
    found: int
    """Of them, those whose record holds that very resolution."""
    audit: int
    """Audit records, of refusals too."""
    calls: int


def read_back(state: Path, ids: AbstractSet[str], calls: int) -> Records:
    """Count the records of the resolutions that callers had."""
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT id, response FROM resolution")
        kept = {id_ for id_, response in rows if resolve_pb2.ResolveResponse.FromString(response).resolution_id == id_}
        audit = connection.execute("SELECT count(*) FROM audit").fetchone()[0]
    connection.close()
    return Records(replies=len(ids), found=len(ids & kept), audit=audit, calls=calls)
