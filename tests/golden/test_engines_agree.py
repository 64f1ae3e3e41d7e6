"""The golden questions give the same figures whichever engine computes them: DuckDB over files, Cube over PostgreSQL.

One server resolves; it and a replica on the other engine each execute what it resolved.
"""

from __future__ import annotations

import asyncio
import runpy
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from typing_extensions import override

from ecp_server.catalog.load import load_catalog
from ecp_server.evaluation.golden import Entry, load_golden
from ecp_server.evaluation.reply import Answer, Figures, Json, Refusal, Reply
from ecp_server.evaluation.report import render
from ecp_server.evaluation.run import ask_once, evaluate
from ecp_server.rpc.ask import Asking
from ecp_server.stores.state.postgres import SCHEMA as STATE_SCHEMA
from tests.golden.differences import content, different
from tests.running import running
from tests.servers import migrated, postgres, postgres_database, postgres_server
from tests.warehouse import cube_over

__all__ = ["postgres", "postgres_database", "postgres_server"]

EVERY: Final = 6
"""Of the questions that state no figures themselves, one in so many is asked where time is short."""


class OnBoth(Asking):
    """Asks one server, and has whatever it settles executed there and by the replica."""

    def __init__(self, stub: Any, replica: Any) -> None:
        super().__init__(stub, timeout_seconds=60)
        self._replica = Asking(replica, timeout_seconds=60)
        self.pairs: list[tuple[str, Figures | Refusal, Figures | Refusal]] = []
        """The question, and what each engine made of it."""

    @override
    async def __call__(self, request: Json) -> Reply:
        reply = await super().__call__(request)
        if isinstance(reply, Answer) and reply.status == "RESOLVED" and reply.plan.get("queries"):
            resolution_id = str(reply.body["resolution_id"])
            both = await asyncio.gather(self.execute(resolution_id), self._replica.execute(resolution_id))
            self.pairs.append((str(request.get("concept")), *both))
        return reply

    def differences(self) -> list[str]:
        """Return where the engines differ, in whatever is said: figures, why they are null, warnings, attestation."""
        return [
            f"{question}{path}"
            for question, *both in self.pairs
            for path in different(*(without_refresh_time(content(reply)) for reply in both))
        ]

    def adapters(self) -> list[set[str]]:
        """Return which engines the figures of the one server, and of the other, come from."""
        return [
            {source["adapter"] for _, here, _ in self.pairs for source in sources_of(here)},
            {source["adapter"] for _, _, there in self.pairs for source in sources_of(there)},
        ]


def sources_of(reply: Figures | Refusal) -> Sequence[Json]:
    return reply.body["table"]["sources"] if isinstance(reply, Figures) else ()


def without_refresh_time(value: Any) -> Any:
    """Files and databases are not written at the same moment."""
    if isinstance(value, dict):
        return {key: without_refresh_time(item) for key, item in value.items() if key != "refresh_time"}
    return [without_refresh_time(item) for item in value] if isinstance(value, list) else value


def write_data(name: str, root: Path, folder: Path, request: pytest.FixtureRequest) -> Path:
    """Write the tables of a catalog as new files, so that none is too old for its contract."""
    if name == "sec_saas":
        facts = request.getfixturevalue("evaluation_data") / "sec_saas" / "facts.csv"
        runpy.run_path(str(root / "scripts" / "build_sec_saas.py"))["build"](facts, folder)
    else:
        shutil.copytree(root / "catalogs" / name / "data", folder, copy_function=shutil.copyfile, dirs_exist_ok=True)
    return folder


@asynccontextmanager
async def on_both(name: str, root: Path, folder: Path, request: pytest.FixtureRequest) -> AsyncIterator[OnBoth]:
    state: str = request.getfixturevalue("postgres")
    await migrated(state, STATE_SCHEMA)
    catalog = root / "catalogs" / name
    settings = {"state_url": state, "store_timeout_seconds": "30", "log_level": "ERROR"}
    async with AsyncExitStack() as stack:
        data = write_data(name, root, folder / "data", request)
        cube = stack.enter_context(cube_over(load_catalog(catalog).semantic, data))
        here = await stack.enter_async_context(running(catalog, folder, **settings, semantic_data=str(data)))
        there = await stack.enter_async_context(running(catalog, folder, **settings, semantic_url=cube.url))
        yield OnBoth(here.resolving, there.resolving)


def some_of(entries: Sequence[Entry]) -> list[Entry]:
    """Every question that states figures, and some of the others."""
    return [entry for i, entry in enumerate(entries) if entry.expect.figures is not None or i % EVERY == 0]


@pytest.mark.parametrize("name", ["meridian", "sec_saas"])
async def test_some_golden_questions_have_the_same_figures(
    name: str, project_root: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    entries = some_of(load_golden(project_root / "catalogs" / name / "golden.yaml").questions)
    async with on_both(name, project_root, tmp_path, request) as ask:
        turns = [await ask_once(entry, ask) for entry in entries]
    assert [] == [miss for turn in turns for miss in turn.misses]
    assert [] == ask.differences()
    assert [{"duckdb"}, {"cube"}] == ask.adapters()
    assert len(ask.pairs) > len(entries) / 2  # the others are refused, or ask back


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["meridian", "sec_saas"])
async def test_all_golden_questions_have_the_same_figures(
    name: str, project_root: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    golden = load_golden(project_root / "catalogs" / name / "golden.yaml")
    async with on_both(name, project_root, tmp_path, request) as ask:
        evaluation = await evaluate(golden, ask)
    if evaluation.accuracy != 1.0:
        pytest.fail(render(evaluation), pytrace=False)
    assert [] == ask.differences()
    assert [{"duckdb"}, {"cube"}] == ask.adapters()
    assert len(ask.pairs) > len(golden.questions) / 2
