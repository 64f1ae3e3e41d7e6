"""Members that stand inside others of their dimension (design, section 6: nothing is dropped)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog, Context, MemberVariation
from ecp_server.domain.identity import Principal
from tests.resolution.desk import Desk
from tests.resolution.reading import filters, queries, refused
from tests.resolution.samples import catalog, dimension, member, metric

SELLER = Principal(subject="sam", department="s", roles=("explorer",))


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        Context("fin", "Finance"),
        Context("s", "Sales"),
        metric("sales", dimensions=("region", "product")),
        dimension("region"),
        member("region.asia", variations=(MemberVariation("fin", ("JP", "AU")), MemberVariation("s", ("JP",)))),
        member("region.europe", "DE", "FR"),
        member("region.japan", "JP", parent="region.asia"),
        member("region.australia", "AU", parent="region.asia"),
        member("region.germany", "DE", parent="region.europe"),
        member("region.france", "FR", parent="region.europe"),
        dimension("product"),
        member("product.feed", "feed"),
    )


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("sales of japan in asia", ["JP"]),
        ("sales in asia (japan)", ["JP"]),
        ("sales in asia but only japan", ["JP"]),
        ("sales of europe's germany", ["DE"]),
        ("sales in the europe regions germany and france", ["DE", "FR"]),
        ("sales of germany in europe and japan", ["DE", "JP"]),
        ("sales of germany and europe", ["DE", "FR"]),
        ("sales of germany, europe", ["DE", "FR"]),
        ("sales in europe including germany", ["DE", "FR"]),
    ],
)
async def test_a_member_inside_another_is_itself_and_in_a_list_both(
    desk: Desk, question: str, expected: list[str]
) -> None:
    found = await desk.ask(f"{question} last month")

    assert filters(found) == {"region": expected}


async def test_a_member_is_not_inside_another_that_has_nothing_of_it(desk: Desk) -> None:
    assert refused(await desk.ask("sales of germany in asia last month")).message == "Germany is no part of Asia"
    of_sales = await desk.ask("sales of australia in asia last month", principal=SELLER)
    assert refused(of_sales).message == "Australia is no part of Asia"


async def test_members_of_two_dimensions_and_those_compared_stay_as_they_are(desk: Desk) -> None:
    assert filters(await desk.ask("sales of feed in japan last month")) == {"product": ["feed"], "region": ["JP"]}
    assert queries(await desk.ask("sales of germany vs europe last month")) == ["actual", "region.europe"]
