"""Numbered migrations, forward only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import psycopg
import pytest

from ecp_server.stores.postgresql.migrations import Migration, NewerSchema, Schema
from ecp_server.stores.postgresql.pool import Connection
from tests.servers import postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]

FIRST = Migration(1, "begin", "CREATE TABLE ecp_test.thing (id integer); INSERT INTO ecp_test.thing VALUES (1)")
SECOND = Migration(2, "more", "ALTER TABLE ecp_test.thing ADD COLUMN name text NOT NULL DEFAULT 'x'")
BROKEN = Migration(3, "broken", "CREATE TABLE ecp_test.other (id integer); SELECT nonsense")


async def connect(url: str) -> Connection:
    return await psycopg.AsyncConnection.connect(url, autocommit=True)


async def rows(connection: Connection, query: str) -> Sequence[object]:
    return await (await connection.execute(query.encode())).fetchall()


async def test_what_is_missing_is_applied_in_order_and_once(postgres: str) -> None:
    async with await connect(postgres) as connection:
        assert await Schema("ecp_test", (FIRST,)).applied(connection) == 0
        assert await Schema("ecp_test", (FIRST,)).migrate(connection) == (FIRST,)
        assert await Schema("ecp_test", (FIRST, SECOND)).migrate(connection) == (SECOND,)
        assert await Schema("ecp_test", (FIRST, SECOND)).migrate(connection) == ()
        assert await rows(connection, "SELECT id, name FROM ecp_test.thing") == [(1, "x")]
        assert await rows(connection, "SELECT number, name FROM ecp_test.migration") == [(1, "begin"), (2, "more")]


async def test_one_that_fails_undoes_those_before_it_in_the_same_run(postgres: str) -> None:
    async with await connect(postgres) as connection:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            await Schema("ecp_test", (FIRST, SECOND, BROKEN)).migrate(connection)
        assert await Schema("ecp_test", (FIRST,)).applied(connection) == 0
        assert await Schema("ecp_test", (FIRST, SECOND)).migrate(connection) == (FIRST, SECOND)


async def test_a_schema_of_a_newer_release_is_left_alone(postgres: str) -> None:
    async with await connect(postgres) as connection:
        await Schema("ecp_test", (FIRST, SECOND)).migrate(connection)
        with pytest.raises(NewerSchema):
            await Schema("ecp_test", (FIRST,)).migrate(connection)


async def test_several_that_migrate_at_once_take_turns(postgres: str) -> None:
    async def migrate() -> Sequence[Migration]:
        async with await connect(postgres) as connection:
            return await Schema("ecp_test", (FIRST, SECOND)).migrate(connection)

    applied = await asyncio.gather(*(migrate() for _ in range(4)))
    assert sorted(len(each) for each in applied) == [0, 0, 0, 2]


def test_files_are_numbered_without_gaps() -> None:
    schema = Schema.of("ecp_state", "ecp_server.stores.state")
    assert [migration.number for migration in schema.migrations] == list(range(1, schema.latest + 1))
    assert schema.latest >= 1
