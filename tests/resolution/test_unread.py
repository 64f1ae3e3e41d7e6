"""Small words that change what is asked and that no plan keeps are told (design, section 6, Nothing is dropped)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Level, Target
from ecp_server.domain.concepts import Intent
from tests.resolution.samples import catalog, dimension, member, metric, parsed, term

SHOP = catalog(
    metric("sales", dimensions=("region",), targets=(Target("budget", "planned"),)),
    metric("refunds", dimensions=("region",)),
    metric("planned"),
    term("customers"),
    dimension("region", levels=(Level("country", "Country"),)),
    member("region.japan", "JP"),
    member("region.korea", "KR"),
)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("sales without refunds", ["without"]),
        ("sales excluding any refunds", ["excluding"]),
        ("sales, not refunds", ["not"]),
        ("sales other than refunds", ["other than"]),
        ("sales rather than refunds", ["rather than"]),
        ("regions with no sales", ["no"]),
        ("sales in no region", ["no"]),
        ("sales in other regions", ["other"]),
        ("japan vs all other regions by sales", ["vs", "other"]),
        ("sales vs region", ["vs"]),
        ("sales above Japan", ["above"]),
        ("sales minus refunds", ["minus"]),
        ("sales less the refunds", ["less"]),
        ("sales / refunds", ["/"]),
        ("sales + refunds", ["+"]),
        ("refunds over sales", ["over"]),
        ("Japan sales divided by Korea sales", ["divided by"]),
        ("Japan sales / Korea sales", ["/"]),
        ("sales of customers", ["of"]),
        ("refunds in sales", ["in"]),
        ("sales from the customers in Japan", ["from"]),
        ("are sales less than refunds", ["less than"]),
        ("does Japan have more sales than Korea", ["more", "than"]),
        ("are sales more than last year", ["more than"]),
        ("how many regions have sales", ["how many"]),
        ("number of regions with sales", ["Number of"]),
        ("top 10% of regions by sales", ["10%"]),
        ("10% of sales", ["10%"]),
        ("why did sales fall in Japan", ["why"]),
        ("when did sales fall", ["when"]),
        ("where did sales fall", ["where"]),
        ("who has sales", ["who"]),
        ("mean sales by region", ["mean"]),
        ("sales by source", ["source"]),
        ("sales by level", ["level"]),
        ("sales and returns", ["returns"]),
        ("running total of sales", ["running"]),
        ("actual vs planned sales by region", ["vs"]),
        ("sales of Japan vs total", ["vs"]),
        ("sales compared to the total in 2024", ["compared"]),
        ("top 3 countries per region by sales", ["per"]),
        ("best region in each country by sales", ["each"]),
        ("sales by country excluding the top 3", ["excluding"]),
        ("all but the largest region by sales", ["but"]),
        ("are sales improving", ["improving"]),
        ("sales up or down?", ["up", "down"]),
        ("are sales down from last year", ["down"]),
        ("sales by origin", ["origin"]),
    ],
)
def test_a_word_that_no_plan_keeps_is_told_and_makes_the_metric_no_other_one(question: str, told: list[str]) -> None:
    found = parsed(SHOP, question)

    assert [m.text.casefold() for m in found.unmatched] == [text.casefold() for text in told]
    assert found.altered == ()


@pytest.mark.parametrize(
    "question",
    [
        "sales without Japan",
        "sales other than in Japan",
        "sales and refunds",
        "sales with refunds",
        "sales vs refunds",
        "compare sales to refunds",
        "refunds per sales",
        "refunds divided by sales",
        "sales minus Japan",
        "refunds as a percentage of sales",
        "sales by each other region",
        "are sales above budget",
        "which regions are below budget on sales",
        "sales over the last 4 quarters",
        "how many customers are there in Japan",
        "for more than the past year sales",
        "sales at country level",
        "where are we with sales",
        "how are sales not above budget",
        "claims say sales returns",
        "actual sales vs budget",
        "sales vs last year",
        "sales in 2024 compared to 2023",
        "sales of Japan vs Korea in 2024",
        "compare sales by region",
        "top 3 regions by sales each month",
        "vs budget, sales",
        "sales broken down by region",
        "split sales by region",
        "did sales go up",
        "percentage change in sales",
        "growth rate of sales",
    ],
)
def test_what_says_no_more_than_how_people_put_it_is_not_told(question: str) -> None:
    assert parsed(SHOP, question).unmatched == ()


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("what is the source of sales", Intent.LINEAGE),
        ("what is the origin of sales", Intent.LINEAGE),
        ("sales by origin", Intent.METRIC),
        ("what's the difference between sales and refunds?", Intent.DEFINITION),
    ],
)
def test_what_is_asked_of_the_catalog_goes_by_how_it_is_asked(question: str, intent: Intent) -> None:
    assert parsed(SHOP, question).intent is intent


@pytest.mark.parametrize("question", ["what do sales mean", "which metrics are available", "how are sales calculated"])
def test_words_of_questions_about_the_catalog_are_read(question: str) -> None:
    assert parsed(SHOP, question).unmatched == ()


def test_what_stands_downstream_is_told_as_no_answer_goes_there() -> None:
    found = parsed(SHOP, "what is downstream of sales")

    assert (Intent.LINEAGE, ["downstream"]) == (found.intent, [m.text for m in found.unmatched])
    assert parsed(SHOP, "what is upstream of sales").unmatched == ()


@pytest.mark.parametrize("question", ["regions without Japan", "how many regions are there", "other regions"])
def test_without_a_metric_nothing_is_told_as_no_figure_can_be_taken_for_another(question: str) -> None:
    assert parsed(SHOP, question).unmatched == ()
