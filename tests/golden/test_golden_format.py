"""Golden files are read strictly: what is misspelt would be a check that never fails (docs/golden.md)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ecp_server.evaluation.golden import AllBut, Golden, GoldenError, Period, load_golden

HEAD = "format: 1\ndefaults: {as_of: 2025-01-15, user: ana}\nusers: {ana: {user_id: ana, roles: [analyst]}}\n"
FIRST = "- {id: a, category: metric, question: revenue, expect: {status: RESOLVED}}\n"


def read(folder: Path, questions: str, head: str = HEAD) -> Golden:
    path = folder / "golden.yaml"
    path.write_text(f"{head}questions:\n{questions}", encoding="utf-8")
    return load_golden(path)


def test_a_question_takes_the_defaults_and_a_date_is_its_noon(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, FIRST).questions
    assert entry.as_of == datetime(2025, 1, 15, 12, tzinfo=UTC)
    assert entry.user.roles == ("analyst",)


def test_a_question_overrides_the_defaults(tmp_path: Path) -> None:
    questions = "- {id: a, category: c, question: q, as_of: 2024-12-31T20:00:00Z, user: {}, expect: {status: RESOLVED}}"
    (entry,) = read(tmp_path, questions).questions
    assert entry.as_of == datetime(2024, 12, 31, 20, tzinfo=UTC)
    assert entry.user.user_id == ""


def test_what_is_stated_can_be_told_from_what_is_not(tmp_path: Path) -> None:
    questions = """
- id: a
  category: c
  question: q
  expect:
    status: RESOLVED
    metrics: []
    period: {start: 2024-10-01}
    queries: {actual: {filters: {region: [JP], product: {excluding: [feed]}}}}
"""
    (entry,) = read(tmp_path, questions).questions
    assert entry.expect.metrics == ()
    assert entry.expect.members is None
    assert entry.expect.period == Period(start=date(2024, 10, 1))
    assert entry.expect.queries is not None
    assert entry.expect.queries["actual"].filters == {"region": ("JP",), "product": AllBut(excluding=("feed",))}


WRONG = {
    "an unknown key": ("- {id: a, category: c, question: q, expect: {status: RESOLVED, metric: [x]}}", "metric"),
    "an unknown status": ("- {id: a, category: c, question: q, expect: {status: FOUND}}", "FOUND"),
    "an unknown intent": ("- {id: a, category: c, question: q, expect: {status: RESOLVED, intent: X}}", "intent"),
    "no status": ("- {id: a, category: c, question: q, expect: {}}", "status"),
    "an id twice": (FIRST + FIRST, "ids used twice: a"),
    "an unknown user": ("- {id: a, category: c, question: q, user: bob, expect: {status: RESOLVED}}", "bob"),
    "a comparison with nothing": (
        "- {id: a, category: c, question: q, expect: {status: RESOLVED, confidence: {below: b}}}",
        "no question has the id b",
    ),
    "no question": ("", "questions"),
    "broken YAML": ("- {id: a", "golden.yaml"),
}


@pytest.mark.parametrize(("questions", "message"), WRONG.values(), ids=WRONG)
def test_what_does_not_have_the_format_is_refused(tmp_path: Path, questions: str, message: str) -> None:
    with pytest.raises(GoldenError, match=message):
        read(tmp_path, questions)


def test_a_file_without_the_format_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GoldenError, match="format"):
        read(tmp_path, FIRST, head="defaults: {as_of: 2025-01-15}\n")
