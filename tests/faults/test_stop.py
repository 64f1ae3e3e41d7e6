"""SIGTERM under load: what is in flight is finished and recorded, what comes later is refused and may be retried."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from ecp_server.stores.state.postgres import SCHEMA
from tests.faults.callers import Callers, calling, read_back, turn_held
from tests.faults.cycles import QUESTION, SERVERS, Cycles
from tests.faults.mutated import CORRECT, Mutated, mutated, wait_for_nobody
from tests.faults.trail import trail
from tests.processes import ServerProcess, serving
from tests.servers import migrated, postgres, postgres_database, postgres_server
from tests.serving import NOT_SERVING, SERVING

__all__ = ["postgres", "postgres_database", "postgres_server"]

CALLS = 200
DELAY_SECONDS = 1.0
GRACE_SECONDS = 5.0
TICK = timedelta(milliseconds=2)
"""The loop's clock counts whole milliseconds."""
CLOSING_SECONDS = 1.0
"""What the end may take beyond both (trust.md)."""
MOST_UNSEEN = 0.02
"""Share of the calls that fail which may come too late to be told why: they meet gRPC itself as it stops."""
SETTINGS = {"drain_delay_seconds": str(DELAY_SECONDS), "drain_grace_seconds": str(GRACE_SECONDS)}


def audited(folder: Path) -> dict[str, str]:
    """Return the resolutions of the audit trail by request id; each request is in it once."""
    audit = trail(f"sqlite:///{folder / 'state.db'}").audit
    assert audit.total() == len(dict(audit.keys()))
    return dict(audit.keys())


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
    await finishes_what_is_in_flight(catalog, tmp_path)


async def test_a_server_that_waits_for_nobody_is_found(catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        await finishes_what_is_in_flight(catalog, tmp_path, mutated(wait_for_nobody))


async def finishes_what_is_in_flight(catalog: Path, tmp_path: Path, bug: Mutated = CORRECT) -> None:
    async with serving(catalog, tmp_path, log_level="DEBUG", store_timeout_seconds="30", **bug) as server:
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
    # No store is late: the machine may be.
    async with (
        serving(catalog, tmp_path, log_level="DEBUG", store_timeout_seconds="30") as server,
        calling(server.address) as callers,
    ):
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


async def stop(server: ServerProcess, _callers: Callers) -> None:
    """Health says so while calls are still answered; the end comes in time."""
    async with aio.insecure_channel(server.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=""))
        assert SERVING == (await watch.read()).status
        told = time.monotonic()
        server.tell(signal.SIGTERM)
        assert NOT_SERVING == (await watch.read()).status
        assert await server.ended() == 0
        assert time.monotonic() - told <= DELAY_SECONDS + GRACE_SECONDS + CLOSING_SECONDS
    assert_refused_late_enough(server)


def assert_refused_late_enough(server: ServerProcess) -> None:
    """By the server's own log: a caller that the machine starves sees everything at once."""
    lines = [json.loads(line) for line in server.log_lines]
    last = max(place for place, line in enumerate(lines) if line["event"] == "server_draining")
    started = max(place for place, line in enumerate(lines[:last]) if line["event"] == "server_started")
    refused = [
        (place, line)
        for place, line in enumerate(lines)
        if place > started and line["event"] == "request_completed" and line["code"] == "UNAVAILABLE"
        if "reason" not in line  # which a store that is late has, and a server that stops has not
    ]
    draining = datetime.fromisoformat(lines[last]["timestamp"])
    for place, line in refused:
        assert place > last
        after = datetime.fromisoformat(line["timestamp"]) - draining
        assert after >= timedelta(seconds=DELAY_SECONDS) - TICK


async def stopped(cycles: Cycles, times: int) -> None:
    await cycles.run(times // SERVERS, stop)
    held = await cycles.assert_recorded_once()
    # Whatever was begun was finished, and its caller has the answer.
    assert set(cycles.acknowledged.items()) == set(held.audit)
    assert cycles.told["CANCELLED"] <= MOST_UNSEEN * cycles.told.total()
    if times > SERVERS:  # of a few calls that came when none was taken any more none may have reached it
        assert cycles.told["the server is stopping"] > 0
    print(  # noqa: T201 - the figures of the run
        f"{cycles.ends} stops: {len(cycles.acknowledged)} acknowledged, {held.audit.total()} recorded, "
        f"{len(cycles.attempted)} attempted; {dict(cycles.told)}"
    )


@pytest.mark.timeout(300)
async def test_stops_finish_whatever_was_begun(catalog: Path, tmp_path: Path) -> None:
    await stopped(Cycles(catalog, tmp_path, f"sqlite:///{tmp_path / 'state.db'}", SETTINGS), 2)


@pytest.mark.timeout(300)
async def test_stops_finish_whatever_was_begun_in_postgresql(catalog: Path, tmp_path: Path, postgres: str) -> None:
    await migrated(postgres, SCHEMA)
    await stopped(Cycles(catalog, tmp_path, postgres, SETTINGS), 2)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_hundred_stops_finish_whatever_was_begun(catalog: Path, tmp_path: Path) -> None:
    await stopped(Cycles(catalog, tmp_path, f"sqlite:///{tmp_path / 'state.db'}", SETTINGS), 100)


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_twenty_stops_finish_whatever_was_begun_in_postgresql(
    catalog: Path, tmp_path: Path, postgres: str
) -> None:
    await migrated(postgres, SCHEMA)
    await stopped(Cycles(catalog, tmp_path, postgres, SETTINGS), 20)
