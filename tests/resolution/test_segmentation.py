"""Of overlapping readings the one whose mentions cover the words best (design, section 2: longest match)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.resolution.samples import catalog, dimension, member, metric, parsed, term

SHOP = catalog(
    metric("revenue"),
    metric("net_revenue"),
    metric("revenue_per_customer"),
    metric("march_sales", name="March sales"),
    metric("take", synonyms=("net",)),
    term("customer_count", synonyms=("per customer count",)),
    dimension("customer"),
    dimension("company"),
    member("company.servicenow", "NOW", name="ServiceNow", synonyms=("NOW",)),
    member("company.us", "US", name="United States", synonyms=("US",)),
)


def names(text: str) -> list[str]:
    """The strongest sense of each mention, in the order of the text."""
    return [name.senses[0].id for name in parsed(SHOP, text).names]


def times(text: str) -> list[str]:
    return [time.mention.text for time in parsed(SHOP, text).times]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("revenue", ["revenue"]),
        ("net revenue", ["net_revenue"]),
        ("revenue per customer", ["revenue_per_customer"]),
        ("net revenue per customer", ["take", "revenue_per_customer"]),
        ("revenue of each customer", ["revenue", "customer"]),
    ],
)
def test_long_names_go_before_the_short_ones_in_them(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_a_name_with_a_month_in_it_is_no_period() -> None:
    assert (names("March sales"), times("March sales")) == (["march_sales"], [])
    assert (names("revenue in March"), times("revenue in March")) == (["revenue"], ["March"])
    assert times("March sales in March 2024") == ["March 2024"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NOW revenue", ["company.servicenow", "revenue"]),
        ("revenue now", ["revenue"]),
        ("Now revenue", ["revenue"]),
        ("ServiceNow revenue", ["company.servicenow", "revenue"]),
        ("show us revenue", ["revenue"]),
        ("US revenue", ["company.us", "revenue"]),
        ("revenue in the united states", ["revenue", "company.us"]),
    ],
)
def test_names_that_are_function_words_need_the_catalogs_own_letters(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_mentions_never_overlap_and_stand_in_the_order_of_the_text() -> None:
    found = parsed(SHOP, "net revenue per customer in March 2024 and the net revenue of NOW")

    places = sorted([(n.first, n.last) for n in found.names] + [(t.first, t.last) for t in found.times])
    assert all(last <= first for (_, last), (first, _) in pairwise(places))
    assert len(places) == 5
