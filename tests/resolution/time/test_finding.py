"""Which words of a text are a time expression, and which only look like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.text import Token, tokenize
from ecp_server.resolution.time import Several, TimeMention, find_times, period_expression
from ecp_server.resolution.time.expressions import Month, TimeUnit, Units, Year


def found(text: str) -> list[str]:
    tokens = tokenize(text)
    return [text[tokens[m.first].start : tokens[m.last - 1].end] for m in find_times(tokens)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What was APAC revenue last quarter vs budget?", ["last quarter"]),
        ("revenue in 2023 by region", ["2023"]),
        ("Q1 revenue", ["Q1"]),
        ("revenue for May", ["May"]),
        ("May revenue by region", ["May"]),
        ("net revenue YTD vs same period last year", ["YTD", "same period last year"]),
        ("last quarter's revenue", ["last quarter"]),
        ("sales on Sat", ["Sat"]),
        ("headcount at the end of 2023", ["the end of 2023"]),
        ("revenue since March 2023, by month", ["since March 2023"]),
        ("FY10Q4 bookings", ["FY10Q4"]),
        ("revenue Q3’23", ["Q3’23"]),
        ("what is revenue now?", ["now"]),
        ("so what was revenue in 2023 now?", ["2023"]),
        ("revenue from 2020 until now", ["from 2020 until now"]),
        ("revenue of Model 3 last month", ["last month"]),
        ("revenue of Model 3 last quarter", ["last quarter"]),
        ("revenue of iPhone 14 and 15 this month", ["this month"]),
        ("revenue of the 3 last months", ["the 3 last months"]),
        ("revenue on the 3 of last month", ["the 3 of last month"]),
        ("between 4-22 this month", ["between 4-22 this month"]),
    ],
)
def test_a_mention_covers_the_words_of_the_expression(text: str, words: list[str]) -> None:
    assert words == found(text)


@pytest.mark.parametrize(
    "text",
    [
        "revenue by month",
        "revenue by the month",
        "revenue per quarter",
        "monthly active users",
        "quarterly report",
        "annual revenue",
        "day of the week",
        "rule of 40",
        "top 5 customers",
        "95% of customers",
        "7.6% growth",
        "growth of 7.6 percent",
        "2/3 of revenue",
        "current assets",
        "current ratio",
        "past due invoices",
        "next steps",
        "first name and last name",
        "second largest customer",
        "the 2nd biggest region",
        "for the first time",
        "at the end of the day",
        "may we see revenue",
        "which regions may grow",
        "Sun Microsystems revenue",
        "Sat scores",
        "customers over 2000",
        "revenue > 2000",
        "orders >= 2000",
        "2000 employees",
        "more than 2000 customers",
        "$2019",
        "24/7 support",
        "Form 10-K",
        "P1 incidents",
        "P/E ratio",
        "H1B visas",
        "5G revenue",
        "3M sales",
        "covid-19",
        "ISO 9001",
        "fiscal policy",
        "sales on Mondays",
        "30-day retention",
        "7.6.5.4",
        "February 30",
        "31 April 2024",
        "2024-02-30",
        "since 2024-02-30",
        "30/02/2024",
        "31.4.2024",
        "31/04/24",
        "2023-02-29 to 2023-03-05",
        "31 of April 2024",
        "last month and a half",
        "last quarter and a half",
        "the year 10000",
        "the quarter 5",
        "1.5 years ago",
        "in Q5",
        "ratio of 1.5",
        "rating 4.5",
        "from 1st to 3rd place",
        "between 5 and 10 customers",
        "half of revenue",
        "a quarter of customers",
        "present revenue by region",
        "now show me revenue",
        "",
    ],
)
def test_words_that_only_look_like_a_time_are_none(text: str) -> None:
    assert [] == found(text)


def test_periods_that_follow_one_another_are_one_expression() -> None:
    (mention,) = find_times(tokenize("revenue in Q1, Q2 and Q3 2023"))
    assert isinstance(mention.expression, Several)
    assert 3 == len(mention.expression.items)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Q1 2023 and Q1 2024", ["Q1 2023", "Q1 2024"]),
        ("2021 and 2023", ["2021", "2023"]),
        ("compare 2022 and 2023", ["2022", "2023"]),
        ("compare Q1 2024 to Q1 2023", ["Q1 2024", "Q1 2023"]),
        ("this year vs last year", ["this year", "last year"]),
        ("2022, Q1 2023 and last month", ["2022", "Q1 2023", "last month"]),
        ("FY2022, Q1 FY2023", ["FY2022", "Q1 FY2023"]),
        ("2022, Q1", ["2022, Q1"]),
        ("March 2024-present", ["March 2024-present"]),
    ],
)
def test_periods_that_are_compared_or_lie_apart_are_mentions_of_their_own(text: str, words: list[str]) -> None:
    assert words == found(text)


def test_a_year_said_for_one_of_two_compared_periods_holds_for_both() -> None:
    tokens = tokenize("January vs February 2023")
    assert [Month(1, Year(2023)), Month(2, Year(2023))] == [mention.expression for mention in find_times(tokens)]


def test_a_default_period_is_one_expression_from_end_to_end() -> None:
    assert Units(TimeUnit.QUARTER, -1) == period_expression("last complete quarter")
    assert period_expression("revenue last quarter") is None
    assert period_expression("as_of") is None
    assert period_expression("") is None


WORDS = [
    word
    for line in (
        "the a last next this previous past before after since from to until between and or of in on within ago date",
        "now day week month quarter half year years quarters days weekend decade fiscal calendar fy ytd q3 4q19 h1 w31",
        "p7 1 2 3 12 31 2019 2024 99999999 1st 22nd first second third twenty two thousand may march monday fri today",
        "yesterday so far rolling trailing ttm end start beginning rest same period yoy vs , . / : ' = > < - ~ 's",
        "05t00 fy10q4 2019-q1 z",
    )
    for word in line.split()
]

token_rows = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
raw_tokens = st.lists(
    st.builds(Token, st.text(max_size=8), st.text(max_size=8), st.integers(0, 40), st.integers(0, 40)), max_size=8
)


def assert_in_order(mentions: tuple[TimeMention, ...], tokens: int) -> None:
    end = 0
    for mention in mentions:
        assert end <= mention.first < mention.last <= tokens
        end = mention.last


@given(st.one_of(token_rows, st.text()))
def test_no_text_raises_and_mentions_never_overlap(text: str) -> None:
    tokens = tokenize(text)
    assert_in_order(find_times(tokens), len(tokens))


@given(raw_tokens)
def test_no_row_of_tokens_raises(tokens: list[Token]) -> None:
    assert_in_order(find_times(tokens), len(tokens))
