"""What belongs to no member that a grouping lists is in none of its rows, and that is told (catalog.md, Dimension)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ecp_server.domain.catalog import Binding, Catalog, Level, Target, TimeAggregation
from ecp_server.domain.execution import Execution
from ecp_server.domain.figures import Value
from ecp_server.domain.identity import Principal
from ecp_server.domain.plan import FilterOperator
from ecp_server.execution.findings import OUTSIDE_MEMBERS
from tests.execution.rows import Measured, Record, Rows
from tests.execution.till import Till, table
from tests.resolution.samples import catalog as catalog_of
from tests.resolution.samples import dimension, member, metric

ASIA = Principal(subject="ann", roles=("explorer",), allowed_members=(("region", ("region.asia",)),))


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog_of(
        metric("sales", dimensions=("region",), targets=(Target("budget", "planned"),)),
        metric("planned", dimensions=("region",), semantic_ref="Plan.amount", time_dimension="Plan.day"),
        metric("buyers", dimensions=("region",), unit="count"),
        metric("stock", dimensions=("region",), unit="count", time_aggregation=TimeAggregation.LAST),
        dimension(
            "region",
            row_level=True,
            levels=(Level("area", "Area"), Level("country", "Country", "Sales.region")),
            default_level="area",
            bindings=(Binding("Plan", "Plan.group", {"region.asia": {"a": ("ASIA_A",), "b": ("ASIA_B",)}}),),
        ),
        member("region.asia", "JP", "KR", level="area", name="Asia"),
        member("region.japan", "JP", level="country", name="Japan"),
        member("region.chile", "CL", level="country", name="Chile"),
    )


def sold(day: date, region: Value, amount: int = 10) -> Record:
    return {"day": day, "region": region, "amount": Decimal(amount), "stock": Decimal(amount), "buyer": "a"}


DECEMBER = date(2024, 12, 1)


@pytest.fixture(name="engine")
def rows() -> Rows:
    sales = [sold(DECEMBER, "JP"), sold(DECEMBER, "CL", 20)]
    return Rows(
        {"Sales": sales, "Plan": [{"day": DECEMBER, "group": "ASIA_A", "amount": Decimal(5)}]},
        {
            "Sales.sales": Measured("sum", "amount"),
            "Sales.buyers": Measured("count_distinct", "buyer"),
            "Sales.stock": Measured("sum", "stock"),
            "Plan.amount": Measured("sum", "amount"),
        },
    )


def told(execution: Execution) -> list[str]:
    return [warning.id for warning in execution.warnings if warning.type == OUTSIDE_MEMBERS]


def added(engine: Rows, *records: Record) -> None:
    engine.cubes = {**engine.cubes, "Sales": [*engine.cubes["Sales"], *records]}


@pytest.mark.parametrize("region", [None, "XX"])
@pytest.mark.parametrize("what", ["sales", "buyers", "stock"])
@pytest.mark.parametrize(
    "asked", ["{} by area last quarter", "{} by area by month last quarter", "{} by area excluding Japan last quarter"]
)
async def test_rows_of_no_known_member_are_told(
    till: Till, engine: Rows, region: str | None, what: str, asked: str
) -> None:
    question = asked.format(what)
    before = await till.figures(question)
    added(engine, sold(DECEMBER, region))
    after = await till.figures(question)
    assert ([], [what]) == (told(before), told(after))
    assert table(before) == table(after)
    (warning,) = [each for each in after.warnings if each.type == OUTSIDE_MEMBERS]
    assert "XX" not in f"{warning.message} {warning.impact}"


@pytest.mark.parametrize(
    "question", ["sales last quarter", "sales by country last quarter", "sales by area in Asia last quarter"]
)
async def test_where_nothing_falls_out_nothing_is_told(till: Till, engine: Rows, question: str) -> None:
    added(engine, sold(DECEMBER, "XX"), sold(DECEMBER, None))
    assert [] == told(await till.figures(question))


async def test_what_adds_up_to_nothing_or_is_of_another_time_is_not_told(till: Till, engine: Rows) -> None:
    added(engine, sold(DECEMBER, "XX"), sold(DECEMBER, "XX", -10), sold(date(2024, 9, 30), "XX"))
    assert [] == told(await till.figures("sales by area last quarter"))


async def test_of_a_stock_what_is_there_at_the_end_is_told(till: Till, engine: Rows) -> None:
    added(engine, sold(date(2024, 11, 1), "XX"))
    assert [] == told(await till.figures("stock by area last quarter"))


async def test_names_of_another_department_are_known(till: Till, engine: Rows) -> None:
    question: dict[str, Any] = {"definition_context": "a"}
    engine.cubes = {**engine.cubes, "Plan": [{"day": DECEMBER, "group": "ASIA_B", "amount": Decimal(5)}]}
    assert [] == told(await till.figures("sales by area vs budget last quarter", **question))
    engine.cubes = {**engine.cubes, "Plan": [{"day": DECEMBER, "group": "ASIA_C", "amount": Decimal(5)}]}
    assert ["planned"] == told(await till.figures("sales by area vs budget last quarter", **question))


async def test_nothing_is_asked_about_what_a_user_may_not_see(till: Till, engine: Rows) -> None:
    added(engine, sold(DECEMBER, "XX"))
    assert [] == told(await till.figures("sales by area last quarter", principal=ASIA))
    assert all(f.operator is FilterOperator.EQUALS for query in engine.asked for f in query.filters)
