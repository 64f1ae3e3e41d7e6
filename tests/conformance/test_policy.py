"""What every Policy must answer (policy.md; ports.Policy)."""

from __future__ import annotations

import pytest

from ecp_server.domain.errors import PolicyUnavailable
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, Mask, PolicyQuestion, PolicyWarning, Product, RowFilter
from tests.conformance.policies import ALLOW_ALL, PRINCIPAL, ChangeablePolicy, allowed, ask, deciding

# --- what goes in -----------------------------------------------------------------------------------------------------


async def test_policy_is_given_exactly_the_input_of_the_contract(policy: ChangeablePolicy) -> None:
    await policy.use(
        {
            "test.rego": """
package ecp.policy

expected := {
    "version": 1,
    "action": "execute",
    "principal": {
        "subject": "ann",
        "actor": "agent-7",
        "department": "finance",
        "roles": ["analyst", "auditor"],
        "allowed_members": {"product": [], "region": ["region.apac", "region.emea"]},
        "verified": true,
        "scopes": ["resolve", "execute"],
    },
    "products": [{
        "id": "net_revenue",
        "kind": "metric",
        "certification_tier": 1,
        "classification": "public",
        "domain": "finance",
        "owner": "finance_operations",
        "dimensions": ["region", "product"],
        "pii_columns": ["customer_name"],
    }],
}

decisions["net_revenue"] := {"allow": true, "policy": "exact"} if input == expected
"""
        }
    )
    assert {"net_revenue": Decision(True, "exact")} == await policy.decide(ask(action=Action.EXECUTE))


@pytest.mark.parametrize(
    "text",
    [
        "é",
        "売上",
        'a"b',
        "back\\slash",
        "line\nbreak",
        "tab\t",
        "nul\0inside",
        "\u2028",
        "{}",
        "😀",
        "/",
        "",
        "\\u0041",
    ],
    ids=ascii,
)
async def test_text_reaches_policy_as_it_is(policy: ChangeablePolicy, text: str) -> None:
    """A product's id comes back as its own key, and equals the same text in another field."""
    await policy.use(
        {
            "test.rego": """
package ecp.policy

decisions[product.id] := {"allow": true, "policy": input.principal.subject} if {
    some product in input.products
    product.id == input.principal.subject
    product.id in product.dimensions
}
"""
        }
    )
    question = ask(Product(text, "metric", dimensions=(text,)), principal=Principal(subject=text))
    assert {text: Decision(True, text)} == await policy.decide(question)


@pytest.mark.parametrize(
    "role", ["executiv\\u0065", "executive\0", "executive ", "EXECUTIVE", '","executive', "éxecutive"]
)
async def test_text_of_a_caller_cannot_pass_for_another(policy: ChangeablePolicy, role: str) -> None:
    await policy.use(
        {
            "test.rego": """
package ecp.policy

decisions[product.id] := {"allow": true, "policy": "executives"} if {
    some product in input.products
    "executive" in input.principal.roles
}
"""
        }
    )
    assert {"net_revenue"} == await allowed(policy, ask(principal=Principal(roles=("executive",))))
    assert set() == await allowed(policy, ask(principal=Principal(roles=(role,))))


async def test_letters_beyond_ascii_equal_the_same_letters_in_a_policy(policy: ChangeablePolicy) -> None:
    await policy.use(
        {
            "test.rego": """
package ecp.policy

decisions["x"] := {"allow": true, "policy": "é"} if input.principal.department == "売上é"
"""
        }
    )
    question = ask(Product("x", "metric"), principal=Principal(department="売上é"))
    assert {"x": Decision(True, "é")} == await policy.decide(question)


# --- what comes out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 100])
async def test_one_question_answers_for_all_its_products(policy: ChangeablePolicy, count: int) -> None:
    await policy.use({"test.rego": ALLOW_ALL})
    products = tuple(Product(f"m{i}", "metric") for i in range(count))
    expected = {product.id: Decision(True, "allow_all") for product in products}
    assert expected == await policy.decide(PolicyQuestion(Action.DISCOVER, PRINCIPAL, products))


async def test_allow_and_policy_are_required_and_the_rest_optional(policy: ChangeablePolicy) -> None:
    await policy.use(deciding('{"allow": false, "policy": "p"}'))
    assert {"net_revenue": Decision(False, "p")} == await policy.decide(ask())


async def test_a_whole_decision_is_read(policy: ChangeablePolicy) -> None:
    await policy.use(
        deciding(
            """{
    "allow": true,
    "policy": "regional",
    "reason": "your region only",
    "may": ["executive", "auditor"],
    "row_filters": [{"dimension": "region", "members": ["region.apac"]}, {"dimension": "product", "members": []}],
    "masks": [{"column": "customer_name", "method": "hash"}, {"column": "email", "method": "null"}],
    "warnings": [{"type": "restricted", "message": "Not for the press."}],
}"""
        )
    )
    expected = Decision(
        allow=True,
        policy="regional",
        reason="your region only",
        may=("executive", "auditor"),
        row_filters=(RowFilter("region", ("region.apac",)), RowFilter("product", ())),
        masks=(Mask("customer_name", "hash"), Mask("email", "null")),
        warnings=(PolicyWarning("restricted", "Not for the press."),),
    )
    assert {"net_revenue": expected} == await policy.decide(ask())


async def test_a_missing_product_is_denied(policy: ChangeablePolicy) -> None:
    await policy.use({"test.rego": 'package ecp.policy\n\ndecisions["other"] := {"allow": true, "policy": "p"}\n'})
    assert set() == await allowed(policy, ask())


