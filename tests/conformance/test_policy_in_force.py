"""Which policy is in force, and when none is (policy.md; ports.Policy)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from ecp_server.domain.errors import PolicyUnavailable
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.stores.policy.contract import PolicyInvalid
from ecp_server.stores.ports import Policy
from tests.conformance.policies import ALLOW_ALL, PRINCIPAL, ChangeablePolicy, allowed, ask, deciding


async def test_the_builtin_policy_applies_again_where_there_are_no_policies(policy: ChangeablePolicy) -> None:
    secret = ask(Product("m", "metric", 1, "restricted"))
    await policy.use({"test.rego": ALLOW_ALL})
    assert {"m"} == await allowed(policy, secret)
    await policy.use({})
    assert set() == await allowed(policy, secret)


async def test_the_same_policy_may_be_put_in_force_again(policy: ChangeablePolicy) -> None:
    for _ in range(2):
        await policy.use({"test.rego": ALLOW_ALL})
        assert {"net_revenue": Decision(True, "allow_all")} == await policy.decide(ask())


async def test_several_files_make_one_policy(policy: ChangeablePolicy) -> None:
    await policy.use(
        {
            "decisions.rego": """
package ecp.policy

import data.shared.trusted

decisions[product.id] := {"allow": trusted, "policy": "two_files"} if some product in input.products
""",
            "shared/trust.rego": "package shared\n\ndefault trusted := false\n\ntrusted if input.principal.verified\n",
        }
    )
    assert {"net_revenue"} == await allowed(policy, ask())
    assert set() == await allowed(policy, ask(principal=Principal()))


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("package ecp.policy\n\ndecisions := {\n", {"embedded": "sub/broken.rego:3:", "opa": "sub/broken.rego:4:0"}),
        ("package ecp.policy\n# é\nx := 1 +\n", {"embedded": "sub/broken.rego:3:8", "opa": "sub/broken.rego:4:0"}),
        ("package ecp.policy\n\nx := ]\n", {"embedded": "sub/broken.rego:3:", "opa": "sub/broken.rego:3:6"}),
        ("", {"embedded": "sub/broken.rego:1:1", "opa": "sub/broken.rego:1:1"}),
    ],
)
async def test_a_policy_that_cannot_be_parsed_is_refused_with_the_place_where_the_engine_notices(
    policy: ChangeablePolicy, text: str, places: Mapping[str, str]
) -> None:
    """And the old one stays in force."""
    await policy.use({"test.rego": ALLOW_ALL})
    with pytest.raises(PolicyInvalid) as refusal:
        await policy.use({"good.rego": "package good\n", "sub/broken.rego": text})
    assert places[policy.adapter] in str(refusal.value)
    assert {"net_revenue": Decision(True, "allow_all")} == await policy.decide(ask())


async def test_each_decision_comes_from_one_policy_while_it_is_changed(policy: ChangeablePolicy) -> None:
    products = tuple(Product(f"m{i}", "metric") for i in range(40))
    question = PolicyQuestion(Action.RESOLVE, PRINCIPAL, products)
    versions = [deciding(f'{{"allow": true, "policy": "v{i}"}}') for i in range(3)]

    async def ask() -> None:
        for _ in range(20):
            decisions = await policy.decide(question)
            assert len(decisions) == len(products)
            assert len({decision.policy for decision in decisions.values()}) == 1
            await asyncio.sleep(0)

    async def change() -> None:
        for version in versions:
            await policy.use(version)

    await asyncio.gather(ask(), ask(), change())
    assert {"v2"} == {decision.policy for decision in (await policy.decide(question)).values()}


async def test_it_answers_a_probe(policy: Policy) -> None:
    await policy.probe()


async def test_it_names_its_engine(policy: Policy, request: pytest.FixtureRequest) -> None:
    assert request.node.callspec.params["policy"] == policy.adapter


async def test_closed_it_decides_nothing(policy: Policy) -> None:
    await policy.close()
    await policy.close()
    with pytest.raises(PolicyUnavailable):
        await policy.decide(ask())
    with pytest.raises(PolicyUnavailable):
        await policy.probe()
