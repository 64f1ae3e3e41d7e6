"""A chain of shops, made up by chance: its model and its data. `chain` asks it."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb

MODEL: Final = """
cubes:
  - name: Orders
    sql: SELECT * FROM chain.orders
    joins:
      - {name: Customers, relationship: belongs_to, sql: "{CUBE}.customer_id = {Customers.id}"}
      - {name: Items, relationship: has_many, sql: "{Orders.id} = {Items}.order_id"}
      - {name: Parcels, relationship: has_one, sql: "{CUBE}.id = {Parcels}.order_id"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true, shown: true}
      - {name: day, sql: "{CUBE}.day", type: time, meta: {days_only: true}}
      - {name: placedAt, sql: "{CUBE}.placed_at", type: time, meta: {days_only: false}}
      - {name: channel, sql: channel, type: string}
      - {name: gift, sql: "{CUBE}.gift", type: boolean}
      - {name: rank, sql: "{CUBE}.rank", type: number}
      - name: size
        type: string
        case:
          when: [{sql: "{CUBE}.amount >= 50", label: big}, {sql: "{CUBE}.amount >= 10", label: middle}]
          else: {label: small}
      - {name: region, sql: "UPPER({Regions.name})", type: string}
    measures:
      - {name: amount, sql: amount, type: sum}
      - {name: count, type: count}
      - {name: ranked, sql: "{CUBE}.rank", type: count}
      - {name: buyers, sql: "{CUBE}.customer_id", type: count_distinct}
      - {name: mean, sql: "{CUBE}.amount", type: avg}
      - {name: least, sql: "{CUBE}.amount", type: min}
      - {name: most, sql: "{CUBE}.amount", type: max}
      - {name: gifts, sql: "{CUBE}.amount", type: sum, filters: [{sql: "{CUBE}.gift"}, {sql: "{channel} <> 'shop'"}]}
      - {name: giftCount, type: count, filters: [{sql: "{CUBE}.gift"}]}
      - {name: giftShare, sql: "100.0 * {gifts} / NULLIF({amount}, 0)", type: number}
      - {name: perPiece, sql: "{amount} / NULLIF({Items.pieces}, 0)", type: number}
  - name: Customers
    sql: SELECT * FROM chain.customers
    joins:
      - {name: Regions, relationship: belongs_to, sql: "{CUBE}.region_id = {Regions}.id"}
    dimensions:
      - {name: id, sql: "{CUBE}.id", type: number, primary_key: true}
      - {name: name, sql: "{CUBE}.name", type: string}
      - {name: since, sql: "{CUBE}.since", type: time, meta: {days_only: true}}
    measures:
      - {name: count, type: count}
      - {name: credit, sql: "{CUBE}.credit", type: sum}
  - name: Regions
    sql: SELECT * FROM chain.regions
    dimensions:
      - {name: id, sql: "{CUBE}.id", type: number, primary_key: true}
      - {name: name, sql: "{CUBE}.name", type: string}
    measures:
      - {name: count, type: count}
      - {name: area, sql: area, type: sum}
  - name: Items
    sql: SELECT * FROM chain.items
    dimensions:
      - {name: id, sql: "{CUBE}.id", type: number, primary_key: true}
      - {name: product, sql: "{CUBE}.product", type: string}
    measures:
      - {name: pieces, sql: "{CUBE}.pieces", type: sum}
      - {name: products, sql: "{CUBE}.product", type: count_distinct}
  - name: Parcels
    sql: SELECT * FROM chain.parcels
    dimensions:
      - {name: id, sql: "{CUBE}.id", type: number, primary_key: true}
      - {name: carrier, sql: "{CUBE}.carrier", type: string}
    measures:
      - {name: weight, sql: "{CUBE}.weight", type: sum}
"""

TABLES: Final = {
    "orders": "id BIGINT, customer_id BIGINT, day DATE, placed_at TIMESTAMP, channel VARCHAR, gift BOOLEAN, "
    "rank BIGINT, amount DECIMAL(18,2)",
    "customers": "id BIGINT, region_id BIGINT, name VARCHAR, since DATE, credit DECIMAL(18,2)",
    "regions": "id BIGINT, name VARCHAR, area BIGINT",
    "items": "id BIGINT, order_id BIGINT, product VARCHAR, pieces BIGINT",
    "parcels": "id BIGINT, order_id BIGINT, carrier VARCHAR, weight DECIMAL(9,3)",
}


def write_chain(folder: Path, seed: int = 1) -> Path:
    """Write the chain's tables as Parquet files below the folder, and return it."""
    chance = random.Random(seed)  # noqa: S311 - made-up figures

    def perhaps(value: Any) -> Any:
        return None if chance.random() < 0.1 else value

    def day() -> date:
        return date(2023, 11, 1) + timedelta(chance.randrange(500))

    def instant() -> datetime:
        return datetime.combine(day(), datetime.min.time()) + timedelta(minutes=chance.randrange(1440))

    def rows_of(table: str) -> list[list[Any]]:
        match table:
            case "orders":
                return [
                    [
                        n,
                        perhaps(chance.randrange(1, 45)),
                        perhaps(day()),
                        perhaps(
                            datetime.combine(day(), datetime.min.time()) + timedelta(minutes=chance.randrange(1440))
                        ),
                        perhaps(chance.choice(["shop", "web", "phone"])),
                        perhaps(chance.random() < 0.4),
                        perhaps(chance.randrange(1, 5)),
                        Decimal(chance.randrange(-500, 9000)) / 100,
                    ]
                    for n in range(1, 301)
                ]
            case "customers":
                names = ["Ann", "ann", "Bob", "Zoë", "O'Neil", "50%", "under_score"]
                credit = [Decimal(chance.randrange(0, 100000)) / 100 for _ in range(41)]
                return [
                    [
                        n,
                        perhaps(chance.randrange(1, 5)),
                        perhaps(chance.choice(names)),
                        perhaps(day()),
                        perhaps(credit[n]),
                    ]
                    for n in range(1, 41)
                ]
            case "regions":
                return [[1, "North", 10], [2, "South", 20], [3, "East_%", None], [4, None, 7]]
            case "items":
                products = ["007", "7", "tea", "a\\b"]
                return [
                    [
                        n,
                        perhaps(chance.randrange(1, 320)),
                        perhaps(chance.choice(products)),
                        perhaps(chance.randrange(0, 9)),
                    ]
                    for n in range(1, 601)
                ]
            case _:
                return [
                    [
                        n,
                        n * 2,
                        perhaps(chance.choice(["post", "bike"])),
                        perhaps(Decimal(chance.randrange(9999)) / 1000),
                    ]
                    for n in range(1, 121)
                ]

    (folder / "chain").mkdir(parents=True)
    connection = duckdb.connect()
    for table, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")
        marks = ", ".join("?" * len(columns.split(", ")))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows_of(table))  # noqa: S608 - ours
        connection.execute(f"COPY {table} TO '{folder / 'chain' / table}.parquet' (FORMAT parquet)")
    return folder
