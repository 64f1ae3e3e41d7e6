"""State in PostgreSQL: what its port does not say."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import psycopg
import pytest

from ecp_server.domain.errors import StoreError, StoreTimeout, StoreUnavailable
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.state.postgres import SCHEMA, PostgresState
from tests.conformance.states import AUDIT, EXECUTION, FEEDBACK, PRECEDENT, RESOLUTION, REVOCATION, pair
from tests.relay import relayed
from tests.servers import migrated, postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]


GRANTED = (
    "USAGE ON SCHEMA ecp_state",
    "SELECT, INSERT ON ALL TABLES IN SCHEMA ecp_state",
    "UPDATE ON ecp_state.liveness",
)


def opened(url: str, seconds: float = 5) -> PostgresState:
    return PostgresState(Endpoint(url), pool_size=4, timeout_seconds=seconds)


@pytest.fixture
async def state(postgres: str) -> AsyncIterator[PostgresState]:
    await migrated(postgres, SCHEMA)
    found = opened(postgres)
    yield found
    await found.close()


@pytest.mark.parametrize("change", ["UPDATE ecp_state.audit SET actor = 'x'", "DELETE FROM ecp_state.audit"])
async def test_the_audit_cannot_be_changed(state: PostgresState, postgres: str, change: str) -> None:
    await state.record(AUDIT)
    with psycopg.connect(postgres) as connection, pytest.raises(psycopg.errors.RaiseException):
        connection.execute(change.encode())


async def test_the_rights_that_the_docs_grant_suffice(postgres: str) -> None:
    """Operating: a server may then add to the audit and do nothing else with it."""
    await migrated(postgres, SCHEMA)
    user, secret = f"ecp_{secrets.token_hex(4)}", secrets.token_hex(8)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE USER {user} PASSWORD '{secret}'".encode())
        try:
            for right in GRANTED:
                connection.execute(f"GRANT {right} TO {user}".encode())
            url = urlsplit(postgres)
            granted = url._replace(netloc=f"{user}:{secret}@{url.hostname}:{url.port}").geturl()
            state = opened(granted)
            await state.probe()
            await state.record(AUDIT, RESOLUTION, EXECUTION, FEEDBACK, PRECEDENT, REVOCATION)
            assert RESOLUTION == await state.resolution(RESOLUTION.id)
            await state.close()
            with psycopg.connect(granted) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(b"ALTER TABLE ecp_state.audit DISABLE TRIGGER ALL")
        finally:
            connection.execute(f"DROP OWNED BY {user}; DROP USER {user}".encode())


async def test_commits_wait_for_the_disk_where_the_server_would_not(postgres: str) -> None:
    await migrated(postgres, SCHEMA)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', "
                           "current_database()); END $$")  # fmt: skip
        try:
            state = opened(postgres)
            async with state._database.connection() as session:
                row = await (await session.execute("SHOW synchronous_commit")).fetchone()
            assert row == ("on",)
            await state.close()
        finally:
            connection.execute("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET synchronous_commit', "
                               "current_database()); END $$")  # fmt: skip


async def test_without_its_schema_it_is_unavailable_until_it_is_there(postgres: str) -> None:
    state = opened(postgres)
    for call in (state.probe(), state.record(AUDIT), state.resolution("x")):
        with pytest.raises(StoreUnavailable):
            await call
    await migrated(postgres, SCHEMA)
    await state.probe()
    await state.record(AUDIT, RESOLUTION)
    await state.close()


async def test_a_silent_server_keeps_no_call_beyond_its_time_and_no_record_is_lost(postgres: str) -> None:
    """What timed out may be stored or not; what was acknowledged is there; calls succeed once it speaks again."""
    await migrated(postgres, SCHEMA)
    async with relayed(postgres) as relay:
        state = opened(relay.url, seconds=1.0)
        await state.record(*pair("before"))
        relay.silence()
        started = time.monotonic()
        outcomes = await asyncio.gather(
            *(state.record(*pair(f"during-{number}")) for number in range(10)), return_exceptions=True
        )
        assert time.monotonic() - started < 3
        assert {type(outcome) for outcome in outcomes} <= {StoreTimeout, StoreUnavailable}
        relay.speak()
        end = time.monotonic() + 15
        while True:
            try:
                await state.record(*pair("after"))
                break
            except StoreError:
                assert time.monotonic() < end
        assert await state.resolution("res-before") is not None
        assert await state.resolution("res-after") is not None
        await state.close()
