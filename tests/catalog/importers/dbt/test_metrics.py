"""What becomes of MetricFlow's metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ecp_server.catalog.importers.dbt.carried import Defaults
from ecp_server.catalog.importers.dbt.convert import convert
from ecp_server.domain.catalog import Cumulative, Derived, DerivedInput, Span, TimeAggregation
from ecp_server.domain.period import Grain
from tests.catalog.importers.dbt.projects import LEGACY, cube, imported, loaded, project, with_metrics

FILTER = "{{ Dimension('order__is_large') }}"


def reason(result: Any, subject: str) -> str:
    """Return why one thing is not carried over."""
    (line,) = [line for line in result.not_carried if f": {subject}: " in line]
    return str(line).partition(f": {subject}: ")[2]


def test_names_definitions_and_addresses_are_kept(tmp_path: Path) -> None:
    metric = loaded(imported(tmp_path, LEGACY), tmp_path).metrics["revenue"]
    assert ("Revenue", "What was paid for orders.", "orders.revenue", "orders.ordered_at", Grain.DAY) == (
        metric.name,
        metric.definition,
        metric.semantic_ref,
        metric.time_dimension,
        metric.time_grain,
    )
    assert ("fct_orders.amount",) == metric.computed_from


def test_what_counts_has_a_unit_and_a_ratio_is_one(tmp_path: Path) -> None:
    metrics = loaded(imported(tmp_path, LEGACY), tmp_path).metrics
    units = {metric.id: metric.unit for metric in metrics.values()}
    assert {"orders": "count", "buyers": "count", "order_value": "ratio", "revenue": ""}.items() <= units.items()


def test_ratio_offset_and_cumulative_metrics_are_computed_from_others(tmp_path: Path) -> None:
    metrics = loaded(imported(tmp_path, LEGACY), tmp_path).metrics
    assert metrics["order_value"].derived == Derived(
        "numerator / denominator", (DerivedInput("revenue", "numerator"), DerivedInput("orders", "denominator"))
    )
    assert metrics["growth"].derived == Derived(
        "(now - before) / before",
        (DerivedInput("revenue", "now"), DerivedInput("revenue", "before", Span(1, Grain.MONTH))),
    )
    assert metrics["revenue_mtd"].cumulative == Cumulative("revenue", None, Grain.MONTH)


WINDOWS: Mapping[str, tuple[str, Cumulative]] = {
    "no window": ("{}", Cumulative("revenue")),
    "a window": ("{window: 7 days}", Cumulative("revenue", Span(7, Grain.DAY))),
    "a grain": ("{grain_to_date: year}", Cumulative("revenue", None, Grain.YEAR)),
}


@pytest.mark.parametrize(("params", "expected"), WINDOWS.values(), ids=WINDOWS)
def test_cumulative_metrics(params: str, expected: Cumulative, tmp_path: Path) -> None:
    metric = f"{{name: c, type: cumulative, type_params: {{measure: revenue, cumulative_type_params: {params}}}}}"
    assert expected == loaded(imported(tmp_path, with_metrics(metric)), tmp_path).metrics["c"].cumulative
    if "window" in params:
        older = "{name: c, type: cumulative, type_params: {measure: revenue, window: 7 days}}"
        assert (
            expected
            == loaded(imported(tmp_path / "older", with_metrics(older)), tmp_path / "older").metrics["c"].cumulative
        )


def test_a_filter_makes_a_measure_of_its_own(tmp_path: Path) -> None:
    result = imported(tmp_path, LEGACY)
    measures = cube(result, "orders")["measures"]
    assert {"type": "sum", "sql": "{CUBE}.amount", "filters": [{"sql": "{CUBE.is_large}"}]}.items() <= (
        measures["large_revenue"].items()
    )
    assert "filters" not in measures["revenue"]
    assert "orders.large_revenue" == loaded(result, tmp_path).metrics["large_revenue"].semantic_ref


def test_a_filtered_input_becomes_a_metric_of_its_own(tmp_path: Path) -> None:
    share = (
        f'{{name: large_share, label: Large share, type: ratio, type_params: {{numerator: {{name: revenue, filter: "{FILTER}"}}, '
        "denominator: revenue}}"
    )
    metrics = loaded(imported(tmp_path, with_metrics(share)), tmp_path).metrics
    assert metrics["large_share"].derived == Derived(
        "numerator / denominator",
        (DerivedInput("large_share__revenue", "numerator"), DerivedInput("revenue", "denominator")),
    )
    own = metrics["large_share__revenue"]
    assert ("Revenue (Large share)", "orders.large_share__revenue") == (own.name, own.semantic_ref)
    assert f"What was paid for orders, only where {FILTER}." == own.definition


def test_a_filter_of_a_derived_metric_reaches_what_it_is_made_of(tmp_path: Path) -> None:
    metrics = with_metrics(
        "{name: per_order, type: ratio, type_params: {numerator: revenue, denominator: orders}}",
        f'{{name: per_large, type: derived, filter: "{FILTER}", type_params: {{expr: x * 2, metrics: [{{name: per_order, alias: x}}]}}}}',
    )
    result = imported(tmp_path, metrics)
    found = loaded(result, tmp_path).metrics
    assert found["per_large"].derived == Derived("x * 2", (DerivedInput("per_large__x", "x"),))
    inputs = found["per_large__x"].derived
    assert inputs is not None
    assert ["per_large__x__revenue", "per_large__x__orders"] == [given.metric for given in inputs.inputs]
    assert [{"sql": "{CUBE.is_large}"}] == cube(result, "orders")["measures"]["per_large__x__orders"]["filters"]


def test_a_cumulative_metric_over_fewer_rows_has_a_base_of_its_own(tmp_path: Path) -> None:
    metric = f'{{name: c, type: cumulative, filter: "{FILTER}", type_params: {{measure: revenue}}}}'
    metrics = loaded(imported(tmp_path, with_metrics(metric)), tmp_path).metrics
    assert Cumulative("c__revenue") == metrics["c"].cumulative
    assert "orders.c__revenue" == metrics["c__revenue"].semantic_ref


AGGREGATIONS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "sum": ("{name: m, agg: sum, expr: tax}", {"type": "sum", "sql": "{CUBE}.tax"}),
    "sum of ones": ("{name: m, agg: sum, expr: 1}", {"type": "count"}),
    "count of rows": ("{name: m, agg: count, expr: 1}", {"type": "count"}),
    "count of values": ("{name: m, agg: count, expr: tax}", {"type": "count", "sql": "{CUBE}.tax"}),
    "upper case": ("{name: m, agg: COUNT_DISTINCT, expr: tax}", {"type": "count_distinct", "sql": "{CUBE}.tax"}),
    "average": ("{name: tax, agg: average}", {"type": "avg", "sql": "{CUBE}.tax"}),
    "min": ("{name: m, agg: min, expr: tax}", {"type": "min", "sql": "{CUBE}.tax"}),
    "max": ("{name: m, agg: max, expr: tax + 1}", {"type": "max", "sql": "{CUBE}.tax + 1"}),
    "sum of booleans": (
        "{name: m, agg: sum_boolean, expr: is_paid}",
        {"type": "sum", "sql": "CASE WHEN {CUBE}.is_paid THEN 1 ELSE 0 END"},
    ),
    "median": (
        "{name: m, agg: median, expr: tax}",
        {"type": "number", "sql": "percentile_cont(0.5) WITHIN GROUP (ORDER BY {CUBE}.tax)"},
    ),
    "percentile": (
        "{name: m, agg: percentile, expr: tax, agg_params: {percentile: 0.99, use_discrete_percentile: true}}",
        {"type": "number", "sql": "percentile_disc(0.99) WITHIN GROUP (ORDER BY {CUBE}.tax)"},
    ),
    "expression": (
        "{name: m, agg: sum, expr: case when status = 'paid' then fct_orders.amount else 0 end}",
        {"type": "sum", "sql": "case when {CUBE}.status = 'paid' then {CUBE}.amount else 0 end"},
    ),
}


@pytest.mark.parametrize(("measure", "expected"), AGGREGATIONS.values(), ids=AGGREGATIONS)
def test_aggregations(measure: str, expected: dict[str, Any], tmp_path: Path) -> None:
    text = LEGACY.replace("    measures:\n", f"    measures:\n      - {measure}\n", 1)
    result = imported(tmp_path, text)
    name = "tax" if "name: tax" in measure else "m"
    assert expected == cube(result, "orders")["measures"][name]
    loaded(result, tmp_path)


def test_a_percentile_of_fewer_rows_has_the_condition_within(tmp_path: Path) -> None:
    text = LEGACY.replace("    measures:\n", "    measures:\n      - {name: mid, agg: median, expr: tax}\n", 1)
    metric = f'{{name: large_mid, type: simple, filter: "{FILTER}", type_params: {{measure: mid}}}}'
    measure = cube(imported(tmp_path, with_metrics(metric, base=text)), "orders")["measures"]["large_mid"]
    assert {
        "type": "number",
        "sql": "percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE WHEN ({CUBE.is_large}) THEN {CUBE}.tax END)",
    } == measure


STOCKS: Mapping[str, tuple[str, TimeAggregation]] = {
    "last": ("{name: ordered_at, window_choice: max}", TimeAggregation.LAST),
    "first": ("{name: ordered_at, window_choice: min}", TimeAggregation.FIRST),
}


@pytest.mark.parametrize(("given", "expected"), STOCKS.values(), ids=STOCKS)
def test_what_does_not_add_up_over_time_is_a_stock(given: str, expected: TimeAggregation, tmp_path: Path) -> None:
    stock = f"{{name: stock, agg: sum, create_metric: true, non_additive_dimension: {given}}}"
    text = LEGACY.replace("    measures:\n", f"    measures:\n      - {stock}\n", 1)
    assert expected is loaded(imported(tmp_path, text), tmp_path).metrics["stock"].time_aggregation


def test_create_metric_makes_a_metric_of_a_measure(tmp_path: Path) -> None:
    measure = "{name: tax_paid, label: Tax, description: Tax on orders., agg: sum, create_metric: true}"
    text = LEGACY.replace("    measures:\n", f"    measures:\n      - {measure}\n", 1)
    metric = loaded(imported(tmp_path, text), tmp_path).metrics["tax_paid"]
    assert ("Tax", "Tax on orders.", "orders.tax_paid") == (metric.name, metric.definition, metric.semantic_ref)


def test_a_coarser_time_is_the_grain_of_the_metric(tmp_path: Path) -> None:
    text = LEGACY.replace("time_granularity: day", "time_granularity: MONTH")
    assert Grain.MONTH is loaded(imported(tmp_path, text), tmp_path).metrics["revenue"].time_grain


def test_a_metric_without_words_is_described_by_what_it_does(tmp_path: Path) -> None:
    metrics = loaded(
        imported(tmp_path, with_metrics("{name: paid_total, type: simple, type_params: {measure: revenue}}")), tmp_path
    )
    metric = metrics.metrics["paid_total"]
    assert ("Paid total", "What was paid.") == (metric.name, metric.definition)


NOT_CARRIED: Mapping[str, tuple[str, str]] = {
    "conversion": (
        "{name: x, type: conversion, type_params: {conversion_type_params: {entity: customer}}}",
        "is a conversion metric: how many of one event lead to another is no arithmetic of sums",
    ),
    "no such measure": (
        "{name: x, type: simple, type_params: {measure: nope}}",
        "needs the measure nope, which is nowhere",
    ),
    "no such metric": (
        "{name: x, type: ratio, type_params: {numerator: nope, denominator: revenue}}",
        "needs the metric nope, which is nowhere",
    ),
    "offset to grain": (
        "{name: x, type: derived, type_params: {expr: a, metrics: [{name: revenue, alias: a, offset_to_grain: month}]}}",
        "reads revenue at the beginning of its month",
    ),
    "offset by a custom unit": (
        "{name: x, type: derived, type_params: {expr: a, metrics: [{name: revenue, alias: a, offset_window: 1 fiscal_year}]}}",
        "reaches over '1 fiscal_year', which is no number of days, weeks, months, quarters or years",
    ),
    "function": (
        "{name: x, type: derived, type_params: {expr: 'round(revenue, 2)', metrics: [revenue]}}",
        "its expression does more than + - * / (round)",
    ),
    "no input": (
        "{name: x, type: derived, type_params: {expr: revenue - tax, metrics: [revenue]}}",
        "its expression names tax, which is none of its inputs",
    ),
    "an alias twice": (
        "{name: x, type: derived, type_params: {expr: revenue, metrics: [revenue, {name: revenue, offset_window: 1 day}]}}",
        "calls two of its inputs revenue",
    ),
    "window and grain": (
        "{name: x, type: cumulative, type_params: {measure: revenue, window: 7 days, grain_to_date: month}}",
        "has a window and a grain to date, and can have one of them",
    ),
    "hours to date": (
        "{name: x, type: cumulative, type_params: {measure: revenue, grain_to_date: hour}}",
        "starts anew with each hour, which is no unit of the catalog",
    ),
    "itself": (
        "{name: x, type: derived, type_params: {expr: x, metrics: [x]}}",
        "is made of itself",
    ),
    "another metric's rows": (
        "{name: x, type: simple, type_params: {measure: revenue}, filter: \"{{ Metric('orders', group_by=['customer']) }} > 1\"}",
        "calls Metric(), which is not carried",
    ),
    "units that do not add up": (
        "{name: x, type: derived, type_params: {expr: orders + order_value, metrics: [orders, order_value]}}",
        "adds or subtracts count and ratio",
    ),
}


@pytest.mark.parametrize(("metric", "expected"), NOT_CARRIED.values(), ids=NOT_CARRIED)
def test_what_is_not_carried_is_told_with_its_place(metric: str, expected: str, tmp_path: Path) -> None:
    text = with_metrics(metric)
    result = imported(tmp_path, text)
    assert expected in reason(result, "metric x")
    assert result.not_carried[0].startswith(f"models/schema.yml:{text.count(chr(10))}: ")
    assert {"revenue", "orders", "growth"} <= loaded(result, tmp_path).metrics.keys()
    assert "x" not in loaded(result, tmp_path).metrics


def test_what_is_made_of_what_is_not_carried_is_not_either(tmp_path: Path) -> None:
    metrics = with_metrics(
        "{name: x, type: conversion, type_params: {}}",
        "{name: y, type: ratio, type_params: {numerator: x, denominator: revenue}}",
    )
    assert reason(imported(tmp_path, metrics), "metric y").startswith("needs x, which is not carried: is a conversion")


MEASURES_NOT_CARRIED: Mapping[str, tuple[str, str]] = {
    "unknown aggregation": ("{name: m, agg: mode}", "aggregates by mode, which the semantic model does not have"),
    "a subquery": ("{name: m, agg: sum, expr: (select max(x) from t)}", "holds what is not carried: subquery"),
    "Jinja": ("{name: m, agg: sum, expr: \"{{ var('column') }}\"}", "holds braces, which are Jinja or a reference"),
    "a window": ("{name: m, agg: sum, expr: sum(x) over ()}", "holds what is not carried: window"),
    "another table": ("{name: m, agg: sum, expr: customers.age}", "names customers.age, which is no column of orders"),
    "a percentile of nothing": (
        "{name: m, agg: percentile, expr: x}",
        "takes the percentile '', which is none from 0 to 1",
    ),
}


@pytest.mark.parametrize(("measure", "expected"), MEASURES_NOT_CARRIED.values(), ids=MEASURES_NOT_CARRIED)
def test_measures_that_are_not_carried(measure: str, expected: str, tmp_path: Path) -> None:
    text = LEGACY.replace("    measures:\n", f"    measures:\n      - {measure}\n", 1)
    assert expected == reason(imported(tmp_path, text), "measure m")


def test_a_stock_that_is_last_for_each_of_something_is_not_carried(tmp_path: Path) -> None:
    given = "{name: ordered_at, window_choice: max, window_groupings: [customer]}"
    stock = f"{{name: stock, agg: sum, create_metric: true, non_additive_dimension: {given}}}"
    text = LEGACY.replace("    measures:\n", f"    measures:\n      - {stock}\n", 1)
    assert "takes the last or first ordered_at of each customer" == reason(imported(tmp_path, text), "metric stock")


def test_a_chain_of_metrics_ends_somewhere(tmp_path: Path) -> None:
    chain = [
        f"{{name: m{i}, type: derived, type_params: {{expr: a, metrics: [{{name: m{i + 1}, alias: a}}]}}}}"
        for i in range(2000)
    ]
    result = imported(tmp_path, with_metrics(*chain))
    assert 2000 == sum(": metric m" in line for line in result.not_carried)


def test_defaults_hold_where_the_project_does_not_say(tmp_path: Path) -> None:
    said = "{name: said, type: simple, type_params: {measure: revenue}, config: {group: finance, meta: {owner: ada, ecp: {unit: USD}}}}"
    path = project(tmp_path, with_metrics(said))
    metrics = loaded(convert(path, Defaults("shop", 2, "bob", "last 7 days"), None), tmp_path).metrics
    assert ("shop", 2, "bob", "last 7 days") == (
        metrics["revenue"].domain,
        metrics["revenue"].certification_tier,
        metrics["revenue"].owner,
        metrics["revenue"].default_period,
    )
    assert ("finance", "ada", "USD") == (metrics["said"].domain, metrics["said"].owner, metrics["said"].unit)
