"""Shares of a whole (design, section 6, Comparison: share_pct)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog, Derived, DerivedInput
from tests.resolution.desk import Desk
from tests.resolution.reading import computations, filters, measures, plan_of, query_of, refused
from tests.resolution.samples import catalog, dimension, member, metric


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    both = ("region", "product")
    return catalog(
        metric("sales", dimensions=both),
        metric("orders", unit="count", dimensions=both),
        metric("margin", unit="percent", dimensions=both),
        metric("profit", dimensions=both, derived=Derived("s * 1", (DerivedInput("sales", "s"),))),
        dimension("region"),
        dimension("product"),
        member("region.japan", "JP"),
        member("region.korea", "KR"),
        member("region.asia", "JP", "KR"),
        member("product.feed", "feed"),
    )


async def test_the_whole_is_the_same_without_the_dimension_of_the_part(desk: Desk) -> None:
    found = await desk.ask("share of japan in sales of feed last month")

    assert filters(found) == {"region": ["JP"], "product": ["feed"]}
    assert filters(found, "total") == {"product": ["feed"]}
    assert computations(found) == {"share_pct": "actual / total * 100"}
    assert [c.unit for c in plan_of(found).computations] == ["percent"]


async def test_without_a_name_after_it_the_last_member_is_the_part(desk: Desk) -> None:
    found = await desk.ask("what percentage of sales of feed came from japan last month")

    assert filters(found, "total") == {"product": ["feed"]}


async def test_what_is_left_out_is_no_part_and_left_out_of_the_whole(desk: Desk) -> None:
    found = await desk.ask("share of japan in sales excluding feed last month")

    assert filters(found, "total") == {"product": ["-feed"]}


async def test_grouped_each_row_has_its_share_of_one_whole(desk: Desk) -> None:
    """plan.proto, Alignment: a query without a key is repeated on every row."""
    found = await desk.ask("share of sales by region for feed last month")

    assert [g.dimension for g in query_of(found).group_by] == ["region"]
    assert (query_of(found, "total").group_by, filters(found, "total")) == ((), {"product": ["feed"]})


async def test_ratios_have_no_whole_and_a_share_needs_a_part(desk: Desk) -> None:
    assert "does not add up" in refused(await desk.ask("share of japan in margin last month")).message
    assert "needs a part" in refused(await desk.ask("share of sales last month")).message


async def test_each_of_several_metrics_has_a_whole_of_its_own(desk: Desk) -> None:
    found = await desk.ask("share of japan in sales and orders last month")

    assert measures(found)["orders.total"] == "orders"
    assert computations(found) == {
        "share_pct_sales": "sales / sales.total * 100",
        "share_pct_orders": "orders / orders.total * 100",
    }


async def test_a_derived_metric_is_divided_by_its_whole(desk: Desk) -> None:
    found = await desk.ask("share of japan in profit last month")

    assert computations(found)["share_pct"] == "(actual.s * 1) / (total.s * 1) * 100"
    assert (filters(found), filters(found, "total")) == ({"region": ["JP"]}, {})


@pytest.mark.parametrize(
    "question",
    ["japan's share of asia sales", "share of japan in asia sales", "what share of asia sales came from japan"],
)
async def test_what_the_part_lies_in_is_the_whole(desk: Desk, question: str) -> None:
    found = await desk.ask(f"{question} last month")

    assert (filters(found), filters(found, "total")) == ({"region": ["JP"]}, {"region": ["JP", "KR"]})


@pytest.mark.parametrize("question", ["feed's share of japan sales", "what share of japan sales is feed"])
async def test_the_part_is_what_has_the_share_or_what_it_is(desk: Desk, question: str) -> None:
    found = await desk.ask(f"{question} last month")

    assert filters(found, "total") == {"region": ["JP"]}


async def test_what_the_part_has_nothing_of_can_be_left_out_of_the_whole(desk: Desk) -> None:
    beside = await desk.ask("share of japan in sales excluding korea last month")
    inside = await desk.ask("share of asia excluding korea in sales last month")

    assert (filters(beside), filters(beside, "total")) == ({"region": ["JP"]}, {"region": ["-KR"]})
    assert (filters(inside), filters(inside, "total")) == ({"region": ["JP"]}, {})


@pytest.mark.parametrize(
    "question",
    [
        "share of japan in sales by product last month",
        "japan's share of sales by product last month",
        "what percentage of sales comes from japan by product last month",
        "what % of sales is japan by product last month",
    ],
)
async def test_of_a_member_said_to_be_the_part_each_row_has_its_share_of_a_whole_of_its_own(
    question: str, desk: Desk
) -> None:
    found = await desk.ask(question)

    assert [[g.dimension for g in query_of(found, q).group_by] for q in ("actual", "total")] == [
        ["product"],
        ["product"],
    ]
    assert (filters(found), filters(found, "total")) == ({"region": ["JP"]}, {})


async def test_of_a_members_metric_another_metric_is_the_portion(desk: Desk) -> None:
    found = await desk.ask("what percentage of japan's sales is orders last month")

    assert filters(found, "sales") == {"region": ["JP"]}
    assert computations(found) == {"ratio_pct": "orders / sales * 100"}
