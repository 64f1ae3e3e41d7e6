"""Comparison: targets, other periods, members and metrics beside the main figure (design, section 6, Comparison)."""

from __future__ import annotations

from datetime import date

import pytest

from ecp_server.domain.catalog import Calendar, CalendarType, Catalog, Target
from ecp_server.domain.period import Grain
from tests.resolution.desk import Desk
from tests.resolution.reading import (
    computations,
    concepts,
    filters,
    measures,
    periods,
    plan_of,
    queries,
    query_of,
    refused,
)
from tests.resolution.samples import catalog, dimension, member, metric

BUDGET = {"semantic_ref": "Plan.budget", "time_dimension": "Plan.month", "time_grain": Grain.MONTH}


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        metric(
            "net_sales",
            dimensions=("region", "product"),
            targets=(
                Target("budget", "budget_net", ("plan",)),
                Target("forecast", "forecast_old", valid_to=date(2024, 7, 1)),
                Target("forecast", "forecast_new", valid_from=date(2024, 7, 1)),
            ),
        ),
        metric("gross_sales", dimensions=("region", "product"), targets=(Target("budget", "budget_gross"),)),
        metric("margin_rate", unit="percent", dimensions=("region",)),
        metric("orders", unit="count", dimensions=("region",)),
        metric("budget_net", dimensions=("region",), **BUDGET),
        metric("budget_gross", dimensions=("region",), **BUDGET | {"semantic_ref": "Plan.gross"}),
        metric("forecast_old", dimensions=("region",)),
        metric("forecast_new", dimensions=("region",)),
        dimension("region"),
        dimension("product"),
        member("region.japan", "JP"),
        member("region.korea", "KR"),
        member("region.china", "CN"),
        member("product.feed", "feed"),
        member("product.box", "box"),
    )


async def test_a_target_has_a_query_of_its_own_named_after_it(desk: Desk) -> None:
    found = await desk.ask("net sales in japan last quarter vs budget")

    assert concepts(found) == ["net_sales", "region.japan", "last_quarter", "target.budget"]
    assert measures(found) == {"actual": "net_sales", "budget": "budget_net"}
    assert periods(found) == {"actual": "2024-10-01/2025-01-01", "budget": "2024-10-01/2025-01-01"}
    assert filters(found, "budget") == {"region": ["JP"]}
    assert query_of(found, "budget").time_ref == "Plan.month"
    assert computations(found) == {
        "variance": "actual - budget",
        "variance_pct": "(actual - budget) / budget * 100",
    }


async def test_of_targets_of_one_name_the_one_that_holds_on_the_last_day_applies(desk: Desk) -> None:
    """catalog.md, Effective dates: valid_to is exclusive."""
    before = await desk.ask("net sales vs forecast in june 2024")
    after = await desk.ask("net sales vs forecast in july 2024")

    assert (measures(before)["forecast"], measures(after)["forecast"]) == ("forecast_old", "forecast_new")


async def test_a_metric_without_the_target_is_incompatible_and_told_who_has_it(desk: Desk) -> None:
    problem = refused(await desk.ask("orders last month vs budget"))

    assert problem.fits == ("gross_sales", "net_sales")
    assert "Net sales" in problem.message


async def test_a_target_that_lacks_the_dimension_is_incompatible(desk: Desk) -> None:
    assert refused(await desk.ask("net sales of feed last month vs budget")).fits == ("region",)
    assert refused(await desk.ask("net sales by product last month vs budget")).fits == ("region",)


@pytest.mark.parametrize(
    ("words", "other", "expected"),
    [
        ("vs the previous quarter", "previous", "2024-07-01/2024-10-01"),
        ("vs the same quarter last year", "last_year", "2023-10-01/2024-01-01"),
        ("yoy", "last_year", "2023-10-01/2024-01-01"),
        ("vs Q4 2023", "last_year", "2023-10-01/2024-01-01"),
        ("vs Q3 2024", "previous", "2024-07-01/2024-10-01"),
        ("vs Q1 2020", "other_period", "2020-01-01/2020-04-01"),
    ],
)
async def test_a_period_is_named_by_how_it_relates_to_the_main_one(
    desk: Desk, words: str, other: str, expected: str
) -> None:
    found = await desk.ask(f"net sales last quarter {words}")

    assert periods(found) == {"actual": "2024-10-01/2025-01-01", other: expected}
    assert computations(found) == {
        "variance": f"actual - {other}",
        "growth_pct": f"(actual - {other}) / {other} * 100",
    }


