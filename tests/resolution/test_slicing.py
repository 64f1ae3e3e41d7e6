"""Members to filter by and dimensions to group by (catalog.md, Dimension; design, section 6)."""

from __future__ import annotations

from datetime import date

import pytest

from ecp_server.domain.catalog import Catalog, Context, Level, MemberVariation
from ecp_server.domain.errors import InvalidChoice
from ecp_server.domain.identity import Principal
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import (
    buckets,
    concepts,
    filters,
    not_found,
    options,
    plan_of,
    query_of,
    refused,
    warned,
)
from tests.resolution.samples import ANALYST, catalog, dimension, member, metric

FINANCE = Principal(subject="fay", department="fin", roles=("explorer",))


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        Context("fin", "Finance"),
        metric("sales", dimensions=("region", "product", "brand", "fruit")),
        metric("headcount", unit="count", dimensions=("region",)),
        metric("juice", dimensions=("fruit",), not_available_for=("fruit.lemon",)),
        dimension(
            "region",
            levels=(Level("area", "Area"), Level("country", "Country", "Sales.country")),
            default_level="area",
        ),
        member(
            "region.apac",
            level="area",
            variations=(MemberVariation("fin", ("JP", "AU")), MemberVariation("s", ("JP",))),
        ),
        member("region.emea", "DE", "FR", level="area"),
        member("region.japan", "JP", level="country"),
        member("region.prussia", "PR", level="area", valid_to=date(2020, 1, 1)),
        dimension("product"),
        member("product.feed", "feed"),
        dimension("brand"),
        member("brand.apple", "AAPL"),
        dimension("fruit"),
        member("fruit.apple", "apple"),
        member("fruit.lemon", "lemon"),
    )


async def test_members_of_one_dimension_are_alternatives_and_of_two_both_are_needed(desk: Desk) -> None:
    found = await desk.ask("sales in emea and japan of feed last month")

    assert filters(found) == {"region": ["DE", "FR", "JP"], "product": ["feed"]}


async def test_known_words_that_do_not_fit_are_incompatible_with_what_would_fit(desk: Desk) -> None:
    for question in ("headcount by product", "headcount of feed last month"):
        problem = refused(await desk.ask(question))
        assert problem.fits == ("region",)
        assert "Headcount cannot be sliced by Product" in problem.message


async def test_a_metric_that_is_not_available_for_a_member_does_not_exist_for_it(desk: Desk) -> None:
    problem = not_found(await desk.ask("juice of lemon last month"))

    assert [mention.text for mention in problem.unmatched] == ["juice", "lemon"]
    assert filters(await desk.ask("juice excluding lemon last month")) == {"fruit": ["-lemon"]}


async def test_a_name_in_two_dimensions_means_the_one_that_the_metric_has(desk: Desk) -> None:
    assert filters(await desk.ask("juice of apple last month")) == {"fruit": ["apple"]}


async def test_a_name_in_two_dimensions_that_the_metric_has_is_asked_back_and_chosen(desk: Desk) -> None:
    asked = await desk.ask("sales of apple last month")
    chosen = await desk.ask("sales of apple last month", ("apple", "fruit.apple"))

    assert options(asked) == {"apple": ["brand.apple", "fruit.apple"]}
    assert asked.plan is None
    assert filters(chosen) == {"fruit": ["apple"]}
    with pytest.raises(InvalidChoice):
        await desk.ask("sales of apple last month", ("apple", "product.feed"))


@pytest.mark.parametrize("named", ["the apple brand", "brand apple", "brand: apple", "products where brand is apple"])
async def test_of_a_name_in_two_dimensions_the_dimension_beside_it_is_meant(desk: Desk, named: str) -> None:
    assert filters(await desk.ask(f"sales of {named} last month")) == {"brand": ["AAPL"]}


async def test_what_is_left_out_is_no_alternative(desk: Desk) -> None:
    kept = await desk.ask("sales in emea and japan excluding japan last month")

    assert filters(kept) == {"region": ["DE", "FR"]}
    assert [c.id for c in kept.concepts if c.excluded] == ["region.japan"]
    assert "left" in refused(await desk.ask("sales in japan excluding japan last month")).message


async def test_a_member_whose_readings_differ_is_asked_back_where_no_context_decides(desk: Desk) -> None:
    asked = await desk.ask("sales in apac last month")

    assert options(asked) == {"apac": ["region.apac@fin", "region.apac@s"]}
    assert filters(await desk.ask("sales in apac last month", ("apac", "region.apac@s"))) == {"region": ["JP"]}
    assert filters(await desk.ask("sales in apac last month", principal=FINANCE)) == {"region": ["JP", "AU"]}
    assert filters(await desk.ask("sales in apac last month", definition_context="fin")) == {"region": ["JP", "AU"]}


async def test_a_member_of_two_dimensions_and_several_readings_is_chosen_under_one_subject(desks: Desks) -> None:
    twice = catalog(
        metric("sales", dimensions=("brand", "fruit")),
        dimension("brand"),
        dimension("fruit"),
        member("brand.kiwi", "KW"),
        member("fruit.kiwi", variations=(MemberVariation("a", ("1",)), MemberVariation("b", ("2",)))),
    )
    desk = await desks(twice)
    assert options(await desk.ask("sales of kiwi last month")) == {"kiwi": ["brand.kiwi", "fruit.kiwi"]}
    assert options(await desk.ask("sales of kiwi last month", ("kiwi", "fruit.kiwi"))) == {
        "kiwi": ["fruit.kiwi@a", "fruit.kiwi@b"]
    }
    assert filters(await desk.ask("sales of kiwi last month", ("kiwi", "fruit.kiwi@b"))) == {"fruit": ["2"]}


