"""A disk that is full: nothing is answered that is not recorded, and once there is room all is as before."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.callers import Callers, calling, read_back
from tests.faults.mutated import CORRECT, Mutated, log_or_fail, mutated, record_if_possible
from tests.processes import ServerProcess, serving
from tests.serving import Outcome

QUESTION: Final = "revenue of Snowflake in fiscal 2024"
CALLS: Final = 20
A_PAGE: Final = 4096
MIB: Final = 1 << 20
ROOM_AGAIN_SECONDS: Final = 10.0


def leave_room(server: ServerProcess, size: int) -> None:
    """Let no file of the server's grow past a size, and none that is larger grow at all: to it that is a full disk."""
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def give_room(server: ServerProcess) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, unlimited)


async def ask(callers: Callers, times: int = CALLS) -> list[Outcome]:
    return list(await asyncio.gather(*(callers.begin(QUESTION) for _ in range(times))))


async def test_a_full_disk_refuses_and_recovers_without_a_restart(catalog: Path, tmp_path: Path) -> None:
    await refuses_and_recovers(catalog, tmp_path)


async def test_a_server_that_answers_without_a_record_is_found(catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        await refuses_and_recovers(catalog, tmp_path, mutated(record_if_possible))


async def refuses_and_recovers(catalog: Path, tmp_path: Path, bug: Mutated = CORRECT) -> None:
    state = tmp_path / "state"
    state.mkdir()
    url = f"sqlite:///{state / 'state.db'}"
    async with serving(catalog, tmp_path, state_url=url, **bug) as server:
        async with calling(server.address) as callers:
            before = await ask(callers)
            assert {"OK"} == {reply.code for reply in before}
            assert len(before) == CALLS
            leave_room(server, A_PAGE)
            for reply in await ask(callers):
                assert "UNAVAILABLE" == reply.code
                reason: Any = reply.details["ErrorInfo"].reason
                assert reason.endswith(("STORE_UNAVAILABLE", "CIRCUIT_OPEN"))
                assert "RetryInfo" in reply.details
            give_room(server)
            async with asyncio.timeout(ROOM_AGAIN_SECONDS):
                while {reply.code for reply in await ask(callers, 1)} != {"OK"}:  # noqa: ASYNC110 - as a caller does
                    await asyncio.sleep(0.1)
            assert {"OK"} == {reply.code for reply in await ask(callers)}
            acknowledged = set(callers.answered)
        assert await server.stopped() == 0
    async with serving(catalog, tmp_path, name="later", state_url=url) as server:
        assert acknowledged == set(await read_back(server.address, acknowledged)), "no answer left without its record"


async def test_a_log_that_cannot_be_written_costs_no_answer(catalog: Path, tmp_path: Path) -> None:
    """Standard error is a file on a disk that is full, at every level of logging."""
    await answers_without_a_log(catalog, tmp_path)


async def test_a_server_that_cannot_do_without_its_log_is_found(catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        await answers_without_a_log(catalog, tmp_path, mutated(log_or_fail))


async def answers_without_a_log(catalog: Path, tmp_path: Path, bug: Mutated = CORRECT) -> None:
    log = tmp_path / "server.log"
    log.write_bytes(b"\n" * 16 * MIB)  # larger than what is recorded will be
    async with serving(catalog, tmp_path, log_level="DEBUG", **bug) as server:
        async with calling(server.address) as callers:
            assert {"OK"} == {reply.code for reply in await ask(callers)}
            leave_room(server, 15 * MIB)
            full = log.stat().st_size
            codes = {reply.code for reply in await ask(callers, 5 * CALLS)}
            codes |= {(await callers.begin("flux capacitance")).code}  # of which a warning is logged
            assert {"OK", "NOT_FOUND"} == codes
            assert full == log.stat().st_size
            give_room(server)
            assert {"OK"} == {reply.code for reply in await ask(callers)}
            acknowledged = set(callers.answered)
            assert acknowledged == set(await read_back(server.address, acknowledged))
        assert await server.stopped() == 0
    assert log.stat().st_size > full, "it is written again once there is room"
