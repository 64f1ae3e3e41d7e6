"""Filters in Jinja: what they refer to, as SQL of the semantic model; nothing in them is run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ecp_server.catalog.importers.dbt.filters import FilterError, Reference, ReferenceKind, read_filter
from tests.catalog.importers.dbt.projects import LEGACY, cube, imported, with_metrics

DIMENSION = ReferenceKind.DIMENSION

READ: Mapping[str, Reference] = {
    "{{ Dimension('order__status') }}": Reference(DIMENSION, "order__status"),
    "{{Dimension('ORDER__Status')}}": Reference(DIMENSION, "order__status"),
    "{{ Dimension('country', entity_path=['order', 'customer']) }}": Reference(DIMENSION, "order__customer__country"),
    "{{ dimension('status', entity_path=['order']) }}": Reference(DIMENSION, "order__status"),
    "{{ TimeDimension('order__ordered_at', 'month') }}": Reference(DIMENSION, "order__ordered_at", "month"),
    "{{ TimeDimension('order__ordered_at__month') }}": Reference(DIMENSION, "order__ordered_at", "month"),
    "{{ Dimension('order__ordered_at').grain('week') }}": Reference(DIMENSION, "order__ordered_at", "week"),
    "{{ TimeDimension('metric_time', date_part_name='year') }}": Reference(DIMENSION, "metric_time", "", "year"),
    "{{ Entity('customer') }}": Reference(ReferenceKind.ENTITY, "customer"),
    "{{ entity('customer', entity_path=['order']) }}": Reference(ReferenceKind.ENTITY, "order__customer"),
}


@pytest.mark.parametrize(("template", "expected"), READ.items(), ids=READ)
def test_references(template: str, expected: Reference) -> None:
    assert (expected, " = 1") == read_filter(f"{template} = 1")


REFUSED: Mapping[str, str] = {
    "{% for i in range(1000000000) %}x{% endfor %}": "holds a Jinja statement (for)",
    "{% set x = 1 %}": "holds a Jinja statement (assign)",
    "{{ ''.__class__.__mro__ }}": "holds Jinja that is no call of Dimension, TimeDimension or Entity",
    "{{ 'a' * 10000000000 }}": "holds Jinja that is no call of Dimension, TimeDimension or Entity",
    "{{ Dimension.__init__.__globals__ }}": "holds Jinja that is no call of Dimension, TimeDimension or Entity",
    "{{ Dimension('a__b').__class__('month') }}": "cuts a__b by __class__ 'month', which is not carried",
    "{{ Dimension('a__b' * 1000000000) }}": "holds Jinja that is no text or list of texts",
    "{{ Dimension(*['a__b']) }}": "holds Jinja that is no call of Dimension, TimeDimension or Entity",
    "{{ Dimension('a__b') | upper }}": "holds Jinja that is no call of Dimension, TimeDimension or Entity",
    "{{ Dimension(1) }}": "names a dimension or entity by something that is no text",
    "{{ Dimension('a__b', where='c') }}": "calls Dimension() with arguments that are not known",
    "{{ TimeDimension('a__b', 'parsec') }}": "cuts a__b by grain 'parsec', which is not carried",
    "{{ Metric('orders', group_by=['customer']) }} > 1": "calls Metric(), which is not carried",
    "{{ env_var('SECRET') }}": "calls env_var(), which is not carried",
    "{{ Dimension('a__b' }}": "is not Jinja: ",
    "{{" + "(" * 5000: "is nested too deep",
    "x" * 20_001: "is longer than 20000 characters",
}


@pytest.mark.parametrize(("template", "expected"), REFUSED.items(), ids=[each[:50] for each in REFUSED])
def test_whatever_else_is_in_a_filter_is_not_carried(template: str, expected: str) -> None:
    with pytest.raises(FilterError) as caught:
        read_filter(template)
    assert str(caught.value).startswith(expected)


WRITTEN: Mapping[str, str] = {
    "{{ Dimension('order__status') }} = 'paid'": "{CUBE.status} = 'paid'",
    "{{ Dimension('order__is_large') }} and not {{ Dimension('order__status') }} in ('a', 'b')": (
        "{CUBE.is_large} and not {CUBE.status} in ('a', 'b')"
    ),
    "{{ TimeDimension('metric_time', 'month') }} >= '2024-01-01'": (
        "date_trunc('month', {CUBE.ordered_at}) >= '2024-01-01'"
    ),
    "{{ TimeDimension('order__ordered_at') }} = '2024-01-01'": "date_trunc('day', {CUBE.ordered_at}) = '2024-01-01'",
    "{{ TimeDimension('metric_time', date_part_name='year') }} = 2024": (
        "extract(year from date_trunc('day', {CUBE.ordered_at})) = 2024"
    ),
    "{{ Entity('customer') }} is not null": "{CUBE}.customer_id is not null",
    "{{ Dimension('customer__country') }} = 'FR'": (
        "(SELECT joined_1.country FROM dim_customers AS joined_1 WHERE joined_1.id = {CUBE}.customer_id) = 'FR'"
    ),
    "{{ Dimension('order__customer__country') }} = 'FR'": (
        "(SELECT joined_1.country FROM dim_customers AS joined_1 WHERE joined_1.id = {CUBE}.customer_id) = 'FR'"
    ),
}


def filtered(template: str) -> str:
    return f'{{name: x, type: simple, type_params: {{measure: revenue}}, filter: "{template}"}}'


@pytest.mark.parametrize(("template", "expected"), WRITTEN.items(), ids=WRITTEN)
def test_filters_as_sql_of_the_semantic_model(template: str, expected: str, tmp_path: Path) -> None:
    result = imported(tmp_path, with_metrics(filtered(template)))
    assert () == result.not_carried
    assert [{"sql": expected}] == cube(result, "orders")["measures"]["x"]["filters"]


def test_a_list_of_filters_holds_together(tmp_path: Path) -> None:
    metric = "{name: x, type: simple, type_params: {measure: revenue}, filter: [\"{{ Dimension('order__is_large') }}\", \"{{ Dimension('order__status') }} = 'paid'\"]}"
    result = imported(tmp_path, with_metrics(metric))
    assert [{"sql": "{CUBE.is_large}"}, {"sql": "{CUBE.status} = 'paid'"}] == (
        cube(result, "orders")["measures"]["x"]["filters"]
    )


NOT_CARRIED: Mapping[str, str] = {
    "status = 'paid'": "names status without Dimension(…)",
    "{{ Dimension('order__nope') }} = 1": "refers to order__nope, which cannot be reached from orders",
    "{{ Entity('nope') }} = 1": "refers to the entity nope, which orders does not have",
    "{{ Dimension('order__status').grain('month') }} = 1": "cuts order__status, which is no time, to a date",
    "{{ Dimension('order__is_large') }}; drop table orders": ("holds a comment, a parameter or the end of a statement"),
    "{{ Dimension('order__is_large') }}) or (1 = 1": "is no SQL expression that can be read",
    "exists (select 1 from secrets)": "holds what is not carried: subquery",
    "ecp_ref_0 = 1": "names ecp_ref_0 without Dimension(…)",
}


@pytest.mark.parametrize(("template", "expected"), NOT_CARRIED.items(), ids=NOT_CARRIED)
def test_filters_that_are_not_carried(template: str, expected: str, tmp_path: Path) -> None:
    result = imported(tmp_path, with_metrics(filtered(template)))
    assert 1 == len(result.not_carried)
    assert f"metric x: {expected}" in result.not_carried[0]


def test_two_joins_are_looked_up_in_one_go(tmp_path: Path) -> None:
    items = """\
  - name: items
    model: ref('items')
    entities: [{name: item, type: primary}, {name: order, type: foreign, expr: order_id}]
    measures: [{name: units, agg: sum}]
"""
    metric = "{name: x, type: simple, type_params: {measure: units}, filter: \"{{ Dimension('order__customer__country') }} = 'FR'\"}"
    text = with_metrics(
        metric, base=LEGACY.replace("metrics:\n  - name: revenue\n", items + "metrics:\n  - name: revenue\n", 1)
    )
    assert [
        {
            "sql": "(SELECT joined_2.country FROM fct_orders AS joined_1 JOIN dim_customers AS joined_2 ON "
            "joined_1.customer_id = joined_2.id WHERE joined_1.order_id = {CUBE}.order_id) = 'FR'"
        }
    ] == cube(imported(tmp_path, text), "items")["measures"]["x"]["filters"]
