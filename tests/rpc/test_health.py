"""What people, probes and meshes are told of the server's state, by the whole server."""

from __future__ import annotations

import asyncio
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2

from ecp.v1 import health_pb2 as ecp_health_pb2
from ecp.v1 import types_pb2
from ecp_server.stores import health as health_of_stores
from tests.running import Running, running
from tests.serving import NOT_SERVING, SERVICE_UNKNOWN, SERVING

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORES = {types_pb2.STORE_GRAPH, types_pb2.STORE_VECTOR, types_pb2.STORE_REGISTRY} | {
    types_pb2.STORE_SEMANTIC,
    types_pb2.STORE_POLICY,
    types_pb2.STORE_STATE,
}
SERVICES = ("ecp.v1.ResolveService", "ecp.v1.CatalogService", "ecp.v1.HealthService")
HEALTHY, DEGRADED, UNHEALTHY = (
    ecp_health_pb2.HEALTH_STATUS_HEALTHY,
    ecp_health_pb2.HEALTH_STATUS_DEGRADED,
    ecp_health_pb2.HEALTH_STATUS_UNHEALTHY,
)
PATIENT = {"store_timeout_seconds": "30", "semantic_timeout_seconds": "30"}
"""No store is late because the machine is busy."""


async def state(server: Running) -> ecp_health_pb2.GetHealthResponse:
    outcome = await server.ask(server.state_of_health.GetHealth, ecp_health_pb2.GetHealthRequest())
    assert isinstance(outcome.response, ecp_health_pb2.GetHealthResponse), outcome
    return outcome.response


def of(store: Any, response: ecp_health_pb2.GetHealthResponse) -> ecp_health_pb2.StoreHealth:
    (found,) = [entry for entry in response.stores if entry.store == store]
    return found


async def test_every_store_is_told_with_its_adapter_and_round_trip(server: Running) -> None:
    response = await state(server)
    assert [entry.store for entry in response.stores] == sorted(STORES)
    async with asyncio.timeout(60):  # the semantic layer is asked once the server serves
        while of(types_pb2.STORE_SEMANTIC, response).status != HEALTHY:
            await asyncio.sleep(0.05)
            response = await state(server)
    adapters = {entry.store: entry.adapter for entry in response.stores}
    assert adapters == dict.fromkeys(STORES, "embedded") | {types_pb2.STORE_SEMANTIC: "duckdb"}
    assert all(entry.HasField("since") for entry in response.stores)
    assert all(entry.latency_ms > 0 for entry in response.stores)
    assert response.server_version == version("enterprise-context-platform")
    resolved = await server.resolve("net revenue last quarter")
    assert resolved.response.provenance.catalog_version == response.catalog_version


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_server_and_each_service_serve(server: Running, service: str) -> None:
    await server.becomes(SERVING)
    assert await server.status(service) == SERVING
    watch = server.health.Watch(health_pb2.HealthCheckRequest(service=service))
    assert (await watch.read()).status == SERVING
    watch.cancel()


async def test_unknown_service_is_told_to_who_watches(server: Running) -> None:
    watch = server.health.Watch(health_pb2.HealthCheckRequest(service="ecp.v1.NoSuchService"))
    assert (await watch.read()).status == SERVICE_UNKNOWN
    watch.cancel()


async def test_server_without_state_starts_and_says_that_it_does_not_serve(meridian: Path, tmp_path: Path) -> None:
    blocker = tmp_path / "blocker"
    blocker.touch()
    async with running(meridian, blocker) as server:
        for service in ("", *SERVICES):
            assert await server.status(service) == NOT_SERVING
        response = await state(server)
        assert UNHEALTHY == response.status == of(types_pb2.STORE_STATE, response).status
        assert "blocker" not in str(response)
        assert of(types_pb2.STORE_STATE, response).reason


async def test_recovery_is_noticed_and_told_to_who_watches(
    meridian: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_of_stores, "PROBE_PERIOD_SECONDS", 0.05)
    folder = tmp_path / "blocker"
    folder.touch()
    async with running(meridian, folder, **PATIENT) as server:
        watch = server.health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == NOT_SERVING
        folder.unlink()
        async with asyncio.timeout(60):
            assert (await watch.read()).status == SERVING
            while (await state(server)).status != HEALTHY:  # noqa: ASYNC110 - the semantic layer is asked last
                await asyncio.sleep(0.05)
        assert "OK" == (await server.resolve("net revenue last quarter")).code


async def test_broken_catalog_on_disk_leaves_the_old_one_in_force_and_is_told(meridian: Path, tmp_path: Path) -> None:
    catalog = shutil.copytree(meridian, tmp_path / "catalog")
    async with running(catalog, tmp_path, **PATIENT) as server:
        before = await state(server)
        (catalog / "broken.yaml").write_text("kind: metric\nid: half", encoding="utf-8")
        async with asyncio.timeout(30):
            while not of(types_pb2.STORE_REGISTRY, await state(server)).reason:  # noqa: ASYNC110 - as people do
                await asyncio.sleep(0.05)
        told = await state(server)
        assert (DEGRADED, DEGRADED) == (told.status, of(types_pb2.STORE_REGISTRY, told).status)
        assert "broken.yaml" in of(types_pb2.STORE_REGISTRY, told).reason
        assert str(tmp_path) not in str(told)
        assert before.catalog_version == told.catalog_version
        assert "OK" == (await server.resolve("net revenue last quarter")).code
        assert SERVING == await server.status()
        (catalog / "broken.yaml").unlink()
        async with asyncio.timeout(30):
            while of(types_pb2.STORE_REGISTRY, await state(server)).reason:  # noqa: ASYNC110 - as people do
                await asyncio.sleep(0.05)
