"""One server a module: these tests ask and do not change it. What is to break has a server of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.logs import Lines, logged
from tests.running import Running, running


@pytest.fixture(scope="module", autouse=True)
def log() -> Iterator[Lines]:
    """What is logged, as production writes it; the library's own way, with the values of all locals, takes seconds."""
    with logged() as lines:
        yield lines


@pytest.fixture(scope="module")
def meridian(project_root: Path) -> Path:
    """The folder of the default catalog."""
    return project_root / "catalogs" / "meridian"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(meridian: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """The whole server over the default catalog."""
    async with running(meridian, tmp_path_factory.mktemp("state")) as server:
        yield server
