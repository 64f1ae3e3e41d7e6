"""Two and three real stores at once, and one that flaps: what a reply says of them, in the one time that it has."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from ecp_server.domain.health import BreakerState
from ecp_server.domain.provenance import StoreKind
from tests.faults.matrix import AT_A_TIME, LATE_SECONDS, MACHINE_SECONDS
from tests.faults.proxy import Fault
from tests.faults.replies import GRAPH, POLICY, REGISTRY, STATE, USED, VECTOR, ask, assert_as_designed, told
from tests.faults.sites import (
    BUDGET_SECONDS,
    RECOVERY_SECONDS,
    SITES,
    Estate,
    estate,
    meridian,
    meridian_cube,
    urls_of,
)
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

ALL: Final = (GRAPH, VECTOR, REGISTRY, POLICY, STATE)
CHOSEN: Final = (
    ((GRAPH, REGISTRY), Fault.BLACKHOLE),
    ((GRAPH, VECTOR, REGISTRY), Fault.REFUSE),
    ((REGISTRY, STATE), Fault.BLACKHOLE),
    ((GRAPH, POLICY, STATE), Fault.REFUSE),
)
EVERY: Final = tuple(
    (down, fault) for size in (2, 3) for down in combinations(ALL, size) for fault in (Fault.REFUSE, Fault.BLACKHOLE)
)
TIGHT_SECONDS: Final = BUDGET_SECONDS * 1.25
"""A deadline that two stores one after another would use up, were each given its whole budget."""
PATIENT_SECONDS: Final = 10.0


@pytest.fixture
async def standing(meridian: Path, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Estate]:
    """A server all of whose stores are real."""
    names = [name for name, site in SITES.items() if site.store in ALL]
    async with estate(meridian, tmp_path, urls_of(request, *names)) as found:
        yield found


async def whole(standing: Estate) -> str:
    """Wait until every kind of call is answered in full; return what GetResolution can be asked for."""
    recorded = ""
    async with asyncio.timeout(20 + MACHINE_SECONDS):
        for kind in USED:
            while True:
                reply = await ask(standing.server, kind, recorded, timeout=PATIENT_SECONDS)
                standing.books.note(kind, reply)
                try:
                    assert_as_designed(kind, (), reply)
                except AssertionError:
                    await asyncio.sleep(0.1)
                else:
                    break
            recorded = recorded or reply.response.resolution_id
    return recorded


async def fail_together(standing: Estate, down: tuple[StoreKind, ...], fault: Fault) -> None:
    """Ask every kind of call while stores are down; then heal them."""
    recorded = await whole(standing)
    for store in down:
        await standing.proxies[store].turn(fault)
    for kind in USED:
        for seconds in (PATIENT_SECONDS, TIGHT_SECONDS):
            started = time.monotonic()
            replies = await asyncio.gather(
                *(ask(standing.server, kind, recorded, timeout=seconds) for _ in range(AT_A_TIME))
            )
            assert time.monotonic() - started <= seconds + MACHINE_SECONDS
            for reply in replies:
                standing.books.note(kind, reply)
                assert_as_designed(kind, down, reply)
    assert standing.books.slowest_seconds <= PATIENT_SECONDS + LATE_SECONDS
    for store in down:
        await standing.proxies[store].turn(Fault.NONE)


@pytest.mark.timeout(240)
async def test_stores_fail_together(standing: Estate) -> None:
    """The union of the notices in a fixed order; policy comes before state, state before what has a stand-in."""
    for down, fault in CHOSEN:
        await fail_together(standing, down, fault)
    await whole(standing)
    await standing.books.balance()


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_every_two_and_three_stores_fail_together(standing: Estate) -> None:
    for down, fault in EVERY:
        await fail_together(standing, down, fault)
    await whole(standing)
    await standing.books.balance()


async def flaps(standing: Estate, store: StoreKind, seconds: float) -> tuple[Counter[bool], list[float]]:
    """Ask while a store is gone for a second and there for a second; return how many replies had its notice.

    With them, when its breaker opened.
    """
    opened: list[float] = []

    class Listener:
        def breaker_changed(self, changed: StoreKind, state: BreakerState) -> None:
            if (changed, state) == (store, BreakerState.OPEN):
                opened.append(time.monotonic())

    standing.server.application._guards.listen(Listener())
    end = time.monotonic() + seconds
    noticed: Counter[bool] = Counter()

    async def keep_asking() -> None:
        while time.monotonic() < end:
            reply = await ask(standing.server, "Resolve", timeout=PATIENT_SECONDS)
            standing.books.note("Resolve", reply)
            failed = _failed(reply.response, store)
            assert bool(told(reply.response)) == failed
            noticed[failed] += 1

    asking = [asyncio.create_task(keep_asking()) for _ in range(AT_A_TIME)]
    while time.monotonic() < end:
        for fault in (Fault.REFUSE, Fault.NONE):
            await standing.proxies[store].turn(fault)
            await asyncio.sleep(1)
    await asyncio.gather(*asking)
    return noticed, opened


def _failed(response: Any, store: StoreKind) -> bool:
    """Return whether a store that was asked for this reply failed it, as its provenance has it."""
    calls = [call for step in response.provenance.steps for call in step.store_calls if call.store == store]
    return any(call.outcome not in {"ok", "cached", "fallback"} for call in calls)


@pytest.mark.parametrize("seconds", [6, pytest.param(60, marks=pytest.mark.long)])
@pytest.mark.timeout(180)
async def test_a_store_that_flaps_is_told_of_where_it_failed_and_nowhere_else(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, seconds: float
) -> None:
    """And its breaker opens once in a cool-down at most."""
    async with estate(meridian, tmp_path, urls_of(request, "registry"), breaker_failures="2") as standing:
        await whole(standing)
        noticed, opened = await flaps(standing, StoreKind.REGISTRY, seconds)
        assert noticed[True]
        assert noticed[False]
        assert opened
        assert all(later - earlier >= RECOVERY_SECONDS for earlier, later in pairwise(opened))
        await whole(standing)
        await standing.books.balance()
