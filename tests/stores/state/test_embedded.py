"""State in a SQLite file: who may read it, what it withstands, and that it recovers by itself."""

# ruff: noqa: ASYNC240 - nothing but the test itself runs on its loop

from __future__ import annotations

import asyncio
import resource
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ecp_server.domain.errors import StoreQueryFailed, StoreUnavailable
from ecp_server.stores.state.database import Database
from ecp_server.stores.state.embedded import EmbeddedState, path_of
from tests.conformance.states import AUDIT, RESOLUTION, StateUnderTest, pair


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.sqlite"


@pytest.fixture
async def state(path: Path) -> AsyncIterator[EmbeddedState]:
    adapter = EmbeddedState(path, busy_seconds=0.05, max_waiting=10)
    yield adapter
    await adapter.close()


def _recorded(path: Path) -> list[str]:
    return [record.id for record in StateUnderTest("embedded", str(path)).audit()]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Another process's long transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def _files_limited(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes: as a full disk does, its writes fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def _outcome(call: Awaitable[None]) -> type[Exception] | None:
    try:
        await call
    except StoreUnavailable as failure:
        return type(failure)
    return None


# --- the file ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///state.sqlite", "state.sqlite"),
        ("sqlite:///var/lib/ecp/state.sqlite", "var/lib/ecp/state.sqlite"),
        ("sqlite:////var/lib/ecp/state.sqlite", "/var/lib/ecp/state.sqlite"),
        ("sqlite:////srv/with%20space%3F.db", "/srv/with space?.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    assert Path(path) == path_of(url)


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://host/a.db", "sqlite:///a.db?mode=memory", "a.db", ""],
)
def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    """A database in memory would lose what must not be lost."""
    with pytest.raises(ValueError, match="sqlite:///"):
        path_of(url)


async def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "made" / "too" / "state.sqlite"
    state = EmbeddedState(path)
    await state.record(AUDIT)
    modes = {
        each.name: stat.S_IMODE(each.stat().st_mode) for each in (path.parent.parent, *path.parent.parent.rglob("*"))
    }
    files = {f"state.sqlite{suffix}": 0o600 for suffix in ("", "-wal", "-shm", "-lock")}
    assert {"made": 0o700, "too": 0o700, **files} == modes
    await state.close()


async def test_nothing_is_opened_before_it_is_needed(path: Path) -> None:
    state = EmbeddedState(path)
    assert not path.exists()
    await state.close()
    assert not path.exists()


def test_each_commit_is_synced(path: Path) -> None:
    """In WAL mode synchronous=FULL (2) syncs the log after each commit (sqlite.org/pragma.html#pragma_synchronous)."""
    database = Database(path, busy_seconds=1)
    connection = database.connection()
    assert ("wal",) == connection.execute("PRAGMA journal_mode").fetchone()
    assert (2,) == connection.execute("PRAGMA synchronous").fetchone()
    assert connection.isolation_level is None
    database.close()


