"""The synthetic catalogs to measure with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ecp_server.catalog.load import load_catalog


@pytest.mark.parametrize(("assets", "options"), [(200, []), (311, []), (50, ["--metrics-only"])])
def test_as_many_assets_as_asked_for_and_all_of_them_valid(
    project_root: Path, tmp_path: Path, assets: int, options: list[str]
) -> None:
    script = project_root / "scripts/generate_catalog.py"
    subprocess.run([sys.executable, script, tmp_path, "--assets", str(assets), *options], check=True)
    catalog = load_catalog(tmp_path)
    kinds = [catalog.metrics, catalog.terms, catalog.dimensions, catalog.members, catalog.known_issues]
    kinds += [catalog.rules, catalog.entities]
    assert assets == sum(len(kind) for kind in kinds) + len(catalog.lineage)
    if options:
        assert assets - 2 == len(catalog.metrics)
