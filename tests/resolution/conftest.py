"""Desks for tests of the path; a module overrides `catalog` with what it is about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ecp_server.domain.catalog import Catalog
from tests.resolution.desk import Desk, policy_for

Desks = Callable[[Catalog], Awaitable[Desk]]


@pytest.fixture
async def desks(tmp_path: Path) -> AsyncIterator[Desks]:
    """Open a desk for a catalog; it is closed after the test."""
    async with AsyncExitStack() as exits:

        async def opened(catalog: Catalog) -> Desk:
            desk = Desk(catalog, tmp_path, await policy_for(catalog.policies))
            exits.push_async_callback(desk.close)
            await desk.vector.prepare(catalog)
            return desk

        yield opened


@pytest.fixture
async def desk(catalog: Catalog, desks: Desks) -> Desk:
    """The desk for the module's catalog."""
    return await desks(catalog)
