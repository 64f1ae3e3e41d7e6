"""Expected figures: what a table must hold, to as many decimal places as are written."""

from __future__ import annotations

from typing import Any

import pytest

from ecp_server.evaluation.figures_score import score_figures
from ecp_server.evaluation.golden import Expectation
from ecp_server.evaluation.reply import Figures, Refusal

TABLE = Figures(
    {
        "table": {
            "columns": [
                {"name": "region", "values": ["region.apac", "region.emea"]},
                {"name": "actual", "values": ["142300000.00", ""], "null_rows": [1]},
                {"name": "variance_pct", "values": ["5.4074074074", "-3"]},
            ]
        }
    }
)


def missed(figures: dict[str, Any], executed: Figures | Refusal = TABLE) -> list[str]:
    expect = Expectation.model_validate({"status": "RESOLVED", "figures": figures})
    assert expect.figures is not None
    return [what for what, _, _ in score_figures(expect.figures, executed)]


@pytest.mark.parametrize(
    "figures",
    [
        {"region": ["region.apac", "region.emea"]},
        {"actual": ["142300000.00", None]},
        {"actual": [142300000, None]},
        {"variance_pct": [5.41, -3]},
        {"variance_pct": ["5.4074", "-3"]},
        {},
    ],
)
def test_what_is_stated_holds(figures: dict[str, Any]) -> None:
    assert [] == missed(figures)


@pytest.mark.parametrize(
    "figures",
    [
        {"actual": ["142300000.01", None]},
        {"actual": ["142300000.00", "0"]},
        {"actual": ["142300000.00"]},
        {"actual": "142300000.00"},
        {"variance_pct": [5.42, -3]},
        {"region": ["region.emea", "region.apac"]},
        {"budget": [1, 2]},
    ],
)
def test_what_differs_is_a_miss(figures: dict[str, Any]) -> None:
    assert [f"figures.{next(iter(figures))}"] == missed(figures)


def test_one_value_is_the_only_row() -> None:
    alone = Figures({"table": {"columns": [{"name": "actual", "values": ["7"]}]}})
    assert [] == missed({"actual": 7}, alone)


def test_a_refusal_is_a_miss() -> None:
    assert ["figures"] == missed({"actual": 7}, Refusal("POLICY_DENIED"))
