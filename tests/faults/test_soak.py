"""A server of which nothing grows: calls of every kind, some cancelled, over real stores that fail now and then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from grpc import aio

from ecp_server.catalog.load import load_catalog
from ecp_server.stores.registry.published import SCHEMA as REGISTRY
from ecp_server.stores.state.postgres import SCHEMA as STATE
from ecp_server.stores.vector.pgvector import SCHEMA as VECTOR
from tests.conformance.graphs import published
from tests.faults.inspected import FILE
from tests.faults.mixed_calls import Mix
from tests.faults.sites import behind, through
from tests.faults.soak import Soak
from tests.processes import serving
from tests.published import publish, registry_publisher, vector_publisher
from tests.running import Asker
from tests.servers import migrated, neo4j_server, opa_server, postgres, postgres_database, postgres_server

__all__ = ["neo4j_server", "opa_server", "postgres", "postgres_database", "postgres_server"]

CHANNELS: Final = 4
ALONE: Final = (("grpc.use_local_subchannel_pool", 1),)
"""Else equal channels share one connection."""
COMPLAINTS: Final = ("Task was destroyed", "never retrieved", "was never awaited", "Unclosed", "request_failed")
"""What asyncio, libraries and the server write of what was left undone, and of bugs."""
POOLS: Final = {"state": 8, "registry": 8 + 1, "vector": 8, "graph": 16, "policy": 16}
"""Connections that a server may hold, by default; the registry's listener has one beside the pool."""
KIB: Final = 1024


@asynccontextmanager
async def soaking(catalog: Path, folder: Path, *, postgres: str, neo4j: str, opa: str) -> AsyncIterator[Soak]:
    """Serve a catalog over real stores, each behind a proxy of its own."""
    loaded = load_catalog(catalog)
    await migrated(postgres, STATE, REGISTRY, VECTOR)
    await published(neo4j, loaded)
    await publish(vector_publisher(postgres), loaded)
    await publish(registry_publisher(postgres), loaded)
    urls = {"state": postgres, "registry": postgres, "vector": postgres, "graph": neo4j, "policy": opa}
    async with AsyncExitStack() as stack:
        proxies = {store: await stack.enter_async_context(behind(url)) for store, url in urls.items()}
        stores = {f"{store}_url": through(url, proxies[store]) for store, url in urls.items()}
        inspection = folder / "inspection.json"
        server = await stack.enter_async_context(
            serving(
                catalog,
                folder,
                module="tests.faults.inspected",
                environment={FILE: str(inspection)},
                policy_push="true",
                catalog_copy=str(folder / "copy.jsonl"),
                **stores,
            )
        )
        channels = [aio.insecure_channel(server.address, ALONE) for _ in range(CHANNELS)]
        askers = [Asker(await stack.enter_async_context(channel)) for channel in channels]
        yield Soak(server, inspection, proxies, Mix(askers, seed=7))


async def leaves_nothing(soak: Soak, *, calls: int, warm_up: int, fault_every_seconds: float) -> None:
    """Make the calls, with faults; assert that the server then holds what it held before."""
    look_every = max(1, calls // 40)
    await soak.load(warm_up, look_every=look_every)
    await soak.mix.burst(64)
    base = await soak.settled()
    trouble = asyncio.create_task(soak.trouble(fault_every_seconds))
    try:
        await soak.load(calls, look_every=look_every)
    finally:
        trouble.cancel()
        await asyncio.wait((trouble,))
    await soak.recovers()
    await soak.load(warm_up, look_every=look_every)  # what is healed is used again
    print(f"base: {base}\nfaults: {dict(soak.faults)}\nmemory: {soak.memory}")  # noqa: T201 - the figures of the run
    print(f"calls: {sorted(soak.mix.counted.items())}")  # noqa: T201 - as above
    held = await soak.comes_back_to(base)
    print(f"held: {held}")  # noqa: T201 - as above
    assert {} == {store: count for store, count in held.connections.items() if count > POOLS[store]}
    with soak.server.log.open(encoding="utf-8") as log:
        assert [] == [line for line in log if any(complaint in line for complaint in COMPLAINTS)]
    cancelled = sum(count for (_, code), count in soak.mix.counted.items() if code == "CANCELLED")
    assert cancelled > soak.mix.made * 0.05  # some are answered before they can be
    assert soak.faults


@pytest.mark.timeout(300)
async def test_two_thousand_calls_and_their_faults_leave_nothing(
    project_root: Path, tmp_path: Path, postgres: str, neo4j_server: str, opa_server: str
) -> None:
    catalog = project_root / "catalogs" / "meridian"
    async with soaking(catalog, tmp_path, postgres=postgres, neo4j=neo4j_server, opa=opa_server) as soak:
        await leaves_nothing(soak, calls=2_000, warm_up=300, fault_every_seconds=8)


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
async def test_two_hundred_thousand_calls_take_no_memory(
    project_root: Path, tmp_path: Path, postgres: str, neo4j_server: str, opa_server: str
) -> None:
    """Caches are full after 50,000 calls; from then on nothing grows by more than a KiB a call."""
    catalog = project_root / "catalogs" / "meridian"
    async with soaking(catalog, tmp_path, postgres=postgres, neo4j=neo4j_server, opa=opa_server) as soak:
        await leaves_nothing(soak, calls=200_000, warm_up=2_000, fault_every_seconds=60)
        (calls, before), (more_calls, after) = next(m for m in soak.memory if m[0] >= 50_000), soak.memory[-1]
        grown = (after - before) / (more_calls - calls)
        print(f"grown by {grown:.0f} bytes a call after {calls} calls")  # noqa: T201 - the figure of the run
        assert grown <= KIB
