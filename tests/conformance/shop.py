"""A small shop, for the suite of the Semantic port: its model, its tables, and what they are as CSV."""

from __future__ import annotations

from pathlib import Path

MODEL = """
cubes:
  - name: Orders
    sql: SELECT * FROM shop.orders
    joins:
      - {name: Customers, relationship: belongs_to, sql: "{CUBE}.customer = {Customers}.id"}
      - {name: Items, relationship: has_many, sql: "{CUBE}.id = {Items}.order_id"}
    dimensions:
      - {name: id, sql: id, type: number, primary_key: true, shown: true}
      - {name: day, sql: "{CUBE}.day", type: time, meta: {days_only: true}}
      - {name: placedAt, sql: "{CUBE}.placed_at", type: time, meta: {days_only: false}}
      - {name: note, sql: "{CUBE}.note", type: string}
      - {name: weight, sql: "{CUBE}.weight", type: number}
      - {name: paid, sql: "{CUBE}.paid", type: boolean}
      - {name: sku, sql: "{Items.sku}", type: string}
      - name: size
        type: string
        case:
          when:
            - {sql: "{CUBE}.amount >= 20", label: big}
            - {sql: "{CUBE}.amount >= 7", label: medium}
          else: {label: small}
    measures:
      - {name: total, sql: amount, type: sum}
      - {name: count, type: count}
      - {name: noted, sql: "{CUBE}.note", type: count}
      - {name: customers, sql: "{CUBE}.customer", type: count_distinct}
      - {name: mean, sql: amount, type: avg}
      - {name: least, sql: amount, type: min}
      - {name: most, sql: amount, type: max}
      - {name: paidTotal, sql: amount, type: sum, filters: [{sql: "{CUBE}.paid"}]}
      - {name: paidCount, type: count, filters: [{sql: "{CUBE}.paid"}, {sql: "{CUBE}.amount > 6"}]}
      - {name: paidShare, sql: "100.0 * {paidTotal} / NULLIF({total}, 0)", type: number}
      - {name: perItem, sql: "{total} / NULLIF({Items.quantity}, 0)", type: number}
      - {name: median, sql: "percentile_disc(0.5) WITHIN GROUP (ORDER BY {CUBE}.amount)", type: number}

  - name: Customers
    sql: SELECT id, name, vip FROM shop.customers
    dimensions:
      - {name: id, sql: "{CUBE}.id", type: number, primary_key: true, shown: true}
      - {name: name, sql: "{CUBE}.name", type: string}
      - {name: vip, sql: "{CUBE}.vip", type: boolean}
    measures:
      - {name: count, type: count}

  - name: Items
    sql: SELECT * FROM shop.items
    dimensions:
      - {name: id, sql: "{CUBE}.id", type: number, primary_key: true, shown: true}
      - {name: sku, sql: sku, type: string}
    measures:
      - {name: quantity, sql: quantity, type: sum}
"""

TABLES = {
    "shop.orders": """
id,customer,day,placed_at,amount,weight,paid,note
1,1,2024-01-31,2024-02-01T03:00:00,10.10,1.5,true,100% wool
2,1,2024-02-01,2024-02-01T12:00:00,20.25,0.25,false,100 m of WOOL
3,2,2024-02-10,2024-02-10T00:00:00,5.00,2,true,under_score
4,,2024-03-01,,7.50,,,
5,3,2024-12-31,2024-12-31T23:59:59,0.01,1.5,false,"a ""quoted"", it's \\ back"
""",
    "shop.customers": """
id,name,vip
1,Ann,true
2,Bob,false
3,Zoë,
4,Nobody,true
""",
    "shop.items": """
id,order_id,sku,quantity
1,1,007,1
2,1,007,2
3,1,008,3
4,2,008,4
5,,009,5
""",
}


def write_shop(folder: Path) -> Path:
    """Write the tables as CSV files below the folder, and return it."""
    for name, text in TABLES.items():
        path = folder / f"{name.replace('.', '/')}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
    return folder