@pytest.mark.parametrize(
    ("words", "main", "other", "expected"),
    [
        ("Q4 vs Q4 2022", "2024-10-01/2025-01-01", "other_period", "2022-10-01/2023-01-01"),
        ("december vs december 2023", "2024-12-01/2025-01-01", "last_year", "2023-12-01/2024-01-01"),
        ("Q3 vs Q3 two years ago", "2024-07-01/2024-10-01", "last_year", "2023-07-01/2023-10-01"),
        ("december vs last december", "2024-12-01/2025-01-01", "last_year", "2023-12-01/2024-01-01"),
        ("Q4 vs last Q4", "2024-10-01/2025-01-01", "last_year", "2023-10-01/2024-01-01"),
        ("Q2 vs previous quarter", "2024-04-01/2024-07-01", "previous", "2024-01-01/2024-04-01"),
    ],
)
async def test_a_period_is_not_held_against_itself(
    desk: Desk, words: str, main: str, other: str, expected: str
) -> None:
    """In "Q4 vs Q4 2022" the first is the latest one against that of 2022; the year of one must not hold for both."""
    assert periods(await desk.ask(f"net sales {words}")) == {"actual": main, other: expected}


async def test_the_same_period_twice_is_refused(desk: Desk) -> None:
    assert "as well" in refused(await desk.ask("net sales Q3 2024 vs Q3 2024")).message


@pytest.mark.parametrize(
    ("words", "other", "expected"),
    [
        ("last month vs last year", "last_year", "2023-12-01/2024-01-01"),
        ("december vs last year", "last_year", "2023-12-01/2024-01-01"),
        ("december 2024 vs 2023", "last_year", "2023-12-01/2024-01-01"),
        ("last month vs 2021", "other_period", "2021-12-01/2022-01-01"),
        ("last month vs three years ago", "other_period", "2022-12-01/2023-01-01"),
        ("december 2024 vs 2024", "other_period", "2024-01-01/2025-01-01"),
    ],
)
async def test_a_year_beside_a_part_of_one_is_that_part_of_it(
    desk: Desk, words: str, other: str, expected: str
) -> None:
    """A month against a whole year would be a growth of minus ninety per cent."""
    assert periods(await desk.ask(f"net sales {words}")) == {"actual": "2024-12-01/2025-01-01", other: expected}


@pytest.mark.parametrize(
    ("words", "grain", "expected"),
    [
        ("MoM", Grain.NONE, ("2024-12-01/2025-01-01", "2024-11-01/2024-12-01")),
        ("wow", Grain.NONE, ("2025-01-06/2025-01-13", "2024-12-30/2025-01-06")),
        ("vs the quarter before", Grain.NONE, ("2024-10-01/2025-01-01", "2024-07-01/2024-10-01")),
        ("MoM in 2024", Grain.MONTH, ("2024-01-01/2025-01-01", "2023-12-01/2024-12-01")),
        ("QoQ growth in 2024", Grain.QUARTER, ("2024-01-01/2025-01-01", "2023-10-01/2024-10-01")),
        ("MoM by month last quarter", Grain.MONTH, ("2024-10-01/2025-01-01", "2024-09-01/2024-12-01")),
        ("last 3 months vs the 3 months before", Grain.NONE, ("2024-10-01/2025-01-01", "2024-07-01/2024-10-01")),
        ("YTD MoM", Grain.NONE, ("2025-01-01/2025-01-16", "2024-12-01/2024-12-16")),
    ],
)
async def test_what_compares_units_compares_such_units(
    desk: Desk, words: str, grain: Grain, expected: tuple[str, str]
) -> None:
    """A year of "MoM" was 2024 against 2023, and by month each against that of the year before."""
    found = await desk.ask(f"net sales {words}")

    assert periods(found) == dict(zip(("actual", "previous"), expected, strict=True))
    assert {query.time_range.grain for query in plan_of(found).queries if query.time_range} == {grain}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("vs same month last year", ("2024-12-01/2025-01-01", "2023-12-01/2024-01-01")),
        ("same month last year", ("2024-12-01/2025-01-01", "2023-12-01/2024-01-01")),
        ("against the same quarter a year ago", ("2024-10-01/2025-01-01", "2023-10-01/2024-01-01")),
        ("vs prior-year month", ("2024-12-01/2025-01-01", "2023-12-01/2024-01-01")),
        ("vs the same day last year", ("2025-01-14/2025-01-15", "2024-01-14/2024-01-15")),
        ("last week vs the same week last year", ("2025-01-06/2025-01-13", "2024-01-08/2024-01-15")),
        ("in 2024 vs the same period last year", ("2024-01-01/2025-01-01", "2023-01-01/2024-01-01")),
    ],
)
async def test_the_same_unit_last_year_compares_the_last_of_such_units_where_no_other_is_named(
    desk: Desk, words: str, expected: tuple[str, str]
) -> None:
    """It compared whatever period a metric has where none is named: a year of net sales for a month."""
    assert periods(await desk.ask(f"net sales {words}")) == dict(zip(("actual", "last_year"), expected, strict=True))


