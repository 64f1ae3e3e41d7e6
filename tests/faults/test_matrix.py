"""The faults of networks and dying servers in front of real stores, and the mutants that these tests find."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from ecp.v1 import health_pb2
from ecp_server.domain.impaired import Impaired
from ecp_server.domain.provenance import StoreKind
from ecp_server.resolution.resolve import Resolver
from ecp_server.stores.guard import guards
from ecp_server.stores.ports import Probed
from ecp_server.stores.state.postgres import SCHEMA as STATE_SCHEMA
from ecp_server.stores.state.postgres import PostgresState
from tests.faults.matrix import Matrix, Void
from tests.faults.mutants import fail_open
from tests.faults.proxy import Fault
from tests.faults.replies import ask, assert_as_designed
from tests.faults.sites import SETTINGS, SITES, behind, estate, meridian, meridian_cube, through, urls_of
from tests.running import running
from tests.servers import migrated, neo4j_server, opa_server, postgres, postgres_database, postgres_server
from tests.serving import NOT_SERVING, SERVING

__all__ = [
    "meridian",
    "meridian_cube",
    "neo4j_server",
    "opa_server",
    "postgres",
    "postgres_database",
    "postgres_server",
]

SHORT: Final = {
    "state": (Fault.REFUSE, Fault.BLACKHOLE),
    "registry": (Fault.REFUSE, Fault.RESET),
    "vector": (Fault.BLACKHOLE, Fault.GARBAGE),
    "graph": (Fault.REFUSE, Fault.HALF_OPEN),
    "policy": (Fault.BLACKHOLE, Fault.HTTP_503),
    "semantic": (Fault.REFUSE, Fault.DRIP),
}
"""What is done to each store in every run of the tests; the long form does everything to every store."""


@pytest.mark.parametrize("name", SITES)
async def test_matrix(meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str) -> None:
    async with estate(meridian, tmp_path, urls_of(request, name)) as standing:
        await Matrix(standing, SITES[name].store, rounds=1).survives(*SHORT[name])


def test_the_short_matrix_has_every_fault_but_the_slow_ones() -> None:
    assert {fault for faults in SHORT.values() for fault in faults} == set(Fault) - {
        Fault.NONE,
        Fault.DELAY,
        Fault.HTTP_429,
        Fault.STALE,  # of which nothing is to be seen: test_stale_connections
    }


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SITES)
async def test_long_matrix(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str, project_root: Path
) -> None:
    """Two hundred calls of each kind before, in and after each fault; what came of them stands in build/matrix."""
    async with estate(meridian, tmp_path, urls_of(request, name)) as standing:
        matrix = Matrix(standing, SITES[name].store, rounds=50)
        try:
            await matrix.survives(*SITES[name].faults)
        finally:
            _write(project_root / "build" / "matrix" / f"{name}.json", matrix)


def _write(path: Path, matrix: Matrix) -> None:
    counted: dict[str, Counter[str]] = {}
    for (trouble, kind, code), replies in matrix.counted.items():
        counted.setdefault(trouble, Counter())[f"{kind} {code}"] += replies
    path.parent.mkdir(parents=True, exist_ok=True)
    came_of_it = {"replies": counted, "longest_seconds": matrix.longest, "at_server": matrix.books.slowest_seconds}
    path.write_text(json.dumps(came_of_it, indent=2), encoding="utf-8")


async def test_a_policy_engine_is_not_asked_before_it_wants_to(meridian: Path, tmp_path: Path, opa_server: str) -> None:
    async with estate(meridian, tmp_path, {SITES["policy"]: opa_server}) as standing:
        matrix = Matrix(standing, StoreKind.POLICY)
        await matrix.warm_up()
        matrix.proxy.retry_after_seconds = 3
        await matrix.proxy.turn(Fault.HTTP_429)
        for _ in range(5):
            assert_as_designed("ListMetrics", (StoreKind.POLICY,), await ask(matrix.server, "ListMetrics"))
        assert 1 == matrix.proxy.questions
        assert health_pb2.BREAKER_STATE_CLOSED == await matrix.breaker()
        await matrix.proxy.turn(Fault.NONE)
        await matrix.is_whole_again(within_seconds=3)


async def test_a_server_starts_without_its_state_and_recovers_by_itself(
    meridian: Path, tmp_path: Path, postgres: str
) -> None:
    await migrated(postgres, STATE_SCHEMA)
    async with behind(postgres) as proxy:
        await proxy.turn(Fault.REFUSE)
        async with running(meridian, tmp_path, **SETTINGS, state_url=through(postgres, proxy)) as server:
            await server.becomes(NOT_SERVING)
            assert_as_designed("Resolve", (StoreKind.STATE,), await ask(server, "Resolve"))
            await proxy.turn(Fault.NONE)
            await server.becomes(SERVING)
            assert_as_designed("Resolve", (), await ask(server, "Resolve"))


async def test_a_store_that_does_not_work_before_the_fault_shows_nothing(
    meridian: Path, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.faults.matrix.WARMING_SECONDS", 0.5)
    async with estate(meridian, tmp_path, {SITES["state"]: postgres}) as standing:
        await standing.proxies[StoreKind.STATE].turn(Fault.REFUSE)
        with pytest.raises(Void):
            await Matrix(standing, StoreKind.STATE, rounds=1).survives()


async def test_a_store_that_is_not_asked_shows_nothing(meridian: Path, tmp_path: Path, postgres: str) -> None:
    """Its answers are kept, so that no fault of it would be seen."""
    async with estate(meridian, tmp_path, {SITES["registry"]: postgres}, read_cache_mib="64") as standing:
        with pytest.raises(Void):
            await Matrix(standing, StoreKind.REGISTRY, rounds=2).survives()


async def test_a_guard_that_is_off_is_found(
    meridian: Path, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unguarded(port: Probed, _guard: object) -> Probed:
        return port

    monkeypatch.setattr(guards, "guarded", unguarded)
    async with estate(meridian, tmp_path, {SITES["state"]: postgres}) as standing:
        with pytest.raises(AssertionError):
            await Matrix(standing, StoreKind.STATE, rounds=1).survives(Fault.BLACKHOLE)
        await standing.proxies[StoreKind.STATE].turn(Fault.NONE)  # else the driver's own ten seconds pass at the end


async def test_a_record_that_comes_after_the_reply_is_found(
    meridian: Path, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = PostgresState.record
    later: set[asyncio.Task[None]] = set()

    async def after_the_reply(self: PostgresState, *records: Any) -> None:
        later.add(asyncio.create_task(record(self, *records)))

    monkeypatch.setattr(PostgresState, "record", after_the_reply)
    async with estate(meridian, tmp_path, {SITES["state"]: postgres}) as standing:
        with pytest.raises(AssertionError):
            await Matrix(standing, StoreKind.STATE, rounds=1).survives(Fault.REFUSE)
        for task in later:
            task.cancel()
        await asyncio.gather(*later, return_exceptions=True)


async def test_a_policy_that_fails_open_is_found(
    meridian: Path, tmp_path: Path, opa_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_open(monkeypatch)
    async with estate(meridian, tmp_path, {SITES["policy"]: opa_server}) as standing:
        with pytest.raises(AssertionError):
            await Matrix(standing, StoreKind.POLICY, rounds=1).survives(Fault.REFUSE)


async def test_a_notice_that_is_dropped_is_found(
    meridian: Path, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Impaired, "degradations", ())
    async with estate(meridian, tmp_path, {SITES["registry"]: postgres}) as standing:
        with pytest.raises(AssertionError):
            await Matrix(standing, StoreKind.REGISTRY, rounds=1).survives(Fault.REFUSE)


async def test_a_semantic_layer_that_resolving_asks_is_found(
    meridian: Path, tmp_path: Path, meridian_cube: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = Resolver.resolve

    async def asking_it_too(self: Any, *arguments: Any) -> Any:
        await standing.server.application._health._stores[StoreKind.SEMANTIC].run([])  # type: ignore[attr-defined] # a port
        return await resolve(self, *arguments)

    async with estate(meridian, tmp_path, {SITES["semantic"]: meridian_cube}) as standing:
        monkeypatch.setattr(Resolver, "resolve", asking_it_too)
        with pytest.raises(AssertionError):
            await Matrix(standing, StoreKind.SEMANTIC, rounds=1).survives(Fault.REFUSE)


async def test_a_call_that_is_counted_twice_is_found(
    meridian: Path, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with estate(meridian, tmp_path, {SITES["state"]: postgres}) as standing:
        instruments = standing.server.instruments
        count = instruments.store_call

        def twice(*call: Any) -> None:
            count(*call)
            instruments._store_calls.add((call[0], call[3]))

        monkeypatch.setattr(instruments, "store_call", twice)
        with pytest.raises(AssertionError):
            await Matrix(standing, StoreKind.STATE, rounds=1).survives()
