"""Dimensions under MetricFlow's full names, joins, and what the data adds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ecp_server.domain.catalog import Binding
from tests.catalog.importers.dbt.projects import LEGACY, cube, imported, loaded

SHOP = """\
semantic_models:
  - name: items
    model: ref('items')
    defaults: {agg_time_dimension: day}
    entities:
      - {name: item, type: primary}
      - {name: order, type: foreign, expr: order_id}
    dimensions:
      - {name: day, type: time}
      - {name: kind, type: categorical}
    measures: [{name: units, agg: sum, create_metric: true}]
  - name: orders
    model: ref('orders')
    defaults: {agg_time_dimension: day}
    entities:
      - {name: order, type: primary}
      - {name: place, type: foreign, expr: place_id}
    dimensions:
      - {name: day, type: time}
      - {name: is_large, type: categorical}
    measures: [{name: orders, agg: count, expr: 1, create_metric: true}]
  - name: places
    model: ref('places')
    entities: [{name: place, type: primary, expr: id}]
    dimensions:
      - {name: place_name, label: Shop, type: categorical, description: Where it was sold.}
      - {name: size, type: categorical}
metrics:
  - {name: units_per_order, type: ratio, type_params: {numerator: units, denominator: orders}}
"""


def test_names_lead_over_entities_at_most_two_joins_far(tmp_path: Path) -> None:
    metrics = loaded(imported(tmp_path, SHOP), tmp_path).metrics
    assert (
        "item__kind",
        "order__is_large",
        "order__place__place_name",
        "order__place__size",
    ) == metrics["units"].dimensions


def test_what_a_model_knows_by_a_longer_name_too_is_listed_last(tmp_path: Path) -> None:
    """Its own entity before a name changes nothing, so what two models have they have under one name."""
    catalog = loaded(imported(tmp_path, SHOP), tmp_path)
    assert (
        "order__is_large",
        "place__place_name",
        "place__size",
        "order__place__place_name",
        "order__place__size",
    ) == catalog.metrics["orders"].dimensions
    assert ("order__is_large", "order__place__place_name", "order__place__size") == (
        catalog.metrics["units_per_order"].dimensions
    )
    assert "places.place_name" == catalog.dimensions["order__place__place_name"].semantic_ref


def test_an_entity_names_its_only_label(tmp_path: Path) -> None:
    dimension = loaded(imported(tmp_path, SHOP), tmp_path).dimensions["place__place_name"]
    assert ("Shop", ("Place name", "place")) == (dimension.name, dimension.synonyms)
    other = SHOP.replace("place_name, label: Shop", "city")
    assert () == loaded(imported(tmp_path / "b", other), tmp_path / "b").dimensions["place__city"].synonyms


def test_joins_go_to_where_a_key_occurs_once(tmp_path: Path) -> None:
    result = imported(tmp_path, SHOP)
    assert {
        "orders": {"sql": '{CUBE}.order_id = {orders}."order"', "relationship": "belongs_to"},
    } == cube(result, "items")["joins"]
    assert {} == cube(result, "places")["joins"]
    assert {"sql": "{CUBE}.id", "type": "string", "primary_key": "true"} == cube(result, "places")["dimensions"][
        "place"
    ]


def test_two_primary_models_of_one_entity_are_one_to_one_and_share_names(tmp_path: Path) -> None:
    more = """\
  - name: place_sizes
    model: ref('place_sizes')
    entities: [{name: place, type: primary, expr: place_id}]
    dimensions: [{name: size, type: categorical}]
    measures: [{name: area, agg: sum, create_metric: true}]
