"""The registry in PostgreSQL: publishing, history, and that it answers as the embedded one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Metric
from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.postgresql.pool import Database
from ecp_server.stores.publish import Difference
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from ecp_server.stores.registry.postgres import PostgresRegistry
from ecp_server.stores.registry.published import SCHEMA, PublishedCatalogs
from scripts.generate_catalog import generate_catalog
from tests.held import Held
from tests.published import published_registry, registry_publisher, silent
from tests.servers import migrated, postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]


def catalog(version: str, **definitions: str) -> Catalog:
    return Catalog(version, metrics={name: Metric(name, name.title(), text) for name, text in definitions.items()})


FIRST = catalog("v1", revenue="Income.", cost="Expense.")
SECOND = catalog("v2", revenue="Income of a period.", margin="What is left.")


async def definitions(registry: PostgresRegistry, version: str, *names: str) -> dict[str, str]:
    found = await registry.assets(version, [AssetRef(AssetKind.METRIC, name) for name in names])
    return {ref.id: asset.definition for ref, asset in found.items() if isinstance(asset, Metric)}


@pytest.fixture
async def published(postgres: str) -> AsyncIterator[PublishedCatalogs]:
    database = Database(Endpoint(postgres), StoreKind.REGISTRY, size=2, timeout_seconds=5)
    yield PublishedCatalogs(database)
    await database.close()


async def test_every_version_is_read_as_it_was_published(postgres: str) -> None:
    registry = await published_registry(postgres, FIRST, SECOND)
    names = ("revenue", "cost", "margin")
    assert await definitions(registry, "v1", *names) == {"revenue": "Income.", "cost": "Expense."}
    assert await definitions(registry, "v2", *names) == {"revenue": "Income of a period.", "margin": "What is left."}
    kinds = frozenset({AssetKind.METRIC})
    assert [hit.ref.id for hit in (await registry.search("v1", ["expense"], kinds=kinds, limit=5))[0]] == ["cost"]
    assert (await registry.search("v2", ["expense"], kinds=kinds, limit=5))[0] == ()
    await registry.close()


async def test_a_publish_tells_what_it_changed_and_a_dry_run_tells_it_before(postgres: str) -> None:
    await migrated(postgres, SCHEMA)
    publisher = registry_publisher(postgres)
    first = Difference(added=("manifest", "metric cost", "metric revenue", "semantic model"))
    assert await publisher.difference(FIRST) == first
    assert await publisher.publish(FIRST, silent) == first
    second = Difference(("metric margin",), ("metric revenue",), ("metric cost",), unchanged=2)
    assert await publisher.difference(SECOND) == second
    assert await publisher.publish(SECOND, silent) == second
    await publisher.close()


async def test_publishing_what_is_in_force_changes_nothing(postgres: str, published: PublishedCatalogs) -> None:
    await migrated(postgres, SCHEMA)
    publisher = registry_publisher(postgres, "begin")
    await publisher.publish(FIRST, silent)
    assert await publisher.publish(FIRST, silent) == Difference(unchanged=4)
    (only,) = await published.history(limit=10)
    assert (only.number, only.version, only.note, only.publisher, only.added) == (1, "v1", "begin", "test", 4)
    await publisher.close()


async def test_going_back_is_one_more_entry_of_the_history(postgres: str, published: PublishedCatalogs) -> None:
    registry = await published_registry(postgres, FIRST, SECOND, FIRST)
    assert [one.version for one in await published.history(limit=10)] == ["v1", "v2", "v1"]
    latest = await published.latest()
    assert latest is not None
    assert latest.number == 3
    assert await published.load(latest) == FIRST
    second = await published.numbered(2)
    assert second is not None
    assert await published.load(second) == SECOND
    assert await published.numbered(4) is None
    assert await definitions(registry, "v1", "revenue", "cost", "margin") == {"revenue": "Income.", "cost": "Expense."}
    await registry.close()


async def test_a_publish_that_fails_leaves_all_as_it_was(postgres: str, published: PublishedCatalogs) -> None:
    registry = await published_registry(postgres, FIRST)
    publisher = registry_publisher(postgres)

    def fail(doing: str, done: int, of: int) -> None:
        if doing == "writing words":
            raise ConnectionResetError

    with pytest.raises(StoreUnavailable):
        await publisher.publish(SECOND, fail)
    assert len(await published.history(limit=10)) == 1
    assert await definitions(registry, "v1", "revenue", "cost") == {"revenue": "Income.", "cost": "Expense."}
    assert (await publisher.publish(SECOND, silent)).added == ("metric margin",)
    await publisher.close()
    await registry.close()


async def test_several_who_publish_at_once_take_turns(postgres: str, published: PublishedCatalogs) -> None:
    await migrated(postgres, SCHEMA)
    publishers = [registry_publisher(postgres) for _ in range(3)]
    catalogs = [catalog(f"v{number}", revenue=f"Number {number}.") for number in range(3)]
    await asyncio.gather(*(p.publish(c, silent) for p, c in zip(publishers, catalogs, strict=True)))
    history = await published.history(limit=10)
    assert sorted(one.version for one in history) == ["v0", "v1", "v2"]
    for one in history:
        assert await published.load(one) == catalogs[int(one.version[1:])]
    for publisher in publishers:
        await publisher.close()


async def test_who_listens_hears_of_a_publish(postgres: str, published: PublishedCatalogs) -> None:
    await migrated(postgres, SCHEMA)
    publisher = registry_publisher(postgres)
    notifications = published.notifications()
    await anext(notifications)
    heard = asyncio.ensure_future(anext(notifications))
    await publisher.publish(FIRST, silent)
    async with asyncio.timeout(5):
        await heard
    await notifications.aclose()
    await publisher.close()


async def test_a_version_that_is_held_but_was_not_published_is_an_outage(postgres: str) -> None:
    await migrated(postgres, SCHEMA)
    registry = PostgresRegistry(Endpoint(postgres), Held(FIRST), pool_size=2, timeout_seconds=5)
    for call in (registry.probe(), registry.assets("v1", []), registry.contracts("v1", [])):
        with pytest.raises(StoreUnavailable):
            await call
    publisher = registry_publisher(postgres)
    await publisher.publish(FIRST, silent)
    await registry.probe()
    await publisher.close()
    await registry.close()


async def test_it_answers_as_the_embedded_one_does_to_the_last_bit(
    postgres: str, project_root: Path, tmp_path: Path
) -> None:
    """Over two versions, so that what was replaced is in the way."""
    generate_catalog(tmp_path / "generated", 1500)
    generated = load_catalog(tmp_path / "generated")
    meridian = load_catalog(project_root / "catalogs" / "meridian")
    both = replace(generated, version="both", metrics={**generated.metrics, **meridian.metrics})
    registry = await published_registry(postgres, generated, both)
    texts = [
        "net revenue",
        "revenue",
        "what is the average churn of enterprise customers by region",
        "refunds arrive late",
        "zebra revenue",
        *(metric.name for metric in list(both.metrics.values())[::97]),
        *(metric.definition for metric in list(both.metrics.values())[::211]),
    ]
    for version in (generated, both):
        embedded = EmbeddedRegistry(Held(version))
        for kinds in (frozenset(AssetKind), frozenset({AssetKind.METRIC}), frozenset({AssetKind.TERM})):
            expected = await embedded.search(version.version, texts, kinds=kinds, limit=10)
            assert list(await registry.search(version.version, texts, kinds=kinds, limit=10)) == list(expected)
        metrics = list(version.metrics)
        assert await registry.contracts(version.version, metrics) == await embedded.contracts(version.version, metrics)
        await embedded.close()
    await registry.close()
