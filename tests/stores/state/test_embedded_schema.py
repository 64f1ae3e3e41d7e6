"""State in a SQLite file: files of older and newer servers."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.stores.state.database import MIGRATIONS
from ecp_server.stores.state.embedded import EmbeddedState
from ecp_server.stores.state.rows import insert_record
from tests.conformance.states import AUDIT, EXECUTION, FEEDBACK, PRECEDENT, RESOLUTION, StateUnderTest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
async def state(path: Path) -> AsyncIterator[EmbeddedState]:
    state = EmbeddedState(path, busy_seconds=0.05, max_waiting=10)
    yield state
    await state.close()


async def test_a_file_of_the_first_version_is_brought_up_to_date(path: Path) -> None:
    """What it holds stays, and reads as if nothing had been known of what came later."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        connection.execute(
            "INSERT INTO resolution VALUES ('res-0', 'ann', x'01', x'02', 'v', '2026-01-01T00:00:00+00:00', 1, '[]', "
            "'2026-01-01T00:00:00+00:00', '2026-01-02T00:00:00+00:00')"
        )
        connection.commit()
    state = EmbeddedState(path)
    old = await state.resolution("res-0")
    await state.record(AUDIT, EXECUTION)
    await state.close()
    assert old is not None
    assert ("ann", b"\x02", (), ()) == (old.owner, old.response, old.asked, old.reads)
    assert [AUDIT] == StateUnderTest("embedded", str(path)).audit()


async def test_a_file_of_an_older_server_is_brought_up_to_date(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 0")
    state = EmbeddedState(path)
    await state.record(AUDIT)
    await state.close()
    with closing(sqlite3.connect(path)) as connection:
        assert (len(MIGRATIONS),) == connection.execute("PRAGMA user_version").fetchone()


async def test_a_file_from_before_feedback_keeps_what_it_has_and_takes_feedback(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statements in MIGRATIONS[:2]:
            for statement in statements:
                connection.execute(statement)
        connection.execute("PRAGMA user_version = 2")
        row = insert_record(RESOLUTION)
        connection.execute(row.sql, row.parameters)
        connection.commit()
    state = EmbeddedState(path)
    assert RESOLUTION == await state.resolution(RESOLUTION.id)
    await state.record(AUDIT, FEEDBACK, PRECEDENT)
    assert [FEEDBACK] == list(await state.feedback(resolution_ids=[RESOLUTION.id], limit=1))
    assert [PRECEDENT] == [one.record for one in await state.precedents(limit=1)]
    await state.close()


async def test_a_file_of_a_newer_server_is_not_touched(state: EmbeddedState, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreUnavailable):
        await state.record(AUDIT)
    with closing(sqlite3.connect(path)) as connection:
        assert [] == connection.execute("SELECT name FROM sqlite_schema").fetchall()


async def test_a_migration_that_fails_leaves_nothing_behind(state: EmbeddedState, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE audit (something TEXT)")
    with pytest.raises(StoreUnavailable):
        await state.record(AUDIT)
    with closing(sqlite3.connect(path)) as connection:
        assert [("audit",)] == connection.execute("SELECT name FROM sqlite_schema").fetchall()
