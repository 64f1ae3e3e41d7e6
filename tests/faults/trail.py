"""What a state store holds once its servers are gone, read beside them and held against what callers know."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import psycopg

SQLITE: Final = "sqlite:///"
AUDIT: Final = "SELECT request_id, resolution_id FROM {}audit"
RESOLUTIONS: Final = "SELECT id FROM {}resolution"


@dataclass(frozen=True)
class Trail:
    """The records of a store."""

    audit: Counter[tuple[str, str]]
    """Request id and resolution id of each audit record."""
    resolutions: set[str]
    """Ids, which are the key there: none is stored twice."""


def trail(state_url: str) -> Trail:
    """Read a store that no server writes to. Raises `AssertionError` where SQLite's file is torn."""
    if state_url.startswith(SQLITE):
        with closing(sqlite3.connect(state_url.removeprefix(SQLITE))) as file:
            assert ("ok",) == file.execute("PRAGMA integrity_check").fetchone()
            audit = Counter(file.execute(AUDIT.format("")).fetchall())
            return Trail(audit, {id_ for (id_,) in file.execute(RESOLUTIONS.format(""))})
    with psycopg.connect(state_url) as server:
        audit = Counter(server.execute(AUDIT.format("ecp_state.")).fetchall())
        found = server.execute(RESOLUTIONS.format("ecp_state.")).fetchall()
        return Trail(audit, {id_ for (id_,) in found})


def assert_recorded_once(held: Trail, acknowledged: Mapping[str, str], attempted: AbstractSet[str]) -> None:
    """Acknowledged ⊆ recorded ⊆ attempted, each request once; ``acknowledged`` has resolution ids by request id."""
    requests = Counter(request_id for request_id, _ in held.audit.elements())
    assert {} == {request_id: times for request_id, times in requests.items() if times > 1}
    assert set() == requests.keys() - attempted
    assert set() == acknowledged.items() - held.audit.keys()
    # A question's record and its audit record are one write: neither is there without the other.
    assert held.resolutions == {resolution_id for _, resolution_id in held.audit if resolution_id}
