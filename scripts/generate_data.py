"""Writes the data of the catalog meridian: a made-up company's, synthetic from beginning to end, the same at every run.

    .venv/bin/python scripts/generate_data.py [FOLDER]     default: catalogs/meridian/data

What is pinned, because documents and golden questions say it: net revenue of APAC as finance reads it from October to
December 2024 is 142,300,000.00 USD, its budget 135,000,000.00; gross revenue of APAC as sales reads it 131,850,000.00.
Some of the catalog's known issues are in the data as they are described. It reaches ahead of today, to the end of
fiscal year 2027, so that there is a last quarter for years; the semantic model counts no day before it has come.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
from meridian_data.company import END, FIRST, GROUPS, Row, days, seeded
from meridian_data.finance import budget, costs, forecast, quota, revenue
from meridian_data.market import customers, deals, marketing, panel, survey
from meridian_data.operations import probes, tickets, usage
from meridian_data.staff import JOB_COLUMNS, headcount_plan, people


def main() -> None:
    """Write one Parquet file a table."""
    default = Path(__file__).resolve().parents[1] / "catalogs" / "meridian" / "data"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    connection = duckdb.connect()
    for name, columns, rows in tables():
        path = folder / f"{name.replace('.', '/')}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(connection, path, columns, rows)
        print(f"{path.stat().st_size:>9,} {len(rows):>7,} rows  {name}")


def write(connection: duckdb.DuckDBPyConnection, path: Path, columns: str, rows: Sequence[Row]) -> None:
    """Write rows of these columns, `name type, …`, to a Parquet file."""
    types = dict(column.split(" ", 1) for column in columns.split(", "))
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows(rows)
        text.flush()
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{text.name}', header = false, columns = {types!r}) ORDER BY ALL) "  # noqa: S608
            f"TO '{path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"
        )


def tables() -> Iterator[tuple[str, str, list[Row]]]:
    """Yield name, columns and rows of every table, each from a generator of its own, so that none moves another."""
    money = "DECIMAL(18,2)"
    yield "shared.days", "day DATE, is_month_start BOOLEAN", [[d, d.day == 1] for d in days(FIRST, END)]
    where = "country VARCHAR, segment VARCHAR, product VARCHAR, channel VARCHAR"
    amounts = f"gross_amount {money}, refund_amount {money}, net_amount {money}"
    yield "finance.fact_revenue_daily", f"day DATE, {where}, {amounts}", revenue(seeded("revenue"))
    costs_of = f"cost_of_revenue {money}, operating_expense {money}"
    yield "finance.fact_costs", f"day DATE, country VARCHAR, product VARCHAR, {costs_of}", costs(seeded("costs"))
    line = f"line INTEGER, month DATE, territory VARCHAR, net_revenue {money}"
    yield "planning.budget_monthly", line, budget(seeded("budget"))
    yield "planning.forecast_monthly", line, forecast(seeded("forecast"))
    pairs = [(group, territory) for group, members in GROUPS.items() for territory in members]
    groups = [[n, code, territory] for n, (code, territory) in enumerate(pairs, 1)]
    yield "planning.territory_groups", "id INTEGER, code VARCHAR, territory VARCHAR", groups
    yield "planning.quota_quarterly", f"quarter DATE, country VARCHAR, bookings {money}", quota(seeded("quota"))
    jobs = people(seeded("people"))
    yield "people.jobs", JOB_COLUMNS, jobs
    plan = headcount_plan(seeded("plan"), jobs)
    yield "planning.headcount_plan", "month DATE, country VARCHAR, function VARCHAR, heads INTEGER", plan
    contracts, events = customers(seeded("customers"))
    of_contract = "first_day DATE, end_day DATE, is_trial BOOLEAN, is_used BOOLEAN"
    kept = (
        f"customer_id INTEGER, country VARCHAR, segment VARCHAR, product VARCHAR, {of_contract}, annual_value {money}"
    )
    yield "customer.contracts", kept, contracts
    happened = f"day DATE, country VARCHAR, segment VARCHAR, event VARCHAR, annual_value {money}"
    yield "customer.customer_events", happened, events
    answers = "day DATE, country VARCHAR, segment VARCHAR, score INTEGER"
    yield "customer.nps_answers", answers, survey(seeded("survey"))
    deal = "country VARCHAR, segment VARCHAR, channel VARCHAR, open_day DATE, close_day DATE, is_won BOOLEAN"
    yield "sales.deals", f"{deal}, amount {money}", deals(seeded("deals"))
    yield "marketing.days", f"day DATE, country VARCHAR, spend {money}, leads INTEGER", marketing(seeded("marketing"))
    yield "retail.panel_weekly", f"week DATE, country VARCHAR, shop_id INTEGER, sales {money}", panel(seeded("panel"))
    measured = "sent INTEGER, answered INTEGER, latency_ms DECIMAL(9,1)"
    yield "operations.probes_daily", f"day DATE, product VARCHAR, {measured}", probes(seeded("probes"))
    usage_of = "day DATE, country VARCHAR, product VARCHAR, requests BIGINT"
    yield "operations.api_usage_daily", usage_of, usage(seeded("usage"))
    who = "requester_name VARCHAR, requester_email VARCHAR"
    ticket = "opened_at TIMESTAMP, country VARCHAR, segment VARCHAR, product VARCHAR, first_response_hours DECIMAL(9,1)"
    yield "operations.support_tickets", f"{ticket}, {who}", tickets(seeded("tickets"))


if __name__ == "__main__":
    main()
