"""Sessions of a database: their limits, and what becomes of calls while the server is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from ecp_server.domain.errors import StoreIncompatible, StoreQueryFailed, StoreTimeout, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.postgresql.pool import Database
from tests.relay import relayed
from tests.servers import postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]


def opened(url: str, password_file: Path | None = None, *, seconds: float = 5, read_only: bool = True) -> Database:
    return Database(
        Endpoint(url, password_file), StoreKind.REGISTRY, size=4, timeout_seconds=seconds, read_only=read_only
    )


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[Database]:
    found = opened(postgres)
    yield found
    await found.close()


async def ask(database: Database, query: str = "SELECT 1") -> object:
    async with database.connection() as connection:
        row = await (await connection.execute(query.encode())).fetchone()
    return None if row is None else row[0]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("default_transaction_read_only", "on"),
        ("timezone", "UTC"),
        ("application_name", "ecp-server"),
    ],
)
async def test_every_session_has_its_limits(database: Database, setting: str, value: str) -> None:
    assert await ask(database, f"SHOW {setting}") == value


async def test_a_session_that_reads_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable):
        await ask(database, "CREATE TABLE public.other (id integer)")


async def test_what_the_server_refuses_is_a_failed_query_and_harms_no_later_one(database: Database) -> None:
    for query in ("SELEC 1", "SELECT 1/0", "SELECT 'x'::integer"):
        with pytest.raises(StoreQueryFailed):
            await ask(database, query)
    assert await ask(database) == 1


async def test_a_schema_that_is_missing_is_an_outage_and_no_bug(database: Database) -> None:
    with pytest.raises(StoreIncompatible):
        await ask(database, "SELECT id FROM ecp_nothing.here")


async def test_a_statement_that_takes_too_long_is_stopped_by_the_server(postgres: str) -> None:
    database = opened(postgres, seconds=0.2)
    started = time.monotonic()
    with pytest.raises(StoreTimeout):
        await ask(database, "SELECT pg_sleep(20)")
    assert time.monotonic() - started < 10
    await database.close()


async def test_a_call_that_finds_every_idle_connection_closed_gets_a_new_one(postgres: str) -> None:
    database = opened(postgres, seconds=2)  # the pool itself would pause for a second after the second one
    await asyncio.gather(*(ask(database, "SELECT pg_sleep(0.2)") for _ in range(8)))
    await asyncio.sleep(1.1)
    async with await psycopg.AsyncConnection.connect(postgres, autocommit=True) as other:
        ended = await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'ecp-server' AND datname = current_database()"
        )
        assert ended.rowcount > 2
    assert await ask(database) == 1
    assert [1] * 8 == await asyncio.gather(*(ask(database) for _ in range(8)))
    await database.close()


async def test_errors_carry_nothing_of_the_server(postgres: str) -> None:
    database = opened(postgres.replace("127.0.0.1", "localhost.invalid"), seconds=1)
    with pytest.raises(StoreUnavailable) as caught:
        await ask(database)
    assert caught.value.message == "the registry store does not answer"
    await database.close()


async def test_a_closed_one_answers_nothing(database: Database) -> None:
    await ask(database)
    await database.close()
    await database.close()
    with pytest.raises(StoreUnavailable):
        await ask(database)


async def test_a_refusal_is_told_at_once_and_recovery_is_noticed(postgres: str) -> None:
    async with relayed(postgres) as relay:
        database = opened(relay.url, seconds=3)
        assert await ask(database) == 1
        await relay.cut()
        with pytest.raises(StoreUnavailable):
            await ask(database)
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await ask(database)
        assert time.monotonic() - started < 1
        await relay.open()
        started = time.monotonic()
        assert await ask(database) == 1
        assert time.monotonic() - started < 3
        await database.close()


async def test_calls_go_on_after_the_server_has_closed_every_connection(postgres: str) -> None:
    database = opened(postgres)
    await asyncio.gather(*(ask(database, "SELECT pg_sleep(0.05)") for _ in range(4)))
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    await asyncio.sleep(1.1)  # after a second a connection is asked whether it works
    assert await asyncio.gather(*(ask(database) for _ in range(8))) == [1] * 8
    await database.close()


@pytest.mark.parametrize("opened_before", [False, True])
async def test_a_wrong_password_is_told_as_such_and_at_once(
    postgres: str,
    tmp_path: Path,
    opened_before: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Such a call is not repeated (`stores.guard.retry`): the same again will not help."""
    parts = urlsplit(postgres)
    secret = tmp_path / "password"
    secret.write_text(f"{parts.password}\n")
    without = urlunsplit(parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port}"))
    database = opened(without, secret, seconds=5)
    if opened_before:
        assert await ask(database) == 1
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        secret.write_text("wrong\n")
        with pytest.raises(StoreUnavailable):  # of the connection that broke
            await ask(database)
    secret.write_text("wrong\n")
    started = time.monotonic()
    with pytest.raises(StoreUnavailable) as raised:
        await ask(database)
    assert raised.value.retry_after_seconds is None
    assert time.monotonic() - started < 2
    secret.write_text(f"{parts.password}\n")
    assert await ask(database) == 1
    await database.close()


async def test_the_password_may_stand_in_a_file_that_changes(postgres: str, tmp_path: Path) -> None:
    parts = urlsplit(postgres)
    without = urlunsplit(parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port}"))
    secret = tmp_path / "password"
    secret.write_text("wrong\n")
    database = opened(without, secret, seconds=2)
    with pytest.raises(StoreUnavailable):
        await ask(database)
    secret.write_text(f"{parts.password}\n")
    assert await ask(database) == 1
    await database.close()
