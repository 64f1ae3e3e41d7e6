"""SIGKILL under load, again and again: what was acknowledged is there afterwards, as it was sent.

Two servers at a time share the state file, so that one is killed while the other writes.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ecp.v1 import resolve_pb2
from tests.faults.callers import calling, read_back
from tests.processes import serving

QUESTION = "revenue of Snowflake in fiscal 2024"
ROUNDS = 10
SERVERS = 2
KILLS = ROUNDS * SERVERS
CALLERS = 50
ANSWERS = 40
"""So many answers, at least, before a server is killed."""


async def answered_until_killed(catalog: Path, folder: Path, name: str) -> dict[str, resolve_pb2.ResolveResponse]:
    """Start a server, load it, kill it amid the load; return what it had acknowledged."""
    async with serving(catalog, folder, name=name) as server, calling(server.address) as callers:
        load = [asyncio.create_task(callers.keep_asking(QUESTION)) for _ in range(CALLERS)]
        while len(callers.outcomes) < ANSWERS:  # noqa: ASYNC110 - counted by the callers themselves
            await asyncio.sleep(0.001)
        server.tell(signal.SIGKILL)
        assert await server.ended() == -signal.SIGKILL
        await asyncio.gather(*load)
        codes = {outcome.code for outcome in callers.outcomes.values()}
        assert {"OK", "UNAVAILABLE"} == codes
        return callers.answered


@pytest.mark.timeout(300)  # twenty starts: a minute on two free cores, several where others use them too
async def test_twenty_kills_lose_no_acknowledged_resolution(catalog: Path, tmp_path: Path) -> None:
    acknowledged: dict[str, resolve_pb2.ResolveResponse] = {}
    for _ in range(ROUNDS):
        servers = (answered_until_killed(catalog, tmp_path, f"server-{i}") for i in range(SERVERS))
        for answered in await asyncio.gather(*servers):
            acknowledged |= answered
    assert len(acknowledged) >= KILLS * ANSWERS
    async with serving(catalog, tmp_path) as server:
        found = await read_back(server.address, set(acknowledged))
    assert (len(acknowledged), set()) == (len(found), acknowledged.keys() - found.keys())
    assert acknowledged == found
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        audited = {row[0] for row in connection.execute("SELECT resolution_id FROM audit")}
        assert ("ok",) == connection.execute("PRAGMA integrity_check").fetchone()
    assert set(acknowledged) <= audited
