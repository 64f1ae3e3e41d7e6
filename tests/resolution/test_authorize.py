"""One policy call for all that the plan reads, and the plan as it may run (policy.md)."""

from __future__ import annotations

from typing import Any

import pytest

from ecp_server.domain.catalog import Catalog, Context, Derived, DerivedInput, MemberVariation, Target
from ecp_server.domain.errors import PolicyDenied
from ecp_server.domain.identity import Principal
from ecp_server.domain.plan import ObligationKind
from ecp_server.domain.provenance import StepStatus
from ecp_server.domain.resolution import Resolution
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import (
    buckets,
    computations,
    filters,
    measures,
    plan_of,
    queries,
    query_of,
    step,
    warned,
)
from tests.resolution.samples import ANALYST, catalog, dimension, member, metric

POLICY = """
package ecp.policy

decisions[p.id] := decision if {
	some p in input.products
	not p.owner == "unheard"
	decision := decide(p)
}

decide(p) := {"allow": true, "policy": "house.discovery"} if input.action == "discover"
else := {
	"allow": false, "policy": "house.board", "reason": "only the board may", "may": ["board"],
} if { p.owner == "board"; not "board" in input.principal.roles }
else := {
	"allow": true, "policy": "house.rows",
	"row_filters": [
		{"dimension": "region", "members": ["region.left"]},
		{"dimension": "region", "members": ["region.right"]},
	],
} if p.owner == "rows"
else := {
	"allow": true, "policy": "house.hidden_region", "masks": [{"column": "Sales.region", "method": "null"}],
} if p.owner == "hidden_region"
else := {
	"allow": true, "policy": "house.hidden_region", "masks": [{"column": "Sales.region", "method": "null"}],
	"row_filters": [{"dimension": "region", "members": ["region.left"]}],
} if p.owner == "hidden_rows"
else := {
	"allow": true, "policy": "house.hidden_day", "masks": [{"column": "Sales.day", "method": "hash"}],
} if p.owner == "hidden_day"
else := {
	"allow": true, "policy": "house.hidden_figure",
	"masks": [{"column": sprintf("Sales.%s", [p.id]), "method": "null"}],
} if p.owner == "hidden_figure"
else := {
	"allow": true, "policy": "house.care", "warnings": [{"type": "restated", "message": "Will be restated."}],
} if p.owner == "care"
else := {"allow": p.certification_tier == 1, "policy": "house.tier"} if p.owner == "tier"
else := {"allow": true, "policy": "house.open"}
"""
REGION: Any = {"dimensions": ("region",)}


@pytest.fixture(name="catalog")
def house() -> Catalog:
    return catalog(
        Context("fin", "Finance"),
        metric("sales", targets=(Target("budget", "secret_budget"), Target("plan", "tier_2_plan")), **REGION),
        metric("secret_budget", owner="board", **REGION),
        metric("tier_2_plan", owner="tier", certification_tier=2, **REGION),
        metric("lesser", owner="tier", certification_tier=2, **REGION),
        metric("bonus", owner="board", **REGION),
        metric("unheard_of", owner="unheard", **REGION),
        metric("sales_per_bonus", derived=Derived("s / b", (DerivedInput("sales", "s"), DerivedInput("bonus", "b")))),
        metric("filtered", owner="rows", **REGION),
        metric("filtered_without_region", owner="rows"),
        metric("masked", owner="hidden_region", **REGION),
        metric("masked_and_filtered", owner="hidden_rows", **REGION),
        metric("masked_day", owner="hidden_day", **REGION),
        metric("masked_figure", owner="hidden_figure", targets=(Target("budget", "sales"),), **REGION),
        metric("careful", owner="care", **REGION),
        dimension("region", row_level=True),
        member("region.alpha", "A"),
        member("region.beta", "B"),
        member("region.left", "A", "B"),
        member("region.right", "B", "C"),
        member("region.outer", "A", "C"),
        policies={"house.rego": POLICY},
    )


def allowed(*members: str, department: str = "") -> Principal:
    return Principal(subject="ann", department=department, roles=("explorer",), allowed_members=(("region", members),))


def obligations(resolution: Resolution) -> list[tuple[str, str, tuple[str, ...], str]]:
    return [(o.kind.name, o.ref, o.values, o.policy) for o in plan_of(resolution).obligations]


