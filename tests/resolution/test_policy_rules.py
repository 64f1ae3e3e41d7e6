"""What policy is told of a question and what its answers mean for it (policy.md), along the whole path."""

from __future__ import annotations

from typing import Any

import pytest

from ecp_server.domain.catalog import Catalog, Classification
from ecp_server.domain.errors import PolicyDenied
from ecp_server.domain.identity import Principal
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import concepts, not_found, options
from tests.resolution.samples import catalog, dimension, member, metric

POLICY = """
package ecp.policy

decisions[p.id] := {"allow": allowed(p), "policy": "house.told", "reason": told(p)} if some p in input.products

allowed(p) if { input.action == "discover"; p.owner != "hidden" }
else if { input.action == "resolve"; p.owner == "open" }
else := false

told(p) := sprintf("%v", [{
	"version": input.version, "action": input.action, "principal": input.principal, "product": p,
}])
"""
ANN = Principal(
    subject="ann",
    actor="agent",
    department="fin",
    roles=("explorer", "owner"),
    allowed_members=(("region", ("region.apac",)),),
    verified=True,
    scopes=("read",),
)


@pytest.fixture(name="catalog")
def house() -> Catalog:
    return catalog(
        metric("sales", owner="open", synonyms=("takings",), certification_tier=2, dimensions=("region",)),
        metric("salary", owner="hidden", synonyms=("takings",), certification_tier=2),
        metric(
            "bonus",
            owner="board",
            certification_tier=3,
            classification=Classification.RESTRICTED,
            domain="people",
            dimensions=("region",),
            pii_columns=("Staff.name",),
        ),
        dimension("region", row_level=True),
        member("region.apac", "JP"),
        policies={"house.rego": POLICY},
    )


@pytest.mark.parametrize(
    "told",
    [
        pytest.param('"version":1', id="version"),
        pytest.param('"action":"resolve"', id="action"),
        pytest.param('"subject":"ann"', id="principal, subject"),
        pytest.param('"actor":"agent"', id="principal, actor"),
        pytest.param('"department":"fin"', id="principal, department"),
        pytest.param('"roles":["explorer","owner"]', id="principal, roles"),
        pytest.param('"allowed_members":{"region":["region.apac"]}', id="principal, allowed_members"),
        pytest.param('"verified":true', id="principal, verified"),
        pytest.param('"scopes":["read"]', id="principal, scopes"),
        pytest.param('"id":"bonus"', id="product, id"),
        pytest.param('"kind":"metric"', id="product, kind"),
        pytest.param('"certification_tier":3', id="product, certification_tier"),
        pytest.param('"classification":"restricted"', id="product, classification"),
        pytest.param('"domain":"people"', id="product, domain"),
        pytest.param('"owner":"board"', id="product, owner"),
        pytest.param('"dimensions":["region"]', id="product, dimensions"),
        pytest.param('"pii_columns":["Staff.name"]', id="product, pii_columns"),
    ],
)
async def test_policy_judges_a_question_by_all_of_the_input(desk: Desk, told: str) -> None:
    """Discoverable and not resolvable: denied with the policy and its reason."""
    with pytest.raises(PolicyDenied) as caught:
        await desk.ask("bonus last month", principal=ANN)

    assert dict(caught.value.metadata)["policy"] == "house.told"
    assert told in caught.value.message.replace(": ", ":").replace(", ", ",")


async def test_discover_denied_is_not_found_in_the_words_of_an_unknown_name(desk: Desk) -> None:
    hidden, unknown = not_found(await desk.ask("salary last month")), not_found(await desk.ask("salami last month"))

    assert [mention.text for mention in hidden.unmatched] == ["salary"]
    assert [mention.text for mention in unknown.unmatched] == ["salami"]
    assert "salary" not in {option.id for each in (hidden, unknown) for option in each.suggestions}


async def test_discover_denied_is_never_an_option(desk: Desk) -> None:
    """Both are takings, of one tier; who may discover only one of them is asked nothing."""
    found = await desk.ask("takings last month")

    assert (concepts(found)[0], options(found)) == ("sales", {})
    assert "salary" not in {option.id for concept in found.concepts for option in concept.alternatives}


@pytest.mark.parametrize(
    ("roles", "tier", "allowed"),
    [
        *(((), 3, True), ((), 4, False), (("unheard_of",), 3, True), (("unheard_of",), 4, False)),
        *((("executive",), 1, True), (("executive",), 2, False), (("finance_analyst",), 2, True)),
        *((("finance_analyst",), 3, False), (("explorer",), 4, True), (("executive", "explorer"), 4, True)),
    ],
)
async def test_without_policies_a_role_relies_on_its_tier_or_better(
    desks: Desks, roles: tuple[str, ...], tier: int, *, allowed: bool
) -> None:
    who: Any = Principal(subject="ann", roles=roles)
    desk = await desks(catalog(metric("sales", certification_tier=tier)))
    if allowed:
        assert (await desk.ask("sales last month", principal=who)).plan is not None
        return
    with pytest.raises(PolicyDenied) as caught:
        await desk.ask("sales last month", principal=who)
    assert "explorer" in str(caught.value.metadata)
