"""The semantic model (Cube's YAML data model): what is read from it, and what is refused, with its place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ecp_server.domain.semantic import (
    Applied,
    Arithmetic,
    CubeJoin,
    DimensionType,
    Function,
    Literal,
    MeasureType,
    MemberRef,
    Operator,
    Relationship,
    Sql,
    When,
)
from tests.catalog.conftest import ErrorsOf, Load

MANIFEST = "kind: manifest\nformat: 1\n"

SHOP = """
cubes:
  - name: Orders
    sql_table: shop.orders
    refresh_key: {every: 1 hour}
    joins:
      - {name: Customers, relationship: belongsTo, sql: "${CUBE}.customer = ${Customers.id}"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true}
      - {name: day, sql: "{CUBE}.day", type: time, meta: {days_only: true}}
      - name: size
        type: string
        case:
          when: [{sql: "{CUBE}.amount > 10", label: big}]
          else: {label: small}
    measures:
      - {name: total, sql: amount, type: sum, format: currency, title: Total, description: All of it.}
      - {name: count, type: count, public: false}
      - {name: mean, sql: "-{total} / NULLIF({count} + 1.50, 0)::float", type: number}
      - {name: paid, sql: "{CUBE}.amount", type: sum, filters: [{sql: "{size} = 'big'"}, {sql: "{CUBE}.paid"}]}
  - name: Customers
    sql: SELECT * FROM shop.customers
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true, public: true}
"""


def test_a_model_is_read(load: Load) -> None:
    catalog = load({"a.yaml": MANIFEST, "semantic/shop.yml": SHOP})
    orders, customers = catalog.model.cubes["Orders"], catalog.model.cubes["Customers"]
    assert (orders.table, orders.query) == (("shop", "orders"), "")
    assert (customers.table, customers.query) == ((), "SELECT * FROM shop.customers")
    size, day = orders.dimensions["size"], orders.dimensions["day"]
    row = MemberRef("Orders")
    assert size.case == (When(Sql((row, ".amount > 10")), "big"),)
    assert (size.type, size.otherwise, size.days_only) == (DimensionType.STRING, "small", None)
    assert (day.sql, day.days_only) == (Sql((row, ".day")), True)
    assert [d.name for d in orders.primary_key] == ["id"]
    assert orders.measures["total"].sql == Sql(("amount",))
    paid = orders.measures["paid"]
    assert paid.type is MeasureType.SUM
    assert paid.filters == (Sql((MemberRef("Orders", "size"), " = 'big'")), Sql((row, ".paid")))
    join = Sql((row, ".customer = ", MemberRef("Customers", "id")))
    assert orders.joins == (CubeJoin("Customers", Relationship.MANY_TO_ONE, join),)


def test_arithmetic_over_measures_becomes_a_tree(load: Load) -> None:
    catalog = load({"a.yaml": MANIFEST, "semantic/shop.yml": SHOP})
    total, count = MemberRef("Orders", "total"), MemberRef("Orders", "count")
    more = Arithmetic(Operator.ADD, count, Literal(Decimal("1.50")))
    divisor = Applied(Function.FLOAT, (Applied(Function.NULLIF, (more, Literal(Decimal(0)))),))
    negative = Arithmetic(Operator.MULTIPLY, Literal(Decimal(-1)), total)
    assert catalog.model.cubes["Orders"].measures["mean"].expression == Arithmetic(Operator.DIVIDE, negative, divisor)


def test_what_is_not_public_is_not_found(load: Load) -> None:
    """A primary key is not, unless it says so: as with Cube."""
    model = load({"a.yaml": MANIFEST, "semantic/shop.yml": SHOP}).model
    assert model.dimension("Orders.id") is None
    assert model.dimension("Customers.id") is not None
    assert model.measure("Orders.count") is None
    assert model.measure("Orders.total") is not None
    assert model.measure("Orders.size") is None
    assert model.dimension("Nothing.size") is None


def test_cubes_may_be_split_into_files_and_documents(load: Load) -> None:
    first, second = SHOP.split("  - name: Customers")
    files = {
        "semantic/a.yml": first,
        "semantic/b/c.yaml": "---\ncubes:\n  - name: Customers" + second,
        "semantic/d.yml": "",
    }
    assert set(load({"a.yaml": MANIFEST} | files).model.cubes) == {"Orders", "Customers"}


def test_without_files_there_is_no_model(load: Load) -> None:
    assert not load(MANIFEST).model


def cube(more: str) -> str:
    return f"cubes:\n  - name: Sales\n    sql_table: sales\n{more}"


def dimension(more: str) -> str:
    return cube(f"    dimensions:\n      - {{name: x, {more}}}\n")


def joined(other: str, relationship: str) -> str:
    join = f'    joins:\n      - {{name: {other}, relationship: {relationship}, sql: "{{CUBE}}.a = {{{other}}}.a"}}\n'
    return cube(join).replace("cubes:\n", "cubes:\n  - {name: B, sql_table: b}\n")


def measure(more: str) -> str:
    return cube(
        "    measures:\n      - {name: n, type: count}\n      - {name: m, type: count_distinct, sql: a}\n"
        f"      - {{name: x, {more}}}\n"
    )


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("- 1", "semantic/s.yml:1: a semantic model is a mapping that has `cubes`"),
        ("views: []", "semantic/s.yml:1: views: is not supported"),
        ("cubes: {}", "semantic/s.yml:1: cubes: should be a list"),
        ("cubes: [", "semantic/s.yml:1: is not YAML"),
        ("cubes: [{sql_table: a}]", "semantic/s.yml:1: cube: name: is required"),
        ("cubes: [{name: A b, sql_table: a}]", "semantic/s.yml:1: cube A b: name: "),
        ("cubes: [{name: A}]", "semantic/s.yml:1: cube A: needs one of sql_table and sql"),
        ("cubes: [{name: A, sql_table: a, sql: SELECT 1}]", "semantic/s.yml:1: cube A: needs one of sql_table and sql"),
        ("cubes: [{name: A, sql_table: 'a; DROP'}]", "semantic/s.yml:1: cube A: sql_table: "),
        ("cubes: [{name: A, sql_table: a}, {name: A, sql_table: b}]", "A: name: is defined twice, first in semantic"),
        (cube("    sql_alias: s\n"), "semantic/s.yml:4: cube Sales: sql_alias: is not supported"),
        (cube("    extends: Other\n"), "semantic/s.yml:4: cube Sales: extends: is not supported"),
        (cube("    segments: []\n"), "semantic/s.yml:4: cube Sales: segments: is not supported"),
        (cube("    access_policy: []\n"), "semantic/s.yml:4: cube Sales: access_policy: is not supported"),
        (cube("    data_source: other\n"), "semantic/s.yml:4: cube Sales: data_source: only the data source default"),
        ("cubes:\n  - name: A\n    sql: DROP TABLE a\n", "semantic/s.yml:3: cube A: sql: is no query"),
        ("cubes:\n  - name: A\n    sql: ( DROP TABLE a )\n", "semantic/s.yml:3: cube A: sql: is no query"),
        ("cubes:\n  - name: A\n    sql: SELECT 1; SELECT 2\n", "semantic/s.yml:3: cube A: sql: ';' is not supported"),
        ('cubes:\n  - name: A\n    sql: "SELECT * FROM {B.sql}"\n', "sql: {B.sql}: references are not supported"),
        ("cubes:\n  - name: A\n    sql: SELECT {{ x }}\n", "cube A: sql: templates (Jinja) are not supported"),
        (dimension("type: geo, sql: a"), "semantic/s.yml:5: cube Sales: dimensions[0].type: "),
        (dimension("type: string"), "semantic/s.yml:5: cube Sales: dimensions[0]: needs one of sql and case"),
        (dimension("type: string, sql: a, sub_query: true"), "cube Sales: dimensions[0].sub_query: is not supported"),
        (dimension("type: time, sql: a, granularities: []"), "dimensions[0].granularities: is not supported"),
        (dimension("type: string, sql: a, meta: {days_only: true}"), "dimensions[0].meta.days_only: is true or false"),
        (dimension("type: string, sql: 'a)'"), "dimensions[0].sql: closes ) that was not opened"),
        (dimension("type: string, sql: 'f(a'"), "dimensions[0].sql: does not close ("),
        (dimension('type: string, sql: "\'a"'), "dimensions[0].sql: does not close '"),
        (dimension("type: string, sql: 'a -- b'"), "dimensions[0].sql: comments are not supported"),
        (dimension("type: string, sql: 'a /* b'"), "dimensions[0].sql: comments are not supported"),
        (dimension("type: string, sql: 'a = ?'"), "dimensions[0].sql: '?' is not supported"),
        (dimension("type: string, sql: '{a.b.c}'"), "dimensions[0].sql: { stands outside a reference"),
        (dimension("type: string, sql: '{nothing}'"), "{nothing}: there is no such dimension or cube"),
        (dimension("type: string, sql: '{CUBE.nothing}'"), "{Sales.nothing}: Sales has no dimension 'nothing'"),
        (dimension("type: string, sql: '{SECURITY_CONTEXT.id}'"), "SECURITY_CONTEXT is not supported"),
        (dimension("type: string, sql: '{x}'"), "cube Sales: refers to itself: Sales.x > Sales.x"),
        (measure("type: sum"), "semantic/s.yml:7: cube Sales: measures[2]: a measure of type sum needs sql"),
        (measure("type: count_distinct_approx, sql: a"), "cube Sales: measures[2].type: "),
        (measure("type: sum, sql: a, rolling_window: {}"), "measures[2].rolling_window: is not supported"),
        (measure("type: number, sql: '{x} + 1'"), "refers to itself: Sales.x > Sales.x"),
        (measure("type: number, sql: '{n} + sqrt(2)'"), "measures[2].sql: sqrt is not supported in arithmetic"),
        (measure("type: number, sql: '{n} +'"), "measures[2].sql: ends too soon"),
        (measure("type: number, sql: '({n} 2)'"), "measures[2].sql: lacks ')'"),
        (measure("type: number, sql: '{n} 2'"), "measures[2].sql: 2 is not expected where it stands"),
        (measure("type: number, sql: '{n}::text'"), "measures[2].sql: a cast to text is not supported"),
        (measure("type: number, sql: 'nullif({n})'"), "measures[2].sql: nullif has 1 arguments"),
        (measure("type: number, sql: '{n} || {m}'"), "measures[2].sql: '|' is not supported in arithmetic"),
        (measure("type: number, sql: '{n} / {m}'"), "measures[2].sql: divides whole numbers"),
        (measure("type: number, sql: '{n}', filters: [{sql: a}]"), "measures[2].filters: are not supported where"),
        (measure("type: sum, sql: a"), ""),
        (measure("type: count}\n    dimensions:\n      - {name: x, type: string, sql: a"), "x is defined twice"),
        (joined("C", "one_to_one"), "semantic/s.yml:6: cube Sales: joins[0].name: there is no cube 'C'"),
        (joined("B", "many"), "joins[0].relationship: should be one of one_to_one, one_to_many, many_to_one"),
        (joined("B", "one_to_many"), "s.yml:6: cube Sales: joins[0]: B needs a dimension with primary_key"),
    ],
)  # fmt: skip
def test_what_both_engines_do_not_support_is_refused_with_its_place(
    model: str, error: str, errors_of: ErrorsOf, load: Load
) -> None:
    files = {"a.yaml": MANIFEST, "semantic/s.yml": model}
    if not error:
        assert load(files).model
        return
    errors = errors_of(files)
    assert any(error in found for found in errors), errors


METRIC = """
kind: metric
id: total
name: Total
definition: All.
semantic_ref: {measure}
time_dimension: {time}
time_zone: {zone}
pii_columns: [{column}]
"""


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({}, ""),
        ({"measure": "Orders.nothing"}, "a.yaml:8: metric total: semantic_ref: the semantic model has no measure"),
        ({"measure": "Orders.count"}, "metric total: semantic_ref: the semantic model has no measure 'Orders.count'"),
        ({"time": "Orders.size"}, "a.yaml:9: metric total: time_dimension: the semantic model has no dimension"),
        ({"time": "Orders.at", "zone": "Asia/Tokyo"}, "the semantic model has to say `meta: {days_only: true}`"),
        ({"time": "Orders.at"}, ""),
        ({"zone": "Asia/Tokyo"}, ""),
        ({"column": "Orders.id"}, "a.yaml:11: metric total: pii_columns[0]: the semantic model has no dimension"),
    ],
)
def test_metrics_name_what_the_model_has(changed: dict[str, str], error: str, errors_of: ErrorsOf, load: Load) -> None:
    named = {"measure": "Orders.total", "time": "Orders.day", "zone": "UTC", "column": "Orders.size"} | changed
    model = SHOP.replace("      - name: size", '      - {name: at, sql: "{CUBE}.at", type: time}\n      - name: size')
    files = {"a.yaml": MANIFEST + "---" + METRIC.format(**named), "semantic/shop.yml": model}
    if not error:
        assert load(files).metrics
        return
    (found,) = errors_of(files)
    assert error in found


def test_dimensions_name_what_the_model_has(errors_of: ErrorsOf) -> None:
    document = """---
