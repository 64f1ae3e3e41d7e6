"""Real servers that freeze and that are started again while they are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from ecp_server.stores.policy.opa_push import PushedPolicies
from tests.faults.machines import down, frozen
from tests.faults.matrix import Matrix
from tests.faults.mutants import fail_open
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
    await freezes(meridian, tmp_path, urls_of(request, name), name)


async def test_a_frozen_policy_engine_that_allows_is_found(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_open(monkeypatch)
    with pytest.raises(AssertionError):
        await freezes(meridian, tmp_path, urls_of(request, "policy"), "policy")


async def freezes(catalog: Path, folder: Path, urls: dict[Any, str], name: str) -> None:
    async with estate(catalog, folder, urls) as standing:
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
    await starts_again(meridian, tmp_path, urls_of(request, name), name, project_root)


async def test_policies_that_are_not_brought_again_are_found(
    meridian: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    project_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    restore = PushedPolicies.restore
    monkeypatch.setattr("tests.faults.test_machines.STARTING_SECONDS", 1.0)

    async def once(self: PushedPolicies) -> None:
        if not self._in_force:
            await restore(self)

    monkeypatch.setattr(PushedPolicies, "restore", once)
    with pytest.raises(AssertionError):
        await starts_again(meridian, tmp_path, urls_of(request, "policy"), "policy", project_root)


async def starts_again(catalog: Path, folder: Path, urls: dict[Any, str], name: str, root: Path) -> None:
    async with estate(catalog, folder, urls) as standing:
        matrix = Matrix(standing, SITES[name].store, rounds=1)
        await matrix.begin()
        async with down(root, ENGINES.get(name, "postgres")):
            await matrix.endures("down")
        await matrix.recovers("down", STARTING_SECONDS)
        await matrix.books.balance()
