"""dbt projects written for one test, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ecp_server.catalog.importers.dbt.carried import Defaults
from ecp_server.catalog.importers.dbt.convert import Imported, convert
from ecp_server.catalog.importers.report import ImportFailed
from ecp_server.catalog.load import load_catalog
from ecp_server.catalog.yaml_documents import Value, parse_document, split_documents
from ecp_server.domain.catalog import Catalog

LEGACY = """\
semantic_models:
  - name: orders
    description: One row an order.
    model: ref('fct_orders')
    defaults:
      agg_time_dimension: ordered_at
    entities:
      - name: order
        type: primary
        expr: order_id
      - name: customer
        type: foreign
        expr: customer_id
    dimensions:
      - name: ordered_at
        type: time
        type_params:
          time_granularity: day
      - name: status
        label: Order status
        type: categorical
      - name: is_large
        type: categorical
        expr: amount >= 100
    measures:
      - name: revenue
        description: What was paid.
        agg: sum
        expr: amount
      - name: orders
        agg: count
        expr: 1
      - name: buyers
        agg: count_distinct
        expr: customer_id
  - name: customers
    model: ref('dim_customers')
    entities:
      - name: customer
        type: primary
        expr: id
    dimensions:
      - name: customer_name
        type: categorical
      - name: country
        type: categorical
metrics:
  - name: revenue
    label: Revenue
    description: What was paid for orders.
    type: simple
    type_params:
      measure: revenue
  - name: orders
    label: Orders
    description: How many orders there were.
    type: simple
    type_params:
      measure: orders
  - name: buyers
    label: Buyers
    description: How many customers bought.
    type: simple
    type_params:
      measure: buyers
  - name: large_revenue
    label: Revenue of large orders
    description: What was paid for large orders.
    type: simple
    type_params:
      measure: revenue
    filter: "{{ Dimension('order__is_large') }}"
  - name: order_value
    label: Order value
    description: Revenue by order.
    type: ratio
    type_params:
      numerator: revenue
      denominator: orders
  - name: growth
    label: Growth
    description: Against a month before.
    type: derived
    type_params:
      expr: (now - before) / before
      metrics:
        - name: revenue
          alias: now
        - name: revenue
          alias: before
          offset_window: 1 month
  - name: revenue_mtd
    label: Revenue this month
    description: Since the first of the month.
    type: cumulative
    type_params:
      measure: revenue
      cumulative_type_params:
        grain_to_date: month
"""
"""A small project in the notation of dbt 1.6 to 1.11."""

LATEST = """\
models:
  - name: fct_orders
    description: One row an order.
    semantic_model:
      enabled: true
      name: orders
    agg_time_dimension: ordered_at
    columns:
      - name: order_id
        entity: {type: primary, name: order}
      - name: customer_id
        entity: {type: foreign, name: customer}
      - name: ordered_at
        granularity: day
        dimension: {type: time}
      - name: status
        dimension: {type: categorical, label: Order status}
    derived_semantics:
      dimensions:
        - {name: is_large, type: categorical, expr: amount >= 100}
    metrics:
      - {name: revenue, label: Revenue, description: What was paid for orders., type: simple, agg: sum, expr: amount}
      - {name: orders, label: Orders, description: How many orders there were., type: simple, agg: count, expr: 1}
      - name: buyers
        label: Buyers
        description: How many customers bought.
        type: simple
        agg: count_distinct
        expr: customer_id
      - name: large_revenue
        label: Revenue of large orders
        description: What was paid for large orders.
        type: simple
        agg: sum
        expr: amount
        filter: "{{ Dimension('order__is_large') }}"
      - name: growth
        label: Growth
        description: Against a month before.
        type: derived
        expr: (now - before) / before
        input_metrics:
          - {name: revenue, alias: now}
          - {name: revenue, alias: before, offset_window: 1 month}
  - name: dim_customers
    semantic_model: {enabled: true, name: customers}
    columns:
      - name: id
        entity: {type: primary, name: customer}
      - name: customer_name
        dimension: categorical
      - name: country
        dimension: categorical
  - name: no_semantic_model
    columns: [{name: id}]
metrics:
  - {name: order_value, label: Order value, description: Revenue by order., type: ratio, numerator: revenue, denominator: orders}
  - name: revenue_mtd
    label: Revenue this month
    description: Since the first of the month.
    type: cumulative
    input_metric: revenue
    grain_to_date: month
"""
"""The same in the notation of dbt 1.12."""


def manifest(**more: Any) -> str:
    """Return the legacy project as a manifest: every key there, null where nothing is said; ``more`` is put beside."""
    (_, text), *_ = split_documents(LEGACY)
    project: Any = parse_document(text, [])
    for model in project["semantic_models"]:
        table = model.pop("model").removeprefix("ref('").removesuffix("')")
        model["node_relation"] = {
            "alias": table,
            "schema_name": "marts",
            "database": "wh",
            "relation_name": f'"{table}"',
        }
        model |= {"label": None, "metadata": None, "primary_entity": None, "config": {"meta": {}}}
        model.setdefault("defaults", None)
        for measure in model.get("measures", ()):
            measure |= {"create_metric": False, "agg_params": None, "non_additive_dimension": None, "metadata": None}
    for metric in project["metrics"]:
        params = metric["type_params"]
        if "measure" in params:
            params["measure"] = {
                "name": params["measure"],
                "filter": None,
                "alias": None,
                "join_to_timespine": False,
                "fill_nulls_with": None,
            }
        if isinstance(metric.get("filter"), str):
            metric["filter"] = {"where_filters": [{"where_sql_template": metric["filter"]}]}
        for given in params.get("metrics", ()):
            if "offset_window" in given:
                given["offset_window"] = {"count": 1, "granularity": "month"}
        params |= {"input_measures": [], "conversion_type_params": None, "window": None}
        metric |= {"metadata": None, "config": None, "time_granularity": None}
    return json.dumps({**project, "saved_queries": [], "project_configuration": {"time_spines": []}, **more})


def project(directory: Path, files: str | Mapping[str, str]) -> Path:
    """Write a project and return its folder."""
    for name, text in ({"models/schema.yml": files} if isinstance(files, str) else files).items():
        path = directory / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory / "project"


def imported(directory: Path, files: str | Mapping[str, str], data: Path | None = None, **options: Any) -> Imported:
    """Write a project and import it."""
    return convert(project(directory, files), Defaults(), data, **options)


def failed(directory: Path, files: str | Mapping[str, str]) -> list[str]:
    """Write a project that cannot be imported, and return what is wrong with it."""
    with pytest.raises(ImportFailed) as caught:
        imported(directory, files)
    return [str(problem) for problem in caught.value.problems]


def loaded(result: Imported, directory: Path) -> Catalog:
    """Load what came of an import as a server does."""
    for relative, text in result.files.items():
        path = directory / "catalog" / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_catalog(directory / "catalog")


def cube(result: Imported, name: str) -> dict[str, Any]:
    """Return a cube of the semantic model, its members by name."""
    value: Any = parse_document(result.files[f"semantic/{name}.yml"], [])
    (found,) = value["cubes"]
    for key in ("dimensions", "measures", "joins"):
        found[key] = {member.pop("name"): member for member in found.get(key, ())}
    return dict(found)


def with_metrics(*metrics: str, base: str = LEGACY) -> str:
    """Return the legacy project with more metrics at its end, each written in one line of YAML."""
    return base + "".join(f"  - {metric}\n" for metric in metrics)


def value_of(text: str) -> Value:
    """Return a value written as YAML."""
    return parse_document(text, [])