MALFORMED = {
    "an unknown key": '{"allow": true, "policy": "p", "audit": true}',
    "allow in words": '{"allow": "true", "policy": "p"}',
    "allow as a number": '{"allow": 1, "policy": "p"}',
    "allow null": '{"allow": null, "policy": "p"}',
    "allow as an object": '{"allow": {"allow": true}, "policy": "p"}',
    "no allow": '{"policy": "p"}',
    "no policy": '{"allow": true}',
    "policy not text": '{"allow": true, "policy": 7}',
    "reason not text": '{"allow": true, "policy": "p", "reason": null}',
    "may not a list": '{"allow": true, "policy": "p", "may": "analyst"}',
    "may not of text": '{"allow": true, "policy": "p", "may": [1]}',
    "row filters not a list": '{"allow": true, "policy": "p", "row_filters": {}}',
    "row filter without members": '{"allow": true, "policy": "p", "row_filters": [{"dimension": "region"}]}',
    "row filter with an unknown key": (
        '{"allow": true, "policy": "p", "row_filters": [{"dimension": "region", "members": [], "not": true}]}'
    ),
    "row filter of numbers": '{"allow": true, "policy": "p", "row_filters": [{"dimension": "region", "members": [1]}]}',
    "an unknown mask": '{"allow": true, "policy": "p", "masks": [{"column": "email", "method": "rot13"}]}',
    "mask without a column": '{"allow": true, "policy": "p", "masks": [{"method": "null"}]}',
    "warning without a message": '{"allow": true, "policy": "p", "warnings": [{"type": "t"}]}',
    "true instead of a decision": "true",
    "a list instead of a decision": '[{"allow": true, "policy": "p"}]',
    "null instead of a decision": "null",
}


@pytest.mark.parametrize("decision", MALFORMED.values(), ids=MALFORMED.keys())
async def test_an_unknown_key_or_wrong_type_is_denied(policy: ChangeablePolicy, decision: str) -> None:
    """Only the JSON value true allows."""
    await policy.use(deciding(decision))
    assert set() == await allowed(policy, ask())


async def test_a_malformed_decision_denies_the_product_it_concerns(policy: ChangeablePolicy) -> None:
    await policy.use(
        {
            "test.rego": """
package ecp.policy

decisions["bad"] := {"allow": "true", "policy": "p"}

decisions["good"] := {"allow": true, "policy": "p"}
"""
        }
    )
    assert {"good"} == await allowed(policy, ask(Product("bad", "metric"), Product("good", "metric")))


@pytest.mark.parametrize(
    "rules",
    [
        "decisions := true",
        'decisions := [{"allow": true, "policy": "p"}]',
        "decisions := null",
        'decisions := {"net_revenue": {"allow": true, "policy": "p"}} if input.action == "erase"',
        'allow := {"net_revenue": {"allow": true, "policy": "p"}}',
    ],
    ids=["a boolean", "a list", "null", "undefined for this input", "no such rule"],
)
async def test_an_undefined_or_shapeless_result_is_denied(policy: ChangeablePolicy, rules: str) -> None:
    await policy.use({"test.rego": f"package ecp.policy\n\n{rules}\n"})
    assert set() == await allowed(policy, ask())


async def test_a_result_with_an_error_is_denied(policy: ChangeablePolicy) -> None:
    """Two rules contradict each other about one product."""
    await policy.use(
        {
            "test.rego": """
package ecp.policy

decisions["net_revenue"] := {"allow": true, "policy": "one"} if "analyst" in input.principal.roles

decisions["net_revenue"] := {"allow": true, "policy": "two"} if "auditor" in input.principal.roles
"""
        }
    )
    assert {"net_revenue"} == await allowed(policy, ask(principal=Principal(roles=("auditor",))))
    with pytest.raises(PolicyUnavailable):
        await policy.decide(ask())


async def test_what_is_said_of_two_products_with_one_id_holds_for_both(policy: ChangeablePolicy) -> None:
    await policy.use(
        {
            "test.rego": """
package ecp.policy

decisions[product.id] := {"allow": product.kind != "table", "policy": product.kind} if some product in input.products
"""
        }
    )
    metric, term, table = (Product("revenue", kind) for kind in ("metric", "term", "table"))
    assert {"revenue": Decision(True, "metric")} == await policy.decide(ask(metric, metric))
    assert {"revenue": Decision(True, "metric")} == await policy.decide(ask(metric, term))
    assert {"revenue": Decision(False, "table")} == await policy.decide(ask(metric, table))
    assert {"revenue": Decision(False, "table")} == await policy.decide(ask(table, metric))


async def test_obligations_of_two_products_with_one_id_add_up(policy: ChangeablePolicy) -> None:
    await policy.use(
        deciding('{"allow": true, "policy": "p", "row_filters": [{"dimension": "kind", "members": [product.kind]}]}')
    )
    expected = Decision(True, "p", row_filters=(RowFilter("kind", ("metric",)), RowFilter("kind", ("term",))))
    assert {"x": expected} == await policy.decide(ask(Product("x", "metric"), Product("x", "term")))


async def test_of_two_products_with_one_id_a_missing_one_denies_both(policy: ChangeablePolicy) -> None:
    await policy.use(
        {
            "test.rego": """
package ecp.policy

decisions[product.id] := {"allow": true, "policy": "p"} if {
    some product in input.products
    product.kind == "metric"
}
"""
        }
    )
    assert set() == await allowed(policy, ask(Product("x", "metric"), Product("x", "term")))
