"""`ecp-server catalog evaluate`: what it tells, and how its exit code sums it up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = """
format: 1
defaults: {as_of: 2025-01-15, user: {user_id: fay, department: finance, roles: [finance_analyst]}}
questions:
  - {id: right, category: good, question: APAC revenue last quarter, expect: {status: RESOLVED, metrics: [net_revenue]}}
  - {id: wrong, category: bad, question: APAC revenue last quarter, expect: {status: RESOLVED, metrics: [headcount]}}
"""


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own: it configures logging for good."""
    command = [sys.executable, "-m", "ecp_server", "catalog", "evaluate", *map(str, arguments)]
    return subprocess.run(command, env=os.environ | environment, check=False, capture_output=True, text=True)


@pytest.fixture
def catalog(project_root: Path, tmp_path: Path) -> Path:
    """The bundled catalog with golden questions of the test's own."""
    folder = tmp_path / "meridian"
    shutil.copytree(project_root / "catalogs" / "meridian", folder)
    (folder / "golden.yaml").write_text(GOLDEN, encoding="utf-8")
    return folder


def test_a_miss_is_told_with_its_steps_and_exit_code_1(catalog: Path) -> None:
    result = run(catalog)
    assert (1, "") == (result.returncode, result.stderr)
    lines = result.stdout.splitlines()
    assert lines[:3] == ["bad      0 of    1  0.000", "good     1 of    1  1.000", "all      1 of    2  0.500"]
    assert "✗ wrong (bad): APAC revenue last quarter" in lines
    steps = [line.strip().partition(":")[0] for line in lines if line.startswith("    ")]
    assert steps == ["parse", "discover", "select", "know", "plan", "authorize", "weigh"]


def test_of_one_category_exit_code_0_says_that_all_is_right_and_nothing_is_left_behind(
    catalog: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    result = run(catalog, "--category", "good", TMPDIR=str(folder), HOME=str(folder), XDG_DATA_HOME=str(folder))
    assert (0, ["good     1 of    1  1.000", "all      1 of    1  1.000"]) == (
        result.returncode,
        result.stdout.splitlines(),
    )
    assert list(folder.iterdir()) == []


def test_a_page_that_has_no_folder_is_refused_before_anything_is_asked(catalog: Path, tmp_path: Path) -> None:
    result = run(catalog, "--report", tmp_path / "nowhere" / "page.html")
    assert (2, "") == (result.returncode, result.stdout)
    assert f"--report: no such directory: {tmp_path / 'nowhere'}" in result.stderr


def test_a_page_is_written_and_confidence_judged_where_that_is_asked_for(catalog: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = run(catalog, "--reword", "1", "--report", page)

    assert (1, "") == (result.returncode, result.stderr)
    assert "in other words: " in result.stdout
    assert "(Wilson, 95 %)" in result.stdout
    written = page.read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>")
    assert "APAC revenue last quarter" in written


def test_what_cannot_be_asked_is_a_mistake_of_the_user_with_exit_code_2(catalog: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    missing, unknown = run(tmp_path / "empty"), run(catalog, "--category", "ugly")
    assert (2, 2) == (missing.returncode, unknown.returncode)
    assert "golden.yaml" in missing.stderr
    assert "no category 'ugly'; there are bad, good" in unknown.stderr


def test_a_catalog_that_cannot_be_served_is_told_with_exit_code_1(catalog: Path) -> None:
    (catalog / "extra.yaml").write_text("kind: metric\nid: m\n", encoding="utf-8")
    result = run(catalog)
    assert result.returncode == 1
    assert "Error: extra.yaml:1: metric m: definition: is required" in result.stderr
