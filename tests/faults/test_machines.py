"""Real servers that freeze and that are started again while they are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.faults.machines import down, frozen
from tests.faults.matrix import Matrix
from tests.faults.sites import SITES, estate, meridian, meridian_cube, urls_of
from tests.servers import neo4j_server, opa_server, postgres, postgres_database, postgres_server

__all__ = [
    "meridian",
    "meridian_cube",
    "neo4j_server",
    "opa_server",
    "postgres",
    "postgres_database",
    "postgres_server",
]

SOON: Final = ("state", "policy")
"""Frozen and started again in every run of the tests; the others in the long form."""
ENGINES: Final = {"graph": "neo4j", "policy": "opa", "semantic": "cube"}
STARTING_SECONDS: Final = 10.0
"""A server that has just started is slow at first."""
NAMES: Final = [name if name in SOON else pytest.param(name, marks=pytest.mark.long) for name in SITES]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
async def test_a_frozen_server_is_as_one_that_is_gone(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    """Connecting works, and nothing comes back."""
    urls = urls_of(request, name)
    async with estate(meridian, tmp_path, urls) as standing:
        matrix = Matrix(standing, SITES[name].store, rounds=1)
        await matrix.begin()
        with frozen(urls[SITES[name]]):
            await matrix.endures("frozen")
        await matrix.recovers("frozen", STARTING_SECONDS)
        await matrix.books.balance()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
async def test_a_server_that_is_started_again_is_used_again(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str, project_root: Path
) -> None:
    """Two seconds later nothing of the connections that broke is to be seen; an OPA has forgotten its policies."""
    async with estate(meridian, tmp_path, urls_of(request, name)) as standing:
        matrix = Matrix(standing, SITES[name].store, rounds=1)
        await matrix.begin()
        async with down(project_root, ENGINES.get(name, "postgres")):
            await matrix.endures("down")
        await matrix.recovers("down", STARTING_SECONDS)
        await matrix.books.balance()
