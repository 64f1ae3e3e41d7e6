"""One server a module: these tests ask and do not change it. What is to break has a server of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.running import Running, running


@pytest.fixture(scope="module")
def meridian(project_root: Path) -> Path:
    """The folder of the default catalog."""
    return project_root / "catalogs" / "meridian"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(meridian: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """The whole server over the default catalog."""
    async with running(meridian, tmp_path_factory.mktemp("state")) as server:
        yield server
