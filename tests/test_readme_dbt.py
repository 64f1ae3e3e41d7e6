"""From a dbt project to an answered question: the README's commands, to the letter, but for where the project lies."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import duckdb
import pytest

from tests.test_docs import blocks

PROJECT: Final = "https://github.com/dbt-labs/jaffle-shop"
HEADING: Final = "## From a dbt project to an answered question\n"


@pytest.fixture
def remote(evaluation_data: Path, tmp_path: Path) -> str:
    """The project's semantic models in a repository of their own, under the commit that the README checks out."""
    folder = tmp_path / "remote" / "jaffle-shop"
    models = folder / "models" / "marts"
    models.mkdir(parents=True)
    for file in (evaluation_data / "jaffle_shop").glob("*.yml"):
        shutil.copyfile(file, models / file.name)
    (folder / "dbt_project.yml").write_text("name: jaffle_shop\nmodel-paths: [models]\n", encoding="utf-8")
    git = ("git", "-c", "user.name=test", "-c", "user.email=test@localhost", "-C", str(folder))
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "models"), ("tag", "7be2c58")):
        subprocess.run([*git, *command], check=True, capture_output=True)
    return folder.as_uri()


@pytest.fixture
def checkout(project_root: Path, tmp_path: Path) -> Path:
    """A checkout that the commands may write into."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "scripts").symlink_to(project_root / "scripts")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def section(root: Path) -> str:
    text = (root / "README.md").read_text(encoding="utf-8")
    return text[text.index(HEADING) :].removeprefix(HEADING).partition("\n## ")[0]


def commands(root: Path) -> str:
    """What is typed into the first terminal."""
    typed = [text for language, text in blocks(root / "README.md") if language == "sh" and PROJECT in text]
    assert 1 == len(typed)
    assert typed[0] in section(root)
    return typed[0]


def question(root: Path) -> list[str]:
    """What is typed into the second one."""
    (typed,) = re.findall(r"`(\.venv/bin/ecp ask [^`]+)`", section(root))
    return shlex.split(typed)


@asynccontextmanager
async def typed(text: str, folder: Path, environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Type commands into a terminal of their own; what still runs in the end is told to stop."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euc", text), cwd=folder, env=environment, start_new_session=True, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # it may have ended without our having heard of it
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


async def until_asked(*command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Type a command until it comes off: the first terminal takes its time."""
    async with asyncio.timeout(200):
        while True:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            printed, _ = await process.communicate()
            if process.returncode == 0:
                return printed.decode()
            await asyncio.sleep(1)


@pytest.mark.timeout(240)
async def test_from_git_clone_to_figures(
    project_root: Path, checkout: Path, remote: str, tmp_path: Path, unused_tcp_port: int
) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    # Not the defaults, so that nothing that runs on this machine is in the way.
    environment = os.environ | {
        "ECP_LISTEN": address,
        "ECP_METRICS_LISTEN": "127.0.0.1:0",
        "ECP_STATE_URL": f"sqlite:///{tmp_path / 'state.db'}",
        "ECP_TARGET": address,
    }
    async with typed(commands(project_root).replace(PROJECT, remote), checkout, environment) as terminal:
        answer = await until_asked(*question(project_root), folder=checkout, environment=environment)
        assert terminal.returncode is None
        os.killpg(terminal.pid, signal.SIGTERM)
        assert terminal.stdout is not None
        printed = (await terminal.stdout.read()).decode()
    shown = [text for language, text in blocks(project_root / "docs" / "importing.md") if language == "text"]
    imported, answered = (text.splitlines()[0] for text in shown)
    assert imported in printed
    assert answered == answer.splitlines()[0]
    assert percentages(checkout / "marts" / "orders.parquet") == figures(answer)


def figures(answer: str) -> list[str]:
    """The table's figures by label, as they are printed."""
    table = dict(re.findall(r"^  (Orders|Large Orders|Ratio) +([\d,.]+)", answer, re.MULTILINE))
    return [table["Orders"], table["Large Orders"], table["Ratio"]]


def percentages(orders: Path) -> list[str]:
    """The same from the table of orders: those of two thousand cents and more are large."""
    query = (
        f"SELECT count(*), count(*) FILTER (order_total >= 20) FROM read_parquet('{orders}') "  # noqa: S608 - ours
        "WHERE ordered_at >= '2019-04-01' AND ordered_at < '2019-07-01'"
    )
    found = duckdb.execute(query).fetchone()
    assert found is not None
    every, large = found
    assert 0 < large < every
    return [f"{every:,}", f"{large:,}", f"{large / every * 100:.2f}"]
