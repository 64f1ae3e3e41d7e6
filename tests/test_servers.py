"""`scripts/servers`: what it tells, and that its servers take real questions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from neo4j import AsyncGraphDatabase
from neo4j.exceptions import AuthError

from tests.servers import neo4j_server, opa_server, postgres, postgres_database, postgres_server, server_url

__all__ = ["neo4j_server", "opa_server", "postgres", "postgres_database", "postgres_server"]


def run(root: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ECP_SERVERS_FOLDER": str(folder)}
    command = [str(root / "scripts" / "servers"), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=60)


def test_status_of_what_was_never_started_fails_and_names_it(project_root: Path, tmp_path: Path) -> None:
    done = run(project_root, "status", "postgres", folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout.split()[:2] == ["postgres", "stopped"]


def test_nothing_is_exported_for_what_does_not_run(project_root: Path, tmp_path: Path) -> None:
    assert run(project_root, "env", folder=tmp_path).stdout == ""


def test_down_of_what_was_never_started_does_nothing(project_root: Path, tmp_path: Path) -> None:
    assert run(project_root, "down", folder=tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_server_is_refused_by_name(project_root: Path, tmp_path: Path) -> None:
    done = run(project_root, "up", "oracle", folder=tmp_path)
    assert done.returncode == 2
    assert "no server oracle" in done.stderr


def test_postgres_is_the_version_that_is_pinned_and_has_vectors(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        assert connection.info.server_version // 10_000 == 18
        row = connection.execute("SELECT '[1,2]'::vector <=> '[1,2]'").fetchone()
    assert row == (0.0,)


async def test_neo4j_is_the_version_that_is_pinned_and_wants_a_password(neo4j_server: str) -> None:
    parts = urlsplit(neo4j_server)
    address = f"bolt://{parts.hostname}:{parts.port}"
    async with AsyncGraphDatabase.driver(address, auth=("neo4j", parts.password or "")) as driver:
        records, _, _ = await driver.execute_query("CALL dbms.components() YIELD versions RETURN versions[0] AS v")
    assert records[0]["v"].startswith("5.26.")
    async with AsyncGraphDatabase.driver(address, auth=("neo4j", "wrong")) as driver:
        with pytest.raises(AuthError):
            await driver.verify_connectivity()


async def test_opa_decides_for_who_has_the_token_alone(opa_server: str) -> None:
    parts = urlsplit(opa_server)
    address = f"http://{parts.hostname}:{parts.port}"
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{address}/health")).status_code == 200
        assert (await client.get(f"{address}/v1/data")).status_code == 401
        headers = {"authorization": f"Bearer {parts.password}"}
        assert "result" in (await client.get(f"{address}/v1/data", headers=headers)).json()


async def test_cube_answers_for_who_has_a_tenants_secret_alone() -> None:
    parts = urlsplit(server_url("ECP_TEST_CUBE_URL"))
    address = f"http://{parts.hostname}:{parts.port}"
    async with httpx.AsyncClient(trust_env=False) as client:
        for headers in ({}, {"authorization": "made-up"}):
            refused = await client.get(f"{address}/cubejs-api/v1/meta", headers=headers)
            assert (refused.status_code, "error" in refused.json()) == (403, True)
