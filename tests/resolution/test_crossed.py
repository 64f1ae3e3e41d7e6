"""Metrics with members of their own are several questions (design, section 6, Nothing is dropped)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog
from tests.resolution.desk import Desk
from tests.resolution.reading import filters, refused
from tests.resolution.samples import catalog, dimension, member, metric


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        metric("sales", dimensions=("region",)),
        metric("orders", dimensions=("region",)),
        dimension("region"),
        member("region.japan", "JP"),
        member("region.korea", "KR"),
    )


@pytest.mark.parametrize(
    "question",
    [
        "sales in japan and orders in korea last month",
        "japan sales and korea orders last month",
        "compare sales in japan with orders in korea last month",
    ],
)
async def test_they_are_refused_as_one_plan_would_read_all_over_all_members(question: str, desk: Desk) -> None:
    problem = refused(await desk.ask(question))

    assert "“sales” and “orders” are asked for different members" in problem.message
    assert problem.fits == ("sales", "orders")


@pytest.mark.parametrize(
    ("question", "members"),
    [
        ("sales in japan and orders in japan last month", ["JP"]),
        ("sales and orders in japan and korea last month", ["JP", "KR"]),
        ("sales in japan and orders last month", ["JP"]),
    ],
)
async def test_the_same_members_or_one_list_for_all_are_one_question(
    question: str, members: list[str], desk: Desk
) -> None:
    found = await desk.ask(question)

    assert filters(found, "sales") == filters(found, "orders") == {"region": members}
