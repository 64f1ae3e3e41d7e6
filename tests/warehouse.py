"""The data of a catalog in PostgreSQL, and a real Cube over it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.semantic.data import open_database
from tests.servers import in_server, named, server_url

_TYPES: Final = {"DOUBLE": "double precision", "TIMESTAMP WITH TIME ZONE": "timestamptz", "HUGEINT": "numeric(38,0)"}
"""What PostgreSQL calls otherwise."""


def load_warehouse(folder: Path, database: str) -> None:
    """Copy the tables that DuckDB finds in the folder into an empty PostgreSQL database, types and all."""
    source = open_database(folder, memory_mib=512, threads=1)
    named = "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"
    with psycopg.connect(database, autocommit=True) as connection:
        here = sql.Identifier(connection.info.dbname)
        # Tables without a schema are where DuckDB has them.
        connection.execute(sql.SQL("ALTER DATABASE {} SET search_path = main, public").format(here))
        for schema, name in source.execute(named).fetchall():
            table = sql.Identifier(schema, name)
            columns = source.execute(f'DESCRIBE "{schema}"."{name}"').fetchall()
            typed = [sql.SQL("{} {}").format(sql.Identifier(c), sql.SQL(_TYPES.get(t, t))) for c, t, *_ in columns]
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(typed)))
            rows = source.execute(f'SELECT * FROM "{schema}"."{name}"')  # noqa: S608 - names from the catalog of tables
            with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
                while part := rows.fetchmany(10_000):
                    for row in part:
                        copy.write_row(row)
    source.close()


@contextmanager
def cube_tenant(model: Mapping[str, str], database: str) -> Iterator[Endpoint]:
    """Give the real Cube a model over a database for a while; yield where to ask, and with which secret."""
    url = server_url("ECP_TEST_CUBE_URL")
    folder = Path(os.environ["ECP_TEST_CUBE_TENANTS"]) / f"test_{secrets.token_hex(6)}"
    secret = secrets.token_hex(32)
    try:
        for name, text in model.items():
            path = folder / "model" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (folder / "tenant.json").write_text(json.dumps({"secret": secret, "database": database}), encoding="utf-8")
        parts = urlsplit(url)
        yield Endpoint(urlunsplit(parts._replace(netloc=f":{secret}@{parts.hostname}:{parts.port}")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def warehouse(folder: Path) -> Iterator[str]:
    """Yield the URL of a database with the folder's data, for as long as it is needed."""
    server = server_url("ECP_TEST_POSTGRES_URL")
    name = f"ecp_warehouse_{secrets.token_hex(6)}"
    in_server(server, "CREATE DATABASE {}", name)
    try:
        url = named(server, name)
        load_warehouse(folder, url)
        yield url
    finally:
        in_server(server, "DROP DATABASE {} WITH (FORCE)", name)


@contextmanager
def cube_over(model: Mapping[str, str], folder: Path) -> Iterator[Endpoint]:
    """Give the real Cube a model over the folder's data."""
    server_url("ECP_TEST_CUBE_URL")
    with warehouse(folder) as database, cube_tenant(model, database) as endpoint:
        yield endpoint
