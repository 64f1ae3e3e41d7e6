"""The native engine: its errors are errors, and say nothing of what it was asked."""

from __future__ import annotations

import pytest

from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Product
from ecp_server.stores.policy.contract import PolicyInvalid, input_document
from ecp_server.stores.policy.engine import Engine, EvaluationFailed

DOCUMENT = input_document(Action.RESOLVE, Principal(subject="ann.secret"), [Product("m", "metric")])


def _engine(rules: str) -> Engine:
    return Engine({"test.rego": f"package ecp.policy\n\n{rules}\n"})


def test_an_answer_is_the_value_of_the_rule() -> None:
    assert {"m": {"a": [1, "x"]}} == _engine('decisions := {"m": {"a": [1, "x"]}}').evaluate(DOCUMENT)


def test_an_undefined_rule_has_no_answer() -> None:
    assert _engine("decisions := 1 if input.action == 2").evaluate(DOCUMENT) is None


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ("decisions := no_such_function(1)", "Function not found: no_such_function"),
        ("decisions := decisions", "Recursion detected"),
        ('decisions := {"m": 1 / 0}', "Not a term"),
        ('decisions["m"] := 1\n\ndecisions["m"] := 2', "contradict"),
    ],
)
def test_an_error_in_the_evaluation_is_told_without_the_input(rules: str, reason: str) -> None:
    """The engine reports some of them as success, and prints the whole input with them."""
    with pytest.raises(EvaluationFailed, match=reason) as failure:
        _engine(rules).evaluate(DOCUMENT)
    assert "ann.secret" not in str(failure.value)


def test_text_that_is_no_unicode_is_an_error() -> None:
    document = input_document(Action.RESOLVE, Principal(subject="\ud800"), [])
    with pytest.raises(EvaluationFailed, match="UnicodeEncodeError"):
        _engine("decisions := {}").evaluate(document)


def test_an_engine_goes_on_after_an_error() -> None:
    engine = _engine('decisions := {"m": 1 / input.products[0].certification_tier}')
    with pytest.raises(EvaluationFailed):
        engine.evaluate(DOCUMENT | {"products": [{"certification_tier": "one"}]} | {"version": "\ud800"})
    answer = engine.evaluate(DOCUMENT | {"products": [{"certification_tier": 1}]})
    assert {"m": 1} == answer


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("package ecp.policy\n# é\nx := 1 +\n", ["sub/a.rego:3:8: Invalid arithmetic operator"]),
        ("package ecp.policy\n\nx := {", ["sub/a.rego:3:6: this is unclosed", "sub/a.rego:1:1: this is unclosed"]),
        ("package ecp.policy\nx := \ud800", ["sub/a.rego: not valid Unicode"]),
    ],
)
def test_faults_are_named_by_file_line_and_column(text: str, faults: list[str]) -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        Engine({"good.rego": "package good", "sub/a.rego": text})
    assert faults == str(refusal.value).splitlines()


def test_only_the_first_faults_are_told() -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        Engine({"a.rego": "package ecp.policy\nx := " + "[" * 50})
    assert len(str(refusal.value).splitlines()) == 10
