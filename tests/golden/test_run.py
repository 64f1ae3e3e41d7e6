"""Questions are asked as a caller would ask them, follow-ups as resumed resolutions; what is missed is reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ecp_server.evaluation.golden import Golden
from ecp_server.evaluation.reply import Answer, Figures, Json, Refusal, Reply
from ecp_server.evaluation.report import render
from ecp_server.evaluation.run import Evaluation, evaluate
from tests.golden.replies import resolved, unsettled


class Scripted:
    """Gives replies in turn and keeps what it was asked."""

    def __init__(self, *replies: Reply) -> None:
        self._replies: list[Reply] = list(replies)
        self.asked: list[Json] = []
        self.executed: list[str] = []

    async def __call__(self, request: Json) -> Reply:
        self.asked.append(request)
        return self._replies.pop(0)

    async def execute(self, resolution_id: str) -> Figures | Refusal:
        self.executed.append(resolution_id)
        return Figures({"table": {"columns": [{"name": "actual", "values": ["7"]}]}})


def question(entry_id: str, **more: Any) -> dict[str, Any]:
    defaults = {"category": "metric", "question": f"question {entry_id}", "expect": {"status": "RESOLVED"}}
    return {"id": entry_id, "as_of": "2025-01-15T12:00:00Z", **defaults, **more}


async def run(questions: Sequence[dict[str, Any]], *replies: Reply) -> tuple[Evaluation, Scripted]:
    golden = Golden.model_validate({"format": 1, "questions": list(questions)})
    ask = Scripted(*replies)
    return await evaluate(golden, ask), ask


async def test_a_question_is_asked_with_everything_it_states() -> None:
    user = {"user_id": "u", "department": "sales", "roles": ["analyst"], "allowed_members": {"region": ["region.apac"]}}
    more = {"user": user, "time_zone": "Asia/Tokyo", "definition_context": "finance"}
    evaluation, ask = await run([question("a", **more)], resolved())
    assert evaluation.accuracy == 1.0
    assert ask.asked == [
        {
            "concept": "question a",
            "as_of": "2025-01-15T12:00:00+00:00",
            "provenance_view": "PROVENANCE_VIEW_FULL",
            "user_context": {**user, "allowed_members": {"region": {"values": ["region.apac"]}}},
            "time_zone": "Asia/Tokyo",
            "definition_context": "finance",
        }
    ]


async def test_nobody_is_no_user_context() -> None:
    _, ask = await run([question("a", user={})], resolved())
    assert "user_context" not in ask.asked[0]


CHOICE = {"choices": [{"of": "top line", "option": "net_revenue"}], "expect": {"status": "RESOLVED"}}
ASKED_BACK = {"status": "DISAMBIGUATION_REQUIRED"}


async def test_a_follow_up_resumes_without_a_clock_and_names_the_ambiguity_by_its_id() -> None:
    evaluation, ask = await run([question("a", expect=ASKED_BACK, then=[CHOICE])], unsettled(), resolved())
    assert evaluation.right == 1
    assert ask.asked[1] == {
        "concept": "question a",
        "provenance_view": "PROVENANCE_VIEW_FULL",
        "choices": [{"subject_id": "a1", "option_id": "net_revenue"}],
        "resume_resolution_id": "r1",
    }


async def test_a_follow_up_may_change_an_assumption() -> None:
    then = [{"choices": [{"of": "calendar", "option": "gregorian"}], "expect": {"status": "RESOLVED"}}]
    _, ask = await run([question("a", then=then)], resolved(), resolved())
    assert ask.asked[1]["choices"] == [{"subject_id": "calendar", "option_id": "gregorian"}]


async def test_a_choice_that_is_not_offered_is_a_miss() -> None:
    evaluation, ask = await run([question("a", then=[CHOICE])], resolved())
    assert [miss.what for miss in evaluation.outcomes[0].misses] == ["choice of top line"]
    assert len(ask.asked) == 1


async def test_nothing_follows_on_a_refusal() -> None:
    entry = question("a", expect={"status": "POLICY_DENIED"}, then=[CHOICE])
    evaluation, _ = await run([entry], Refusal("POLICY_DENIED"))
    assert [miss.what for miss in evaluation.outcomes[0].misses] == ["then.1"]


def confident(overall: float) -> Answer:
    return resolved(confidence={"overall": overall})


async def test_confidences_of_two_entries_are_compared_whichever_comes_first() -> None:
    below = {"status": "RESOLVED", "confidence": {"below": "b"}}
    questions = [question("a", expect=below), question("b"), question("c", expect=below)]
    evaluation, _ = await run(questions, confident(0.5), confident(0.7), confident(0.7))
    assert [[m.what for m in o.misses] for o in evaluation.outcomes] == [[], [], ["confidence.below"]]


async def test_of_one_category_what_it_is_compared_with_is_asked_too_but_not_counted() -> None:
    below = {"status": "RESOLVED", "confidence": {"below": "b"}}
    questions = [question("a", category="unsure", expect=below), question("b"), question("c")]
    golden = Golden.model_validate({"format": 1, "questions": questions})
    ask = Scripted(confident(0.5), confident(0.7))
    evaluation = await evaluate(golden, ask, category="unsure")
    assert [o.entry.id for o in evaluation.outcomes] == ["a"]
    assert evaluation.accuracy == 1.0
    assert [request["concept"] for request in ask.asked] == ["question a", "question b"]


async def test_the_report_counts_by_category_and_shows_each_miss_with_its_steps() -> None:
    steps = {"steps": [{"id": "parse", "reasoning": 'Found "revenue"'}]}
    questions = [
        question("a"),
        question("b", category="trend", note="why", expect={"status": "RESOLVED", "metrics": []}),
        question("c", expect=ASKED_BACK, then=[CHOICE]),
    ]
    evaluation, _ = await run(questions, resolved(), resolved(provenance=steps), unsettled(), Refusal("INTERNAL", "?"))
    assert evaluation.right == 1
    assert render(evaluation).splitlines() == [
        "metric     1 of    2  0.500",
        "trend      0 of    1  0.000",
        "all        1 of    3  0.333",
        "",
        "✗ b (trend): question b",
        "  note: why",
        "  - metrics: expected [], got ['net_revenue']",
        '    parse: Found "revenue"',
        "",
        "✗ c (metric): question c",
        "  follow-up 1",
        "  - status: expected RESOLVED, got INTERNAL (?)",
    ]


async def test_a_plan_is_run_where_figures_are_expected_and_only_there() -> None:
    expected = [{"status": "RESOLVED", "figures": {"actual": figure}} for figure in (7, 8)]
    questions = [question("a"), question("b", expect=expected[0]), question("c", expect=expected[1])]
    evaluation, ask = await run(questions, resolved(), resolved(), resolved())
    assert ["r1", "r1"] == ask.executed
    assert [[], [], ["figures.actual"]] == [[miss.what for miss in o.misses] for o in evaluation.outcomes]
