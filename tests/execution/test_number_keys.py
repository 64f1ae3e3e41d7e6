"""Keys that are numbers, or true: a number is the same however it is written, and none is the same as null."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ecp_server.domain.catalog import Catalog, Level
from ecp_server.domain.figures import Value
from tests.execution.rows import Measured, Rows
from tests.execution.till import Till, table
from tests.resolution.samples import catalog as catalog_of
from tests.resolution.samples import dimension, member, metric


@pytest.fixture(name="catalog")
def rates() -> Catalog:
    return catalog_of(
        metric("sales", dimensions=("rate", "band", "paid")),
        dimension("rate"),
        member("rate.low", "7.0", name="Low rate"),
        member("rate.high", "19.50", name="High rate"),
        dimension("band", semantic_ref="Sales.rate", levels=(Level("all", "All"),)),
        member("band.low", "7.0", "0.00", level="all", name="Low band"),
        member("band.high", "19.50", level="all", name="High band"),
        dimension("paid"),
    )


@pytest.fixture(name="engine")
def rows() -> Rows:
    sold = [("7", 10), ("19.5", 20), ("0", 5)]
    return Rows(
        {"Sales": [{"day": date(2024, 12, 1), "rate": Decimal(rate), "amount": Decimal(n)} for rate, n in sold]},
        {"Sales.sales": Measured("sum", "amount")},
    )


async def test_a_number_is_the_members_however_it_is_written(till: Till) -> None:
    by_rate = table(await till.figures("sales last quarter by rate"))
    assert {"rate": ["0", "rate.high", "rate.low"], "actual": ["5", "20", "10"]} == by_rate
    assert ["15", "20"] == table(await till.figures("sales last quarter by band"))["actual"]


async def test_one_and_true_are_not_what_is_null(till: Till, engine: Rows) -> None:
    sold: list[tuple[Value, Value, int]] = [
        (Decimal(1), True, 1),
        (None, None, 2),
        (Decimal(1), True, 4),
        (None, False, 8),
    ]
    engine.cubes = {
        "Sales": [{"day": date(2024, 12, 1), "rate": r, "paid": p, "amount": Decimal(n)} for r, p, n in sold]
    }
    by_rate = table(await till.figures("sales last quarter by rate"))
    assert {"rate": ["1", "SOURCE_NULL"], "actual": ["5", "10"]} == by_rate
    by_paid = table(await till.figures("sales last quarter by paid"))
    assert {"paid": ["false", "true", "SOURCE_NULL"], "actual": ["8", "5", "2"]} == by_paid


async def test_a_figure_of_one_is_one_that_is_there(till: Till, engine: Rows) -> None:
    engine.cubes = {"Sales": [{"day": date(2024, 12, 1), "amount": Decimal(1)}]}
    execution = await till.figures("sales last quarter vs same period last year")
    assert ["1", "NO_PARTNER"] == [table(execution)[name][0] for name in ("actual", "last_year")]
