"""Several servers on the same real stores: what one does the others know, and catalogs reach them while they serve."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ecp_server.catalog.errors import CatalogMissing
from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog
from ecp_server.stores.registry.published import SCHEMA as REGISTRY
from ecp_server.stores.state.postgres import SCHEMA as STATE
from ecp_server.stores.vector.pgvector import SCHEMA as VECTOR
from tests.published import publish, registry_publisher, vector_publisher
from tests.relay import relayed
from tests.running import Running, running, user
from tests.servers import migrated, postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]

QUESTION = "APAC revenue in Q4 FY2019 vs budget"
FINANCE = user("ann", "finance_analyst", department="finance")


@pytest.fixture
def meridian(project_root: Path) -> Catalog:
    return load_catalog(project_root / "catalogs" / "meridian")


def renamed(catalog: Catalog, version: str) -> Catalog:
    """Return the catalog with another name of its main metric."""
    metric = replace(catalog.metrics["net_revenue"], name=f"Net revenue ({version})")
    return replace(catalog, version=version, metrics={**catalog.metrics, metric.id: metric})


async def publish_to_all(url: str, catalog: Catalog) -> None:
    await publish(vector_publisher(url), catalog)
    await publish(registry_publisher(url), catalog)


@asynccontextmanager
async def serving(url: str, folder: Path, catalog: Path | None = None, **settings: str) -> AsyncIterator[Running]:
    """Serve what the registry gives, and the catalog in a folder where that gives none."""
    stores = {"state_url": url, "registry_url": url, "vector_url": url, "catalog_copy": str(folder / "copy.jsonl")}
    async with running(catalog, folder, **stores | settings) as server:
        yield server


@pytest.fixture
async def servers(postgres: str, tmp_path: Path, meridian: Catalog) -> AsyncIterator[list[Running]]:
    """Two servers on one PostgreSQL, which hold the published catalog."""
    await migrated(postgres, STATE, REGISTRY, VECTOR)
    await publish_to_all(postgres, meridian)
    async with AsyncExitStack() as exits:
        yield [await exits.enter_async_context(serving(postgres, tmp_path / name)) for name in ("one", "two")]


async def until(holds: Callable[[], bool], seconds: float) -> float:
    """Wait, and return how long it took."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds
        await asyncio.sleep(0.02)
    return time.monotonic() - started


def version(server: Running) -> str:
    return server.application._shelf.current.version


def all_serve(servers: list[Running], wanted: str) -> bool:
    return all(version(server) == wanted for server in servers)


async def test_a_resolution_made_by_one_is_shown_by_the_other(servers: list[Running]) -> None:
    one, two = servers
    made = await one.resolve(QUESTION, user_context=FINANCE)
    assert made.code == "OK"
    shown = await two.recorded(made.response.resolution_id, user_ids=["ann"])
    assert shown.code == "OK"
    assert shown.response.response.resolution_id == made.response.resolution_id
    assert shown.response.response.interpretation == made.response.interpretation


async def test_a_publish_reaches_both_under_load_without_an_error(
    servers: list[Running], postgres: str, meridian: Catalog
) -> None:
    codes: Counter[str] = Counter()
    versions: Counter[str] = Counter()
    stop = asyncio.Event()

    async def keep_asking(server: Running) -> None:
        while not stop.is_set():
            outcome = await server.resolve(QUESTION, user_context=FINANCE)
            codes[outcome.code] += 1
            if outcome.code == "OK":
                versions[outcome.response.provenance.catalog_version] += 1

    callers = [asyncio.create_task(keep_asking(server)) for server in servers for _ in range(4)]
    try:
        for number in (2, 3):
            later = renamed(meridian, f"later-{number}")
            await publish_to_all(postgres, later)
            await until(partial(all_serve, servers, later.version), 20)
            await asyncio.sleep(0.3)
    finally:
        stop.set()
        await asyncio.gather(*callers)
    assert codes.keys() == {"OK"}
    assert versions.keys() == {meridian.version, "later-2", "later-3"}
    last = await servers[1].resolve("net revenue last month", user_context=FINANCE)
    assert "Net revenue (later-3)" in last.response.interpretation


async def test_a_catalog_that_is_not_fit_leaves_the_one_in_force_and_health_says_so(
    servers: list[Running], postgres: str, meridian: Catalog
) -> None:
    await publish_to_all(
        postgres, replace(meridian, version="broken", policies={"p.rego": "package ecp.policy\nallow if {"})
    )
    follower = servers[0].application._watch
    await until(lambda: "number 2 is not fit" in follower.problem, 20)
    assert version(servers[0]) == meridian.version
    assert (await servers[0].resolve(QUESTION, user_context=FINANCE)).code == "OK"
    await publish_to_all(postgres, meridian)
    await until(lambda: not follower.problem, 20)


async def test_while_the_registry_is_away_the_copy_stands_in_and_then_what_was_published_meanwhile_comes(
    postgres: str, tmp_path: Path, meridian: Catalog
) -> None:
    await migrated(postgres, STATE, REGISTRY, VECTOR)
    await publish_to_all(postgres, meridian)
    async with relayed(postgres) as relay:
        behind = partial(serving, postgres, tmp_path, registry_url=relay.url, store_timeout_seconds="1")
        async with behind() as server:
            assert version(server) == meridian.version
        await relay.cut()
        await publish_to_all(postgres, renamed(meridian, "meanwhile"))
        async with behind() as server:
            assert version(server) == meridian.version
            assert (await server.resolve(QUESTION, user_context=FINANCE)).code == "OK"
            assert "stands in" in server.application._watch.problem
            await relay.open()
            await until(lambda: version(server) == "meanwhile", 20)
            await until(lambda: not server.application._watch.problem, 20)
            assert (await server.resolve(QUESTION, user_context=FINANCE)).code == "OK"


async def test_without_a_copy_the_folder_stands_in_but_never_the_bundled_catalog(
    postgres: str, tmp_path: Path, project_root: Path
) -> None:
    await migrated(postgres, STATE)
    sec_saas = project_root / "catalogs" / "sec_saas"
    with pytest.raises(CatalogMissing):
        async with serving(postgres, tmp_path):
            pass
    async with serving(postgres, tmp_path, sec_saas) as server:
        assert version(server) == load_catalog(sec_saas).version


async def test_a_copy_of_another_registry_does_not_stand_in(postgres: str, tmp_path: Path, meridian: Catalog) -> None:
    await migrated(postgres, STATE, REGISTRY, VECTOR)
    await publish_to_all(postgres, meridian)
    async with serving(postgres, tmp_path):
        pass
    elsewhere = "postgresql://ann@127.0.0.1:1/elsewhere"
    with pytest.raises(CatalogMissing):
        async with serving(postgres, tmp_path, registry_url=elsewhere, store_timeout_seconds="1"):
            pass