@pytest.mark.parametrize("words", ["QoQ last month", "QoQ by month in 2024", "WoW last month"])
async def test_a_period_that_is_not_made_of_the_units_compared_is_refused(desk: Desk, words: str) -> None:
    assert "does not compare" in refused(await desk.ask(f"net sales {words}")).message


async def test_several_other_periods_have_names_of_their_own(desk: Desk) -> None:
    found = await desk.ask("net sales in 2024 vs 2022 vs 2020")

    assert periods(found) == {
        "actual": "2024-01-01/2025-01-01",
        "other_period": "2022-01-01/2023-01-01",
        "other_period_2": "2020-01-01/2021-01-01",
    }
    assert set(computations(found)) == {
        "variance_other_period",
        "growth_pct_other_period",
        "variance_other_period_2",
        "growth_pct_other_period_2",
    }


async def test_what_is_named_twice_is_compared_once(desk: Desk) -> None:
    found = await desk.ask("net sales last quarter yoy vs the same quarter last year and budget and plan")

    assert queries(found) == ["actual", "budget", "last_year"]
    assert set(computations(found)) == {
        "variance_budget",
        "variance_pct_budget",
        "variance_last_year",
        "growth_pct_last_year",
    }


async def test_listed_periods_stand_beside_each_other_without_arithmetic(desk: Desk) -> None:
    found = await desk.ask("net sales in 2022 and 2023")

    assert periods(found) == {"actual": "2022-01-01/2023-01-01", "period_2": "2023-01-01/2024-01-01"}
    assert computations(found) == {}


async def test_the_period_before_one_that_is_open_cannot_be_compared(desk: Desk) -> None:
    assert "needs a period" in refused(await desk.ask("net sales before 2020 vs the previous period")).message


async def test_other_periods_are_broken_like_the_main_one(desk: Desk) -> None:
    """Rows are matched by the bucket's position (plan.proto, Alignment)."""
    found = await desk.ask("monthly net sales last quarter vs the same quarter last year")

    assert plan_of(found).alignment.keys == ("period",)
    starts = {q.id: [b.start.month for b in q.time_range.buckets] for q in plan_of(found).queries if q.time_range}
    assert starts == {"actual": [10, 11, 12], "last_year": [10, 11, 12]}


@pytest.mark.parametrize(
    "question", ["japan vs china net sales last month", "compare net sales of japan and china last month"]
)
async def test_a_member_is_held_against_another_in_a_query_each(desk: Desk, question: str) -> None:
    found = await desk.ask(question)

    assert filters(found) == {"region": ["JP"]}
    assert filters(found, "region.china") == {"region": ["CN"]}
    assert set(computations(found)) == {"variance", "variance_pct"}


async def test_members_on_one_side_stay_together(desk: Desk) -> None:
    found = await desk.ask("net sales of japan and korea vs china for feed last month")

    assert filters(found) == {"region": ["JP", "KR"], "product": ["feed"]}
    assert filters(found, "region.china") == {"product": ["feed"], "region": ["CN"]}


