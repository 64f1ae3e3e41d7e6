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
from ecp_server.domain.impaired import Impaired
from ecp_server.domain.provenance import Degradation, StoreKind
from ecp_server.stores.guard.deadline import Budget, Limit
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


def may_be_too_late(kind: str, down: tuple[StoreKind, ...]) -> bool:
    """Tell whether the time of a call can end in a store that has no stand-in, another one having used it up."""
    needed = set(down) & set(USED[kind])
    return len(needed) > 1 and not needed.isdisjoint({POLICY, STATE})


async def fail_together(standing: Estate, down: tuple[StoreKind, ...], fault: Fault) -> None:
    """Ask every kind of call while stores are down; then heal them."""
    recorded = await whole(standing)
    for store in down:
        await standing.proxies[store].turn(fault)
    for kind in USED:
        # First one alone with little time: while the breakers are closed each store takes as long as it is given.
        for seconds, calls in ((TIGHT_SECONDS, 1), (PATIENT_SECONDS, AT_A_TIME)):
            started = time.monotonic()
            asked = [ask(standing.server, kind, recorded, timeout=seconds) for _ in range(calls)]
            replies = await asyncio.gather(*asked)
            assert time.monotonic() - started <= seconds + MACHINE_SECONDS
            for reply in replies:
                standing.books.note(kind, reply)
                if reply.code == "DEADLINE_EXCEEDED":
                    assert seconds == TIGHT_SECONDS
                    assert may_be_too_late(kind, down)
                else:
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


async def test_a_deadline_for_each_store_is_found(standing: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    def whole_budget(self: Budget) -> Limit:
        ends_at = time.monotonic() + self.seconds
        return Limit(self.store, ends_at, by_caller=False, reserved=False, telling=True)

    monkeypatch.setattr(Budget, "limit", whole_budget)
    with pytest.raises(AssertionError):
        await fail_together(standing, *CHOSEN[0])


async def test_notices_in_another_order_are_found(standing: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Impaired,
        "degradations",
        property(lambda self: tuple(self._noted[store] for store in sorted(self._noted)[::-1])),
    )
    with pytest.raises(AssertionError):
        await fail_together(standing, *CHOSEN[1])


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
    await told_of_where_it_failed(meridian, tmp_path, urls_of(request, "registry"), seconds)


async def test_a_notice_of_what_failed_another_call_is_found(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: dict[StoreKind, Degradation] = {}
    note = Impaired.note

    def for_ever(self: Impaired, degradation: Degradation) -> None:
        noted[degradation.store] = degradation
        note(self, degradation)

    monkeypatch.setattr(Impaired, "note", for_ever)
    monkeypatch.setattr(Impaired, "degradations", property(lambda _: tuple(noted.values())))
    with pytest.raises(AssertionError):
        await told_of_where_it_failed(meridian, tmp_path, urls_of(request, "registry"), 3)


async def told_of_where_it_failed(catalog: Path, folder: Path, urls: dict[Any, str], seconds: float) -> None:
    async with estate(catalog, folder, urls, breaker_failures="2") as standing:
        await whole(standing)
        noticed, opened = await flaps(standing, StoreKind.REGISTRY, seconds)
        assert noticed[True]
        assert noticed[False]
        assert opened
        assert all(later - earlier >= RECOVERY_SECONDS for earlier, later in pairwise(opened))
        await whole(standing)
        await standing.books.balance()
