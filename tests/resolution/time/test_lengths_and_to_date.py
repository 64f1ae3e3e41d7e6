"""Units to date and lengths of time: in other years, over leap days, and up to today (design, Time readings)."""

from __future__ import annotations

from datetime import date

import pytest

from tests.resolution.time.circumstances import FISCAL, RETAIL, span

Days = tuple[str | None, str | None]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("MTD last year", ("2023-05-01", "2023-05-17")),
        ("month to date 2022", ("2022-05-01", "2022-05-17")),
        ("QTD last year", ("2023-04-01", "2023-05-17")),
        ("WTD last year", ("2023-05-15", "2023-05-19")),
        ("day to date last year", ("2023-05-17", "2023-05-18")),
        ("MTD this year", ("2024-05-01", "2024-05-17")),
        ("prior MTD", ("2024-04-01", "2024-04-17")),
    ],
)
def test_a_unit_to_date_of_another_year_is_the_one_with_the_same_place(text: str, days: Days) -> None:
    assert days == span(text)


def test_a_unit_to_date_of_another_year_has_the_days_that_its_month_has() -> None:
    assert ("2023-02-01", "2023-03-01") == span("MTD last year", today=date(2024, 2, 29))
    assert ("2022-01-01", "2022-02-06") == span("QTD last year", FISCAL, today=date(2023, 2, 5))
    assert ("2023-04-30", "2023-05-11") == span("QTD last year", RETAIL, today=date(2024, 5, 15))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("last year and a half", ("2022-08-29", "2024-02-29")),
        ("1 year and 1 month ago", ("2023-01-29", "2023-01-30")),
        ("rolling 1 year 2 weeks", ("2023-02-14", "2024-02-29")),
    ],
)
def test_years_and_months_in_a_row_are_one_move(text: str, days: Days) -> None:
    assert days == span(text, today=date(2024, 2, 29))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("6 months to date", ("2023-11-17", "2024-05-17")),
        ("six months to date", ("2023-11-17", "2024-05-17")),
        ("the last 6 months to date", ("2023-11-01", "2024-05-17")),
        ("month to date", ("2024-05-01", "2024-05-17")),
    ],
)
def test_a_count_to_date_is_so_long_up_to_today(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("the two weeks before May 15", ("2024-05-01", "2024-05-15")),
        ("the 30 days after 1 April 2024", ("2024-04-02", "2024-05-02")),
        ("the three months before April 2024", ("2024-01-01", "2024-04-01")),
        ("for 30 days from 1 April 2024", ("2024-04-01", "2024-05-01")),
        ("during the 6 months after June 2023", ("2023-07-01", "2024-01-01")),
        ("two weeks before May 15", ("2024-05-01", "2024-05-02")),
        ("the day before yesterday", ("2024-05-14", "2024-05-15")),
        ("the quarter before Q2 2024", ("2024-01-01", "2024-04-01")),
    ],
)
def test_a_length_that_lasts_is_all_its_days(text: str, days: Days) -> None:
    """Where "two weeks before" is a day; "the two weeks before", "for two weeks from" are fourteen."""
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("YTD March", ("2024-01-01", "2024-04-01")),
        ("March 2024 YTD", ("2024-01-01", "2024-04-01")),
        ("YTD Q1 2024", ("2024-01-01", "2024-04-01")),
        ("QTD February 2024", ("2024-01-01", "2024-03-01")),
        ("YTD 2023", ("2023-01-01", "2023-05-17")),
        ("so far in 2024", ("2024-01-01", "2024-05-17")),
        ("Q2 so far", ("2024-04-01", "2024-05-17")),
        ("so far in 2023", ("2023-01-01", "2024-01-01")),
        ("so far this year", ("2024-01-01", "2024-05-17")),
    ],
)
def test_to_date_ends_with_what_is_named_and_so_far_with_today(text: str, days: Days) -> None:
    assert days == span(text)
