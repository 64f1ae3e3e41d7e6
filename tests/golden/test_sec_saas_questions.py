"""The questions of semantic-layer-eval (MIT), kept outside the checkout, scored as the data's own page says."""

from __future__ import annotations

import calendar
import csv
import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecp_server.evaluation.plan_score import effective_filters
from ecp_server.evaluation.reply import Answer, Refusal, Reply
from ecp_server.wiring import asking
from tests.golden.replies import condition, resolved, unsettled

UNSURE = 0.5
"""Below this confidence an answer to what is not covered counts as unanswered."""


def problems(row: Mapping[str, Any], reply: Reply, year_ends: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return what is wrong with a reply to a question; ``year_ends`` are month and day by ticker."""
    status = row["expected"]["status"]
    if status == "answerable":
        return _unanswered(row["expected"], reply, year_ends)
    fine = {
        "not_covered": _is_not_found(reply) or _is_unsure(reply),
        "needs_clarification": reply.status == "DISAMBIGUATION_REQUIRED",
        "needs_clarification_or_default_period": reply.status == "DISAMBIGUATION_REQUIRED" or _assumes_period(reply),
        "refuse": _is_not_found(reply) or reply.status == "POLICY_DENIED",
    }
    return [] if fine[status] else [f"{status}, but {reply.status}"]


def _is_not_found(reply: Reply) -> bool:
    return isinstance(reply, Refusal) and reply.reason == "CONCEPT_NOT_FOUND"


def _is_unsure(reply: Reply) -> bool:
    if not isinstance(reply, Answer) or reply.status != "RESOLVED":
        return False
    return (reply.confidence or 0.0) < UNSURE and bool(reply.items("unmatched"))


def _assumes_period(reply: Reply) -> bool:
    return isinstance(reply, Answer) and any(a["id"] == "period" for a in reply.items("assumptions"))


def _unanswered(expected: Mapping[str, Any], reply: Reply, year_ends: Mapping[str, tuple[int, int]]) -> list[str]:
    if not isinstance(reply, Answer) or reply.status != "RESOLVED":
        return [f"answerable, but {reply.status}"]
    concepts = reply.items("concepts")
    metrics = {c["id"] for c in concepts if c["kind"] == "CONCEPT_KIND_METRIC"}
    dimensions = {c["id"] for c in concepts if c["kind"] == "CONCEPT_KIND_DIMENSION"}
    filters = {dimension: ", ".join(sorted(values)) for dimension, values in expected["filters"].items()}
    found = [] if metrics == set(expected["metrics"]) else [f"metrics {metrics}"]
    found += [] if dimensions == set(expected["dimensions"]) else [f"dimensions {dimensions}"]
    queries = reply.plan.get("queries", ())
    found += [] if queries else ["no query"]
    found += [f"filters {f}" for f in (effective_filters(q.get("filters", ())) for q in queries) if f != filters]
    (ticker,) = expected["filters"]["company"]
    asked = _fiscal_year(expected["time_range"], year_ends[ticker])
    period = reply.body.get("time_range", {})
    given = (period.get("start_date"), period.get("end_date"))
    return found if given == asked else [*found, f"period {given}, not {asked}"]


def _fiscal_year(label: str, year_end: tuple[int, int]) -> tuple[str, str]:
    """Return first day and day after the last of "fiscal year YYYY", named by the year in which it ends."""
    match = re.fullmatch(r"fiscal year (\d{4})", label)
    assert match is not None
    year, (month, day) = int(match[1]), year_end
    assert day == calendar.monthrange(year, month)[1]
    end = date(year, month, day) + timedelta(days=1)
    return end.replace(year=end.year - 1).isoformat(), end.isoformat()


@pytest.fixture(scope="module")
def questions(evaluation_data: Path) -> list[dict[str, Any]]:
    lines = (evaluation_data / "sec_saas" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def year_ends(evaluation_data: Path) -> dict[str, tuple[int, int]]:
    with (evaluation_data / "sec_saas" / "companies.csv").open(encoding="utf-8", newline="") as file:
        ends = {row["ticker"]: row["fiscal_year_end"].split("-") for row in csv.DictReader(file)}
    return {ticker: (int(month), int(day)) for ticker, (month, day) in ends.items()}


async def test_every_question_is_answered_asked_back_or_refused_as_expected(
    questions: list[dict[str, Any]], year_ends: dict[str, tuple[int, int]], project_root: Path
) -> None:
    wrong = {}
    async with asking(project_root / "catalogs" / "sec_saas") as ask:
        for row in questions:
            reply = await ask({"concept": row["question"], "as_of": "2026-05-15T12:00:00Z"})
            if found := problems(row, reply, year_ends):
                wrong[row["question"]] = found
    assert wrong == {}


ENDS = {"SNOW": (1, 31)}
ANSWERABLE = {
    "expected": {
        "status": "answerable",
        "metrics": ["net_revenue"],
        "dimensions": [],
        "filters": {"company": ["SNOW"]},
        "time_range": "fiscal year 2024",
    }
}


def snowflake(start: str = "2023-02-01", values: tuple[str, ...] = ("SNOW",), **more: Any) -> Answer:
    query = {"id": "actual", "filters": [condition(list(values), dimension="company")]}
    body = {
        "concepts": [{"kind": "CONCEPT_KIND_METRIC", "id": "net_revenue"}],
        "plan": {"queries": [query]},
        "time_range": {"start_date": start, "end_date": "2024-02-01"},
    }
    return resolved(**{**body, **more})


def test_an_answer_is_right_in_metric_filter_and_fiscal_year() -> None:
    assert problems(ANSWERABLE, snowflake(), ENDS) == []
    assert problems(ANSWERABLE, snowflake(start="2023-01-01"), ENDS) == [
        "period ('2023-01-01', '2024-02-01'), not ('2023-02-01', '2024-02-01')"
    ]
    assert problems(ANSWERABLE, snowflake(values=("NOW",)), ENDS) == ["filters {'company': 'NOW'}"]
    assert problems(ANSWERABLE, snowflake(concepts=[]), ENDS) == ["metrics set()"]
    assert problems(ANSWERABLE, unsettled(), ENDS) == ["answerable, but DISAMBIGUATION_REQUIRED"]


UNANSWERABLE: dict[str, tuple[str, Reply, bool]] = {
    "not found": ("not_covered", Refusal("CONCEPT_NOT_FOUND"), True),
    "answered with doubt": ("not_covered", resolved(confidence={"overall": 0.4}), True),
    "answered without a word": ("not_covered", resolved(confidence={"overall": 0.4}, unmatched=[]), False),
    "answered boldly": ("not_covered", resolved(), False),
    "asked back": ("needs_clarification", unsettled(), True),
    "guessed": ("needs_clarification", resolved(), False),
    "period assumed": ("needs_clarification_or_default_period", resolved(assumptions=[{"id": "period"}]), True),
    "period made up": ("needs_clarification_or_default_period", resolved(assumptions=[]), False),
    "denied": ("refuse", Refusal("POLICY_DENIED"), True),
    "failed": ("refuse", Refusal("INTERNAL"), False),
}


@pytest.mark.parametrize(("status", "reply", "fine"), UNANSWERABLE.values(), ids=UNANSWERABLE)
def test_what_counts_as_refused_or_asked_back(status: str, reply: Reply, fine: bool) -> None:  # noqa: FBT001 - a column
    assert (problems({"expected": {"status": status}}, reply, {}) == []) is fine
