"""The documents of a catalog in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from ecp_server.domain.catalog import Asset, AssetKind, AssetRef, Catalog, Catalogs, Contract
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.documents import documents
from ecp_server.stores.lineage import node_name, source_table
from ecp_server.stores.ports import Hit
from ecp_server.stores.registry.keywords import KeywordIndex
from ecp_server.stores.versions import Versions


class EmbeddedRegistry:
    """`ports.Registry` over the catalogs that are held, one index a version; answering does no I/O."""

    adapter = "embedded"
    in_memory = True

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs
        self._indexes = Versions(catalogs, StoreKind.REGISTRY, _index)

    published = None
    """Nothing is published to memory."""

    async def prepare(self, catalog: Catalog) -> None:
        """Build what questions about a catalog need, before it comes into force."""
        await self._indexes.prepare(catalog)

    async def probe(self) -> None:
        """Return when the catalog in force can be asked."""
        await self._indexes.of(self._catalogs.current.version)

    async def close(self) -> None:
        """Forget the indexes."""
        await self._indexes.close()

    async def assets(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Asset]:
        """See `ports.Registry`."""
        return (await self._indexes.of(version)).assets(refs)

    async def search(
        self, version: str, texts: Sequence[str], *, kinds: frozenset[AssetKind], limit: int
    ) -> Sequence[Sequence[Hit]]:
        """See `ports.Registry`."""
        keywords = (await self._indexes.of(version)).keywords
        return [keywords.search(text, kinds, limit) for text in texts]

    async def contracts(self, version: str, metrics: Sequence[str]) -> Mapping[str, Sequence[Contract]]:
        """See `ports.Registry`."""
        return (await self._indexes.of(version)).contracts(metrics)


class RegistryIndex:
    """What one catalog's documents are found by."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.keywords = KeywordIndex(documents(catalog))
        self._assets: dict[AssetKind, Mapping[str, Asset]] = {
            AssetKind.CONTEXT: catalog.contexts,
            AssetKind.METRIC: catalog.metrics,
            AssetKind.TERM: catalog.terms,
            AssetKind.DIMENSION: catalog.dimensions,
            AssetKind.MEMBER: catalog.members,
            AssetKind.CALENDAR: catalog.calendars,
            AssetKind.KNOWN_ISSUE: catalog.known_issues,
            AssetKind.CONTRACT: catalog.contracts,
            AssetKind.RULE: catalog.rules,
            AssetKind.ENTITY: catalog.entities,
            AssetKind.RELATION: catalog.relations,
            AssetKind.PHRASE: {phrase.text: phrase for phrase in catalog.phrases},
        }
        self._contracts: dict[str, tuple[Contract, ...]] = {}
        self._by_table: dict[str, list[Contract]] = {}
        for contract in sorted(catalog.contracts.values(), key=lambda c: c.id):
            for table in contract.tables:
                self._by_table.setdefault(node_name(table), []).append(contract)

    def assets(self, refs: Sequence[AssetRef]) -> dict[AssetRef, Asset]:
        """See `ports.Registry`. A phrase goes by its text; lineage documents are edges, asked of the graph."""
        found = ((ref, self._assets.get(ref.kind, {}).get(ref.id)) for ref in refs)
        return {ref: asset for ref, asset in found if asset is not None}

    def contracts(self, metrics: Sequence[str]) -> dict[str, tuple[Contract, ...]]:
        """See `ports.Registry`. In the order of contract ids; they are looked for once a metric."""
        return {metric: self._contracts_of(metric) for metric in metrics if metric in self._catalog.metrics}

    def _contracts_of(self, metric: str) -> tuple[Contract, ...]:
        found = self._contracts.get(metric)
        if found is None:
            found = self._contracts[metric] = self._find_contracts(metric)
        return found

    def _find_contracts(self, metric: str) -> tuple[Contract, ...]:
        sources = [source for m in self._computed_from(metric) for source in self._catalog.metrics[m].computed_from]
        tables = dict.fromkeys(name for source in sources for name in (node_name(source), source_table(source)))
        found = {contract.id: contract for table in tables for contract in self._by_table.get(table, ())}
        return tuple(found[contract_id] for contract_id in sorted(found))

    def _computed_from(self, metric: str) -> list[str]:
        """Return the metric and those that it is computed from, transitively."""
        found = {metric: None}
        waiting = [metric]
        while waiting:
            for name in self._catalog.metrics[waiting.pop()].inputs:
                if name not in found and name in self._catalog.metrics:
                    found[name] = None
                    waiting.append(name)
        return list(found)


async def _index(catalog: Catalog) -> RegistryIndex:
    return await asyncio.to_thread(RegistryIndex, catalog)
