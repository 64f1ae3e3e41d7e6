"""What the small words between names say: grouped by, left out, broken into periods, asked for or compared."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog, Level, Target
from ecp_server.domain.concepts import Intent
from ecp_server.domain.period import Grain
from tests.resolution.samples import catalog, dimension, member, metric, parsed, term

SHOP: Catalog = catalog(
    metric("sales", targets=(Target("budget", "planned"),)),
    metric("orders"),
    metric("planned"),
    term("gaap"),
    dimension("region", levels=(Level("country", "Country"),)),
    dimension("product"),
    member("region.japan", "JP"),
    member("region.china", "CN"),
    member("region.korea", "KR", name="South Korea"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sales by region", ["region"]),
        ("sales per product", ["product"]),
        ("sales for each region", ["region"]),
        ("every region's sales", ["region"]),
        ("sales across all the regions", ["region"]),
        ("sales by region and product", ["region", "product"]),
        ("sales by region, product & country", ["region", "product", "country"]),
        ("sales by country", ["country"]),
        ("sales by month and region", ["region"]),
        ("sales by region and month and product", ["region", "product"]),
        ("top 5 products by sales", ["product"]),
        ("sales of the region", []),
        ("sales by japan", []),
    ],
)
def test_what_by_per_each_and_every_stand_before_is_grouped_by(text: str, expected: list[str]) -> None:
    grouped = [name.senses[0].id.rpartition("/")[2] for name in parsed(SHOP, text).names if name.grouped]
    assert grouped == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sales excluding japan", ["region.japan"]),
        ("sales except for japan", ["region.japan"]),
        ("sales without japan and china", ["region.japan", "region.china"]),
        ("sales excl. japan and china", ["region.japan", "region.china"]),
        ("sales fell. japan", []),
        ("sales excl japan, china and south korea", ["region.japan", "region.china", "region.korea"]),
        ("sales other than japan", ["region.japan"]),
        ("sales apart from the japan", ["region.japan"]),
        ("sales with the exception of japan", ["region.japan"]),
        ("sales but not in japan", ["region.japan"]),
        ("sales in japan but not china", ["region.china"]),
        ("sales in japan excluding china", ["region.china"]),
        ("sales ex-japan", ["region.japan"]),
        ("sales outside of japan", ["region.japan"]),
        ("sales exclusive of japan", ["region.japan"]),
        ("sales not including japan", ["region.japan"]),
        ("sales (ex. japan)", ["region.japan"]),
        ("sales less japan", ["region.japan"]),
        ("non-japan sales", ["region.japan"]),
        ("sales but no japan", ["region.japan"]),
        ("sales leaving japan out", ["region.japan"]),
        ("sales, leave out japan", ["region.japan"]),
        ("sales in neither japan nor china", ["region.japan", "region.china"]),
        ("sales not counting either japan or china", ["region.japan", "region.china"]),
        ("sales except japan's and china's", ["region.japan", "region.china"]),
        ("sales in other regions than japan", ["region.japan"]),
        ("sales excluding region japan", ["region.japan"]),
        ("sales excluding the country of japan", ["region.japan"]),
        ("sales exclude: japan, china", ["region.japan", "region.china"]),
        ("sales excluding anything from japan", ["region.japan"]),
        ("sales that do not come from japan", ["region.japan"]),
        ("sales that aren't in japan", ["region.japan"]),
        ("sales where region != japan", ["region.japan"]),
        ("sales <> japan", ["region.japan"]),
        ("sales, don't include japan", ["region.japan"]),
        ("sales everywhere but japan", ["region.japan"]),
        ("why aren't japan's sales growing", []),
        ("which is less, japan or china in sales", []),
        ("sales fell less in japan", []),
        ("sales of none but japan", []),
        ("sales in no other region than japan", []),
        ("sales exclusive to japan", []),
        ("sales where region not in (japan, china)", ["region.japan", "region.china"]),
        ("sales excluding japan by product, for china", ["region.japan"]),
        ("sales including japan", []),
        ("japan sales without", []),
        ("sales in japan", []),
        ("excluding sales", []),
    ],
)
def test_what_excluding_and_the_like_stand_before_is_left_out(text: str, expected: list[str]) -> None:
    assert [name.senses[0].id for name in parsed(SHOP, text).names if name.excluded] == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sales excluding orders", ["excluding"]),
        ("sales without the budget", ["without"]),
        ("sales except last month", ["except"]),
        ("sales not orders", ["not"]),
        ("sales by region, not by product", ["not"]),
        ("sales not just in japan", ["not"]),
        ("sales with and without japan", ["with and"]),
        ("sales less orders", ["less"]),
        ("sales but by region", []),
        ("did sales not grow in japan", []),
        ("sales whether or not in japan", []),
        ("no. of orders", []),
        ("sales excluding japan", []),
        ("non-japan sales", []),
    ],
)
def test_what_leaves_out_nothing_that_can_be_left_out_is_told(text: str, told: list[str]) -> None:
    found = parsed(SHOP, text)

    assert [mention.text for mention in found.unmatched] == told
    assert found.altered == ()


def test_a_pair_that_leaves_out_is_no_other_word_of_the_catalog() -> None:
    about = catalog(metric("sales"), metric("leavers"), dimension("region"), member("region.japan", "JP"))

    assert [name.senses[0].id for name in parsed(about, "sales, leave out japan").names] == ["sales", "region.japan"]
    assert [name.senses[0].id for name in parsed(about, "how many leave").names] == ["leavers"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sales by order", ["by"]),
        ("sales of japan and china each", ["each"]),
        ("sales per japan", ["per"]),
        ("sales split by region", []),
        ("sales grouped by product", []),
        ("sales in each of the regions", []),
        ("top 3 regions by sales", []),
        ("regions by sales", []),
        ("sales by japan", []),
    ],
)
def test_what_groups_by_nothing_that_can_be_grouped_by_is_told(text: str, told: list[str]) -> None:
    assert [mention.text for mention in parsed(SHOP, text).unmatched] == told


def test_a_word_that_leads_to_what_is_grouped_by_is_no_dimension() -> None:
    about = catalog(metric("sales"), dimension("segment"), dimension("product"))

    assert [name.senses[0].id for name in parsed(about, "sales segmented by product").names] == ["sales", "product"]


@pytest.mark.parametrize(
    ("text", "grain"),
    [
        ("daily sales", Grain.DAY),
        ("weekly sales", Grain.WEEK),
        ("sales by month", Grain.MONTH),
        ("sales per quarter", Grain.QUARTER),
        ("sales for each year", Grain.YEAR),
        ("sales annually", Grain.YEAR),
        ("sales by region", Grain.NONE),
        ("sales of the month", Grain.NONE),
        ("sales by", Grain.NONE),
        ("sales of the day by day", Grain.DAY),
        ("sales by region and month", Grain.MONTH),
        ("sales by region, product and quarter", Grain.QUARTER),
        ("sales by month and region", Grain.MONTH),
        ("sales by region in the month", Grain.NONE),
        ("sales month by month", Grain.MONTH),
        ("sales month-by-month in 2024", Grain.MONTH),
        ("sales each of the last 4 quarters", Grain.QUARTER),
        ("sales for every one of the last 4 quarters", Grain.NONE),
        ("sales by year 2020 to 2023", Grain.YEAR),
        ("sales by calendar year 2020-2023", Grain.YEAR),
        ("sales last 4 quarters", Grain.NONE),
    ],
)
def test_the_grain_is_said_by_an_adverb_or_by_grouping_by_a_unit(text: str, grain: Grain) -> None:
    found = parsed(SHOP, text)
    assert found.grain is grain
    assert "month" not in [m.text for m in found.unmatched] or grain is Grain.NONE
    assert () == found.altered


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("which metrics are available for japan", Intent.CATALOG),
        ("what data do you have", Intent.CATALOG),
        ("list all kpis with a definition of sales", Intent.CATALOG),
        ("where does sales come from", Intent.LINEAGE),
        ("lineage of sales vs orders", Intent.LINEAGE),
        ("what is the data source of sales", Intent.LINEAGE),
        ("how is sales calculated from orders", Intent.LINEAGE),
        ("definition of sales vs budget", Intent.DEFINITION),
        ("what does gaap mean", Intent.DEFINITION),
        ("how is sales calculated", Intent.DEFINITION),
        ("what is sales?", Intent.DEFINITION),
        ("what is the sales", Intent.DEFINITION),
        ("what is sales in japan", Intent.METRIC),
        ("what is sales last month", Intent.METRIC),
        ("what is our sales", Intent.METRIC),
        ("sales vs budget by month", Intent.COMPARISON),
        ("top 3 regions by sales vs orders", Intent.COMPARISON),
        ("sales yoy", Intent.COMPARISON),
        ("sales budget", Intent.COMPARISON),
        ("sales vs", Intent.METRIC),
        ("top 3 regions by sales by month", Intent.RANKING),
        ("sales by month", Intent.TREND),
        ("sales trend", Intent.TREND),
        ("sales in japan", Intent.METRIC),
        ("", Intent.METRIC),
    ],
)
def test_of_several_intents_the_first_of_the_contracts_order_applies(text: str, intent: Intent) -> None:
    """types.proto, Intent: catalog, lineage, definition, comparison, ranking, trend, metric."""
    assert parsed(SHOP, text).intent is intent
