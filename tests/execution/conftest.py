"""Tills for tests of executions; a module overrides `catalog` and `engine` with what it is about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ecp_server.domain.catalog import Catalog
from tests.execution.rows import Rows
from tests.execution.till import Till
from tests.resolution.desk import policy_for


@pytest.fixture
async def till(tmp_path: Path, catalog: Catalog, engine: Rows) -> AsyncIterator[Till]:
    """The till for the module's catalog and engine."""
    opened = Till(catalog, tmp_path, await policy_for(catalog.policies), engine)
    await opened.vector.prepare(catalog)
    yield opened
    await opened.close()
