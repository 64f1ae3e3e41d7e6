"""The tables of the embedded engine: files of a folder, in a database that can read nothing else.

`finance/revenue.parquet` is the table `finance.revenue`, `orders.csv` the table `orders`; the tables of a `.duckdb`
file keep their names. Parquet and DuckDB files are read where they lie, CSV files into memory, with exact types.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.semantic.csv_types import typed_columns
from ecp_server.stores.semantic.expand import literal, quoted

_PARQUET: Final = ".parquet"
_CSV: Final = ".csv"
_DATABASE: Final = ".duckdb"
_MAIN: Final = "main"

State = tuple[tuple[str, int, int], ...]
"""Names, sizes and times of change of the data files: what tells that they are others now."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file; ``schema`` and ``table`` are what it is called, both "" for a database."""

    path: Path
    schema: str
    table: str


def data_state(folder: Path) -> State:
    """Return the state of the data. Raises `StoreUnavailable` where the folder cannot be read."""
    try:
        stats = [(file.path, file.path.stat()) for file in _files(folder)]
    except OSError as error:
        raise StoreUnavailable(StoreKind.SEMANTIC) from error
    return tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)


def refresh_time(state: State) -> datetime | None:
    """Return when the latest of the files was written, None where there is none."""
    return datetime.fromtimestamp(max(ns for _, _, ns in state) / 1e9, UTC) if state else None


def open_database(folder: Path, *, memory_mib: int, threads: int) -> duckdb.DuckDBPyConnection:
    """Open the tables of a folder. Blocks. Raises `duckdb.Error` or `StoreUnavailable` where a file cannot be read."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{memory_mib}MiB",
            "threads": threads,
            "temp_directory": "",
            "max_temp_directory_size": "0MiB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        },
    )
    try:
        _fill(connection, folder)
    except BaseException:
        connection.close()
        raise
    return connection


def _fill(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    try:
        files = list(_files(folder))
    except OSError as error:
        raise StoreUnavailable(StoreKind.SEMANTIC) from error
    for file in files:
        if file.path.suffix == _DATABASE:
            _attach(connection, file.path)
            continue
        name = f"{quoted(file.schema)}.{quoted(file.table)}"
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(file.schema)}")
        path = literal(str(file.path))
        if file.path.suffix == _PARQUET:
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({path})")
        else:
            source = f"read_csv({path}, header = true, all_varchar = true)"
            columns = typed_columns(connection, source)
            connection.execute(f"CREATE TABLE {name} AS SELECT {', '.join(columns)} FROM {source}")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    # From here on: the folder's files, no others, no network, and no way back.
    connection.execute(f"SET allowed_directories = [{literal(str(folder.resolve()))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _attach(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    database = quoted(path.stem)
    connection.execute(f"ATTACH {literal(str(path))} AS {database} (READ_ONLY)")
    tables = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ?", [path.stem]
    ).fetchall()
    for schema, table in tables:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
        name = f"{quoted(schema)}.{quoted(table)}"
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {database}.{name}")


def _files(folder: Path) -> Iterator[DataFile]:
    """Yield the files in the order of their names. Raises `OSError`."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            inside = (file for file in sorted(path.iterdir()) if not file.name.startswith("."))
            yield from (DataFile(file.resolve(), path.name, file.stem) for file in inside if _is_table(file))
        elif _is_table(path):
            yield DataFile(path.resolve(), _MAIN, path.stem)
        elif path.suffix == _DATABASE:
            yield DataFile(path.resolve(), "", "")


def _is_table(path: Path) -> bool:
    return path.suffix in {_PARQUET, _CSV} and path.is_file()
