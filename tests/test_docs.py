"""The pages say what is: their examples run and come out as pasted, and their links lead somewhere."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from ecp_client.cli.exits import ExitCode
from ecp_server.catalog.reference import reference
from ecp_server.domain.errors import Reason
from ecp_server.stores.policy.trial import try_policy
from tests.cli.running import ecp, ecp_in_terminal
from tests.running import Running, running

ADDRESS = "127.0.0.1:50051"
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "catalogs/README.md", "docs/*.md"]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STYLE = re.compile("\x1b\\[[0-9;]*m")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_UNSTABLE = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=confidence )[01]\.\d\d( \(\w+\))?|(?<=data of )[\d-]+ [\d:]+"
)
"""What is different each time, or measured: ids, how sure the server is, and when the data was written."""


@pytest.fixture
async def server(project_root: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """The server as `make run` starts it in a new checkout, but for its port: data that is older is warned of."""
    written_now = shutil.copytree(
        project_root / "catalogs" / "meridian", tmp_path / "meridian", copy_function=shutil.copyfile
    )
    async with running(written_now, tmp_path) as server:
        yield server


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page: language and text."""
    return [(match[1], match[2]) for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))]


def stable(text: str) -> str:
    return _UNSTABLE.sub("~", text)


def example(page: Path, *languages: str, having: str) -> list[str]:
    """The texts of the only run of blocks in these languages whose first one holds ``having``."""
    found = blocks(page)
    runs = [found[at : at + len(languages)] for at, (_, text) in enumerate(found) if having in text]
    [run] = [run for run in runs if [language for language, _ in run] == list(languages)]
    return [text for _, text in run]


async def output(*command: str, folder: Path, path: str = "") -> str:
    """What a command prints that succeeds without a word on standard error."""
    environment = os.environ | {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment, stdout=PIPE, stderr=PIPE)
    printed, errors = await process.communicate()
    assert (0, "") == (process.returncode, errors.decode())
    return printed.decode()


def pages(root: Path) -> list[Path]:
    return [page for pattern in PAGES for page in sorted(root.glob(pattern))]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", _BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_short_and_opens_with_two_commands_that_exist(project_root: Path) -> None:
    readme = project_root / "README.md"
    assert len(readme.read_text(encoding="utf-8").splitlines()) <= 165
    language, text = blocks(readme)[0]
    commands = [line.partition("#")[0].split() for line in text.splitlines()]
    assert ("sh", [["make", "run"], ["make", "test"]]) == (language, commands)
    for _, target in commands:
        subprocess.run(["make", "--dry-run", target], cwd=project_root, check=True, capture_output=True)


async def test_readmes_grpcurl_example_comes_out_as_pasted(server: Running, project_root: Path, grpcurl: Path) -> None:
    command, pasted = example(project_root / "README.md", "sh", "json", having="grpcurl -plaintext")
    here = command.replace(ADDRESS, str(server.address))
    printed = await output("bash", "-euc", here, folder=project_root, path=str(grpcurl.parent))
    parts = [stable(part) for part in pasted.split("…\n") if part]
    at = 0
    for part in parts:
        at = stable(printed).index(part, at) + len(part)
    assert len(parts) >= 2


async def test_readmes_command_comes_out_as_pasted(server: Running, project_root: Path) -> None:
    line, pasted = example(project_root / "README.md", "sh", "text", having=".venv/bin/ecp ask")
    _, *arguments = shlex.split(line)
    ended = await ecp(*arguments, target=str(server.address))
    assert (0, stable(pasted)) == (ended.code, stable(ended.output))


async def test_the_commands_page_shows_how_it_asks_back(server: Running, project_root: Path) -> None:
    [text] = [text for _, text in blocks(project_root / "docs" / "command.md") if text.startswith("$ ecp")]
    line, _, pasted = text.partition("\n")
    _, _, *arguments = shlex.split(line)
    ended = await ecp_in_terminal(*arguments, target=str(server.address), typed=["1\n"])
    shown = "\n".join(line.rstrip() for line in _STYLE.sub("", ended.output).splitlines())
    assert shown.startswith(pasted)


