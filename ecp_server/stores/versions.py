"""What an adapter derives from a catalog, kept for as long as that version of the catalog is held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

import structlog

from ecp_server.domain.catalog import Catalog, Catalogs
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.provenance import StoreKind

Index = TypeVar("Index")

_LOG: Final = structlog.get_logger(__name__)
_RETRY_SECONDS: Final = 5.0
"""After a failure to build an index nobody's question starts to build it again for so long."""


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
        self._retry_at = 0.0

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

    @property
    def latest(self) -> Index | None:
        """Return the index that was built last; None before the first and after `close`."""
        return next(reversed(self._ready.values()), None)

    def ready(self, version: str) -> Index | None:
        """Return the index of a held version if it is built; else start to build it and return None.

        Raises `StoreQueryFailed` where the version is not held. A failure to build is logged, and built anew when asked
        again a while later.
        """
        index = self._ready.get(version)
        if index is None and version not in self._building:
            catalog = self._catalogs.held(version)
            if catalog is None:
                raise StoreQueryFailed(self._store)
            if time.monotonic() >= self._retry_at:
                _ = self._start(catalog)  # goes on by itself; `_building` holds it
        return index

    async def prepare(self, catalog: Catalog) -> Index:
        """Build the index of a catalog, held or about to be, and forget those of versions that are held no more."""
        index = self._ready.get(catalog.version)
        if index is not None:
            return index
        task = self._building.get(catalog.version) or self._start(catalog)
        # Shielded: a caller who gives up takes nothing from those who wait for the same index.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up the builds under way and forget everything."""
        building = list(self._building.values())
        for task in building:
            task.cancel()
        await asyncio.gather(*building, return_exceptions=True)
        self._ready.clear()

    def _start(self, catalog: Catalog) -> asyncio.Task[Index]:
        task = asyncio.create_task(self._make(catalog), name=f"index {self._store.name.lower()}")
        self._building[catalog.version] = task
        task.add_done_callback(self._note_failure)
        return task

    def _note_failure(self, task: asyncio.Task[Index]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            _LOG.warning("index_not_built", store=self._store.name.lower(), exc_info=error)

    async def _make(self, catalog: Catalog) -> Index:
        try:
            index = await self._build(catalog)
        finally:
            del self._building[catalog.version]
        for version in [v for v in self._ready if self._catalogs.held(v) is None]:
            del self._ready[version]
        self._ready[catalog.version] = index
        return index
