"""How long it takes to publish a large catalog: `make verify`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.generate_catalog import generate_catalog
from tests.servers import postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]

ASSETS = 100_000


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_hundred_thousand_assets_are_published_in_five_minutes_and_unchanged_in_fifteen_seconds(
    postgres: str, tmp_path: Path
) -> None:
    """To PostgreSQL and pgvector, by the command as anybody starts it, reading the catalog included."""
    generate_catalog(tmp_path, ASSETS)
    environment = {**os.environ, "ECP_REGISTRY_URL": postgres, "ECP_VECTOR_URL": postgres}

    def run(*arguments: str) -> tuple[float, str]:
        started = time.monotonic()
        command = [sys.executable, "-m", "ecp_server", *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=900)
        return time.monotonic() - started, done.stdout

    run("migrate")
    first, told = run("catalog", "publish", str(tmp_path))
    again, unchanged = run("catalog", "publish", str(tmp_path))
    print(f"published in {first:.0f} s, again in {again:.1f} s\n{told}{unchanged}")  # noqa: T201 - `make verify -s` shows it
    assert "registry: 0 added, 0 changed, 0 removed" in unchanged
    assert first <= 300
    assert again <= 15
