"""How the server fares while some stores have not been asked yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.health import HealthStatus
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.health import HealthMonitor


class Store:
    """Answers a probe when a test says so."""

    adapter = "store"

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.answers.set()
        self.is_down: StoreKind | None = None

    async def probe(self) -> None:
        await self.answers.wait()
        if self.is_down is not None:
            raise StoreUnavailable(self.is_down)

    async def close(self) -> None:
        pass


class Instruments:
    """Counts nothing."""

    def degraded(self, component: str, on: bool) -> None:  # noqa: FBT001 - as the protocol
        pass


@pytest.fixture
def stores() -> Mapping[StoreKind, Store]:
    return {kind: Store() for kind in StoreKind}


@pytest.fixture
async def monitor(stores: Mapping[StoreKind, Store]) -> AsyncIterator[HealthMonitor]:
    monitor = HealthMonitor(
        stores, Instruments(), catalog_version=lambda: "v", catalog_problem=lambda: "", breakers=dict
    )
    yield monitor
    await monitor.close()


def _status(monitor: HealthMonitor) -> HealthStatus:
    """Return it in a way that does not let mypy think it stays."""
    return monitor.status


async def test_before_any_probe_nothing_is_said_to_work(monitor: HealthMonitor) -> None:
    assert monitor.status is HealthStatus.UNHEALTHY
    assert {health.status for health in monitor.stores} == {HealthStatus.UNKNOWN}


async def test_questions_are_answered_before_the_semantic_layer_is_known_to_work(
    monitor: HealthMonitor, stores: Mapping[StoreKind, Store]
) -> None:
    stores[StoreKind.SEMANTIC].answers.clear()
    await monitor.start()
    assert _status(monitor) is HealthStatus.DEGRADED
    assert [health.store for health in monitor.stores] == sorted(StoreKind)
    (unasked,) = [health for health in monitor.stores if health.status is not HealthStatus.HEALTHY]
    assert (unasked.store, unasked.status) == (StoreKind.SEMANTIC, HealthStatus.UNKNOWN)
    assert (unasked.adapter, unasked.reason) == ("store", "has not been asked yet")
    stores[StoreKind.SEMANTIC].answers.set()
    async with asyncio.timeout(60):
        while _status(monitor) is not HealthStatus.HEALTHY:  # noqa: ASYNC110 - the monitor tells nobody
            await asyncio.sleep(0.001)
    assert {health.status for health in monitor.stores} == {HealthStatus.HEALTHY}


async def test_starting_waits_for_a_store_that_questions_need(
    monitor: HealthMonitor, stores: Mapping[StoreKind, Store]
) -> None:
    stores[StoreKind.GRAPH].answers.clear()
    starting = asyncio.create_task(monitor.start())
    await asyncio.sleep(0.01)
    assert (starting.done(), monitor.status) == (False, HealthStatus.UNHEALTHY)
    stores[StoreKind.GRAPH].answers.set()
    await starting
    assert monitor.status is not HealthStatus.UNHEALTHY


async def test_without_policy_nothing_is_answered(monitor: HealthMonitor, stores: Mapping[StoreKind, Store]) -> None:
    stores[StoreKind.POLICY].is_down = StoreKind.POLICY
    await monitor.start()
    assert monitor.status is HealthStatus.UNHEALTHY
