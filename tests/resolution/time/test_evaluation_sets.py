"""The open fifth of the public sets: how many expressions are read as one of their accepted readings."""

from __future__ import annotations

import runpy
from collections import Counter, defaultdict
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def shares(evaluation_data: Path, project_root: Path) -> dict[str, dict[str, float]]:
    score = runpy.run_path(str(project_root / "scripts" / "score_time.py"))
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for group, row, calendar in score["scored"](evaluation_data):
        counts[group][score["outcome"](row, calendar)[0]] += 1
    return {group: {name: found[name] / found.total() for name in found} for group, found in counts.items()}


@pytest.mark.parametrize(
    ("group", "accepted", "wrong"),
    [("core", 0.96, 0.03), ("extended", 0.85, 0.15), ("month_start", 0.97, 0.03), ("week_based", 0.97, 0.03)],
)
def test_shares_of_accepted_and_wrong_readings(
    shares: dict[str, dict[str, float]], group: str, accepted: float, wrong: float
) -> None:
    assert accepted <= shares[group]["accepted"]
    assert wrong >= shares[group].get("wrong", 0.0)
