"""Numbered SQL files that make a store's schema, forward only: one that is out stays as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from psycopg import sql

from ecp_server.stores.postgresql.pool import Connection, Database

_FILE: Final = re.compile(r"(?P<number>[0-9]{4})_(?P<name>[a-z0-9_]+)\.sql")
_LOCK: Final = 7_305_421_190
"""Held while a schema is changed, so that two who migrate take turns. Any number that is ours."""


class NewerSchema(Exception):
    """A newer release than this one has changed the schema."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: "0001_begin.sql"."""

    number: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Schema:
    """One store's schema and what makes it."""

    name: str
    """Of the schema in PostgreSQL: "ecp_state"."""
    migrations: Sequence[Migration]

    @classmethod
    def of(cls, name: str, package: str) -> Schema:
        """Read the folder ``migrations`` of a package. Raises `ValueError` where the numbers have gaps."""
        found = sorted((_migration(file) for file in files(package).joinpath("migrations").iterdir()), key=_number)
        if [migration.number for migration in found] != list(range(1, len(found) + 1)):
            raise ValueError(f"the migrations of {package} are not numbered from 0001 on")
        return cls(name, tuple(found))

    @property
    def latest(self) -> int:
        """Return the number of the last migration."""
        return len(self.migrations)

    async def applied(self, connection: Connection) -> int:
        """Return the number of the last migration that was applied, 0 before the first."""
        cursor = await connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{self.name}.migration",))
        if await cursor.fetchone() != (True,):
            return 0
        cursor = await connection.execute(
            sql.SQL("SELECT coalesce(max(number), 0) FROM {}.migration").format(sql.Identifier(self.name))
        )
        row = await cursor.fetchone()
        return 0 if row is None else int(row[0])

    async def migrate(self, connection: Connection) -> Sequence[Migration]:
        """Apply what is missing, all or nothing, and return it. Raises `NewerSchema`."""
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            applied = await self.applied(connection)
            if applied > self.latest:
                raise NewerSchema
            schema = sql.Identifier(self.name)
            if applied == 0:
                await connection.execute(_BEGIN.format(schema=schema))
            for migration in self.migrations[applied:]:
                # A file of ours, without parameters: several statements in one go.
                await connection.execute(migration.text.encode())
                await connection.execute(
                    sql.SQL("INSERT INTO {}.migration (number, name) VALUES (%s, %s)").format(
                        sql.Identifier(self.name)
                    ),
                    (migration.number, migration.name),
                )
        return self.migrations[applied:]


async def migrated(database: Database, schema: Schema, *, dry_run: bool) -> Sequence[Migration]:
    """Apply what a database lacks and return it, or only return it.

    Raises `NewerSchema`, and `StoreUnavailable` where the server does not answer. Other errors of psycopg pass as they
    are: who migrates may know.
    """
    async with await database.connect() as connection:
        if dry_run:
            return schema.migrations[await schema.applied(connection) :]
        return await schema.migrate(connection)


_BEGIN: Final = sql.SQL(
    """
    CREATE SCHEMA IF NOT EXISTS {schema};
    CREATE TABLE {schema}.migration (
        number integer PRIMARY KEY,
        name text NOT NULL,
        applied timestamptz NOT NULL DEFAULT now()
    )
    """
)


def _migration(file: Traversable) -> Migration:
    match = _FILE.fullmatch(file.name)
    if match is None:
        raise ValueError(f"{file.name} is no name of a migration, such as 0001_begin.sql")
    return Migration(int(match["number"]), match["name"], file.read_text(encoding="utf-8"))


def _number(migration: Migration) -> int:
    return migration.number
