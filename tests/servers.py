"""The real servers that tests use, as `scripts/servers` tells of them: ECP_TEST_*_URL.

A fixture skips its test, with the reason, where a server is not there; with ECP_TEST_REQUIRE_SERVERS=1 it fails. Import
the fixtures where they are needed, e.g. in a conftest.py: ``from tests.servers import postgres``.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, LiteralString, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from ecp_server.stores.postgresql.migrations import Schema
from tests.conftest import skip_or_fail

T = TypeVar("T")


def server_url(variable: str) -> str:
    """Return what ``variable`` says, such as ECP_TEST_POSTGRES_URL; without it skip or fail."""
    told = os.environ.get(variable)
    if not told:
        skip_or_fail(f'no {variable} (eval "$(scripts/servers up)")', required_by="ECP_TEST_REQUIRE_SERVERS")
    return told


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a superuser of the PostgreSQL server."""
    return server_url("ECP_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of a database of this test run, with pgvector."""
    name = f"ecp_test_{secrets.token_hex(6)}"
    in_server(postgres_server, "CREATE DATABASE {}", name)
    try:
        url = named(postgres_server, name)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE EXTENSION vector")
        yield url
    finally:
        in_server(postgres_server, "DROP DATABASE {} WITH (FORCE)", name)


def in_server(url: str, statement: LiteralString, database: str) -> None:
    """Change the databases of a server, on a connection of its own: a test may start the server again meanwhile."""
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL(statement).format(sql.Identifier(database)))


@pytest.fixture
def postgres(postgres_database: str) -> str:
    """The URL of a database with pgvector and nothing of ours in it."""
    return emptied(postgres_database)


def emptied(url: str) -> str:
    """Take all that is ours out of a database, and return its URL: for what many tests read and none changes."""
    with psycopg.connect(url, autocommit=True) as connection:
        # What an earlier test left: a process that was killed may still hold locks there.
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        for (schema,) in connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'ecp%'").fetchall():
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    return url


async def migrated(url: str, *schemas: Schema) -> None:
    """Make schemas in a database."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for schema in schemas:
            await schema.migrate(connection)


def finished(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread: for fixtures that outlive the loop of the test that wants them first."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def named(url: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest.fixture(scope="session")
def neo4j_server() -> str:
    """The URL of the Neo4j server's user who may do everything; Community has one database, which tests share."""
    return server_url("ECP_TEST_NEO4J_URL")


@pytest.fixture(scope="session")
def opa_server() -> str:
    """The URL of the OPA server, the password in it its token."""
    return server_url("ECP_TEST_OPA_URL")


@pytest.fixture(scope="session")
def opa_program() -> str:
    """The program of the OPA server, for a test that starts one with a configuration of its own."""
    return server_url("ECP_TEST_OPA_PROGRAM")
