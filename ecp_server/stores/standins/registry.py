"""The registry with the last loaded catalog in reserve, whose age is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ecp_server.domain.catalog import Asset, AssetKind, AssetRef, Contract
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.ports import Hit, Registry
from ecp_server.stores.standins.stand_in import StandIn

LOADED_CATALOG: Final = "loaded_catalog"


class RegistryWithCatalog:
    """`ports.Registry` that asks the loaded catalog where the registry fails."""

    def __init__(self, registry: Registry, loaded: Registry, *, age_seconds: Callable[[], float]) -> None:
        """``age_seconds`` is how long ago the catalog in force was loaded."""
        self._registry = registry
        self._loaded = loaded
        self._stand_in = StandIn(
            StoreKind.REGISTRY,
            LOADED_CATALOG,
            loaded.adapter,
            remark=lambda: f"; the catalog that was loaded {age_seconds():.0f} s ago stands in",
        )

    @property
    def adapter(self) -> str:
        """Return the name of the registry's engine."""
        return self._registry.adapter

    async def assets(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Asset]:
        """See `ports.Registry`."""
        return await self._stand_in.ask(
            "assets", lambda: self._registry.assets(version, refs), lambda: self._loaded.assets(version, refs)
        )

    async def search(
        self, version: str, texts: Sequence[str], *, kinds: frozenset[AssetKind], limit: int
    ) -> Sequence[Sequence[Hit]]:
        """See `ports.Registry`."""
        return await self._stand_in.ask(
            "search",
            lambda: self._registry.search(version, texts, kinds=kinds, limit=limit),
            lambda: self._loaded.search(version, texts, kinds=kinds, limit=limit),
        )

    async def contracts(self, version: str, metrics: Sequence[str]) -> Mapping[str, Sequence[Contract]]:
        """See `ports.Registry`."""
        return await self._stand_in.ask(
            "contracts",
            lambda: self._registry.contracts(version, metrics),
            lambda: self._loaded.contracts(version, metrics),
        )

    async def probe(self) -> None:
        """Probe the registry."""
        await self._registry.probe()

    async def close(self) -> None:
        """Close it; what stands in belongs to whoever made it."""
        await self._registry.close()
