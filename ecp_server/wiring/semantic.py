"""The semantic layer: Cube where ECP_SEMANTIC_URL says so, else DuckDB over the files of the catalog's data folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ecp_server.domain.catalog import Catalogs
from ecp_server.settings import Settings
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.ports import Semantic
from ecp_server.stores.semantic.deferred import DeferredSemantic


def semantic_store(settings: Settings, catalogs: Catalogs) -> Semantic:
    """Return the adapter."""
    url = settings.semantic_url.get_secret_value()
    if url:
        from ecp_server.stores.semantic.cube import CubeSemantic  # noqa: PLC0415 - its driver is an extra

        return CubeSemantic(Endpoint(url, settings.semantic_password_file))
    return DeferredSemantic("duckdb", partial(_duckdb, settings, catalogs))


def _duckdb(settings: Settings, catalogs: Catalogs) -> Semantic:
    from ecp_server.stores.semantic.duckdb import DuckDbSemantic  # noqa: PLC0415 - a tenth of the time to start

    return DuckDbSemantic(
        catalogs, settings.semantic_data or settings.catalog / "data", memory_mib=settings.semantic_memory_mib
    )


def measure_kinds(catalogs: Catalogs) -> Callable[[str], str]:
    """Return what tells the kind of the measure at an address, e.g. "sum"; "" where the catalog's model lacks it."""

    def kind(address: str) -> str:
        measure = catalogs.current.model.measure(address)
        return measure.type.value if measure is not None else ""

    return kind
