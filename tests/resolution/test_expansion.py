"""Derived and cumulative metrics as queries and computations (catalog.md, Metric)."""

from __future__ import annotations

from typing import Any

import pytest

from ecp_server.domain.catalog import Catalog, Cumulative, Derived, DerivedInput, Span, Target
from ecp_server.domain.period import Grain
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import computations, filters, measures, options, periods, plan_of, queries, refused
from tests.resolution.samples import catalog, dimension, member, metric

STAFF: Any = {"semantic_ref": "Staff.headcount", "time_dimension": "Staff.date", "unit": "count"}


def derived(expression: str, **inputs: str) -> Any:
    """A metric over others by alias; ``metric-1month`` moves one back."""
    return {"derived": Derived(expression, tuple(_input(alias, text) for alias, text in inputs.items()))}


def _input(alias: str, text: str) -> DerivedInput:
    metric_id, _, offset = text.partition("-")
    count, _, grain = offset.partition(" ")
    return DerivedInput(metric_id, alias, Span(int(count), Grain[grain.upper()]) if offset else None)


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    regional: Any = {"dimensions": ("region",)}
    return catalog(
        metric("sales", **regional),
        metric("cost", **regional),
        metric("headcount", **STAFF, **regional),
        metric("profit", **derived("s - c", s="sales", c="cost"), **regional),
        metric("margin", unit="percent", **derived("p / s * 100", p="profit", s="sales"), **regional),
        metric("sales_per_head", **derived("sales / heads", sales="sales", heads="headcount"), **regional),
        metric("growth", unit="percent", **derived("(now - b) / b * 100", now="sales", b="sales-1 year"), **regional),
        metric("growth_of_margin", unit="percent", **derived("now - b", now="margin", b="margin-1 quarter")),
        metric(
            "attainment",
            **derived("actual / budget", actual="sales", budget="cost"),
            targets=(Target("budget", "sales"),),
        ),
        metric("sales_so_far", cumulative=Cumulative("sales")),
        metric("weekly_sales", cumulative=Cumulative("sales", window=Span(7, Grain.DAY))),
        metric("running_sales", cumulative=Cumulative("sales", grain_to_date=Grain.MONTH), **regional),
        metric("double", **derived("2 * r", r="running_sales")),
        metric("monthly_cost", time_grain=Grain.MONTH),
        metric("mixed", **derived("a + b", a="sales", b="monthly_cost")),
        dimension("region"),
        member("region.japan", "JP"),
    )


async def test_inputs_of_one_cube_share_a_query_and_are_named_by_their_aliases(desk: Desk) -> None:
    found = await desk.ask("profit in japan last month")

    assert queries(found) == ["actual"]
    assert measures(found) == {"actual.s": "sales", "actual.c": "cost"}
    assert computations(found) == {"actual": "(actual.s - actual.c)"}
    assert filters(found) == {"region": ["JP"]}


async def test_inputs_of_several_cubes_have_a_query_each(desk: Desk) -> None:
    found = await desk.ask("sales per head in japan last month")

    assert measures(found) == {"actual.sales": "sales", "actual.heads": "headcount"}
    assert [q.time_ref for q in plan_of(found).queries] == ["Sales.day", "Staff.date"]
    assert [filters(found, query)["region"] for query in queries(found)] == [["JP"], ["JP"]]


async def test_derived_metrics_of_derived_ones_are_read_to_the_bottom(desk: Desk) -> None:
    found = await desk.ask("margin last month")

    assert measures(found) == {"actual.p.s": "sales", "actual.p.c": "cost", "actual.s": "sales"}
    assert computations(found) == {"actual": "((actual.p.s - actual.p.c) / actual.s * 100)"}


async def test_an_offset_moves_the_period_of_an_input_back(desk: Desk) -> None:
    found = await desk.ask("growth last quarter")

    assert measures(found) == {"actual.now": "sales", "actual.b": "sales"}
    assert list(periods(found).values()) == ["2024-10-01/2025-01-01", "2023-10-01/2024-01-01"]


async def test_an_offset_moves_all_that_the_input_is_computed_from(desk: Desk) -> None:
    found = await desk.ask("growth of margin last quarter")

    assert set(periods(found).values()) == {"2024-10-01/2025-01-01", "2024-07-01/2024-10-01"}
    assert computations(found)["actual"].count("actual.b.") == 3


