"""Semantic layers under test, each over the shop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from ecp_server.catalog.errors import CatalogError
from ecp_server.catalog.semantic.read import semantic_model
from ecp_server.domain.catalog import Catalog
from ecp_server.stores.ports import Semantic
from ecp_server.stores.semantic.duckdb import DuckDbSemantic
from tests.conformance.shop import MODEL, write_shop
from tests.held import Held

Opened = AbstractAsyncContextManager[Semantic]


def shop_catalog(model: str = MODEL) -> Catalog:
    """Return a catalog that has the model and nothing else."""
    errors: list[CatalogError] = []
    parsed = semantic_model({"shop.yml": model}, "semantic", errors)
    assert errors == []
    return Catalog(version="v1", semantic={"shop.yml": model}, model=parsed)


@asynccontextmanager
async def duckdb_over_shop(request: pytest.FixtureRequest) -> AsyncIterator[Semantic]:
    """DuckDB over the shop's CSV files."""
    folder: Path = request.getfixturevalue("tmp_path")
    store = DuckDbSemantic(Held(shop_catalog()), write_shop(folder / "data"), memory_mib=256)
    try:
        yield store
    finally:
        await store.close()


SEMANTICS: Final[dict[str, Callable[[pytest.FixtureRequest], Opened]]] = {"duckdb": duckdb_over_shop}
