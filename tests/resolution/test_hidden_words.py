"""Words of what is hidden change nothing: not how other words are read, not what the proof tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ecp_server.domain.catalog import Catalog, Metric, Target
from ecp_server.domain.identity import Principal
from ecp_server.domain.resolution import MetricList, NotFound, Resolution
from tests.resolution.conftest import Desks
from tests.resolution.reading import concepts, measures, options
from tests.resolution.samples import catalog, dimension, member, metric, term

POLICY = """
package ecp.policy

decisions[p.id] := {"allow": allowed(p), "policy": sprintf("of_%s", [p.domain])} if some p in input.products

default allowed(_) := true

allowed(p) := "insider" in input.principal.roles if p.domain == "secret"
"""
BUDGET = (Target("budget", "order_budget"),)


def shop(*hidden: Metric, plan: bool = False) -> Catalog:
    """What everybody may see, and some metrics that only insiders may."""
    targets = (*BUDGET, Target("plan", "secret_plan")) if plan else BUDGET
    return catalog(
        metric("orders", certification_tier=3, dimensions=("region",), targets=targets),
        metric("order_budget", certification_tier=3, dimensions=("region",)),
        metric("gross_margin", domain="sales"),
        term("backlog", definition="What is left."),
        dimension("region"),
        member("region.north", "N"),
        *hidden,
        policies={"shop.rego": POLICY},
    )


def secret(metric_id: str, **more: Any) -> Metric:
    return metric(metric_id, domain="secret", **more)


def told(found: Resolution) -> Any:
    """Everything that is told but for ids and timings; suggestions are ranked over all texts of a catalog."""
    steps = [
        (
            step.id,
            step.status,
            step.reasoning,
            step.output if step.id != "suggest" else {},
            [(call.store, call.operation, call.outcome) for call in step.store_calls],
        )
        for step in found.provenance.steps
    ]
    problem = replace(found.problem, suggestions=()) if isinstance(found.problem, NotFound) else found.problem
    same = ("status", "intent", "interpretation", "concepts", "unmatched", "plan", "confidence", "warnings")
    parts = [getattr(found, name) for name in (*same, "assumptions", "ambiguities")]
    answer = found.answer  # a metric is listed without its targets
    listed = [one.id for one in answer.metrics] if isinstance(answer, MetricList) else answer
    return parts, listed, problem, steps, found.provenance.policies_evaluated


MANY = [secret(f"a{i:02}", dimensions=("region",), targets=BUDGET) for i in range(25)]


@pytest.mark.parametrize(
    ("hidden", "question", "meant"),
    [
        pytest.param([secret("ordees")], "ordes last month", "orders", id="as near to a slip"),
        pytest.param([secret("ordrs")], "ordrs last month", "orders", id="spelt as a slip is"),
        pytest.param([secret("ordering")], "ordering last month", "orders", id="another form of a verb"),
        pytest.param([secret("m", name="Fee grossmargin")], "grossmargin last month", "gross_margin", id="joined"),
        pytest.param([secret("margin_gross")], "margin gross last month", "gross_margin", id="in another order"),
        pytest.param([secret("order")], "order last month", "orders", id="in the singular"),
        pytest.param(MANY, "North vs budget last month", "orders", id="many with the target"),
    ],
)
async def test_words_are_read_as_if_nothing_else_had_them(
    desks: Desks, hidden: list[Metric], question: str, meant: str
) -> None:
    bare, full = await desks(shop()), await desks(shop(*hidden))
    expected = await bare.ask(question)
    assert concepts(expected)[0] == meant
    assert told(await full.ask(question)) == told(expected)


@pytest.mark.parametrize(
    "question",
    [
        "show me the data",
        "North",
        "which metrics are there for North?",
        "orders last month vs plan",
        "north last month vs plan",
        "where does a03 come from?",
        "lineage of qwxyz",
        "a03 last month",
        "qwxyz last month",
    ],
)
async def test_the_proof_does_not_tell_that_something_is_hidden(desks: Desks, question: str) -> None:
    bare, full = await desks(shop()), await desks(shop(*MANY, secret("secret_plan"), plan=True))
    assert told(await full.ask(question)) == told(await bare.ask(question))


async def test_what_nobody_is_kept_from_is_read_and_told(desks: Desks) -> None:
    insider = Principal(subject="ina", roles=("executive", "insider"))
    full = await desks(shop(secret("ordees"), secret("secret_plan"), plan=True))
    assert options(await full.ask("ordees last month", principal=insider)) == {}
    assert concepts(await full.ask("ordees last month", principal=insider))[0] == "ordees"
    found = await full.ask("orders last month vs plan", principal=insider)
    assert set(measures(found)) == {"actual", "plan"}
    assert found.provenance.policies_evaluated == ("of_", "of_secret")
