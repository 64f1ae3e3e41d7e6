"""What of an item is found by more than its id: its words, and the tables that it is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ecp_server.domain.catalog import AssetKind, Catalog
from ecp_server.stores.documents import documents
from ecp_server.stores.lineage import node_name, source_table
from ecp_server.stores.registry.items import Key
from ecp_server.stores.registry.keywords import counted


@dataclass(frozen=True, slots=True)
class Index:
    """What `ecp_registry` keeps beside the items of a catalog, by item; where nothing is kept there is no entry."""

    counts: Mapping[Key, Counter[str]]
    """How often an item says each stem."""
    inputs: Mapping[Key, Sequence[str]] = field(default_factory=dict)
    tables: Mapping[Key, Sequence[str]] = field(default_factory=dict)


def index(catalog: Catalog) -> Index:
    """Return it. Takes seconds for a large catalog."""
    tables: dict[Key, Sequence[str]] = {}
    for metric in catalog.metrics.values():
        sources = ((node_name(source), source_table(source)) for source in metric.computed_from)
        tables[Key(AssetKind.METRIC, metric.id)] = list(dict.fromkeys(name for names in sources for name in names))
    for contract in catalog.contracts.values():
        tables[Key(AssetKind.CONTRACT, contract.id)] = [node_name(table) for table in contract.tables]
    return Index(
        {Key(document.ref.kind, document.ref.id): counted(document) for document in documents(catalog)},
        {Key(AssetKind.METRIC, metric.id): metric.inputs for metric in catalog.metrics.values() if metric.inputs},
        tables,
    )
