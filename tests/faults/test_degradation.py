"""Each store down, one after another and together: what every call comes to (design, section 8)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from ecp.v1 import health_pb2, provenance_pb2
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores import health
from tests.faults.replies import (
    FINANCE,
    GRAPH,
    POLICY,
    QUESTION,
    REGISTRY,
    STATE,
    STORES,
    USED,
    VECTOR,
    ask,
    assert_as_designed,
    reason,
    told,
)
from tests.faults.switched import FAILURES, HANGS, RETRY_AFTER_SECONDS, Switched, switched

NOTHING_KEPT = {"decision_cache_seconds": "0", "read_cache_mib": "0"}


@pytest.fixture
async def stores(project_root: Path, tmp_path: Path) -> AsyncIterator[Switched]:
    """No breaker opens and no decision is kept, so that each call shows what its own stores come to."""
    calm = {"breaker_failures": "1000000", "store_timeout_seconds": "0.25"} | NOTHING_KEPT
    async with switched(project_root / "catalogs" / "meridian", tmp_path, **calm) as server:
        for guard in server.server.application._guards._guards.values():
            guard._breaker._fails_too_often = lambda: False  # type: ignore[method-assign] # as above
        yield server


async def test_one_store_down(stores: Switched) -> None:
    """One server for all: each way of failing of each store, and back to a full answer after it."""
    recorded = (await ask(stores.server, "Resolve")).response.resolution_id
    for store, how in product(STORES, [*FAILURES, HANGS]):
        failed = stores.switches[store].failed
        stores.fail(store, how=how)
        for kind in USED:
            assert_as_designed(kind, (store,), await ask(stores.server, kind, recorded), how)
        assert stores.switches[store].failed > failed
        stores.fail()
        await asyncio.sleep(RETRY_AFTER_SECONDS if how == "throttled" else 0)
        for kind in USED:
            assert_as_designed(kind, (), await ask(stores.server, kind, recorded))


async def test_every_set_of_stores_down(stores: Switched) -> None:
    """Policy comes before state, and state before what has a stand-in; the order of notices is fixed."""
    recorded = (await ask(stores.server, "Resolve")).response.resolution_id
    for size in range(2, len(STORES) + 1):
        for down in combinations(STORES, size):
            stores.fail(*down)
            for kind in USED:
                assert_as_designed(kind, down, await ask(stores.server, kind, recorded))


async def test_the_answer_of_a_stand_in_is_that_of_the_store(stores: Switched) -> None:
    """The copy is of the same version: nothing but notices and provenance differs."""
    as_of: dict[str, Any] = {"as_of": {"seconds": 1_750_000_000}, "user_context": FINANCE}
    whole = (await stores.server.resolve(QUESTION, **as_of)).response
    stores.fail(GRAPH, REGISTRY)
    degraded = (await stores.server.resolve(QUESTION, **as_of)).response
    assert 2 == len(degraded.degradations)
    for response in (whole, degraded):
        for field in ("resolution_id", "provenance", "degradations", "expire_time"):
            response.ClearField(field)
    assert whole == degraded


async def test_the_age_of_the_loaded_catalog_is_told(stores: Switched) -> None:
    stores.fail(REGISTRY)
    (told,) = (await ask(stores.server, "Resolve")).response.degradations
    assert "the registry store does not answer; the catalog that was loaded " in told.reason
    assert told.reason.endswith(" s ago stands in")


async def test_the_step_and_its_store_calls_tell_what_stood_in(stores: Switched) -> None:
    stores.fail(GRAPH)
    answered = (await ask(stores.server, "Resolve")).response
    by_id = {step.id: step for step in answered.provenance.steps}
    degraded = [id_ for id_, step in by_id.items() if step.status == provenance_pb2.STEP_STATUS_DEGRADED]
    assert ["select", "know"] == degraded
    asked = [(call.adapter, call.outcome, call.attempts) for call in by_id["select"].store_calls]
    assert ("embedded", "STORE_UNAVAILABLE", 3) == asked[0]
    assert ("embedded", "fallback", 1) == asked[1]
    # The same call does not ask a store again that has failed it.
    assert ["fallback"] == [call.outcome for call in by_id["know"].store_calls]


async def test_a_reply_says_degraded_if_and_only_if_a_store_failed_it(stores: Switched) -> None:
    """A graph that flaps, asked by many at once."""
    noticed = 0
    for round_ in range(40):
        stores.fail(*[GRAPH] * (round_ % 2))
        for answered in await asyncio.gather(*(ask(stores.server, "Resolve") for _ in range(4))):
            response = answered.response
            outcomes = {call.outcome for step in response.provenance.steps for call in step.store_calls}
            assert bool(response.degradations) == bool(outcomes - {"ok", "cached"})
            noticed += bool(response.degradations)
    assert 80 == noticed


async def test_degraded_replies_are_counted(stores: Switched) -> None:
    for down in ((), (GRAPH,), (GRAPH, REGISTRY)):
        stores.fail(*down)
        await ask(stores.server, "Resolve")
    stores.fail(VECTOR)
    await ask(stores.server, "SearchGlossary")
    counted = {labels["store"]: value for labels, value in stores.server.sampled("ecp_degraded_replies_total") if value}
    assert {"graph": 2, "registry": 1, "vector": 1} == counted


async def test_a_deadline_leaves_time_for_the_stand_in(stores: Switched) -> None:
    """The graph takes the query and says nothing; callers wait for less than its budget."""
    stores.fail(GRAPH, how=HANGS)
    for timeout in (0.3, 0.2):
        started = time.monotonic()
        answered = await ask(stores.server, "Resolve", timeout=timeout)
        assert "OK" == answered.code
        assert [(GRAPH, "registry_copy")] == told(answered.response)
        assert time.monotonic() - started < timeout + 0.05


@pytest.fixture
async def quick(project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Switched]:
    """Breakers that open at two failures and are tried again soon; health that looks often."""
    monkeypatch.setattr(health, "PROBE_PERIOD_SECONDS", 0.5)
    soon = {"breaker_failures": "2", "breaker_recovery_seconds": "0.5"} | NOTHING_KEPT
    async with switched(project_root / "catalogs" / "meridian", tmp_path, **soon) as server:
        yield server


async def health_of(stores: Switched, store: StoreKind) -> Any:
    request = health_pb2.GetHealthRequest()
    state = (await stores.server.ask(stores.server.state_of_health.GetHealth, request)).response
    (found,) = [each for each in state.stores if each.store == store]
    return found


async def test_an_open_breaker_shows_and_closes_by_itself(quick: Switched) -> None:
    assert health_pb2.BREAKER_STATE_CLOSED == (await health_of(quick, GRAPH)).breaker
    quick.fail(GRAPH)
    assert [(GRAPH, "registry_copy")] == told((await ask(quick.server, "Resolve")).response)
    seen = await health_of(quick, GRAPH)
    assert (health_pb2.BREAKER_STATE_OPEN, health_pb2.HEALTH_STATUS_UNHEALTHY) == (seen.breaker, seen.status)
    assert "the graph store does not answer" == seen.reason
    assert {"graph": 2.0} == {
        labels["store"]: value for labels, value in quick.server.sampled("ecp_breaker_state") if value
    }
    assert ({"component": "graph"}, 1.0) in quick.server.sampled("ecp_degraded_components")
    asked = quick.switches[GRAPH].asked
    lineage = await ask(quick.server, "GetLineage")
    assert ("UNAVAILABLE", "ERROR_REASON_CIRCUIT_OPEN") == (lineage.code, reason(lineage))
    assert 0 < lineage.details["RetryInfo"].retry_delay.ToTimedelta().total_seconds() <= 0.5
    assert asked == quick.switches[GRAPH].asked
    quick.fail()
    async with asyncio.timeout(5):  # by a health probe: nobody asks
        while (await health_of(quick, GRAPH)).breaker != health_pb2.BREAKER_STATE_CLOSED:  # noqa: ASYNC110 - as seen
            await asyncio.sleep(0.05)
    assert health_pb2.HEALTH_STATUS_HEALTHY == (await health_of(quick, GRAPH)).status
    assert ({"component": "graph"}, 0.0) in quick.server.sampled("ecp_degraded_components")
    assert [] == told((await ask(quick.server, "Resolve")).response)


async def test_the_server_is_not_ready_while_nothing_can_be_decided_or_recorded(quick: Switched) -> None:
    for store in (POLICY, STATE):
        quick.fail(store)
        await quick.server.becomes(2)
        quick.fail()
        await quick.server.becomes(1)