async def test_the_commands_page_shows_a_trend(server: Running, project_root: Path) -> None:
    [text] = [text for _, text in blocks(project_root / "docs" / "command.md") if text.startswith("> ecp ask")]
    line, _, pasted = text.partition("\n")
    _, _, *arguments = shlex.split(line)
    ended = await ecp(*arguments, target=str(server.address))
    assert (0, stable(pasted)) == (ended.code, stable(ended.output))


def test_the_commands_page_has_every_exit_code(project_root: Path) -> None:
    page = (project_root / "docs" / "command.md").read_text(encoding="utf-8")
    assert {str(code.value) for code in ExitCode} == set(re.findall(r"^\| (\d) \|", page, re.MULTILINE))


@pytest.mark.parametrize("page", ["README.md", "docs/asking.md"])
async def test_python_examples_come_out_as_pasted(
    page: str, server: Running, project_root: Path, tmp_path: Path
) -> None:
    found = blocks(project_root / page)
    following = pairwise([*found, ("", "")])
    programs = [(text, after) for (language, text), after in following if language == "python"]
    assert programs
    for program, (language, pasted) in programs:
        assert "text" == language, "each program is followed by what it prints"
        here = program.replace(ADDRESS, str(server.address))
        assert stable(pasted) == stable(await output(sys.executable, "-c", here, folder=tmp_path))


def test_no_other_page_has_a_program_that_is_not_run(project_root: Path) -> None:
    having = [page for page in pages(project_root) if any(language == "python" for language, _ in blocks(page))]
    assert {project_root / "README.md", project_root / "docs" / "asking.md"} == set(having)


def test_errors_page_is_current(project_root: Path) -> None:
    script = project_root / "scripts" / "document_errors.py"
    printed = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True).stdout
    assert (project_root / "docs" / "errors.md").read_text(encoding="utf-8") == printed, "run `make docs`"


def test_errors_page_has_every_reason_of_the_contract(project_root: Path) -> None:
    page = (project_root / "docs" / "errors.md").read_text(encoding="utf-8")
    assert {str(reason) for reason in Reason} == set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))


def test_catalog_reference_is_current_and_says_of_every_key_what_it_means(project_root: Path) -> None:
    page = (project_root / "docs" / "catalog-reference.md").read_text(encoding="utf-8")
    assert page == reference(), "run `make docs`"
    assert [] == [line for line in page.splitlines() if line.endswith("|  |")]


def test_policies_on_the_page_run(project_root: Path) -> None:
    programs = [text for language, text in blocks(project_root / "docs" / "policies.md") if language == "rego"]
    assert programs
    for text in programs:
        try_policy({"page.rego": text})


async def test_operating_lists_every_metric(server: Running, project_root: Path) -> None:
    page = (project_root / "docs" / "operating.md").read_text(encoding="utf-8")
    rows = page.partition("| Name |")[2].partition("\n\n")[0].splitlines()[2:]
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert "OK" == (await server.resolve("net revenue")).code
    served = re.findall(r"^# TYPE (\w+) ", generate_latest(server.instruments.registry).decode(), re.MULTILINE)
    assert set(served) - {"target_info"} == listed


def test_operating_names_the_events_that_are_logged(project_root: Path) -> None:
    page = (project_root / "docs" / "operating.md").read_text(encoding="utf-8")
    table = page.partition("| Event |")[2].partition("\n\n")[0]
    events = re.findall(r"`(\w+)`", table)
    code = "".join(path.read_text(encoding="utf-8") for path in (project_root / "ecp_server").rglob("*.py"))
    assert events
    assert [] == [event for event in events if f'"{event}"' not in code]
    logged = re.findall(r"""log(?:ger\(\w*\))?\.(?:info|warning|error|exception)\(\s*"(\w+)\"""", code, re.IGNORECASE)
    assert "server_started" in logged
    assert set(logged) - set(events) == {"resolution_started"}  # with `ECP_LOG_QUESTIONS`: the paragraph before tells


def test_every_relative_link_leads_to_a_file_and_heading(project_root: Path) -> None:
    broken = []
    for page in pages(project_root):
        for link in _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
            if "://" in link:
                continue
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                broken.append(f"{page.relative_to(project_root)}: {link}")
    assert broken == []


def test_every_page_is_linked(project_root: Path) -> None:
    """A page that no page leads to is one that nobody reads."""
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in pages(project_root)
        for link in _LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in link
    }
    assert {page for page in pages(project_root) if page not in linked} == {project_root / "README.md"}