async def test_a_bare_grouping_is_by_the_default_level_in_buckets_for_this_user(desk: Desk) -> None:
    found = await desk.ask("sales by region last month", principal=FINANCE)

    assert concepts(found) == ["sales", "region", "last_month"]
    assert buckets(found) == {"region.apac": ("JP", "AU"), "region.emea": ("DE", "FR")}
    assert plan_of(found).alignment.keys == ("region",)


async def test_a_level_that_the_semantic_layer_has_is_grouped_by_its_address(desk: Desk) -> None:
    (group,) = query_of(await desk.ask("sales by country last month")).group_by

    assert (group.dimension, group.ref, group.level, group.buckets) == ("region", "Sales.country", "country", ())


async def test_a_dimension_is_grouped_by_once_and_by_one_level(desk: Desk) -> None:
    """Rows are matched by the dimension: two columns of its name would match nothing."""
    twice = plan_of(await desk.ask("sales by fruit for each fruit last month"))
    assert ("fruit",) == twice.alignment.keys == tuple(g.dimension for g in twice.queries[0].group_by)
    for question in ("sales by country by area last month", "sales by area and country last month"):
        message = refused(await desk.ask(question, principal=FINANCE)).message
        assert {"Country", "Area"} <= set(message.split())


async def test_a_dimension_whose_members_have_one_value_each_is_grouped_by_its_address(desk: Desk) -> None:
    (group,) = query_of(await desk.ask("sales by fruit last month")).group_by

    assert (group.ref, group.level, group.buckets) == ("Sales.fruit", "", ())


async def test_without_a_default_the_outermost_level_that_members_have_is_taken(desks: Desks) -> None:
    levels = (Level("planet", "Planet"), Level("area", "Area"), Level("country", "Country"))
    about = catalog(
        metric("sales", dimensions=("region",)),
        dimension("region", levels=levels),
        member("region.japan", "JP", level="country"),
        member("region.apac", "JP", "AU", level="area"),
    )
    assert buckets(await (await desks(about)).ask("sales by region last month")) == {"region.apac": ("JP", "AU")}


async def test_a_grouping_whose_readings_differ_is_asked_back_and_chosen(desk: Desk) -> None:
    asked = await desk.ask("sales by region last month")
    chosen = await desk.ask("sales by region last month", ("region", "region@s"))

    assert options(asked) == {"region": ["region@fin", "region@s"]}
    assert buckets(chosen)["region.apac"] == ("JP",)


async def test_members_that_are_no_more_make_no_bucket(desk: Desk) -> None:
    """catalog.md, Effective dates: what holds on the last day of the period applies, a change inside it is told."""
    after = await desk.ask("sales by region in 2024", principal=FINANCE)
    before = await desk.ask("sales by region in 2019", principal=FINANCE)
    across = await desk.ask("sales by region from 2019 to 2020", principal=FINANCE)

    assert "region.prussia" not in buckets(after)
    assert buckets(before)["region.prussia"] == ("PR",)
    assert "region.prussia" not in buckets(across)
    assert [warned(each) for each in (after, before)] == [[], []]
    assert warned(across) == [("definition_changed", "region.prussia")]


async def test_a_member_that_did_not_exist_in_the_period_stands_for_nothing(desk: Desk) -> None:
    assert "Prussia stands for nothing in 2024" in refused(await desk.ask("sales of prussia in 2024")).message
    assert filters(await desk.ask("sales of prussia in 2019")) == {"region": ["PR"]}
    assert warned(await desk.ask("sales of prussia from 2019 to 2020")) == [("definition_changed", "region.prussia")]


async def test_a_member_none_of_whose_readings_holds_stands_for_nothing(desks: Desks) -> None:
    old = MemberVariation("fin", ("X",), valid_to=date(2020, 1, 1))
    about = catalog(
        metric("sales", dimensions=("region",)),
        dimension("region"),
        member("region.old", variations=(old,)),
        member("region.new", "A", "B"),
    )
    desk = await desks(about)

    assert "Old stands for nothing in December 2024" in refused(await desk.ask("sales of old last month")).message
    assert buckets(await desk.ask("sales by region last month")) == {"region.new": ("A", "B")}


async def test_a_cube_without_an_address_of_the_dimension_cannot_be_sliced_by_it(desks: Desks) -> None:
    about = catalog(
        metric("sales", dimensions=("region",)), dimension("region", semantic_ref=None), member("region.japan", "JP")
    )
    assert "Sales cannot be sliced by Region" in refused(await (await desks(about)).ask("sales in japan")).message


async def test_an_analyst_without_a_department_is_told_nothing_of_departments(desk: Desk) -> None:
    found = await desk.ask("sales in japan last month", principal=ANALYST)

    assert filters(found) == {"region": ["JP"]}
    assert found.assumptions == ()
