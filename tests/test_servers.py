"""`scripts/servers`: what it tells, and that its servers take real questions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg

from tests.servers import postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]


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