async def test_the_audit_is_append_only(state: EmbeddedState, path: Path) -> None:
    await state.record(AUDIT)
    with closing(sqlite3.connect(path)) as connection:
        for statement in ("UPDATE audit SET subject = 'mallory'", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


# --- what it withstands -----------------------------------------------------------------------------------------------


async def test_it_recovers_when_the_disk_has_room_again(state: EmbeddedState, path: Path) -> None:
    with _files_limited(500_000):
        outcomes = [await _outcome(state.record(*pair(str(number)))) for number in range(100)]
    await state.record(*pair("after"))
    assert {None, StoreUnavailable} == set(outcomes)
    told = [f"audit-{number}" for number, failure in enumerate(outcomes) if failure is None]
    assert [*told, "audit-after"] == _recorded(path)


async def test_a_full_disk_can_still_be_read(state: EmbeddedState) -> None:
    await state.record(AUDIT, RESOLUTION)
    with _files_limited(1):
        assert RESOLUTION == await state.resolution("res-1")
        with pytest.raises(StoreUnavailable):
            await state.probe()
    await state.probe()


async def test_it_recovers_from_a_lock_that_is_held_too_long(state: EmbeddedState, path: Path) -> None:
    await state.record(AUDIT, RESOLUTION)
    with _locked(path):
        with pytest.raises(StoreUnavailable) as failure:
            await state.record(*pair("locked"))
        assert "OperationalError" == type(failure.value.__cause__).__name__
        assert RESOLUTION == await state.resolution("res-1")
    await state.record(*pair("after"))
    assert ["audit-1", "audit-after"] == _recorded(path)


async def test_it_starts_where_nothing_can_be_written_and_recovers(tmp_path: Path) -> None:
    """The folder's name is taken by a file, then it is free."""
    obstacle = tmp_path / "folder"
    obstacle.write_text("in the way")
    state = EmbeddedState(obstacle / "state.sqlite")
    with pytest.raises(StoreUnavailable):
        await state.record(AUDIT, RESOLUTION)
    with pytest.raises(StoreUnavailable):
        await state.resolution("res-1")
    obstacle.unlink()
    await state.record(AUDIT, RESOLUTION)
    assert RESOLUTION == await state.resolution("res-1")
    await state.close()


async def test_it_recovers_when_its_name_is_free_again(state: EmbeddedState, path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreUnavailable):
        await state.record(AUDIT)
    path.rmdir()
    await state.record(AUDIT)


async def test_a_file_that_is_no_database_is_left_alone(state: EmbeddedState, path: Path) -> None:
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(StoreUnavailable):
        await state.record(AUDIT)
    with pytest.raises(StoreUnavailable):
        await state.resolution("res-1")
    assert b"not a database " * 100 == path.read_bytes()
    path.unlink()
    await state.record(AUDIT)


async def test_a_damaged_file_is_an_outage(state: EmbeddedState, path: Path) -> None:
    await state.record(AUDIT, RESOLUTION)
    await state.close()
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(bytes(damaged))
    other = EmbeddedState(path)
    with pytest.raises(StoreUnavailable):
        await other.resolution("res-1")
    with pytest.raises(StoreUnavailable):
        await other.record(AUDIT)
    await other.close()


async def test_nothing_is_told_of_a_file_that_was_moved_away(state: EmbeddedState, path: Path) -> None:
    """What goes to it would be lost with it. When it is back, all goes on."""
    await state.record(AUDIT, RESOLUTION)
    await state.resolution("res-1")
    elsewhere = path.with_name("moved")
    path.rename(elsewhere)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await state.record(*pair("lost"))
        with pytest.raises(StoreUnavailable):
            await state.resolution("res-1")
    assert not path.exists()
    elsewhere.rename(path)
    await state.record(*pair("after"))
    assert RESOLUTION == await state.resolution("res-1")
    assert ["audit-1", "audit-after"] == _recorded(path)


# --- waiting ----------------------------------------------------------------------------------------------------------


async def test_no_more_than_so_many_may_wait(path: Path) -> None:
    state = EmbeddedState(path, busy_seconds=10, max_waiting=3)
    await state.probe()
    with _locked(path):
        waiting = [asyncio.create_task(state.record(*pair(str(number)))) for number in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable):
            await state.record(*pair("one too many"))
        with pytest.raises(StoreUnavailable):
            await state.probe()
    await asyncio.gather(*waiting)
    await state.record(*pair("after"))
    assert {"audit-0", "audit-1", "audit-2", "audit-after"} == set(_recorded(path))
    await state.close()


async def test_where_no_thread_can_be_had_it_is_down_and_recovers(
    state: EmbeddedState, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", refuses)
        with pytest.raises(StoreUnavailable):
            await state.record(AUDIT)
    async with asyncio.timeout(10):
        await state.record(AUDIT)
    assert ["audit-1"] == _recorded(path)


async def test_who_cancels_while_the_disk_is_busy_undoes_nothing(path: Path) -> None:
    state = EmbeddedState(path, busy_seconds=10)
    await state.probe()
    with _locked(path):
        write = asyncio.create_task(state.record(AUDIT, RESOLUTION))
        await asyncio.sleep(0.05)
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write
    await state.close()
    assert ["audit-1"] == _recorded(path)


async def test_a_write_that_fails_after_its_caller_went_away_is_logged(state: EmbeddedState, path: Path) -> None:
    await state.probe()
    with _locked(path), capture_logs() as logs:
        write = asyncio.create_task(state.record(AUDIT, RESOLUTION))
        await asyncio.sleep(0)
        write.cancel()
        await state.close()
    assert [("state_write_lost", "StoreUnavailable", "OperationalError")] == [
        (line["event"], line["error"], line["cause"]) for line in logs
    ]


async def test_closing_may_be_given_up_and_asked_for_again(path: Path) -> None:
    state = EmbeddedState(path, busy_seconds=10)
    await state.probe()
    with _locked(path):
        write = asyncio.create_task(state.record(AUDIT))
        await asyncio.sleep(0)
        closing_it = asyncio.create_task(state.close())
        await asyncio.sleep(0.01)
        closing_it.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing_it
    await state.close()
    await write
    assert ["audit-1"] == _recorded(path)


def test_a_loop_that_is_gone_is_no_trouble_for_the_thread(path: Path) -> None:
    """The record is stored though nobody hears of it."""

    async def leave() -> None:
        state = EmbeddedState(path, busy_seconds=10)
        await state.probe()
        abandoned.append(state)
        lock.execute("BEGIN IMMEDIATE")
        asyncio.get_running_loop().call_later(0.02, asyncio.get_running_loop().stop)
        await state.record(AUDIT)

    abandoned: list[EmbeddedState] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as lock:
        loop = asyncio.new_event_loop()
        task = loop.create_task(leave())
        loop.run_forever()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()
        lock.execute("ROLLBACK")
    asyncio.run(_until_recorded(path))


async def _until_recorded(path: Path) -> None:
    async with asyncio.timeout(30):
        while ["audit-1"] != _recorded(path):  # noqa: ASYNC110 - another thread does it, and tells nobody
            await asyncio.sleep(0.01)


async def test_a_refused_write_is_ours_to_mend(state: EmbeddedState) -> None:
    with pytest.raises(StoreQueryFailed) as failure:
        await state.resolution("\ud800")
    assert isinstance(failure.value.__cause__, UnicodeError)
