"""Semantic layers under test, each over the shop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from ecp_server.catalog.errors import CatalogError
from ecp_server.catalog.semantic.read import semantic_model
from ecp_server.domain.catalog import Catalog
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.ports import Semantic
from ecp_server.stores.semantic.cube import CubeSemantic
from ecp_server.stores.semantic.duckdb import DuckDbSemantic
from tests.conformance.shop import MODEL, write_shop
from tests.held import Held
from tests.warehouse import cube_over

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
    folder: Path = request.getfixturevalue("shop_folder")
    store = DuckDbSemantic(Held(shop_catalog()), folder, memory_mib=256, threads=1)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def cube_over_shop(request: pytest.FixtureRequest) -> AsyncIterator[Semantic]:
    """A real Cube over the shop in PostgreSQL."""
    endpoint: Endpoint = request.getfixturevalue("shop_cube")
    store = CubeSemantic(endpoint)
    try:
        yield store
    finally:
        await store.close()


SEMANTICS: Final[dict[str, Callable[[pytest.FixtureRequest], Opened]]] = {
    "duckdb": duckdb_over_shop,
    "cube": cube_over_shop,
}


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's tables as CSV files."""
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def shop_cube(shop_folder: Path) -> Iterator[Endpoint]:
    """A real Cube over the shop in PostgreSQL."""
    with cube_over({"shop.yml": MODEL}, shop_folder) as endpoint:
        yield endpoint


@pytest.fixture(params=SEMANTICS)
async def semantic(request: pytest.FixtureRequest) -> AsyncIterator[Semantic]:
    """Each semantic layer that this environment can run, over the shop."""
    async with SEMANTICS[request.param](request) as store:
        yield store
