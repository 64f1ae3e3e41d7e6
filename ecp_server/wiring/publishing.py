"""`ecp-server catalog publish`, `rollback`: a catalog into every store that is a server, the registry last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ecp_server.domain.catalog import Catalog
from ecp_server.settings import Settings
from ecp_server.stores.publish import Difference, Publisher
from ecp_server.wiring.graph import graph_publisher
from ecp_server.wiring.policy import try_policies
from ecp_server.wiring.registry import registry_publisher
from ecp_server.wiring.vector import vector_publisher

if TYPE_CHECKING:
    from ecp_server.stores.registry.publisher import RegistryPublisher

Tell = Callable[[str, int, int], None]
"""Hears of progress: the store and what is done there, how many are done, of how many."""


class NothingToPublishTo(Exception):
    """No store is a server."""


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one store."""

    store: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A catalog that is in force everywhere."""

    version: str
    stores: Sequence[Published]


@asynccontextmanager
async def publishing(settings: Settings, note: str, source: str = "") -> AsyncIterator[Publishing]:
    """Give what publishes to every store that is a server. Raises `NothingToPublishTo`.

    ``source`` tells what the catalog is read from, "" where nothing does.
    """
    # The registry comes last: once a catalog is there servers ask the others for it.
    registry = registry_publisher(settings, note, source)
    found = (vector_publisher(settings), graph_publisher(settings), registry)
    publishers = [publisher for publisher in found if publisher is not None]
    if not publishers:
        raise NothingToPublishTo
    try:
        yield Publishing(settings, publishers, registry)
    finally:
        for publisher in publishers:
            await publisher.close()


class Publishing:
    """Publishes catalogs to several stores."""

    def __init__(self, settings: Settings, publishers: Sequence[Publisher], registry: RegistryPublisher | None) -> None:
        """``registry`` is the one of the publishers that says what is in force."""
        self._settings = settings
        self._publishers = publishers
        self._registry = registry

    async def unchanged(self, source: str) -> Unchanged | None:
        """Return the version that was read from the source, if every store has it; None where something is to be done.

        Nothing has to be read for that: a hundred thousand assets take ten seconds. Raises `StoreError`.
        """
        version = None if self._registry is None else await self._registry.version_of(source)
        if version is None:
            return None
        stores = []
        for publisher in self._publishers:
            there = await publisher.holds(version)
            if there is None:
                return None
            stores.append(Published(publisher.store.name.lower(), Difference(unchanged=there)))
        return Unchanged(version, stores)

    async def differences(self, catalog: Catalog) -> AsyncIterator[Published]:
        """Yield what publishing would change in each store. Raises `CatalogInvalid` and `StoreError`."""
        await try_policies(self._settings, catalog)
        for publisher in self._publishers:
            yield Published(publisher.store.name.lower(), await publisher.difference(catalog))

    async def publish(self, catalog: Catalog, tell: Tell) -> AsyncIterator[Published]:
        """Publish to each store in turn and yield what that changed. Raises `CatalogInvalid` and `StoreError`.

        After a failure stores before it have the catalog, and no server asks for it; publishing again is all it takes.
        """
        await try_policies(self._settings, catalog)
        for publisher in self._publishers:
            name = publisher.store.name.lower()

            def told(doing: str, done: int, of: int, name: str = name) -> None:
                tell(f"{name}: {doing}", done, of)

            yield Published(name, await publisher.publish(catalog, told))
