"""A portion that is said of a metric: "percentage of orders that were large"."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog
from tests.resolution.desk import Desk
from tests.resolution.reading import computations, measures, refused
from tests.resolution.samples import catalog, metric


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        metric("orders", unit="count"),
        metric("large_orders", name="Large Orders", unit="count"),
        metric("late_large_orders", name="Late Large Orders", unit="count"),
        metric("food_orders", name="Food Orders", unit="count"),
        metric("sales", unit="USD"),
    )


@pytest.mark.parametrize(
    "question",
    [
        "What percentage of orders were large last month?",
        "percentage of the orders that were large last month",
        "share of orders which are large last month",
        "what proportion of orders were large orders last month",
    ],
)
async def test_the_portion_is_the_metric_of_both_words_in_percent_of_the_whole(question: str, desk: Desk) -> None:
    found = await desk.ask(question)

    assert {"large_orders", "orders"} == set(measures(found).values())
    assert "large_orders / orders * 100" in computations(found).values()
    assert "Large Orders in percent of Orders" in found.interpretation
    assert not found.unmatched


async def test_the_longest_words_that_name_a_metric_are_taken(desk: Desk) -> None:
    found = await desk.ask("percentage of orders that were late large last month")

    assert {"late_large_orders", "orders"} == set(measures(found).values())


@pytest.mark.parametrize("words", ["blue", "very", "not large"])
async def test_what_is_no_metric_is_no_portion(words: str, desk: Desk) -> None:
    assert "needs a part" in refused(await desk.ask(f"percentage of orders were {words} last month")).message


async def test_a_portion_of_something_else_is_none(desk: Desk) -> None:
    assert "needs a part" in refused(await desk.ask("percentage of sales were large last month")).message
