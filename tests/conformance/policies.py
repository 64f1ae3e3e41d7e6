"""Policies, and what to ask of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ecp_server.domain.errors import PolicyUnavailable
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, PolicyQuestion, Product
from ecp_server.stores.ports import Policy

PRINCIPAL = Principal(
    subject="ann",
    actor="agent-7",
    department="finance",
    roles=("analyst", "auditor"),
    allowed_members=(("product", ()), ("region", ("region.apac", "region.emea"))),
    verified=True,
    scopes=("resolve", "execute"),
)
METRIC = Product(
    id="net_revenue",
    kind="metric",
    certification_tier=1,
    classification="public",
    domain="finance",
    owner="finance_operations",
    dimensions=("region", "product"),
    pii_columns=("customer_name",),
)

ALLOW_ALL = """
package ecp.policy

decisions[product.id] := {"allow": true, "policy": "allow_all"} if some product in input.products
"""


def deciding(decision: str) -> Mapping[str, str]:
    """A policy that answers ``decision``, a Rego term, for every product."""
    return {
        "test.rego": f"package ecp.policy\n\ndecisions[product.id] := {decision} if some product in input.products\n"
    }


def ask(*products: Product, action: Action = Action.RESOLVE, principal: Principal = PRINCIPAL) -> PolicyQuestion:
    return PolicyQuestion(action, principal, products or (METRIC,))


class ChangeablePolicy(Policy, Protocol):
    """A policy whose rules a test can set."""

    async def use(self, policies: Mapping[str, str]) -> None:
        """Put Rego texts by file name in force; none: the built-in policy."""


async def allowed(policy: Policy, question: PolicyQuestion) -> set[str]:
    """Return the ids of what is allowed; where no evaluation can be had, nothing is."""
    try:
        decisions = await policy.decide(question)
    except PolicyUnavailable:
        return set()
    return {product for product, decision in decisions.items() if decision.allow}
