"""The built-in policy: what applies to a catalog that brings no policies (policy.md)."""

from __future__ import annotations

from itertools import combinations

import pytest

from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.stores.ports import Policy
from tests.conformance.policies import allowed

ACTIONS = tuple(Action)
REACH = {"executive": 1, "finance_analyst": 2, "analyst": 3, "explorer": 4}
LADDER = tuple(REACH)
CERTIFICATION = "builtin.certification"


def _metric(tier: int, classification: str = "internal") -> Product:
    return Product("m", "metric", certification_tier=tier, classification=classification)


def _ask(product: Product, principal: Principal, action: Action = Action.RESOLVE) -> PolicyQuestion:
    return PolicyQuestion(action, principal, (product,))


def _as(*roles: str) -> Principal:
    return Principal(roles=roles)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("classification", ["confidential", "restricted"])
@pytest.mark.parametrize("role", [*LADDER, "auditor"])
async def test_it_denies_confidential_and_restricted_for_every_action(
    policy: Policy, action: Action, classification: str, role: str
) -> None:
    question = _ask(_metric(1, classification), action=action, principal=_as(role))
    decision = (await policy.decide(question))["m"]
    assert (False, "builtin.classification", ()) == (decision.allow, decision.policy, decision.may)


@pytest.mark.parametrize("classification", ["public", "internal"])
@pytest.mark.parametrize("tier", [1, 2, 3, 4])
@pytest.mark.parametrize("roles", [(), ("executive",), ("auditor",)])
async def test_it_lets_everything_else_be_discovered(
    policy: Policy, classification: str, tier: int, roles: tuple[str, ...]
) -> None:
    question = _ask(_metric(tier, classification), action=Action.DISCOVER, principal=_as(*roles))
    assert {"m": Decision(True, "builtin.discovery")} == await policy.decide(question)


@pytest.mark.parametrize("action", [Action.RESOLVE, Action.EXECUTE])
@pytest.mark.parametrize("tier", [1, 2, 3, 4])
@pytest.mark.parametrize("role", LADDER)
async def test_the_ladder_lets_a_role_rely_on_its_tier_or_a_better_certified_one(
    policy: Policy, action: Action, tier: int, role: str
) -> None:
    decision = (await policy.decide(_ask(_metric(tier), action=action, principal=_as(role))))["m"]
    assert (tier <= REACH[role], CERTIFICATION) == (decision.allow, decision.policy)


@pytest.mark.parametrize(
    ("tier", "may"),
    [(2, ("finance_analyst", "analyst", "explorer")), (3, ("analyst", "explorer")), (4, ("explorer",))],
)
async def test_the_ladder_says_who_may(policy: Policy, tier: int, may: tuple[str, ...]) -> None:
    decision = (await policy.decide(_ask(_metric(tier), principal=_as("executive"))))["m"]
    assert (False, may) == (decision.allow, decision.may)
    assert decision.reason != ""


@pytest.mark.parametrize("roles", list(combinations(LADDER, 2)))
@pytest.mark.parametrize("tier", [1, 2, 3, 4])
async def test_the_ladder_of_several_roles_the_widest(policy: Policy, roles: tuple[str, str], tier: int) -> None:
    widest = max(REACH[role] for role in roles)
    for order in (roles, roles[::-1]):
        assert (tier <= widest) == ("m" in await allowed(policy, _ask(_metric(tier), principal=_as(*order))))


@pytest.mark.parametrize(
    ("roles", "reach"),
    [
        ((), 3),
        (("auditor",), 3),
        (("",), 3),
        (("auditor", "executive"), 1),
        (("Explorer",), 3),
        (("explorer", "explorer"), 4),
    ],
)
async def test_the_ladder_ignores_unknown_roles_and_none_left_is_an_analyst(
    policy: Policy, roles: tuple[str, ...], reach: int
) -> None:
    for tier in (1, 2, 3, 4):
        assert (tier <= reach) == ("m" in await allowed(policy, _ask(_metric(tier), principal=_as(*roles))))


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("kind", ["term", "table"])
async def test_the_ladder_does_not_concern_terms_and_tables(policy: Policy, action: Action, kind: str) -> None:
    """They come with tier 0 and classification internal."""
    assert {"t"} == await allowed(policy, _ask(Product("t", kind), action=action, principal=_as("executive")))
