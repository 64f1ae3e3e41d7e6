"""The question restated in canonical words (resolve.proto, interpretation)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog, Entity, LineageLink, Relation, Target, TermVariation
from tests.resolution.desk import Desk
from tests.resolution.samples import catalog, dimension, member, metric, term


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        metric("net_sales", dimensions=("region", "product"), targets=(Target("budget", "planned"),)),
        metric("orders", unit="count", dimensions=("region",)),
        metric("planned", name="Planned sales", dimensions=("region",)),
        term("income", TermVariation("a", metric="net_sales"), TermVariation("b", metric="orders")),
        term("gaap", definition="Rules."),
        dimension("region"),
        member("region.japan", "JP"),
        member("region.china", "CN"),
        dimension("product"),
        member("product.feed", "feed"),
        Entity("team.tools", "Tools", "team"),
        Relation("r", "team.tools", "product.feed", "owns", ("owned by",)),
        LineageLink("raw.x", "mart.y"),
    )


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "net sales of feed in japan last month",
            "Net sales for Feed, Japan, December 2024 (2024-12-01 to 2024-12-31).",
        ),
        ("our net sales", "Net sales, all time."),
        ("net sales excluding japan until 2020", "Net sales without Japan, until 2020 (the beginning to 2020-12-31)."),
        ("net sales by region and product in 2024", "Net sales by Region, Product, 2024 (2024-01-01 to 2024-12-31)."),
        ("net sales vs budget in 2024", "Net sales against Planned sales, 2024 (2024-01-01 to 2024-12-31)."),
        ("net sales and orders in 2024", "Net sales, Orders, 2024 (2024-01-01 to 2024-12-31)."),
        (
            "net sales in 2024 vs the prior year",
            "Net sales against Previous period, 2024 (2024-01-01 to 2024-12-31) and 2023 (2023-01-01 to 2023-12-31).",
        ),
        ("japan vs china net sales in 2024", "Net sales for Japan against China, 2024 (2024-01-01 to 2024-12-31)."),
        (
            "top 5 regions by net sales in 2024",
            "Net sales by Region, the 5 highest, 2024 (2024-01-01 to 2024-12-31).",
        ),
        ("region with lowest net sales in 2024", "Net sales by Region, the lowest, 2024 (2024-01-01 to 2024-12-31)."),
        (
            "rank regions by net sales in 2024",
            "Net sales by Region, the highest first, 2024 (2024-01-01 to 2024-12-31).",
        ),
        ("monthly net sales in 2024", "Net sales by month, 2024 (2024-01-01 to 2024-12-31)."),
        ("share of japan in net sales in 2024", "Share in Net sales for Japan, 2024 (2024-01-01 to 2024-12-31)."),
        ("net sales per order in 2024", "Net sales per Orders, 2024 (2024-01-01 to 2024-12-31)."),
        (
            "net sales as a percentage of orders in 2024",
            "Net sales in percent of Orders, 2024 (2024-01-01 to 2024-12-31).",
        ),
        (
            "net sales growth in 2024",
            (
                "Growth of Net sales against Previous period, "
                "2024 (2024-01-01 to 2024-12-31) and 2023 (2023-01-01 to 2023-12-31)."
            ),
        ),
        (
            "net sales in 2022 and 2023",
            "Net sales, 2022 (2022-01-01 to 2022-12-31) and 2023 (2023-01-01 to 2023-12-31).",
        ),
        ("what is the definition of net sales and of gaap?", "What Net sales and Gaap mean."),
        ("what does income mean?", "What Income means."),
        ("which dimensions does net sales have?", "Which dimensions Net sales can be sliced by."),
        ("income in 2024", "Needs a choice: “income” can mean Net sales, Orders. Which one?"),
        ("what is gaap?", "What Gaap means."),
        ("where does net sales come from", "Where Net sales comes from."),
        ("where does mart.y come from", "Where mart.y comes from."),
        ("which metrics are available?", "Which metrics there are."),
        ("which metrics are available for japan?", "Which metrics there are for Japan."),
        ("which products are owned by tools", "Feed, Tools."),
        ("bitcoin", ""),
    ],
)
async def test_a_question_is_restated_in_one_sentence(desk: Desk, question: str, expected: str) -> None:
    assert (await desk.ask(question)).interpretation == expected
