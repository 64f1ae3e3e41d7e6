"""What the data of a project says that its files do not: types, and the values of dimensions."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb

from ecp_server.catalog.importers.dbt.dimensions import is_name
from ecp_server.catalog.importers.dbt.spec import Dimension, SemanticModel
from ecp_server.catalog.importers.dbt.sql import SqlError, SqlReader
from ecp_server.catalog.importers.report import Place, Report

MOST_MEMBERS: Final = 200
"""Values of a dimension that become members, unless said otherwise."""

_MOST_SECONDS: Final = 60.0
_INTEGERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_NUMBERS: Final = frozenset({*_INTEGERS, *(f"U{name}" for name in _INTEGERS), "FLOAT", "DOUBLE", "DECIMAL"})


@dataclass(slots=True)
class Known:
    """What was found, by model and dimension."""

    types: dict[str, dict[str, str]] = field(default_factory=dict)
    values: dict[str, dict[str, Sequence[str]]] = field(default_factory=dict)
    starts: dict[str, dict[str, date]] = field(default_factory=dict)
    """The first day of each time dimension."""


class ProjectData:
    """The tables in a folder, as the embedded engine finds them: `orders.parquet`, `marts/orders.csv`, DuckDB files."""

    def __init__(self, folder: Path, *, most_members: int, sql: SqlReader, report: Report) -> None:
        """``most_members`` bounds the values of a dimension that become members."""
        self._folder = folder
        self._most_members = most_members
        self._sql = sql
        self._report = report

    def __enter__(self) -> Self:
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "memory_limit": "1GiB",
                "threads": "2",
            },
        )
        self._sources = dict(self._tables())
        self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
        self._connection.execute(f"SET allowed_directories = [{_literal(str(self._folder.resolve()))}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def placed(self, model: SemanticModel) -> SemanticModel:
        """Return a model over the table that the folder has for it; as it was, and told, where it has none."""
        parts = model.relation.split(".")
        for relation in dict.fromkeys((".".join(parts[-2:]), parts[-1], *self._elsewhere(parts[-1]))):
            if relation in self._sources:
                return replace(model, relation=relation)
        reason = f"has no data: there is no table {parts[-1]} (CSV, Parquet or DuckDB) in the folder"
        self._report.leave_out(model.place, f"semantic model {model.name}", reason)
        return model

    def look(self, models: Sequence[SemanticModel]) -> Known:
        """Return what the tables say of the dimensions of the models."""
        known = Known()
        for model in models:
            if model.relation not in self._sources:
                continue
            for dimension in model.dimensions:
                self._look_at(model, dimension, known)
        return known

    def _look_at(self, model: SemanticModel, dimension: Dimension, known: Known) -> None:
        subject = f"dimension {dimension.name} of {model.name}"
        try:
            expression = self._sql.expression(dimension.expr)
            column = expression.with_columns(lambda names, text: text.rpartition(".")[2] if len(names) > 1 else text)
            source = f"(SELECT ({column}) AS v FROM {self._sources[model.relation]})"  # noqa: S608 - was parsed
            if dimension.is_time:
                first = self._rows(f"SELECT min(CAST(v AS DATE)) FROM {source}")[0][0]  # noqa: S608 - as above
                known.starts.setdefault(model.name, {}).update({dimension.name: first} if first else {})
                return
            described = self._rows(f"DESCRIBE SELECT v FROM {source}")  # noqa: S608 - as above
            kind = str(described[0][1]).partition("(")[0]
            if kind == "BOOLEAN" or kind in _NUMBERS:
                known.types.setdefault(model.name, {})[dimension.name] = "boolean" if kind == "BOOLEAN" else "number"
                return
            distinct = f"SELECT DISTINCT CAST(v AS VARCHAR) FROM {source} WHERE v IS NOT NULL"  # noqa: S608 - as above
            found = self._rows(f"{distinct} LIMIT {self._most_members + 1}")
        except SqlError:
            return  # told where the dimension is made
        except duckdb.Error as error:
            reason = f"cannot be read from the data: {str(error).partition(chr(10))[0][:200]}"
            self._report.leave_out(dimension.place, subject, reason)
            return
        if len(found) > self._most_members:
            reason = f"has more than {self._most_members} values: none is a member, so questions cannot name them"
            self._report.leave_out(dimension.place, subject, reason)
            return
        values = sorted(str(row[0]) for row in found)
        names = [value for value in values if is_name(value)]
        if len(names) < len(values):
            reason = (
                f"{len(values) - len(names)} of its values are no names (too long, or without a letter), so no members"
            )
            self._report.leave_out(dimension.place, subject, reason)
        known.values.setdefault(model.name, {})[dimension.name] = names

    def _elsewhere(self, table: str) -> Iterator[str]:
        """Yield the tables of that name in any schema, where there is one alone."""
        found = [relation for relation in self._sources if relation.rpartition(".")[2] == table]
        yield from found if len(found) == 1 else ()

    def _tables(self) -> Iterator[tuple[str, str]]:
        """Yield the tables of the folder and how each is read."""
        for path in sorted(self._folder.iterdir()):
            if path.name.startswith("."):
                continue
            if path.is_dir():
                for inner in sorted(path.iterdir()):
                    yield from self._file(inner, f"{path.name}.")
            elif path.suffix == ".duckdb":
                yield from self._database(path)
            else:
                yield from self._file(path, "")

    def _file(self, path: Path, schema: str) -> Iterator[tuple[str, str]]:
        if not path.is_file() or path.name.startswith("."):
            return
        if path.suffix == ".parquet":
            yield f"{schema}{path.stem}", f"read_parquet({_literal(str(path.resolve()))})"
        elif path.suffix == ".csv":
            yield f"{schema}{path.stem}", f"read_csv({_literal(str(path.resolve()))}, header = true)"

    def _database(self, path: Path) -> Iterator[tuple[str, str]]:
        database = _quoted(path.stem)
        try:
            self._connection.execute(f"ATTACH {_literal(str(path.resolve()))} AS {database} (READ_ONLY)")
        except duckdb.Error as error:
            reason = str(error).partition("\n")[0][:200]
            self._report.refuse(Place(path.name), "", f"cannot be read as a DuckDB database: {reason}")
            return
        tables = self._connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ?", [path.stem]
        ).fetchall()
        for schema, table in sorted(tables):
            name = f"{database}.{_quoted(schema)}.{_quoted(table)}"
            yield (table if schema == "main" else f"{schema}.{table}"), name

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run a query within bounds. Raises `duckdb.Error`."""
        with _interrupted_after(self._connection, _MOST_SECONDS):
            return self._connection.execute(query).fetchall()


@contextmanager
def _interrupted_after(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
