"""The figures of sec_saas, held against the filings' facts read in another way: row by row, without a table or SQL."""

from __future__ import annotations

import csv
import runpy
from collections.abc import AsyncIterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.answering import answering, close_to

AS_OF = "2026-05-15T12:00:00Z"


class Facts:
    """What companies reported for their fiscal years."""

    def __init__(self, path: Path) -> None:
        self._values: dict[tuple[str, str, date], tuple[str, Decimal]] = {}
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if not row["period_start"]:
                    continue
                start, end = date.fromisoformat(row["period_start"]), date.fromisoformat(row["period_end"])
                if abs((end - start).days - 365) > 15:
                    continue
                key = (row["ticker"], row["concept"], end)
                if key not in self._values or self._values[key][0] < row["filed"]:
                    self._values[key] = (row["filed"], Decimal(row["value"]))

    def first(self, ticker: str, end: str, *tags: str) -> Decimal:
        """Return the value of the first tag that has the year."""
        keys = [(ticker, tag, date.fromisoformat(end)) for tag in tags]
        return next(self._values[key][1] for key in keys if key in self._values)

    def revenue(self, ticker: str, end: str) -> Decimal:
        suffix = "FromContractWithCustomer"
        tags = (
            f"Revenue{suffix}ExcludingAssessedTax",
            "Revenues",
            "SalesRevenueNet",
            f"Revenue{suffix}IncludingAssessedTax",
        )
        return self.first(ticker, end, *tags)

    def growth(self, ticker: str, end: str, before: str) -> Decimal:
        then = self.revenue(ticker, before)
        return (self.revenue(ticker, end) - then) / then * 100

    def fcf_margin(self, ticker: str, end: str) -> Decimal:
        cash = self.first(ticker, end, "NetCashProvidedByUsedInOperatingActivities")
        spent = self.first(
            ticker, end, "PaymentsToAcquirePropertyPlantAndEquipment", "PaymentsToAcquireProductiveAssets"
        )
        return (cash - spent) / self.revenue(ticker, end) * 100

    def percent(self, ticker: str, end: str, tag: str) -> Decimal:
        return self.first(ticker, end, tag) / self.revenue(ticker, end) * 100


def rounds_to(found: str | None, expected: Decimal) -> bool:
    """Tell whether a figure is the expected one with the digits that the catalog says are shown."""
    if found is None:
        return False
    last = Decimal(1).scaleb(int(Decimal(found).as_tuple().exponent))
    return abs(Decimal(found) - expected) * 2 <= min(last, Decimal("0.1"))


@pytest.fixture(scope="module")
def facts(evaluation_data: Path) -> Facts:
    return Facts(evaluation_data / "sec_saas" / "facts.csv")


@pytest.fixture(scope="module")
def data(evaluation_data: Path, project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sec_saas")
    runpy.run_path(str(project_root / "scripts/build_sec_saas.py"))["build"](
        evaluation_data / "sec_saas/facts.csv", folder
    )
    return folder


@pytest.fixture
async def ask(data: Path, project_root: Path) -> AsyncIterator[Any]:
    async with answering(project_root / "catalogs" / "sec_saas", data) as asked:
        yield lambda question: asked({"concept": question, "as_of": AS_OF})


def truths(facts: Facts) -> Mapping[str, Decimal]:
    """The questions of semantic-layer-eval that have an answer, and some of our own, with what the facts say."""
    return {
        "What was Snowflake's total revenue in fiscal 2024?": facts.revenue("SNOW", "2024-01-31"),
        "What was ServiceNow's total revenue in 2023?": facts.revenue("NOW", "2023-12-31"),
        "What was CrowdStrike's rule of 40 in fiscal 2024?": (
            facts.growth("CRWD", "2024-01-31", "2023-01-31") + facts.fcf_margin("CRWD", "2024-01-31")
        ),
        "What was Datadog's gross margin in 2023?": facts.percent("DDOG", "2023-12-31", "GrossProfit"),
        "What was Cloudflare's revenue growth in 2023?": facts.growth("NET", "2023-12-31", "2022-12-31"),
        "What was Snowflake's FCF margin in fiscal 2024?": facts.fcf_margin("SNOW", "2024-01-31"),
        "What was MongoDB's operating margin in fiscal 2024?": facts.percent(
            "MDB", "2024-01-31", "OperatingIncomeLoss"
        ),
        "What was HubSpot's R&D intensity in 2023?": facts.percent(
            "HUBS", "2023-12-31", "ResearchAndDevelopmentExpense"
        ),
        "I heard Datadog's gross margin was 95% in 2023 -- can you confirm?": (
            facts.percent("DDOG", "2023-12-31", "GrossProfit")
        ),
        "Salesforce net income in fiscal 2023": facts.first("CRM", "2023-01-31", "NetIncomeLoss"),
        "Atlassian revenue in fiscal 2024": facts.revenue("TEAM", "2024-06-30"),
    }


async def test_figures_are_those_of_the_filings(ask: Any, facts: Facts) -> None:
    wrong = {}
    for question, expected in truths(facts).items():
        _, table = await ask(question)
        if len(table) != 1 or not rounds_to(table[0]["actual"], expected):
            wrong[question] = (expected, table)
    assert wrong == {}


def test_the_facts_are_what_companies_reported(facts: Facts) -> None:
    """Two figures as they stand in the filings themselves, so that neither reading is held against itself alone."""
    assert Decimal(2806489000) == facts.revenue("SNOW", "2024-01-31")
    assert Decimal(8971000000) == facts.revenue("NOW", "2023-12-31")


async def test_companies_side_by_side(ask: Any, facts: Facts) -> None:
    _, table = await ask("total revenue by company in calendar 2023")
    by_company = {str(row["company"]): row["actual"] for row in table}
    assert close_to(by_company["company.datadog"], facts.revenue("DDOG", "2023-12-31"))
    # Dated by the last day of its year: Snowflake's fiscal 2023 ended on 31 January 2023.
    assert close_to(by_company["company.snowflake"], facts.revenue("SNOW", "2023-01-31"))


async def test_what_was_never_tagged_is_null_and_told(ask: Any) -> None:
    answer, table = await ask("Workday free cash flow in fiscal 2021")
    assert [None] == [row["actual"] for row in table]
    assert "workday_capex_untagged" in [warning["id"] for warning in answer["warnings"]]
