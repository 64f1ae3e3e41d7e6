"""What a store says of a version is kept by version, operation and asset; answers are those of the store, in order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog
from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.provenance import STORE_CALLS, StoreCall, StoreKind
from ecp_server.stores.graph.embedded import EmbeddedGraph
from ecp_server.stores.ports import Graph, Registry
from ecp_server.stores.read_cache import ReadCache
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from ecp_server.stores.wrap import around
from tests.held import Held

T = TypeVar("T")
ROOMY = 64 * 1024 * 1024


class Remote:
    """Makes a store in memory one that it takes a call to ask, counts the calls, and fails when told to."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.down = False

    async def __call__(self, operation: str, call: Callable[[], Awaitable[T]], /) -> T:
        self.calls[operation] += 1
        if self.down:
            raise StoreUnavailable(StoreKind.GRAPH)
        return await call()


class RemoteGraph(EmbeddedGraph):
    """A graph that does not say that it answers from memory."""

    in_memory = False


class RemoteRegistry(EmbeddedRegistry):
    """A registry of that kind."""

    in_memory = False


@pytest.fixture(scope="module")
def catalog(project_root: Path) -> Catalog:
    return load_catalog(project_root / "catalogs" / "meridian")


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture
def graph(catalog: Catalog, remote: Remote) -> Graph:
    return around(RemoteGraph(Held(replace(catalog, version="other"), catalog)), remote)


@pytest.fixture
def registry(catalog: Catalog, remote: Remote) -> Registry:
    return around(RemoteRegistry(Held(catalog)), remote)


async def test_answers_are_those_of_the_store_whatever_was_asked_before(
    catalog: Catalog, graph: Graph, registry: Registry
) -> None:
    cache = ReadCache(max_bytes=ROOMY)
    cached_graph, cached_registry = cache.graph(graph), cache.registry(registry)
    chance, version = random.Random(7), catalog.version  # noqa: S311 - chosen, not secret
    metrics = [*catalog.metrics, "no_such_metric"]
    refs = [AssetRef(AssetKind.TERM, term) for term in catalog.terms]
    refs += [AssetRef(AssetKind.MEMBER, member) for member in catalog.members] + [AssetRef(AssetKind.TERM, "none")]
    entities = [*catalog.entities, "none"]
    for _ in range(60):
        some, named = chance.choices(metrics, k=4), chance.choices(refs, k=4)
        assert list(await cached_graph.known_issues(version, some)) == list(await graph.known_issues(version, some))
        assert await cached_graph.variations(version, named) == await graph.variations(version, named)
        assert await cached_registry.contracts(version, some) == await registry.contracts(version, some)
        assert await cached_registry.assets(version, named) == await registry.assets(version, named)
        target, start, depth = chance.choice(metrics), chance.choice(entities), chance.randint(1, 3)
        hops = {"depth": depth, "downstream": chance.random() < 0.5, "max_nodes": 50}
        walked = await graph.lineage(version, target, **hops)  # type: ignore[arg-type]  # each is of its own type
        assert await cached_graph.lineage(version, target, **hops) == walked  # type: ignore[arg-type]  # as above
        assert await cached_graph.paths(version, start, depth=depth) == await graph.paths(version, start, depth=depth)


async def test_only_what_is_not_known_is_asked_and_the_rest_is_told_as_cached(
    catalog: Catalog, graph: Graph, remote: Remote
) -> None:
    cached = ReadCache(max_bytes=ROOMY).graph(graph)
    told: list[StoreCall] = []
    token = STORE_CALLS.set(told)
    try:
        await cached.known_issues(catalog.version, ["net_revenue", "headcount"])
        assert (remote.calls["known_issues"], told) == (1, [])
        await cached.known_issues(catalog.version, ["headcount", "net_revenue"])
        await cached.lineage(catalog.version, "no such node", depth=1, downstream=False, max_nodes=5)
        await cached.lineage(catalog.version, "no such node", depth=1, downstream=False, max_nodes=5)
    finally:
        STORE_CALLS.reset(token)
    assert remote.calls == {"known_issues": 1, "lineage": 1}
    assert [(call.operation, call.outcome) for call in told] == [("known_issues", "cached"), ("lineage", "cached")]


async def test_another_version_is_another_question(catalog: Catalog, graph: Graph, remote: Remote) -> None:
    cached = ReadCache(max_bytes=ROOMY).graph(graph)
    for version in (catalog.version, "other", catalog.version, "other"):
        await cached.known_issues(version, ["net_revenue"])
    assert remote.calls["known_issues"] == 2


async def test_what_is_kept_needs_no_store_and_a_failure_is_not_kept(
    catalog: Catalog, graph: Graph, remote: Remote
) -> None:
    cached = ReadCache(max_bytes=ROOMY).graph(graph)
    known = await cached.known_issues(catalog.version, ["net_revenue"])
    remote.down = True
    assert await cached.known_issues(catalog.version, ["net_revenue"]) == known
    with pytest.raises(StoreUnavailable):
        await cached.known_issues(catalog.version, ["net_revenue", "headcount"])
    remote.down = False
    assert await cached.known_issues(catalog.version, ["headcount"]) == list(
        await graph.known_issues(catalog.version, ["headcount"])
    )


async def test_it_takes_no_more_room_than_it_may(catalog: Catalog, registry: Registry, remote: Remote) -> None:
    cache = ReadCache(max_bytes=20_000)
    cached = cache.registry(registry)
    refs = [AssetRef(AssetKind.METRIC, metric) for metric in catalog.metrics]
    for ref in refs:
        await cached.assets(catalog.version, [ref])
        assert cache.bytes <= 20_000
    asked = remote.calls["assets"]
    await cached.assets(catalog.version, [refs[-1]])
    assert remote.calls["assets"] == asked  # the last one is there
    await cached.assets(catalog.version, [refs[0]])
    assert remote.calls["assets"] == asked + 1  # the first one made room


async def test_searches_are_not_kept(catalog: Catalog, registry: Registry, remote: Remote) -> None:
    cached = ReadCache(max_bytes=ROOMY).registry(registry)
    for _ in range(2):
        await cached.search(catalog.version, ["revenue"], kinds=frozenset({AssetKind.METRIC}), limit=3)
    assert remote.calls["search"] == 2


def test_stores_in_memory_and_a_cache_of_no_size_are_left_as_they_are(catalog: Catalog, graph: Graph) -> None:
    embedded = EmbeddedGraph(Held(catalog))
    assert ReadCache(max_bytes=ROOMY).graph(embedded) is embedded
    assert ReadCache(max_bytes=0).graph(graph) is graph
