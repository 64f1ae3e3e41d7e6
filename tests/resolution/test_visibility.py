"""What `discover` denies does not exist: no option, suggestion, neighbour or issue (policy.md, design)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from ecp_server.domain.catalog import (
    AssetKind,
    AssetRef,
    Catalog,
    Derived,
    DerivedInput,
    IssueScope,
    Target,
    TermVariation,
)
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Product
from ecp_server.domain.resolution import Resolution
from ecp_server.resolution.rights.products import Products
from ecp_server.resolution.rights.visibility import Visibility
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk, policy_for
from tests.resolution.reading import assumptions, computations, concepts, measures, not_found, options, refused, step
from tests.resolution.samples import ANALYST, catalog, dimension, issue, member, metric, term

POLICY = """
package ecp.policy

decisions[p.id] := {"allow": allowed(p), "policy": "house"} if some p in input.products

default allowed(_) := true

allowed(p) := false if p.owner == "secret"
"""
SECRET: Any = {"owner": "secret"}


@pytest.fixture(name="catalog")
def house() -> Catalog:
    return catalog(
        metric("sales", dimensions=("region",), targets=(Target("budget", "secret_budget"), Target("plan", "planned"))),
        metric("planned", dimensions=("region",)),
        metric("secret_budget", dimensions=("region",), **SECRET),
        metric("bonus", synonyms=("pay",), **SECRET),
        metric("wages", certification_tier=2, synonyms=("pay",)),
        metric("wages_and_bonus", derived=Derived("w + b", (DerivedInput("wages", "w"), DerivedInput("bonus", "b")))),
        metric("net_bonus", **SECRET),
        metric("goal_owner", targets=(Target("stretch", "secret_budget"),)),
        term("income", TermVariation("fin", metric="bonus"), TermVariation("sal", metric="wages")),
        term("extra", TermVariation("fin", metric="bonus"), metric="net_bonus"),
        term("usual", TermVariation("fin", metric="wages"), TermVariation("sal", metric="sales"), default="bonus"),
        term("whispered", definition="Psst.", **SECRET),
        dimension("region"),
        member("region.japan", "JP"),
        issue("leaks", scope=IssueScope(metrics=frozenset({"bonus"})), description="About the bonus."),
        policies={"house.rego": POLICY},
    )


def everything(found: Resolution) -> str:
    return json.dumps(asdict(found), default=str).replace(found.question.text, "").lower()


@pytest.mark.parametrize(
    "question", ["bonus last month", "define bonus", "where does bonus come from", "compare bonus and sales"]
)
async def test_a_hidden_metric_is_as_unknown_as_any_word(desk: Desk, question: str) -> None:
    hidden = await desk.ask(question)
    unknown = await desk.ask(question.replace("bonus", "bonsu"))

    assert [m.start for m in hidden.unmatched] == [m.start for m in unknown.unmatched] == [question.index("bonus")]
    assert hidden.provenance.policies_evaluated == unknown.provenance.policies_evaluated
    for found in (hidden, unknown):
        assert "net_bonus" not in everything(found)
        assert "about the bonus" not in everything(found)
    shape = [(step.id, step.status, sorted(step.output)) for step in hidden.provenance.steps]
    assert shape == [(step.id, step.status, sorted(step.output)) for step in unknown.provenance.steps]


@pytest.mark.parametrize(
    "question", ["{} last month", "compare {} and sales", "sales vs {}", "what is {}?", "sales last month vs {}"]
)
@pytest.mark.parametrize("name", ["bonus", "net bonus", "whispered", "stretch", "bonnus"])
async def test_the_proof_is_that_of_unknown_words_for_what_is_hidden(desk: Desk, question: str, name: str) -> None:
    hidden, unknown = await desk.ask(question.format(name)), await desk.ask(question.format("qwxyz"))
    told, expected = step(hidden, "parse"), step(unknown, "parse")
    assert told.reasoning.replace(name, "qwxyz") == expected.reasoning
    assert repr(told.output).replace(name, "qwxyz") == repr(expected.output)
    asked = [(call.store, call.operation) for call in step(hidden, "discover").store_calls]
    assert asked == [(call.store, call.operation) for call in step(unknown, "discover").store_calls]


async def test_of_a_shared_name_only_what_may_be_seen_is_an_option(desk: Desk) -> None:
    found = await desk.ask("pay last month")

    assert (concepts(found)[0], options(found)) == ("wages", {})
    assert "bonus" not in everything(found)


async def test_what_is_computed_from_something_hidden_is_hidden(desk: Desk) -> None:
    """Its figure would tell."""
    found = await desk.ask("wages and bonus last month")

    assert concepts(found)[0] == "wages"
    assert "wages_and_bonus" not in everything(found)


async def test_variations_whose_metric_is_hidden_are_no_options(desk: Desk) -> None:
    assert concepts(await desk.ask("income last month"))[0] == "wages"
    finance = Principal(subject="f", department="fin", roles=("explorer",))
    assert "bonus" not in everything(await desk.ask("income last month", principal=finance))


async def test_a_default_that_is_hidden_is_no_default(desk: Desk) -> None:
    found = await desk.ask("usual last month")

    assert options(found) == {"usual": ["sales", "wages"]}
    assert "definition.usual" not in assumptions(found)


async def test_a_term_all_of_whose_metrics_are_hidden_is_hidden_and_so_is_one_that_policy_hides(desk: Desk) -> None:
    for question in ("extra last month", "what does extra mean", "whispered", "define whispered"):
        problem = not_found(await desk.ask(question))
        assert not {"extra", "whispered"} & {option.id for option in problem.suggestions}


async def test_a_hidden_target_is_none_and_betrays_nothing(desk: Desk) -> None:
    problem = refused(await desk.ask("wages last month vs plan"))
    assert problem.fits == ("sales",)

    unknown, hidden = await desk.ask("sales last month vs stretsh"), await desk.ask("sales last month vs stretch")
    assert [m.text for m in hidden.unmatched] == ["stretch"]
    assert [m.start for m in hidden.unmatched] == [m.start for m in unknown.unmatched]
    assert computations(hidden) == {}
    assert "secret" not in everything(await desk.ask("sales last month vs budget"))
    assert set(measures(await desk.ask("sales last month vs plan"))) == {"actual", "plan"}


async def test_questions_back_and_suggestions_offer_only_what_may_be_seen(desk: Desk) -> None:
    assert options(await desk.ask("show me the data")) == {"metric": ["goal_owner", "planned", "sales", "wages"]}
    suggested = {option.id for option in not_found(await desk.ask("premium pays")).suggestions}
    assert suggested
    assert suggested <= {"goal_owner", "planned", "sales", "wages", "income", "usual"}


async def test_each_thing_is_asked_about_once_and_what_it_hangs_on_with_it(desk: Desk) -> None:
    visibility = Visibility(await policy_for(desk.held.current.policies), ANALYST)
    refs = [AssetRef(AssetKind.METRIC, "sales"), AssetRef(AssetKind.TERM, "income")]
    visible = await visibility.visible(Products(desk.held.current), refs)

    assert {(ref.kind.value, ref.id) for ref in visible} == {
        ("metric", "sales"),
        ("metric", "planned"),
        ("metric", "wages"),
        ("term", "income"),
    }
    visibility.tell(Products(desk.held.current), refs, visible)
    assert visibility.policies == {"house"}


async def test_a_term_and_a_metric_of_one_id_are_judged_apart(desks: Desks) -> None:
    policy = POLICY.replace('p.owner == "secret"', '{ p.kind == "metric"; p.owner == "secret" }')
    about = catalog(metric("pay", **SECRET), term("pay", definition="Wages."), policies={"house.rego": policy})
    found = await (await desks(about)).ask("what does pay mean")

    assert [(c.kind.name, c.id) for c in found.concepts] == [("TERM", "pay")]


async def test_no_product_is_no_question_and_a_denied_one_is_not_among_the_allowed() -> None:
    visibility = Visibility(await policy_for({"house.rego": POLICY}), ANALYST)

    assert await visibility.allowed([]) == frozenset()
    assert await visibility.allowed([Product("a", "table"), Product("b", "table", owner="secret")]) == {"a"}


async def test_the_first_visible_metrics_come_in_the_order_given(desk: Desk) -> None:
    visibility = Visibility(await policy_for(desk.held.current.policies), ANALYST)
    many = catalog(*(metric(f"m{i:02}", owner="secret" if i % 3 else "") for i in range(40)))
    found = await visibility.first_metrics(Products(many), many.metrics.values(), 5)

    assert [m.id for m in found] == ["m00", "m03", "m06", "m09", "m12"]
    assert await visibility.first_metrics(Products(many), [], 5) == ()