async def test_one_evaluation_answers_for_all_that_the_plan_reads(desk: Desk) -> None:
    found = await desk.ask("sales and filtered last month vs the previous month")

    asked = step(found, "authorize")
    assert [(call.operation, call.outcome) for call in asked.store_calls] == [("decide", "ok")]
    assert {"sales", "filtered"} == {decision["product"] for decision in asked.output["decisions"]}  # type: ignore[union-attr,index,call-overload]
    assert found.provenance.policies_evaluated == ("house.discovery", "house.open", "house.rows")


async def test_where_nothing_is_read_nothing_is_asked(desk: Desk) -> None:
    asked = step(await desk.ask("what is sales?"), "authorize")

    assert (asked.status, asked.store_calls) == (StepStatus.SKIPPED, ())


async def test_a_denied_main_metric_denies_the_question_and_says_who_may(desk: Desk) -> None:
    with pytest.raises(PolicyDenied) as caught:
        await desk.ask("bonus last month")

    assert "only the board may" in caught.value.message
    assert dict(caught.value.metadata)["policy"] == "house.board"
    assert "board" in str(caught.value.metadata)
    board = Principal(subject="bo", roles=("board",))
    assert measures(await desk.ask("bonus last month", principal=board)) == {"actual": "bonus"}


async def test_a_product_of_which_policy_says_nothing_is_denied(desk: Desk) -> None:
    """policy.md: a missing product is denied. Undiscoverable, it is as unknown as any other word."""
    assert (await desk.ask("unheard of last month")).problem is not None


async def test_an_input_that_is_denied_denies_what_is_computed_from_it(desk: Desk) -> None:
    with pytest.raises(PolicyDenied):
        await desk.ask("sales per bonus last month")


async def test_a_denied_target_drops_its_query_and_computations_and_that_is_told(desk: Desk) -> None:
    found = await desk.ask("sales last month vs budget")

    assert queries(found) == ["actual"]
    assert computations(found) == {}
    assert warned(found) == [("restricted", "secret_budget")]


async def test_a_denied_metric_compared_with_is_dropped_and_denied_where_it_comes_first(desk: Desk) -> None:
    assert queries(await desk.ask("sales vs bonus last month")) == ["actual"]
    with pytest.raises(PolicyDenied):
        await desk.ask("bonus vs sales last month")
    with pytest.raises(PolicyDenied):
        await desk.ask("sales and bonus last month")


async def test_rows_are_not_ordered_by_what_was_dropped(desk: Desk) -> None:
    """Ordered by nothing, no row is the first: none is cut off."""
    found = await desk.ask("which region's sales missed budget the most last month")

    assert (plan_of(found).alignment.order_by, plan_of(found).alignment.limit) == ((), 0)
    assert plan_of(found).alignment.keys == ("region",)


async def test_a_target_is_judged_with_the_tier_of_its_metric(desk: Desk) -> None:
    assert queries(await desk.ask("sales last month vs plan")) == ["actual", "plan"]
    with pytest.raises(PolicyDenied):
        await desk.ask("lesser last month")


async def test_row_filters_are_conditions_and_obligations_of_every_query(desk: Desk) -> None:
    found = await desk.ask("filtered last month")

    assert filters(found) == {"region": ["A", "B", "B", "C"]}
    assert [condition.source for condition in query_of(found).filters] == ["house.rows", "house.rows"]
    assert obligations(found) == [
        ("ROW_FILTER", "Sales.region", ("A", "B"), "house.rows"),
        ("ROW_FILTER", "Sales.region", ("B", "C"), "house.rows"),
    ]


async def test_buckets_hold_only_values_that_all_filters_let_through(desk: Desk) -> None:
    assert set(buckets(await desk.ask("filtered by region last month")).values()) == {("B",)}


@pytest.mark.parametrize(
    "question", ["filtered in alpha last month", "filtered in outer last month", "filtered excluding beta"]
)
async def test_an_empty_intersection_is_a_denial_and_no_empty_table(desk: Desk, question: str) -> None:
    """Each two of the conditions have a value in common; all of them together have none."""
    with pytest.raises(PolicyDenied):
        await desk.ask(question)


