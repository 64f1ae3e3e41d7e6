"""Keeps what the graph and the registry say of a catalog: a version never changes, so an answer is good for as long.

Kept by version, operation and asset, never by the text of a question. What is kept costs no round trip, and needs no
store: it is told as ``cached``.
"""

from __future__ import annotations

import pickle
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Final, TypeVar, cast

from ecp_server.domain.catalog import Asset, AssetKind, AssetRef, Contract
from ecp_server.domain.concepts import Hop
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.provenance import STORE_CALLS, StoreCall, StoreKind
from ecp_server.stores.guard.guards import answers_from_memory
from ecp_server.stores.ports import Graph, Hit, IssueLink, Registry, Variations

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

CACHED: Final = "cached"
_UNKNOWN: Final = "unknown"
"""Kept where the store knows no such thing: that too is an answer."""
_IN_MEMORY: Final = 4
"""Objects take about so many times the bytes that they are written in."""
_ASIDE_BYTES: Final = 500
"""What an entry takes beside its answer."""


class ReadCache:
    """Answers up to a number of bytes; those that were not asked for longest make room."""

    def __init__(self, *, max_bytes: int) -> None:
        """Keep about ``max_bytes``; 0 keeps nothing."""
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self.bytes = 0
        """About how many are kept."""

    def graph(self, graph: Graph) -> Graph:
        """Return the graph with its answers kept, unless it has them in memory itself."""
        return _CachedGraph(graph, self) if self._serves(graph) else graph

    def registry(self, registry: Registry) -> Registry:
        """Return the registry with its answers kept, unless it has them in memory itself."""
        return _CachedRegistry(registry, self) if self._serves(registry) else registry

    def recall(self, key: Hashable) -> object | None:
        """Return what is kept under the key; None where nothing is."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def keep(self, key: Hashable, answer: object) -> None:
        """Keep an answer, unless it alone would take up the room."""
        size = len(pickle.dumps(answer)) * _IN_MEMORY + _ASIDE_BYTES
        if size > self._max_bytes or key in self._kept:
            return
        self._kept[key] = (answer, size)
        self.bytes += size
        while self.bytes > self._max_bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self.bytes -= freed

    def _serves(self, port: Graph | Registry) -> bool:
        return self._max_bytes > 0 and not answers_from_memory(port)


class _Cached:
    """What is the same for both ports."""

    def __init__(self, port: Graph | Registry, store: StoreKind, cache: ReadCache) -> None:
        self.adapter = port.adapter
        self._probed = port
        self._store = store
        self._cache = cache

    async def probe(self) -> None:
        """Probe the store behind."""
        await self._probed.probe()

    async def close(self) -> None:
        """Close the store behind."""
        await self._probed.close()

    async def _each(
        self,
        version: str,
        operation: str,
        items: Sequence[K],
        ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]],
    ) -> dict[K, V]:
        """Return the answer about each item, asking once for those about which none is kept."""
        started = time.perf_counter()
        found: dict[K, object] = {}
        missing: list[K] = []
        for item in dict.fromkeys(items):
            answer = self._cache.recall((self._store, version, operation, item))
            if answer is None:
                missing.append(item)
            else:
                found[item] = answer
        if missing:
            told = await ask(missing)
            for item in missing:
                found[item] = told.get(item, _UNKNOWN)
                self._cache.keep((self._store, version, operation, item), found[item])
        elif found:
            self._report(operation, started)
        return {item: cast("V", found[item]) for item in dict.fromkeys(items) if found[item] is not _UNKNOWN}

    async def _whole(self, key: tuple[Hashable, ...], operation: str, ask: Callable[[], Awaitable[V]]) -> V:
        """Return the answer to one question, asking where none is kept."""
        started = time.perf_counter()
        answer = self._cache.recall((self._store, operation, *key))
        if answer is None:
            told = await ask()
            self._cache.keep((self._store, operation, *key), (told,))
            return told
        self._report(operation, started)
        return cast("tuple[V]", answer)[0]

    def _report(self, operation: str, started: float) -> None:
        calls = STORE_CALLS.get()
        if calls is not None:
            duration_ms = (time.perf_counter() - started) * 1e3
            calls.append(StoreCall(self._store, self.adapter, operation, duration_ms, outcome=CACHED))


class _CachedGraph(_Cached):
    def __init__(self, graph: Graph, cache: ReadCache) -> None:
        super().__init__(graph, StoreKind.GRAPH, cache)
        self._graph = graph

    async def variations(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Variations]:
        """See `ports.Graph`."""
        return await self._each(version, "variations", refs, lambda missing: self._graph.variations(version, missing))

    async def known_issues(self, version: str, metrics: Sequence[str]) -> Sequence[IssueLink]:
        """See `ports.Graph`. What concerns several metrics is what concerns each of them."""

        async def by_metric(missing: Sequence[str]) -> Mapping[str, tuple[IssueLink, ...]]:
            links: dict[str, tuple[IssueLink, ...]] = dict.fromkeys(missing, ())
            for link in await self._graph.known_issues(version, missing):
                links[link.metric] = (*links[link.metric], link)
            return links

        found = await self._each(version, "known_issues", metrics, by_metric)
        return sorted((link for links in found.values() for link in links), key=lambda one: (one.issue.id, one.metric))

    async def lineage(
        self, version: str, target: str, *, depth: int, downstream: bool, max_nodes: int
    ) -> Lineage | None:
        """See `ports.Graph`."""
        return await self._whole(
            (version, target, depth, downstream, max_nodes),
            "lineage",
            lambda: self._graph.lineage(version, target, depth=depth, downstream=downstream, max_nodes=max_nodes),
        )

    async def paths(self, version: str, start: str, *, depth: int) -> Sequence[tuple[Hop, ...]]:
        """See `ports.Graph`."""
        return await self._whole(
            (version, start, depth), "paths", lambda: self._graph.paths(version, start, depth=depth)
        )


class _CachedRegistry(_Cached):
    def __init__(self, registry: Registry, cache: ReadCache) -> None:
        super().__init__(registry, StoreKind.REGISTRY, cache)
        self._registry = registry

    async def assets(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Asset]:
        """See `ports.Registry`."""
        return await self._each(version, "assets", refs, lambda missing: self._registry.assets(version, missing))

    async def search(
        self, version: str, texts: Sequence[str], *, kinds: frozenset[AssetKind], limit: int
    ) -> Sequence[Sequence[Hit]]:
        """See `ports.Registry`. Texts are people's own, and hardly ever asked twice: nothing is kept."""
        return await self._registry.search(version, texts, kinds=kinds, limit=limit)

    async def contracts(self, version: str, metrics: Sequence[str]) -> Mapping[str, Sequence[Contract]]:
        """See `ports.Registry`."""
        return await self._each(
            version, "contracts", metrics, lambda missing: self._registry.contracts(version, missing)
        )
