"""Writes gather while the event loop is busy, and are stored at once where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

import pytest
from typing_extensions import override

from ecp_server.stores.state import writer as module
from ecp_server.stores.state.database import Database
from ecp_server.stores.state.statements import Statement, insert
from ecp_server.stores.state.writer import GroupWriter

FOR_EVER = 1e9


class Counted(Database):
    """A file with one table; it counts the rows after each transaction."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, busy_seconds=1)
        self.sizes: list[int] = []

    @contextmanager
    @override
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS noted (id TEXT PRIMARY KEY)")
            yield connection
            self.sizes.append(connection.execute("SELECT count(*) FROM noted").fetchone()[0])


@pytest.fixture
def database(tmp_path: Path) -> Counted:
    return Counted(tmp_path / "state.db")


@pytest.fixture
async def writer(database: Counted) -> AsyncIterator[GroupWriter]:
    writer = GroupWriter(database, max_waiting=100)
    yield writer
    await writer.close()


def _note(name: int) -> list[Statement]:
    return [insert("noted", "id", (str(name),))]


async def test_with_nothing_else_to_do_nobody_waits(
    writer: GroupWriter, database: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GATHER_SECONDS", FOR_EVER)
    async with asyncio.timeout(30):
        for name in range(5):
            await writer.write(_note(name))
    assert database.sizes == [1, 2, 3, 4, 5]


async def test_what_comes_while_the_loop_is_busy_is_stored_together(
    writer: GroupWriter, database: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(module, "GATHER_SECONDS", FOR_EVER)
    writes = []
    for name in range(10):
        writes.append(asyncio.create_task(writer.write(_note(name))))
        await asyncio.sleep(0.001)
    assert database.sizes == []
    monkeypatch.setattr(module, "IDLE_SECONDS", FOR_EVER)
    await asyncio.gather(*writes)
    assert database.sizes == [10]


async def test_a_loop_that_is_always_busy_keeps_nobody_waiting_for_long(
    writer: GroupWriter, database: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    async with asyncio.timeout(30):
        await writer.write(_note(1))
        await writer.write(_note(2))
    assert database.sizes == [1, 2]


async def test_closing_stores_what_has_gathered(database: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(module, "GATHER_SECONDS", FOR_EVER)
    writer = GroupWriter(database, max_waiting=100)
    writes = [asyncio.create_task(writer.write(_note(name))) for name in range(3)]
    await asyncio.sleep(0)
    await writer.close()
    await asyncio.gather(*writes)
    assert database.sizes == [3]
