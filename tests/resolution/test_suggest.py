"""What was perhaps meant, where nothing matches."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.frozen import replace
from ecp_server.resolution.suggest import FLOOR, searched
from tests.resolution.desk import Desk
from tests.resolution.reading import not_found
from tests.resolution.samples import catalog, dimension, draft, member, metric, parsed

SHOP = catalog(
    metric("net_sales", dimensions=("region",)),
    metric("refunds"),
    dimension("region"),
    member("region.japan", "JP"),
)


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return SHOP


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("adjusted net sales in japan last month", "adjusted net sales"),
        ("what were our rufends in 2023", "refund"),
        ("profit and loss in japan", "profit loss"),
        ("last month", "last month"),
    ],
)
def test_what_nothing_matched_is_searched_by_without_periods_and_members(text: str, words: str) -> None:
    asked = replace(draft(SHOP, text), parsed=parsed(SHOP, text))
    assert searched(asked) == words


async def test_nonsense_has_no_suggestion(desk: Desk) -> None:
    await desk.vector.prepare(SHOP)
    assert not_found(await desk.ask("qxzv wkjq in japan last month")).suggestions == ()


async def test_what_is_near_is_suggested_and_nothing_below_the_floor(desk: Desk) -> None:
    await desk.vector.prepare(SHOP)
    found = not_found(await desk.ask("adjusted net sales in japan")).suggestions

    assert found[0].id == "net_sales"
    assert all(option.confidence >= FLOOR for option in found)
