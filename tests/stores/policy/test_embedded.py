"""What the policy in process keeps of its inputs."""

from __future__ import annotations

from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, PolicyQuestion, Product
from ecp_server.stores.policy.embedded import MAX_FRAME_MEMBERS, EmbeddedPolicy

POLICY = """package ecp.policy

decisions[product.id] := {"allow": true, "policy": "members", "row_filters": rows} if {
	some product in input.products
}

rows := [{"dimension": "region", "members": input.principal.allowed_members.region}]
"""


async def test_a_decision_is_about_the_principal_that_asks_however_many_members_it_is_held_to() -> None:
    policy = EmbeddedPolicy()
    await policy.use({"members.rego": POLICY})
    for _ in range(2):
        for count in (1, MAX_FRAME_MEMBERS, MAX_FRAME_MEMBERS + 1, 1000):
            members = tuple(f"region.{number}" for number in range(count))
            asker = Principal(subject="ann", allowed_members=(("region", members),))
            decisions = await policy.decide(PolicyQuestion(Action.RESOLVE, asker, (Product("m", "metric"),)))
            assert decisions["m"].row_filters[0].members == members
    await policy.close()
