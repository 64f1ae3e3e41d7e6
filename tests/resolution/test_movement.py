"""Growth and differences: how much a figure moved, and over what where the words leave that open."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog, Level, Target
from ecp_server.domain.concepts import Intent
from ecp_server.domain.errors import InvalidChoice
from tests.resolution.desk import Desk
from tests.resolution.reading import assumptions, computations, concepts, measures, periods, plan_of, unmatched
from tests.resolution.samples import catalog, dimension, member, metric, parsed

BY_REGION = {"dimensions": ("region",), "default_period": "last complete quarter"}
SHOP: Catalog = catalog(
    metric(
        "sales", targets=(Target("budget", "planned"),), dimensions=("region",), default_period="last complete quarter"
    ),
    metric("orders", unit="count", dimensions=("region",), default_period="last complete quarter"),
    metric("planned", dimensions=("region",), default_period="last complete quarter"),
    dimension("region", levels=(Level("country", "Country"),)),
    member("region.japan", "JP"),
    member("region.china", "CN"),
)


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return SHOP


@pytest.mark.parametrize(
    ("text", "actual", "other", "held"),
    [
        ("sales growth in 2024", "2024-01-01/2025-01-01", "previous", "2023-01-01/2024-01-01"),
        ("how much did sales grow in December 2024", "2024-12-01/2025-01-01", "previous", "2024-11-01/2024-12-01"),
        ("change in sales from 2022 to 2024", "2024-01-01/2025-01-01", "other_period", "2022-01-01/2023-01-01"),
        ("difference in sales between 2022 and 2024", "2022-01-01/2023-01-01", "other_period", "2024-01-01/2025-01-01"),
        ("sales growth from 1 May 2024 to 31 May 2024", "2024-05-01/2024-06-01", "previous", "2024-04-01/2024-05-01"),
        (
            "growth of sales yoy in Q3 2024",
            "2024-07-01/2024-10-01",
            "last_year",
            "2023-07-01/2023-10-01",
        ),
        ("compare sales in 2022 and Q1 2024", "2022-01-01/2023-01-01", "other_period", "2024-01-01/2024-04-01"),
        ("sales in 2022, Q1 2024", "2022-01-01/2023-01-01", "period_2", "2024-01-01/2024-04-01"),
        ("sales in 2022 and Q1 2024", "2022-01-01/2023-01-01", "period_2", "2024-01-01/2024-04-01"),
    ],
)
async def test_periods_that_a_movement_is_taken_over(desk: Desk, text: str, actual: str, other: str, held: str) -> None:
    resolution = await desk.ask(text)

    assert periods(resolution) == {"actual": actual, other: held}
    assert unmatched(resolution) == []


async def test_growth_over_an_unsaid_period_is_assumed_and_can_be_chosen(desk: Desk) -> None:
    asked = await desk.ask("sales growth last quarter")
    assert asked.intent is Intent.COMPARISON
    assert assumptions(asked)["comparison"] == "prior_period"
    assert concepts(asked) == ["sales", "prior_period", "last_quarter"]

    chosen = await desk.ask("sales growth last quarter", ("comparison", "same_period_last_year"))
    assert assumptions(chosen)["comparison"] == "same_period_last_year"
    assert set(periods(chosen)) == {"actual", "last_year"}

    with pytest.raises(InvalidChoice):
        await desk.ask("sales growth last quarter", ("comparison", "other"))


@pytest.mark.parametrize(
    "text", ["sales growth in 2024", "sales growth year over year last quarter", "change of sales vs budget"]
)
async def test_nothing_is_assumed_where_both_readings_are_one_or_the_words_say_which(desk: Desk, text: str) -> None:
    assert "comparison" not in assumptions(await desk.ask(text))


@pytest.mark.parametrize(
    ("text", "column", "descending"),
    [
        ("which region's sales grew the most last quarter", "growth_pct", True),
        ("which region's sales grew least last quarter", "growth_pct", False),
        ("which region's sales fell most last quarter", "growth_pct", False),
        ("regions with the lowest sales growth last quarter", "growth_pct", False),
        ("regions by biggest variance of sales to budget last quarter", "variance", True),
    ],
)
async def test_what_moved_most_is_ordered_by_how_much_in_percent(
    desk: Desk, text: str, column: str, *, descending: bool
) -> None:
    (order,) = plan_of(await desk.ask(text)).alignment.order_by
    assert (order.column, order.descending) == (column, descending)


def test_words_that_move_move_nothing_without_a_name() -> None:
    assert [m.text for m in parsed(SHOP, "growth last year").unmatched] == ["growth"]
    assert not parsed(SHOP, "growth last year").moved


async def test_a_difference_holds_members_and_metrics_against_each_other(desk: Desk) -> None:
    members = await desk.ask("difference between japan and china sales last quarter")
    assert set(computations(members)) == {"variance", "variance_pct"}
    metrics = await desk.ask("difference between sales and planned last quarter")
    assert measures(metrics) == {"actual": "sales", "planned": "planned"}


@pytest.mark.parametrize(
    ("text", "computed"),
    [
        ("sales per order last quarter", {"per_unit": "sales / orders"}),
        ("sales divided by orders last quarter", {"per_unit": "sales / orders"}),
        ("sales as a percentage of orders last quarter", {"ratio_pct": "sales / orders * 100"}),
        ("sales and orders last quarter", {}),
        ("sales per region last quarter", {}),
    ],
)
async def test_a_metric_is_divided_by_another_but_not_by_a_dimension(
    desk: Desk, text: str, computed: dict[str, str]
) -> None:
    assert computations(await desk.ask(text)) == computed


@pytest.mark.parametrize(
    ("text", "unit"),
    [("sales per order", "USD"), ("sales per planned", "ratio"), ("orders per sales", "count/USD")],
)
async def test_a_quotient_has_the_unit_that_is_left(desk: Desk, text: str, unit: str) -> None:
    (computation,) = plan_of(await desk.ask(text)).computations
    assert computation.unit == unit


async def test_a_percentage_is_held_against_that_of_another_period(desk: Desk) -> None:
    """Each of the two metrics was, and how the percentage moved was left to the caller."""
    found = await desk.ask("sales as a percentage of orders last quarter vs the quarter before")

    now, before = "sales / orders * 100", "sales.previous / orders.previous * 100"
    own = {name: text for name, text in computations(found).items() if "ratio" in name}
    assert own == {"ratio_pct": now, "ratio_pct_previous": before, "variance_ratio_pct": f"{now} - {before}"}
    units = {computation.name: computation.unit for computation in plan_of(found).computations}
    assert [units[name] for name in own] == ["percent", "percent", "percentage_points"]


async def test_a_quotient_grows(desk: Desk) -> None:
    found = await desk.ask("sales per order last quarter yoy")

    now, before = "sales / orders", "sales.last_year / orders.last_year"
    own = {name: text for name, text in computations(found).items() if "per_unit" in name}
    assert own == {
        "per_unit": now,
        "per_unit_last_year": before,
        "variance_per_unit": f"{now} - {before}",
        "growth_pct_per_unit": f"({now} - {before}) / ({before}) * 100",
    }
    units = {computation.name: computation.unit for computation in plan_of(found).computations}
    assert [units[name] for name in own] == ["USD", "USD", "USD", "percent"]


async def test_a_quotient_against_several_periods_has_the_name_of_each(desk: Desk) -> None:
    found = await desk.ask("sales per order in 2024 vs 2023 vs 2021")

    assert {name for name in computations(found) if "per_unit" in name} == {
        "per_unit",
        "per_unit_previous",
        "variance_per_unit_previous",
        "growth_pct_per_unit_previous",
        "per_unit_other_period_2",
        "variance_per_unit_other_period_2",
        "growth_pct_per_unit_other_period_2",
    }


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("top 2 regions by sales per order last quarter vs the quarter before", "per_unit"),
        ("top 2 regions by sales as a percentage of orders last quarter vs the quarter before", "ratio_pct"),
        ("top 2 regions by growth of sales per order last quarter", "growth_pct_per_unit"),
    ],
)
async def test_rows_are_ordered_by_the_quotient_that_is_asked_for(desk: Desk, text: str, column: str) -> None:
    found = await desk.ask(text)

    assert [(order.column, order.descending) for order in plan_of(found).alignment.order_by] == [(column, True)]


async def test_only_what_has_a_target_can_have_missed_it(desk: Desk) -> None:
    """Nothing else has a budget, so nothing is asked; what was taken is told."""
    missed = await desk.ask("which region missed budget most last quarter")

    assert assumptions(missed)["metric"] == "sales"
    assert set(computations(missed)) == {"variance", "variance_pct"}
    (order,) = plan_of(missed).alignment.order_by
    assert (order.column, order.descending) == ("variance", False)


async def test_a_metric_in_percent_of_its_target_is_divided_by_it_and_ranked_so(desk: Desk) -> None:
    found = await desk.ask("top 2 regions by sales as a percentage of budget last quarter")

    assert measures(found) == {"actual": "sales", "budget": "planned"}
    assert computations(found)["ratio_pct"] == "actual / budget * 100"
    assert [(order.column, order.descending) for order in plan_of(found).alignment.order_by] == [("ratio_pct", True)]
    assert found.interpretation.startswith("Sales in percent of Planned by ")


@pytest.mark.parametrize("text", ["did sales go up last quarter", "which regions went up in sales last quarter"])
async def test_up_and_down_with_a_verb_of_going_ask_for_a_movement(desk: Desk, text: str) -> None:
    found = await desk.ask(text)

    assert (set(measures(found)), unmatched(found)) == ({"actual", "previous"}, [])
    assert "growth_pct" in computations(found)


@pytest.mark.parametrize("text", ["percentage change in sales", "sales growth percentage", "sales growth rate"])
async def test_a_movement_in_percent_is_no_share_and_leaves_no_word_out(desk: Desk, text: str) -> None:
    found = await desk.ask(text)

    assert (set(computations(found)), unmatched(found)) == ({"variance", "growth_pct"}, [])
