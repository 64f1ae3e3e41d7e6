"""SIGKILL under load, again and again: what was acknowledged is there afterwards, as it was sent, and nothing twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from ecp_server.stores.state.postgres import SCHEMA
from tests.faults.callers import Callers
from tests.faults.cycles import SERVERS, Cycles
from tests.faults.mutated import mutated, record_later
from tests.processes import ServerProcess
from tests.servers import migrated, postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]


async def kill(server: ServerProcess, _callers: Callers) -> None:
    server.tell(signal.SIGKILL)
    assert await server.ended() == -signal.SIGKILL


async def killed(cycles: Cycles, times: int) -> None:
    await cycles.run(times // SERVERS, kill)
    held = await cycles.assert_recorded_once()
    print(  # noqa: T201 - the figures of the run
        f"{cycles.ends} kills: {len(cycles.acknowledged)} acknowledged, {held.audit.total()} recorded, "
        f"{len(cycles.attempted)} attempted"
    )


@pytest.mark.timeout(300)  # starts: seconds on free cores, a minute where others use them too
async def test_kills_lose_no_acknowledged_resolution(catalog: Path, tmp_path: Path) -> None:
    await killed(Cycles(catalog, tmp_path, f"sqlite:///{tmp_path / 'state.db'}"), 4)


@pytest.mark.timeout(300)
async def test_kills_lose_no_acknowledged_resolution_in_postgresql(
    catalog: Path, tmp_path: Path, postgres: str
) -> None:
    await migrated(postgres, SCHEMA)
    await killed(Cycles(catalog, tmp_path, postgres), 2)


@pytest.mark.timeout(300)
async def test_a_server_that_records_later_is_found(catalog: Path, tmp_path: Path) -> None:
    cycles = Cycles(catalog, tmp_path, f"sqlite:///{tmp_path / 'state.db'}", bug=mutated(record_later))
    with pytest.raises(AssertionError):
        await killed(cycles, SERVERS)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_hundred_kills_lose_no_acknowledged_resolution(catalog: Path, tmp_path: Path) -> None:
    await killed(Cycles(catalog, tmp_path, f"sqlite:///{tmp_path / 'state.db'}"), 100)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_twenty_kills_lose_no_acknowledged_resolution_in_postgresql(
    catalog: Path, tmp_path: Path, postgres: str
) -> None:
    await migrated(postgres, SCHEMA)
    await killed(Cycles(catalog, tmp_path, postgres), 20)