async def test_an_input_that_is_moved_is_broken_into_the_same_buckets(desk: Desk) -> None:
    found = await desk.ask("growth by month last quarter")

    starts = [[str(b.start) for b in q.time_range.buckets] for q in plan_of(found).queries if q.time_range]
    assert starts == [["2024-10-01", "2024-11-01", "2024-12-01"], ["2023-10-01", "2023-11-01", "2023-12-01"]]


async def test_a_part_is_held_against_that_part_moved_where_the_offset_is_less_than_it(desk: Desk) -> None:
    """A year against the year that began a quarter before, not against the piece of one that lies in the same year."""
    found = await desk.ask("growth of margin by year from 2022 to 2023")
    parts = [[f"{b.start}/{b.end}" for b in q.time_range.buckets] for q in plan_of(found).queries if q.time_range]

    assert ["2022-01-01/2023-01-01", "2023-01-01/2024-01-01"] == parts[0]
    assert ["2021-10-01/2022-10-01", "2022-10-01/2023-10-01"] == parts[-1]
    assert not any(b.partial for q in plan_of(found).queries if q.time_range for b in q.time_range.buckets)


async def test_without_a_period_an_offset_makes_no_sense_so_the_period_is_asked_for(desk: Desk) -> None:
    asked = await desk.ask("growth in japan")
    chosen = await desk.ask("growth in japan", ("period", "last_year"))

    assert options(asked) == {"period": ["last_month", "last_quarter", "last_year", "year_to_date", "this_year"]}
    assert list(periods(chosen).values()) == ["2024-01-01/2025-01-01", "2023-01-01/2024-01-01"]


async def test_aliases_may_be_called_as_columns_are(desk: Desk) -> None:
    """The measures of a plan have unique names (plan.proto)."""
    found = await desk.ask("attainment last month vs budget")

    assert measures(found) == {"actual.actual": "sales", "actual.budget": "cost", "budget": "sales"}
    assert computations(found)["variance"] == "(actual.actual / actual.budget) - budget"


async def test_a_running_total_over_all_time_begins_with_the_data(desk: Desk) -> None:
    assert periods(await desk.ask("sales so far last month")) == {"actual": "./2025-01-01"}
    assert measures(await desk.ask("sales so far last month")) == {"actual": "sales"}


async def test_a_window_ends_with_the_period(desk: Desk) -> None:
    assert periods(await desk.ask("weekly sales last month")) == {"actual": "2024-12-25/2025-01-01"}


async def test_a_total_to_date_begins_with_the_unit_that_the_period_ends_in(desk: Desk) -> None:
    assert periods(await desk.ask("running sales last quarter")) == {"actual": "2024-12-01/2025-01-01"}
    assert periods(await desk.ask("running sales today")) == {"actual": "2025-01-01/2025-01-16"}


async def test_a_running_total_without_a_period_is_over_all_time(desk: Desk) -> None:
    (query,) = plan_of(await desk.ask("running sales in japan")).queries
    assert (query.time_range, query.time_ref) == (None, "")


@pytest.mark.parametrize("question", ["running sales by month last quarter", "double by month last quarter"])
async def test_buckets_of_a_period_make_up_no_running_total(desk: Desk, question: str) -> None:
    """Sums of the buckets by themselves would pass for totals."""
    assert "running total" in refused(await desk.ask(question)).message


async def test_what_the_coarsest_input_cannot_tile_is_not_computed_and_told(desk: Desk) -> None:
    """catalog.md, Metric, time_grain."""
    whole, cut = await desk.ask("mixed last month"), await desk.ask("mixed last week")

    assert (measures(whole), whole.warnings) == ({"actual.a": "sales", "actual.b": "monthly_cost"}, ())
    assert (cut.plan, [(w.type, w.id) for w in cut.warnings]) == (None, [("time_grain", "mixed")])
    assert [w.type for w in (await desk.ask("mixed by week last month")).warnings] == ["time_grain"]


@pytest.mark.parametrize("name", ["actual", "previous", "last_year", "variance", "variance_pct"])
async def test_no_target_or_metric_takes_the_name_of_a_column_that_has_it_of_its_role(name: str, desks: Desks) -> None:
    """A target called "actual" took the place of the figure that it was to be held against, its period with it."""
    plain, given = metric("sales", targets=(Target(name, "cost"),)), metric(name)
    for assets in ((plain, metric("cost")), (metric("sales"), given)):
        found = await (await desks(catalog(*assets))).ask(f"sales vs {name.replace('_', ' ')} in may 2024")

        assert measures(found) == {"actual": "sales", f"{name}_": assets[1].id}
        assert computations(found)["variance"] == f"actual - {name}_"
        assert set(periods(found).values()) == {"2024-05-01/2024-06-01"}
