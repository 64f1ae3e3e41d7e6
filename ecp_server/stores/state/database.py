"""The SQLite file of the embedded state: how it is opened, what is in it, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ecp_server.domain.errors import StoreError, StoreQueryFailed, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.state.turns import Turns

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE resolution (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            request BLOB NOT NULL,
            response BLOB NOT NULL,
            catalog_version TEXT NOT NULL,
            as_of TEXT NOT NULL,
            settled INTEGER NOT NULL,
            choices TEXT NOT NULL,
            create_time TEXT NOT NULL,
            expire_time TEXT NOT NULL
        )""",
        """CREATE TABLE audit (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            time TEXT NOT NULL,
            request_id TEXT NOT NULL,
            method TEXT NOT NULL,
            subject TEXT NOT NULL,
            actor TEXT NOT NULL,
            department TEXT NOT NULL,
            roles TEXT NOT NULL,
            verified INTEGER NOT NULL,
            outcome TEXT NOT NULL,
            resolution_id TEXT NOT NULL,
            catalog_version TEXT NOT NULL,
            policies TEXT NOT NULL,
            products TEXT NOT NULL,
            plan_digest TEXT NOT NULL
        )""",
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END",
        "CREATE TABLE liveness (id INTEGER PRIMARY KEY CHECK (id = 1), time TEXT NOT NULL)",
    ),
    (
        "ALTER TABLE resolution ADD COLUMN asked TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE resolution ADD COLUMN reads TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE audit ADD COLUMN execution_id TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE audit ADD COLUMN executed_digest TEXT NOT NULL DEFAULT ''",
        """CREATE TABLE execution (
            id TEXT PRIMARY KEY,
            resolution_id TEXT NOT NULL,
            request BLOB NOT NULL,
            response BLOB NOT NULL,
            result BLOB NOT NULL,
            table_digest TEXT NOT NULL,
            create_time TEXT NOT NULL
        )""",
        "CREATE INDEX execution_of_resolution ON execution (resolution_id, create_time, id)",
    ),
    (
        """CREATE TABLE feedback (
            id TEXT PRIMARY KEY,
            resolution_id TEXT NOT NULL,
            reporter TEXT NOT NULL,
            verdict TEXT NOT NULL,
            digest TEXT NOT NULL,
            feedback BLOB NOT NULL,
            create_time TEXT NOT NULL
        )""",
        "CREATE INDEX feedback_on_resolution ON feedback (resolution_id, create_time, id)",
        """CREATE TABLE precedent (
            id TEXT PRIMARY KEY,
            department TEXT NOT NULL,
            words TEXT NOT NULL,
            mention TEXT NOT NULL,
            kind TEXT NOT NULL,
            option_id TEXT NOT NULL,
            resolution_id TEXT NOT NULL,
            feedback_id TEXT NOT NULL,
            reporter TEXT NOT NULL,
            create_time TEXT NOT NULL
        )""",
        "CREATE INDEX precedent_of_department ON precedent (department, create_time, id)",
        "CREATE INDEX precedent_by_time ON precedent (create_time, id)",
        """CREATE TABLE revocation (
            id TEXT PRIMARY KEY,
            revoker TEXT NOT NULL,
            reason TEXT NOT NULL,
            create_time TEXT NOT NULL
        )""",
    ),
    ("CREATE INDEX precedent_of_reporter ON precedent (reporter, create_time, id)",),
)
"""What each version of the schema adds to the one before, counted by `PRAGMA user_version`. One that is out stays."""

_OPENING: Final = threading.Lock()
"""Held while a file is made and opened; see `_make_file`."""


class UnknownSchema(Exception):
    """A newer server than this one has changed the schema."""


class FileReplaced(Exception):
    """The file was moved or deleted under the open database: what is written now would be lost with it.

    It takes a restart, or the file's return, to go on: SQLite deletes a write-ahead log by name when its last user
    closes, and that name may be the log of the new file.
    """


class Database:
    """One thread's connection to the file, opened when it is first needed and again after a failure."""

    def __init__(self, path: Path, *, busy_seconds: float) -> None:
        """``busy_seconds`` is how long to wait for a lock of a program other than this server."""
        self._path = path
        self._busy_seconds = busy_seconds
        self._turns = Turns(path)
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def connection(self) -> sqlite3.Connection:
        """Return a connection that commits only what it is told to. Raises what `translated` translates."""
        if self._connection is None:
            _make_folders(self._path.parent)
            with _OPENING, self._turns.turn():
                _make_file(self._path)
                self._connection = _connect(self._path, self._busy_seconds)
                self._file = _identity(self._path)
        elif self._is_replaced():
            raise FileReplaced
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what the block does, all or nothing. Raises what `translated` translates."""
        connection = self.connection()
        with self._turns.turn():
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def renew(self) -> None:
        """After a failure: let the next use open another connection."""
        if not self._is_replaced():
            self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._turns.close()

    def _is_replaced(self) -> bool:
        return self._connection is not None and self._file != _identity(self._path)


def path_of(url: str) -> Path:
    """Return the file that ``sqlite:///relative/path`` or ``sqlite:////absolute/path`` names.

    Raises `ValueError` for anything else; a database in memory would lose what must not be lost.
    """
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or parts.query or parts.fragment or path in {"", ":memory:"}:
        raise ValueError("a SQLite URL is sqlite:///relative/path or sqlite:////absolute/path")
    return Path(path)


def translated(error: Exception) -> StoreError:
    """Return the domain's error for what the driver or the file system raised."""
    refused = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.NotSupportedError)
    if isinstance(error, sqlite3.Error | OSError | UnknownSchema | FileReplaced) and not isinstance(error, refused):
        failure: StoreError = StoreUnavailable(StoreKind.STATE)
    else:
        failure = StoreQueryFailed(StoreKind.STATE)
    failure.__cause__ = error
    return failure


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _make_folders(folder: Path) -> None:
    """Create the folder and those above it for their owner alone, so that they outlive a loss of power."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(each.parent)


def _make_file(path: Path) -> None:
    """Create the file for its owner alone.

    One that exists is not opened: closing it would drop the locks that SQLite has on it in this process.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
    try:
        _log_ahead(connection)
        # With FULL the log is synced after each commit, and its folder when the log comes into being
        # (sqlite.org/pragma.html#pragma_synchronous); fullfsync makes that reach the disk on macOS too.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")
        if _schema_version(connection) != len(MIGRATIONS):
            _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _log_ahead(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
        raise sqlite3.OperationalError("the file system cannot hold a write-ahead log")


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    version = _schema_version(connection)  # another process may have been first
    if version > len(MIGRATIONS):
        raise UnknownSchema
    for statement in (statement for migration in MIGRATIONS[version:] for statement in migration):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _schema_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
