"""Builds the data of the catalog sec_saas from facts of the companies' annual reports (facts.csv), with DuckDB.

A company reports a figure under one of several tags, and again in later filings: the first tag of the list that has the
year counts, as the latest filing states it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import duckdb

TAGS: Final = {
    "total_revenue": (
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        "Revenues",
        "SalesRevenueNet",
        "RevenueFromContractWithCustomerIncludingAssessedTax",
    ),
    "cost_of_revenue": ("CostOfRevenue", "CostOfGoodsAndServicesSold"),
    "gross_profit": ("GrossProfit",),
    "operating_income": ("OperatingIncomeLoss",),
    "net_income": ("NetIncomeLoss",),
    "rnd_expense": ("ResearchAndDevelopmentExpense",),
    "operating_cash_flow": (
        "NetCashProvidedByUsedInOperatingActivities",
        "NetCashProvidedByUsedInOperatingActivitiesContinuingOperations",
    ),
    "capex": ("PaymentsToAcquirePropertyPlantAndEquipment", "PaymentsToAcquireProductiveAssets"),
}
"""The tags of each column, the first choice first (the catalog's lineage has the same)."""

# A 10-K states quarters and balances too; a year of 52 or 53 weeks, or of twelve months, is this long.
_SHORTEST_YEAR_DAYS: Final = 350
_LONGEST_YEAR_DAYS: Final = 380

_YEARS: Final = f"""
    SELECT ticker, CAST(period_end AS DATE) AS period_end, concept, arg_max(value, filed) AS value
    FROM facts
    WHERE form = '10-K' AND unit = 'USD'
      AND CAST(period_end AS DATE) - CAST(period_start AS DATE) BETWEEN {_SHORTEST_YEAR_DAYS} AND {_LONGEST_YEAR_DAYS}
    GROUP BY ALL"""  # noqa: S608 - numbers


def build(facts: Path, output: Path) -> None:
    """Write `marts/company_year.parquet` below ``output``."""
    columns = ", ".join(
        f"coalesce({', '.join(f'{_of(tag)}' for tag in tags)}) AS {column}" for column, tags in TAGS.items()
    )
    folder = output / "marts"
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as connection:
        source = f"read_csv({_text(facts)}, header = true, all_varchar = true)"
        exact = "* REPLACE (CAST(value AS DECIMAL(20, 2)) AS value)"
        connection.execute(f"CREATE TABLE facts AS SELECT {exact} FROM {source}")  # noqa: S608 - as written above
        years = f"SELECT ticker, period_end, {columns} FROM ({_YEARS}) GROUP BY ALL ORDER BY ALL"  # noqa: S608 - tags above
        connection.execute(f"COPY ({years}) TO {_text(folder / 'company_year.parquet')} (FORMAT parquet)")


def _of(tag: str) -> str:
    return f"max(value) FILTER (WHERE concept = '{tag}')"


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("facts", type=Path, help="facts.csv")
    parser.add_argument("output", type=Path, help="the data folder, e.g. catalogs/sec_saas/data")
    arguments = parser.parse_args()
    build(arguments.facts, arguments.output)
