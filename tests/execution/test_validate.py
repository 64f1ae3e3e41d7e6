"""Rules on figures: a critical one withholds them; what is empty, open or old is told (catalog.md, Rule)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecp_server.domain.catalog import (
    Binding,
    Catalog,
    Contract,
    Level,
    QualityRule,
    Rule,
    ServiceLevel,
    Severity,
    Target,
)
from ecp_server.domain.errors import BusinessRuleViolation, DataQuality
from ecp_server.domain.execution import Execution
from ecp_server.domain.expressions import parse_condition
from ecp_server.domain.figures import Value
from ecp_server.domain.resolution import ConfidenceLevel
from ecp_server.execution.rules import Seen, holds
from tests.execution.rows import Measured, Rows
from tests.execution.till import Till
from tests.resolution.desk import policy_for
from tests.resolution.samples import catalog as catalog_of
from tests.resolution.samples import dimension, member, metric


def shop(*more: Any) -> Catalog:
    return catalog_of(
        metric(
            "sales", dimensions=("region",), targets=(Target("budget", "planned"),), computed_from=("warehouse.sales",)
        ),
        metric("planned", dimensions=("region",), semantic_ref="Plan.amount", time_dimension="Plan.day"),
        dimension("region", levels=(Level("country", "Country"),), bindings=(Binding("Plan", "Plan.region"),)),
        member("region.japan", "JP", level="country", name="Japan"),
        member("region.korea", "KR", level="country", name="Korea"),
        *more,
    )


@pytest.fixture(name="engine")
def rows() -> Rows:
    return Rows(
        {
            "Sales": [
                {"day": date(2024, 12, 1), "region": "JP", "amount": Decimal(-5)},
                {"day": date(2025, 1, 2), "region": "JP", "amount": Decimal(7)},
            ],
            "Plan": [{"day": date(2024, 12, 1), "region": "JP", "amount": Decimal(10)}],
        },
        {"Sales.sales": Measured("sum", "amount"), "Plan.amount": Measured("sum", "amount")},
    )


class Shop:
    """Opens tills for catalogs."""

    def __init__(self, folder: Path, engine: Rows) -> None:
        self._folder = folder
        self._engine = engine

    async def figures(self, question: str, *more: Any) -> Execution:
        catalog = shop(*more)
        till = Till(catalog, self._folder, await policy_for({}), self._engine)
        try:
            await till.vector.prepare(catalog)
            return await till.figures(question)
        finally:
            await till.close()


@pytest.fixture(name="ask")
def asking(tmp_path: Path, engine: Rows) -> Shop:
    return Shop(tmp_path, engine)


def checked(execution: Execution) -> Mapping[str, bool]:
    return {validation.rule_id: validation.passed for validation in execution.validations}


def types(execution: Execution) -> list[str]:
    return [warning.type for warning in execution.warnings]


async def test_a_critical_rule_withholds_the_figure_and_says_what_was_seen(ask: Shop) -> None:
    rule = Rule("not_negative", "value >= 0", Severity.CRITICAL, metrics=("sales",), description="Never below zero.")
    with pytest.raises(BusinessRuleViolation) as refused:
        await ask.figures("sales last month", rule)
    (broken,) = refused.value.broken
    assert "not_negative" == broken.rule_id
    assert "actual is -5" in broken.description


async def test_a_lesser_rule_is_told_and_lowers_confidence(ask: Shop) -> None:
    rule = Rule("not_negative", "value >= 0", Severity.MEDIUM, metrics=("sales",))
    plain = await ask.figures("sales last month")
    told = await ask.figures("sales last month", rule)
    assert {"not_negative": False} == checked(told)
    assert told.confidence.overall == pytest.approx(plain.confidence.overall * 0.95, abs=1e-3)
    assert isinstance(told.confidence.level, ConfidenceLevel)


async def test_a_rule_that_holds_is_told_too(ask: Shop) -> None:
    rule = Rule("plausible", "value > -100 and value < 100", Severity.CRITICAL, metrics=("sales",))
    assert {"plausible": True} == checked(await ask.figures("sales last month", rule))


@pytest.mark.parametrize(
    ("on", "expression", "holds_here"),
    [
        ("variance", "value == -15", True),
        ("variance", "value > 0", False),
        ("variance_pct", "value == -150", True),
        ("rows", "rows >= 1", True),
        ("rows", "rows > 1", False),
        ("value", "value > 100", False),
    ],
)
async def test_a_rule_is_about_what_it_says(ask: Shop, on: str, expression: str, *, holds_here: bool) -> None:
    rule = Rule("rule", expression, Severity.LOW, metrics=("sales",), on=on)
    assert {"rule": holds_here} == checked(await ask.figures("sales last month vs budget", rule))


async def test_rules_of_other_metrics_and_of_what_is_not_there_are_not_checked(ask: Shop) -> None:
    rules = [
        Rule("other", "value > 100", Severity.CRITICAL, metrics=("planned",)),
        Rule("variance", "value > 100", Severity.CRITICAL, on="variance"),
        Rule("age", "age_hours < 1", Severity.CRITICAL, on="freshness"),
    ]
    assert {} == checked(await ask.figures("sales last month", *rules))


async def test_expected_members_that_have_no_figure_break_a_rule(ask: Shop) -> None:
    rule = Rule("complete", "rows >= 1", Severity.HIGH, on="rows", expect_members=("region.japan", "region.korea"))
    by_country = await ask.figures("sales last month by country", rule)
    assert [(False, True)] == [(v.passed, "region.korea" in v.message) for v in by_country.validations]
    assert {"complete": True} == checked(await ask.figures("sales last month", rule))
    assert {"complete": True} == checked(await ask.figures("sales last month in Japan by country", rule))


async def test_a_question_for_the_highest_hides_no_rows_from_rules(ask: Shop, engine: Rows) -> None:
    korea: dict[str, Value] = {"day": date(2024, 12, 1), "region": "KR", "amount": Decimal(9)}
    engine.cubes = {**engine.cubes, "Sales": [*engine.cubes["Sales"], korea]}
    rule = Rule("complete", "rows >= 2", Severity.HIGH, on="rows", expect_members=("region.japan", "region.korea"))
    execution = await ask.figures("top 1 country by sales last month", rule)
    assert 1 == execution.table.row_count
    assert {"complete": True} == checked(execution)


async def test_how_old_the_data_is_can_be_checked(ask: Shop, engine: Rows) -> None:
    engine.refresh_time = datetime.now(UTC) - timedelta(hours=30)
    rule = Rule("fresh", "age_hours <= 24", Severity.MEDIUM, on="freshness")
    assert {"fresh": False} == checked(await ask.figures("sales last month", rule))


async def test_data_older_than_its_contract_promises_is_told(ask: Shop, engine: Rows) -> None:
    contract = Contract("warehouse", ("warehouse.sales",), ServiceLevel(freshness_hours=24))
    engine.refresh_time = datetime.now(UTC) - timedelta(hours=23)
    assert [] == types(await ask.figures("sales last month", contract))
    engine.refresh_time = datetime.now(UTC) - timedelta(hours=25)
    assert ["stale_data"] == types(await ask.figures("sales last month", contract))


async def test_a_broken_critical_promise_of_a_contract_withholds_the_figure(ask: Shop) -> None:
    """Promises that are conditions are checked; the others are for people."""
    promises = (QualityRule("every row has a country", Severity.CRITICAL), QualityRule("rows > 5", Severity.CRITICAL))
    contract = Contract("warehouse", ("warehouse.sales",), quality_rules=promises)
    with pytest.raises(DataQuality) as refused:
        await ask.figures("sales last month", contract)
    assert ["warehouse"] == [broken.rule_id for broken in refused.value.broken]


async def test_nothing_is_told_to_be_nothing(ask: Shop) -> None:
    assert ["empty_result"] == types(await ask.figures("sales in 2020"))


async def test_a_column_without_any_value_is_told(ask: Shop) -> None:
    execution = await ask.figures("sales in January 2025 vs budget")
    assert {"all_null", "partial_period"} == set(types(execution))
    assert ["budget"] == [warning.id for warning in execution.warnings if warning.type == "all_null"]


async def test_parts_that_have_not_ended_are_told(ask: Shop) -> None:
    told = [w.message for w in (await ask.figures("sales by month since December 2024")).warnings]
    assert ["January 2025 is not complete"] == told


SEEN = Seen(Decimal(5), Decimal(2), None, {"floor": Decimal(3), "name": None})


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("value > 4", True),
        ("value != 5", False),
        ("-value < -4.5", True),
        ("not value > 4", False),
        ("value > 4 and rows > 4", False),
        ("value > 4 or rows > 4", True),
        ("age_hours < 4", None),
        ("age_hours < 4 or value > 4", True),
        ("age_hours < 4 and value < 4", False),
        ("not age_hours < 4", None),
        ("row.floor == 3", True),
        ("row.name == 3", None),
        ("row.other == 3", None),
    ],
)
def test_conditions_that_depend_on_what_is_not_known_are_neither_met_nor_broken(
    condition: str, *, verdict: bool | None
) -> None:
    assert holds(parse_condition(condition), SEEN) is verdict


async def test_a_period_that_has_not_ended_is_told_once(ask: Shop) -> None:
    """The resolution says so already."""
    found = await ask.figures("sales this quarter")
    assert 1 == len([w for w in found.warnings if w.type == "partial_period"])
