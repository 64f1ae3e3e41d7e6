"""What an adapter derives from a catalog, kept for as long as that version of the catalog is held."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from ecp_server.domain.catalog import Catalog, Catalogs
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.provenance import StoreKind

Index = TypeVar("Index")


class Versions(Generic[Index]):
    """One index per catalog version: built once, however many ask at the same time, and dropped with its catalog.

    ``prepare`` a catalog before it comes into force, and no question waits for its index.
    """

    def __init__(self, catalogs: Catalogs, store: StoreKind, build: Callable[[Catalog], Awaitable[Index]]) -> None:
        self._catalogs = catalogs
        self._store = store
        self._build = build
        self._ready: dict[str, Index] = {}
        self._building: dict[str, asyncio.Task[Index]] = {}

    async def of(self, version: str) -> Index:
        """Return the index of a held version, building it where it is not ready.

        Raises `StoreQueryFailed` where the version is not held.
        """
        index = self._ready.get(version)
        if index is not None:
            return index
        catalog = self._catalogs.held(version)
        if catalog is None:
            raise StoreQueryFailed(self._store)
        return await self.prepare(catalog)

    async def prepare(self, catalog: Catalog) -> Index:
        """Build the index of a catalog, held or about to be, and forget those of versions that are held no more."""
        index = self._ready.get(catalog.version)
        if index is not None:
            return index
        task = self._building.get(catalog.version)
        if task is None:
            task = asyncio.create_task(self._make(catalog), name=f"index {self._store.name.lower()}")
            self._building[catalog.version] = task
        # Shielded: a caller who gives up takes nothing from those who wait for the same index.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up the builds under way and forget everything."""
        building = list(self._building.values())
        for task in building:
            task.cancel()
        await asyncio.gather(*building, return_exceptions=True)
        self._ready.clear()

    async def _make(self, catalog: Catalog) -> Index:
        try:
            index = await self._build(catalog)
        finally:
            del self._building[catalog.version]
        for version in [v for v in self._ready if self._catalogs.held(v) is None]:
            del self._ready[version]
        self._ready[catalog.version] = index
        return index