async def test_row_filters_of_a_dimension_that_the_product_lacks_deny_it(desk: Desk) -> None:
    with pytest.raises(PolicyDenied, match="cannot be restricted"):
        await desk.ask("filtered without region last month")


async def test_allowed_members_are_row_filters_whatever_policy_says(desk: Desk) -> None:
    found = await desk.ask("sales last month", principal=allowed("region.left"))

    assert filters(found) == {"region": ["A", "B"]}
    assert obligations(found) == [("ROW_FILTER", "Sales.region", ("A", "B"), "allowed_members")]


@pytest.mark.parametrize("members", [(), ("region.nowhere",), ("product.alpha",)])
async def test_no_allowed_member_allows_nothing(desk: Desk, members: tuple[str, ...]) -> None:
    with pytest.raises(PolicyDenied):
        await desk.ask("sales last month", principal=allowed(*members))


async def test_allowed_members_of_a_dimension_without_row_level_security_filter_nothing(desks: Desks) -> None:
    about = catalog(metric("sales", **REGION), dimension("region"), member("region.alpha", "A"))

    found = await (await desks(about)).ask("sales last month", principal=allowed("region.alpha"))
    assert (filters(found), obligations(found)) == ({}, [])


async def test_own_members_are_read_in_the_own_department_whoevers_definitions_are_asked_for(desks: Desks) -> None:
    readings = (MemberVariation("fin", ("A", "B")), MemberVariation("other", ("B", "C")))
    own = member("region.own", variations=readings)
    desk = await desks(catalog(metric("sales", **REGION), dimension("region", row_level=True), own))
    of_finance, of_nobody = allowed("region.own", department="fin"), allowed("region.own")

    found = await desk.ask("sales last month", principal=of_finance, definition_context="other")
    assert filters(found) == {"region": ["A", "B"]}
    # No context decides, and rights are never guessed wider: what all readings agree on.
    assert filters(await desk.ask("sales last month", principal=of_nobody)) == {"region": ["B"]}


async def test_a_mask_is_an_obligation(desk: Desk) -> None:
    (found,) = plan_of(await desk.ask("masked last month")).obligations

    assert (found.kind, found.ref, found.query_id) == (ObligationKind.MASK, "Sales.region", "actual")


@pytest.mark.parametrize(
    "question", ["masked in alpha last month", "masked excluding alpha last month", "masked by region last month"]
)
async def test_grouping_and_filtering_by_masked_values_is_refused(desk: Desk, question: str) -> None:
    """plan.proto, MASK. Buckets are made of the values as well."""
    with pytest.raises(PolicyDenied, match="hidden"):
        await desk.ask(question)


async def test_a_masked_day_cannot_cut_a_period(desk: Desk) -> None:
    assert measures(await desk.ask("masked day")) == {"actual": "masked_day"}
    with pytest.raises(PolicyDenied, match="hidden"):
        await desk.ask("masked day last month")


async def test_what_policy_itself_filters_by_may_be_masked(desk: Desk) -> None:
    found = await desk.ask("masked and filtered last month")

    assert [o[0] for o in obligations(found)] == ["ROW_FILTER", "MASK"]


async def test_ordering_by_masked_figures_is_refused(desk: Desk) -> None:
    """plan.proto, MASK: an order tells much of what is hidden, and so does the order of what is computed of it."""
    for question in ("top 2 regions by masked figure", "which region's masked figure missed budget the most"):
        with pytest.raises(PolicyDenied, match="hidden"):
            await desk.ask(question)
    assert plan_of(await desk.ask("masked figure by region")).alignment.order_by == ()


async def test_warnings_of_policy_are_told_once(desk: Desk) -> None:
    found = await desk.ask("careful last month vs the previous month")

    assert warned(found) == [("restated", "house.care")]


async def test_ids_that_arithmetic_cannot_write_still_name_columns(desks: Desks) -> None:
    """Ids are any printable characters (catalog.md): what they name must survive the arithmetic over it."""
    about = catalog(
        metric("sales", **REGION),
        dimension("region"),
        member("region.north-east", "NE", name="North East"),
        member("region.42/b", "42", name="Block"),
    )
    found = await (await desks(about)).ask("sales of block vs north east last month", principal=ANALYST)

    assert set(measures(found)) == {"actual", "region.north_east"}
    assert computations(found)["variance"] == "actual - region.north_east"