async def test_compare_is_about_members_of_one_dimension_whatever_stands_before_them(desk: Desk) -> None:
    found = await desk.ask("compare net sales of feed in japan and china last month")

    assert filters(found) == {"product": ["feed"], "region": ["JP"]}
    assert filters(found, "region.china") == {"product": ["feed"], "region": ["CN"]}


@pytest.mark.parametrize(
    "question",
    [
        "feed in japan vs box in china",
        "japan feed vs china box",
        "japan vs feed",
        "compare feed in japan and box in china",
    ],
)
async def test_sides_that_differ_in_several_dimensions_are_refused(desk: Desk, question: str) -> None:
    """They would be one sum of everything: design, section 6, nothing is dropped."""
    problem = refused(await desk.ask(f"net sales of {question} last month"))

    assert problem.message == "Only members of one dimension can be held against each other"


async def test_what_is_left_out_is_left_out_on_both_sides(desk: Desk) -> None:
    found = await desk.ask("net sales of japan vs china excluding feed last month")

    assert filters(found)["product"] == filters(found, "region.china")["product"] == ["-feed"]


async def test_a_metric_is_held_against_another(desk: Desk) -> None:
    found = await desk.ask("net sales vs gross sales in japan and korea last month")

    assert measures(found) == {"actual": "net_sales", "gross_sales": "gross_sales"}
    assert filters(found) == filters(found, "gross_sales") == {"region": ["JP", "KR"]}
    assert computations(found)["variance_pct"] == "(actual - gross_sales) / gross_sales * 100"


async def test_members_that_a_comparing_word_does_not_part_are_not_held_against_each_other(desk: Desk) -> None:
    found = await desk.ask("net sales in japan and korea last month vs last quarter")

    assert filters(found) == {"region": ["JP", "KR"]}
    assert queries(found) == ["actual", "other_period"]


async def test_each_of_several_metrics_is_held_against_its_own(desk: Desk) -> None:
    """A figure compared with another metric's target would be wrong without anyone seeing it."""
    found = await desk.ask("net sales and gross sales last quarter vs budget")

    assert measures(found) == {
        "net_sales": "net_sales",
        "net_sales.budget": "budget_net",
        "gross_sales": "gross_sales",
        "gross_sales.budget": "budget_gross",
    }
    assert computations(found)["variance_gross_sales.budget"] == "gross_sales - gross_sales.budget"


async def test_compare_is_about_the_target_where_one_is_named(desk: Desk) -> None:
    found = await desk.ask("compare net sales and gross sales last quarter to budget")

    assert queries(found) == ["net_sales", "net_sales.budget", "gross_sales", "gross_sales.budget"]


async def test_each_of_several_metrics_grows_from_its_own_figure(desk: Desk) -> None:
    found = await desk.ask("net sales and orders last quarter vs the same quarter last year")

    assert measures(found)["orders.last_year"] == "orders"
    assert computations(found)["variance_orders.last_year"] == "orders - orders.last_year"


async def test_a_difference_of_percentages_is_in_percentage_points(desk: Desk) -> None:
    found = await desk.ask("margin rate last quarter vs the same quarter last year")

    units = {c.name: c.unit for c in plan_of(found).computations}
    assert units == {"variance": "percentage_points", "growth_pct": "percent"}


async def test_metrics_of_different_units_stand_beside_each_other_without_arithmetic(desk: Desk) -> None:
    """catalog.md, Metric: sums and differences need equal units."""
    found = await desk.ask("net sales vs orders last month")

    assert measures(found) == {"actual": "net_sales", "orders": "orders"}
    assert computations(found) == {}


async def test_the_main_metrics_calendar_holds_for_all(desks: object) -> None:
    """Design, section 6: the main metric's calendar for all, though the target's metric has one of its own."""
    about = catalog(
        Calendar("fiscal", CalendarType.FISCAL_MONTHS, start_month=2),
        metric("sales", calendar="fiscal", targets=(Target("budget", "planned"),)),
        metric("planned"),
    )
    found = await (await desks(about)).ask("sales last quarter vs budget")  # type: ignore[operator]

    assert set(periods(found).values()) == {"2024-08-01/2024-11-01"}
