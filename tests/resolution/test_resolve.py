"""The path as a graph of steps: what was done, in which order, asking which store, and why (provenance.proto)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from ecp_server.domain.catalog import Catalog, Context, Level, Target, TermVariation
from ecp_server.domain.errors import EcpError, PolicyDenied, PolicyUnavailable
from ecp_server.domain.policy import Action, Decision, PolicyQuestion
from ecp_server.domain.provenance import StepStatus
from ecp_server.domain.resolution import Resolution, ResolutionStatus
from ecp_server.resolution.resolve import Resolver
from ecp_server.stores.policy.embedded import EmbeddedPolicy
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk, Written
from tests.resolution.reading import plan_of, step
from tests.resolution.samples import ANALYST, catalog, dimension, issue, member, metric, question, term

STEPS = ["parse", "discover", "select", "know", "plan", "authorize", "weigh"]


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        Context("fin", "Finance"),
        metric("sales", dimensions=("region",), targets=(Target("budget", "planned"),)),
        metric("planned", dimensions=("region",)),
        metric("orders", unit="count", dimensions=("region", "product")),
        metric("secret", owner="board"),
        term("income", TermVariation("a", metric="sales"), TermVariation("b", metric="planned")),
        term("gaap", definition="Rules."),
        dimension("region", levels=(Level("area", "Area"),)),
        member("region.japan", "JP", level="area"),
        member("region.china", "CN", level="area"),
        dimension("product", semantic_ref=None),
        member("product.feed", "feed"),
        issue("late"),
    )


@dataclass
class Counted:
    """Instruments that remember."""

    resolved: list[tuple[str, str]] = field(default_factory=list)
    decided: list[tuple[str, bool]] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    taught: int = 0

    def resolve(self, status: str, intent: str, seconds: float, confidence: float | None) -> None:
        assert seconds >= 0
        assert confidence is None or 0 <= confidence <= 1
        self.resolved.append((status, intent))

    def policy_decision(self, action: str, allowed: bool) -> None:  # noqa: FBT001 - as the protocol has it
        self.decided.append((action, allowed))

    def precedents_applied(self, count: int) -> None:
        self.taught += count

    def degraded_reply(self, store: str) -> None:
        self.degraded.append(store)


def steps(found: Resolution) -> list[str]:
    return [each.id for each in found.provenance.steps]


def calls(found: Resolution) -> dict[str, list[str]]:
    """Which stores each step asked, and how."""
    return {
        each.id: [f"{call.store.name.lower()}.{call.operation} {call.outcome}" for call in each.store_calls]
        for each in found.provenance.steps
        if each.store_calls
    }


async def test_a_question_goes_through_every_step_in_order(desk: Desk) -> None:
    found = await desk.ask("sales in japan last month vs budget")

    assert steps(found) == STEPS
    assert {each.status for each in found.provenance.steps} == {StepStatus.COMPLETE}
    assert found.status is ResolutionStatus.RESOLVED


async def test_each_step_names_the_stores_that_it_asked_and_the_adapter(desk: Desk) -> None:
    found = await desk.ask("income of japan last month", definition_context="a")

    assert calls(found) == {
        "discover": ["policy.decide ok"],
        "select": ["graph.variations ok"],
        "know": ["graph.known_issues ok"],
        "authorize": ["policy.decide ok"],
        "weigh": ["registry.contracts ok"],
    }
    assert {c.adapter for s in found.provenance.steps for c in s.store_calls} == {"embedded"}


@pytest.mark.parametrize(
    ("asked", "stopped"),
    [("net sales of bitcoins", "select"), ("sales by product", "select"), ("orders of feed", "plan")],
)
async def test_a_problem_stops_the_path_and_says_what_was_perhaps_meant(desk: Desk, asked: str, stopped: str) -> None:
    found = await desk.ask(asked)

    assert steps(found) == [*STEPS[: STEPS.index(stopped) + 1], "suggest"]
    assert (found.status, found.plan, found.confidence) == (ResolutionStatus.UNSPECIFIED, None, None)
    assert (step(found, stopped).status is StepStatus.FAILED) == (stopped == "plan")


async def test_what_was_perhaps_meant_is_looked_for_only_where_nothing_was_found(desk: Desk) -> None:
    asked = calls(await desk.ask("adjusted sales"))["suggest"]

    assert sorted(asked) == ["policy.decide ok", "registry.search ok", "vector.nearest ok"]
    assert "suggest" not in calls(await desk.ask("sales by product"))


async def test_steps_that_are_not_needed_are_told_to_be_skipped(desk: Desk) -> None:
    found = await desk.ask("what is gaap?")

    assert {each.id: each.status for each in found.provenance.steps if each.status is not StepStatus.COMPLETE} == {
        "know": StepStatus.SKIPPED,
        "plan": StepStatus.SKIPPED,
        "authorize": StepStatus.SKIPPED,
    }


WORDS = """
sales net orders income gaap secret planned japan china feed region product area by per top 3 lowest vs budget excluding
last month 2024 Q3 trend share of what is define where does come from lineage which metrics are available adjusted
compare and in the yoy week ? , 's
"""


@given(words=st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_is_asked_the_steps_are_a_graph_in_order_and_the_plan_is_sound(desk: Desk, words: str) -> None:
    try:
        found = await desk.ask(words)
    except PolicyDenied:
        return
    seen: set[str] = set()
    for each in found.provenance.steps:
        assert set(each.depends_on) <= seen, each.id
        assert each.id not in seen
        assert each.reasoning
        assert each.duration_ms >= 0
        seen.add(each.id)
    assert (found.problem is None) == (found.confidence is not None)
    if found.plan is not None:
        names = {measure.name for query in plan_of(found).queries for measure in query.measures}
        columns = names | {c.name for c in found.plan.computations} | set(found.plan.alignment.keys)
        assert {order.column for order in found.plan.alignment.order_by} <= columns
        assert found.ambiguities == ()
    for mention in (*found.unmatched, *(c.mention for c in found.concepts)):
        assert words[mention.start : mention.end] == mention.text


async def test_the_same_question_has_the_same_answer_ids_and_timings_aside(desk: Desk) -> None:
    def same(found: Resolution) -> str:
        body = asdict(replace(found, id="", create_time=found.question.as_of, expire_time=found.question.as_of))
        for each in body["provenance"]["steps"]:
            each |= {"start_time": "", "duration_ms": 0}
            for call in each["store_calls"]:
                call["duration_ms"] = 0
        return json.dumps(body, default=str)

    for asked in ("sales by area last month vs budget", "income", "adjusted sales", "which metrics are available"):
        assert same(await desk.ask(asked)) == same(await desk.ask(asked))


async def test_every_question_is_counted_by_its_outcome_and_intent(desk: Desk) -> None:
    counted = Counted()
    resolver = replace(desk.resolver, instruments=counted)
    poor = replace(ANALYST, roles=("analyst",))
    desk.held.add(
        replace(
            desk.held.current,
            metrics={**desk.held.current.metrics, "rough": metric("rough", certification_tier=4)},
            version="v2",
        )
    )

    for asked, principal in (
        ("sales by month last quarter", ANALYST),
        ("income", ANALYST),
        ("bitcoin", ANALYST),
        ("rough", poor),
    ):
        with suppress(PolicyDenied):
            await resolver.resolve(question(asked, principal=principal), Written(asked))
    assert counted.resolved == [
        ("RESOLVED", "TREND"),
        ("DISAMBIGUATION_REQUIRED", "METRIC"),
        ("CONCEPT_NOT_FOUND", "METRIC"),
        ("POLICY_DENIED", "NONE"),
    ]
    assert counted.decided == [("resolve", True), ("resolve", False)]
    assert counted.degraded == ["vector"]  # nobody made vectors here, and one question had to be searched for


class _Deciding(EmbeddedPolicy):
    """The built-in policy, down for one action."""

    def __init__(self, down: Action) -> None:
        super().__init__()
        self.down = down
        self.asked: list[PolicyQuestion] = []

    @override
    async def decide(self, question: PolicyQuestion) -> Mapping[str, Decision]:
        self.asked.append(question)
        if question.action is self.down:
            raise PolicyUnavailable
        return await super().decide(question)


@pytest.mark.parametrize("down", [Action.DISCOVER, Action.RESOLVE])
async def test_where_policy_cannot_be_asked_nothing_is_answered(desk: Desk, down: Action) -> None:
    """Design, section 8: deny, and reveal nothing."""
    policy = _Deciding(down)
    resolver: Resolver = replace(desk.resolver, stores=replace(desk.stores, policy=policy))

    with pytest.raises(PolicyUnavailable):
        await resolver.resolve(question("sales last month"), Written("x"))
    assert policy.asked[-1].action is down


async def test_no_error_of_the_path_is_unforeseen(desks: Desks) -> None:
    """An empty catalog answers everything with a refusal."""
    desk = await desks(catalog())
    for asked in ("", "sales", "show me the data", "what is x", "which metrics are available", "lineage of x", "by"):
        try:
            found = await desk.ask(asked)
        except EcpError as error:
            pytest.fail(f"{asked}: {error}")
        assert found.plan is None
