"""The semantic layer: DuckDB in this process, over the files of the catalog's data folder."""

from __future__ import annotations

from collections.abc import Callable

from ecp_server.domain.catalog import Catalogs
from ecp_server.settings import Settings
from ecp_server.stores.ports import Semantic
from ecp_server.stores.semantic.duckdb import DuckDbSemantic


def semantic_store(settings: Settings, catalogs: Catalogs) -> Semantic:
    """Return the adapter."""
    folder = settings.semantic_data or settings.catalog / "data"
    return DuckDbSemantic(catalogs, folder, memory_mib=settings.semantic_memory_mib)


def measure_kinds(catalogs: Catalogs) -> Callable[[str], str]:
    """Return what tells the kind of the measure at an address, e.g. "sum"; "" where the catalog's model lacks it."""

    def kind(address: str) -> str:
        measure = catalogs.current.model.measure(address)
        return measure.type.value if measure is not None else ""

    return kind
