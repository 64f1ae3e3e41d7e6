"""The real servers that tests use, as `scripts/servers` tells of them: ECP_TEST_*_URL.

A fixture skips its test, with the reason, where a server is not there; with ECP_TEST_REQUIRE_SERVERS=1 it fails. Import
the fixtures where they are needed, e.g. in a conftest.py: ``from tests.servers import postgres``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.conftest import skip_or_fail


def server_url(variable: str) -> str:
    """Return what ``variable`` says, such as ECP_TEST_POSTGRES_URL; without it skip or fail."""
    url = os.environ.get(variable)
    if not url:
        skip_or_fail(f'no {variable} (eval "$(scripts/servers up)")', required_by="ECP_TEST_REQUIRE_SERVERS")
    return url


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a superuser of the PostgreSQL server."""
    return server_url("ECP_TEST_POSTGRES_URL")


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of an empty database with pgvector, which others are copied from."""
    with _database(postgres_server, template="template1") as name:
        with psycopg.connect(named(postgres_server, name)) as connection:
            connection.execute("CREATE EXTENSION vector")
        yield name


@pytest.fixture
def postgres(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The URL of an empty database with pgvector, for this test alone."""
    with _database(postgres_server, template=postgres_template) as name:
        yield named(postgres_server, name)


def named(url: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@contextmanager
def _database(server: str, *, template: str) -> Iterator[str]:
    name = f"ecp_test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        try:
            yield name
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