"""
    result = imported(tmp_path, SHOP.replace("metrics:\n", f"{more}metrics:\n", 1))
    assert "has_one" == cube(result, "place_sizes")["joins"]["places"]["relationship"]
    size = loaded(result, tmp_path).dimensions["place__size"]
    assert ("places.size", (Binding("place_sizes", "place_sizes.size"),)) == (size.semantic_ref, size.bindings)


def test_of_two_ways_the_shorter_is_taken_as_cube_does(tmp_path: Path) -> None:
    direct = SHOP.replace(
        "      - {name: order, type: foreign, expr: order_id}\n",
        "      - {name: order, type: foreign, expr: order_id}\n      - {name: place, type: foreign, expr: place_id}\n",
        1,
    )
    result = imported(tmp_path, direct)
    assert "place__place_name" in loaded(result, tmp_path).metrics["units"].dimensions
    assert "order__place__place_name" not in loaded(result, tmp_path).dimensions
    assert (
        "models/schema.yml:2: dimensions of places from items: are carried as place__…, by which Cube joins, "
        "not as order__place__…"
    ) in result.not_carried


def test_two_ways_of_the_same_length_are_not_carried(tmp_path: Path) -> None:
    both = SHOP.replace(
        "      - {name: order, type: foreign, expr: order_id}\n",
        "      - {name: order, type: foreign, expr: order_id}\n      - {name: refund, type: foreign, expr: refund_id}\n",
        1,
    ).replace(
        "  - name: places\n",
        "  - name: refunds\n    model: ref('refunds')\n"
        "    entities: [{name: refund, type: primary}, {name: place, type: foreign}]\n  - name: places\n",
    )
    result = imported(tmp_path, both)
    assert not any("place_name" in name for name in loaded(result, tmp_path).metrics["units"].dimensions)
    assert any("lie on several ways, which Cube does not tell apart" in line for line in result.not_carried)


def test_two_cubes_are_joined_once(tmp_path: Path) -> None:
    twice = SHOP.replace(
        "{name: place, type: foreign, expr: place_id}\n",
        "{name: place, type: foreign, expr: place_id}\n      - {name: site, type: foreign}\n",
    ).replace(
        "entities: [{name: place, type: primary, expr: id}]",
        "entities: [{name: place, type: primary, expr: id}, {name: site, type: unique}]",
    )
    result = imported(tmp_path, twice)
    assert ["places"] == list(cube(result, "orders")["joins"])
    assert any("places is joined by place already; Cube joins two cubes once" in line for line in result.not_carried)


def test_a_model_whose_rows_nothing_tells_apart_is_joined_to_none(tmp_path: Path) -> None:
    result = imported(
        tmp_path,
        SHOP.replace("      - {name: item, type: primary}\n", "").replace(
            "  - name: items\n", "  - name: items\n    primary_entity: item\n"
        ),
    )
    assert {} == cube(result, "items")["joins"]
    assert ("item__kind",) == loaded(result, tmp_path).metrics["units"].dimensions
    assert any("is joined to no other: it has no entity that tells its rows apart" in r for r in result.not_carried)


def test_dimensions_that_no_metric_has_are_told(tmp_path: Path) -> None:
    alone = "  - name: lonely\n    model: ref('lonely')\n    entities: [{name: l, type: primary}]\n    dimensions: [{name: d, type: categorical}]\n"
    result = imported(tmp_path, SHOP.replace("metrics:\n", f"{alone}metrics:\n", 1))
    assert (
        "models/schema.yml:31: dimension d of lonely: no metric reaches it: it is in the semantic model alone",
    ) == result.not_carried


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    (folder / "marts").mkdir(parents=True)
    tables: Mapping[str, str] = {
        "items.csv": "item,order_id,day,kind,units\n1,1,2024-01-05,a,2\n2,1,2024-02-01,b,3\n3,2,2024-03-01,,4\n",
        "marts/orders.csv": "order,place_id,day,is_large\n1,1,2024-01-05,true\n2,2,2024-03-01,false\n",
        "places.csv": "id,place_name,size\n1,New York,10\n2,new york,20\n3,Zürich & Co.,30\n4,77,40\n5,,50\n",
    }
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_values_of_the_data_become_members(data: Path, tmp_path: Path) -> None:
    result = imported(tmp_path, SHOP, data)
    members = loaded(result, tmp_path).members
    told = {
        member.id: (member.name, member.values)
        for member in members.values()
        if member.dimension == "place__place_name"
    }
    assert {
        "place__place_name.new_york": ("New York", ("New York", "new york")),
        "place__place_name.zürich_co": ("Zürich & Co.", ("Zürich & Co.",)),
    } == told
    assert {"order__place__place_name.new_york", "item__kind.a", "item__kind.b"} <= members.keys()


def test_what_is_not_a_name_becomes_no_member_and_is_told(data: Path, tmp_path: Path) -> None:
    result = imported(tmp_path, SHOP, data)
    assert (
        "models/schema.yml:26: dimension place_name of places: 1 of its values are no names (too long, or without a "
        "letter), so no members"
    ) in result.not_carried


def test_more_values_than_allowed_become_no_members_and_that_is_told(data: Path, tmp_path: Path) -> None:
    result = imported(tmp_path, SHOP, data, most_members=2)
    assert not any("place_name" in member for member in loaded(result, tmp_path).members)
    assert any("has more than 2 values: none is a member" in line for line in result.not_carried)
    none = imported(tmp_path / "none", SHOP, data, most_members=0)
    assert {} == loaded(none, tmp_path / "none").members


def test_types_tables_and_first_days_come_from_the_data(data: Path, tmp_path: Path) -> None:
    result = imported(tmp_path, SHOP, data)
    assert "SELECT * FROM marts.orders" == cube(result, "orders")["sql"]
    assert "boolean" == cube(result, "orders")["dimensions"]["is_large"]["type"]
    assert "number" == cube(result, "places")["dimensions"]["size"]["type"]
    metrics = loaded(result, tmp_path).metrics
    assert ("since 2024-01-01",) * 2 == (metrics["units"].default_period, metrics["units_per_order"].default_period)


def test_a_table_that_is_not_there_is_told(data: Path, tmp_path: Path) -> None:
    (data / "places.csv").unlink()
    result = imported(tmp_path, SHOP, data)
    assert any("semantic model places: has no data: there is no table places" in line for line in result.not_carried)
    loaded(result, tmp_path)


def test_a_column_that_is_not_there_is_told(data: Path, tmp_path: Path) -> None:
    result = imported(tmp_path, SHOP.replace("{name: kind, type", "{name: kind, expr: sort, type"), data)
    assert any("dimension kind of items: cannot be read from the data: " in line for line in result.not_carried)


def test_keys_and_days_say_what_they_are(tmp_path: Path) -> None:
    dimensions = cube(imported(tmp_path, LEGACY), "orders")["dimensions"]
    assert {"sql": "{CUBE}.ordered_at", "type": "time", "meta": {"days_only": "true"}} == dimensions["ordered_at"]
    assert "true" == dimensions["order"]["primary_key"]
    hours = imported(tmp_path / "h", LEGACY.replace("time_granularity: day", "time_granularity: hour"))
    assert "meta" not in cube(hours, "orders")["dimensions"]["ordered_at"]
