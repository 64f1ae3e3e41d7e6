"""Builds the marts of dbt's example project, the Jaffle Shop, from the raw data that `jafgen` makes, with DuckDB.

This stands in for `dbt build` where there is no dbt: the same tables as the project's models, as Parquet files.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import duckdb

RAW: Final = ("customers", "items", "orders", "products", "stores", "supplies")

MARTS: Final = {
    # The staging models' work: names, cents to dollars, days.
    "locations": """
        SELECT id AS location_id, name AS location_name, tax_rate, date_trunc('day', opened_at) AS opened_date
        FROM raw_stores""",
    "products": """
        SELECT sku AS product_id, name AS product_name, type AS product_type, description AS product_description,
          CAST(price / 100.0 AS DECIMAL(16, 2)) AS product_price,
          type = 'jaffle' AS is_food_item, type = 'beverage' AS is_drink_item
        FROM raw_products""",
    "supplies": """
        SELECT md5(id || '-' || sku) AS supply_uuid, id AS supply_id, sku AS product_id, name AS supply_name,
          CAST(cost / 100.0 AS DECIMAL(16, 2)) AS supply_cost, perishable AS is_perishable_supply
        FROM raw_supplies""",
    "order_items": """
        SELECT i.id AS order_item_id, i.order_id, i.sku AS product_id, date_trunc('day', o.ordered_at) AS ordered_at,
          p.product_name, p.product_price, p.is_food_item, p.is_drink_item, s.supply_cost
        FROM raw_items AS i
        LEFT JOIN raw_orders AS o ON o.id = i.order_id
        LEFT JOIN products AS p ON p.product_id = i.sku
        LEFT JOIN (SELECT product_id, sum(supply_cost) AS supply_cost FROM supplies GROUP BY 1) AS s
          ON s.product_id = i.sku""",
    "orders": """
        SELECT o.id AS order_id, o.store_id AS location_id, o.customer AS customer_id,
          date_trunc('day', o.ordered_at) AS ordered_at,
          CAST(o.subtotal / 100.0 AS DECIMAL(16, 2)) AS subtotal,
          CAST(o.tax_paid / 100.0 AS DECIMAL(16, 2)) AS tax_paid,
          CAST(o.order_total / 100.0 AS DECIMAL(16, 2)) AS order_total,
          i.order_cost, i.order_items_subtotal, i.count_order_items, i.count_food_items, i.count_drink_items,
          i.count_food_items > 0 AS is_food_order, i.count_drink_items > 0 AS is_drink_order,
          row_number() OVER (PARTITION BY o.customer ORDER BY o.ordered_at, o.id) AS customer_order_number
        FROM raw_orders AS o
        LEFT JOIN (
          SELECT order_id, sum(supply_cost) AS order_cost, sum(product_price) AS order_items_subtotal,
            count(*) AS count_order_items, count_if(is_food_item) AS count_food_items,
            count_if(is_drink_item) AS count_drink_items
          FROM order_items GROUP BY 1
        ) AS i ON i.order_id = o.id""",
    "customers": """
        SELECT c.id AS customer_id, c.name AS customer_name, o.count_lifetime_orders, o.first_ordered_at,
          o.last_ordered_at, o.lifetime_spend_pretax, o.lifetime_tax_paid, o.lifetime_spend,
          CASE WHEN o.count_lifetime_orders > 1 THEN 'returning' ELSE 'new' END AS customer_type
        FROM raw_customers AS c
        LEFT JOIN (
          SELECT customer_id, count(*) AS count_lifetime_orders, min(ordered_at) AS first_ordered_at,
            max(ordered_at) AS last_ordered_at, sum(subtotal) AS lifetime_spend_pretax,
            sum(tax_paid) AS lifetime_tax_paid, sum(order_total) AS lifetime_spend
          FROM orders GROUP BY 1
        ) AS o ON o.customer_id = c.id""",
}
"""The tables by name, each after those that it is made of."""


def build(raw: Path, output: Path) -> None:
    """Write a Parquet file a mart from the CSV files that `jafgen` wrote."""
    output.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as connection:
        for name in RAW:
            path = str(raw / f"raw_{name}.csv").replace("'", "''")
            connection.execute(f"CREATE TABLE raw_{name} AS SELECT * FROM read_csv('{path}', header = true)")  # noqa: S608 - names above
        for name, query in MARTS.items():
            connection.execute(f"CREATE TABLE {name} AS {query} ORDER BY 1")
            path = str(output / f"{name}.parquet").replace("'", "''")
            connection.execute(f"COPY {name} TO '{path}' (FORMAT parquet)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, help="the folder jaffle-data that jafgen wrote")
    parser.add_argument("output", type=Path, help="where the Parquet files go")
    arguments = parser.parse_args()
    build(arguments.raw, arguments.output)