kind: dimension
id: size
name: Size
semantic_ref: Orders.nothing
levels: [{id: a, name: A, ref: Orders.none}]
bindings: [{cube: Gone, ref: Gone.size}]
"""
    assert errors_of({"a.yaml": MANIFEST + document, "semantic/shop.yml": SHOP}) == [
        "a.yaml:7: dimension size: semantic_ref: the semantic model has no dimension 'Orders.nothing'",
        "a.yaml:8: dimension size: levels[0].ref: the semantic model has no dimension 'Orders.none'",
        "a.yaml:9: dimension size: bindings[0].cube: the semantic model has no cube 'Gone'",
        "a.yaml:9: dimension size: bindings[0].ref: the semantic model has no dimension 'Gone.size'",
    ]


def test_without_a_model_addresses_are_not_looked_up(load: Load) -> None:
    document = METRIC.format(measure="Elsewhere.total", time="Elsewhere.day", zone="Asia/Tokyo", column="Elsewhere.x")
    assert load(MANIFEST + "---" + document).metrics


@pytest.mark.parametrize(
    "query", ["(SELECT a FROM x) UNION ALL (SELECT a FROM y)", "SELECT* FROM x", "WITH z AS (SELECT 1) SELECT * FROM z"]
)
def test_a_query_begins_as_sql_lets_it(load: Load, query: str) -> None:
    model = load({"a.yaml": MANIFEST, "semantic/s.yml": f"cubes:\n  - name: A\n    sql: '{query}'\n"}).model
    assert query == model.cubes["A"].query
