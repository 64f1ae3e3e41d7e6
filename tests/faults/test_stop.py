"""SIGTERM under load: what is in flight is finished and recorded, what comes later is refused and may be retried."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.faults.callers import Callers, calling, read_back, turn_held
from tests.processes import ServerProcess, serving

QUESTION = "revenue of Snowflake in fiscal 2024"
CALLS = 200


def audited(folder: Path) -> dict[str, str]:
    """Return the resolutions of the audit trail by request id; each request is in it once."""
    with closing(sqlite3.connect(folder / "state.db")) as connection:
        rows = connection.execute("SELECT request_id, resolution_id FROM audit").fetchall()
    assert len(rows) == len(dict(rows))
    return dict(rows)


def started_before_draining(server: ServerProcess) -> set[str]:
    """Return the ids of the requests that the server had begun when it was told to stop, by the order of its log."""
    ids = set()
    for line in map(json.loads, server.log_lines):
        if line["event"] == "request_started":
            ids.add(line["request_id"])
        if line["event"] == "server_draining":
            return ids
    raise AssertionError("the server did not drain")


async def assert_recorded(callers: Callers, catalog: Path, folder: Path) -> None:
    """What was acknowledged is recorded as it was sent, by a server that starts afterwards."""
    answered = callers.answered
    async with serving(catalog, folder) as server:
        assert answered == await read_back(server.address, set(answered))


async def test_calls_in_flight_are_finished_and_recorded(catalog: Path, tmp_path: Path) -> None:
    """Two hundred calls wait for their record when the signal comes; a quarter of their callers have given up."""
    async with serving(catalog, tmp_path, log_level="DEBUG", store_timeout_seconds="30") as server:
        async with calling(server.address) as callers:
            await callers.begin(QUESTION)
            with turn_held(tmp_path):
                calls = [callers.begin(QUESTION) for _ in range(CALLS)]
                await server.until_logged("request_started", CALLS + 1)
                given_up, patient = calls[::4], [call for i, call in enumerate(calls) if i % 4]
                for call in given_up:
                    call.cancel()
                server.tell(signal.SIGTERM)
                await server.until_logged("server_draining")
            outcomes = await asyncio.gather(*patient)
            assert ["OK"] * len(patient) == [outcome.code for outcome in outcomes]
            assert await server.ended() == 0
            (draining,) = server.logged("server_draining")
            assert draining["in_flight"] >= len(patient)
            assert [] == server.logged("calls_cut_off")
        records = audited(tmp_path)
        assert set(callers.answered) <= set(records.values())
        assert len(records) <= CALLS + 1
    await assert_recorded(callers, catalog, tmp_path)


async def test_steady_load_loses_nothing_that_was_begun(catalog: Path, tmp_path: Path) -> None:
    async with serving(catalog, tmp_path, log_level="DEBUG") as server, calling(server.address) as callers:
        load = [asyncio.create_task(callers.keep_asking(QUESTION)) for _ in range(CALLS)]
        await server.until_logged("resolution_complete", CALLS)
        server.tell(signal.SIGTERM)
        await asyncio.gather(*load)
        assert await server.ended() == 0
        begun = started_before_draining(server)
    assert len(begun) >= CALLS
    assert {"OK"} == {callers.outcomes[request_id].code for request_id in begun}
    failed = [outcome for outcome in callers.outcomes.values() if outcome.code != "OK"]
    assert {"UNAVAILABLE"} == {outcome.code for outcome in failed}  # which may be tried again elsewhere
    records = audited(tmp_path)
    assert set(callers.answered) == set(records.values())
    await assert_recorded(callers, catalog, tmp_path)
