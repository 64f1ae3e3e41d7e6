"""The table of time readings, row by row (design, Time readings), on the gregorian calendar."""

from __future__ import annotations

from datetime import date

import pytest

from ecp_server.domain.catalog import GREGORIAN, Calendar, Weekday
from ecp_server.domain.period import TimeRange
from ecp_server.domain.text import tokenize
from ecp_server.resolution.time import find_times, read
from tests.resolution.time.circumstances import TODAY, span

Days = tuple[str | None, str | None]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("last quarter", ("2024-01-01", "2024-04-01")),
        ("previous year", ("2023-01-01", "2024-01-01")),
        ("past week", ("2024-05-06", "2024-05-13")),
        ("last 3 months", ("2024-02-01", "2024-05-01")),
        ("the past two quarters", ("2023-10-01", "2024-04-01")),
        ("previous 30 days", ("2024-04-16", "2024-05-16")),
        ("last 3 complete months", ("2024-02-01", "2024-05-01")),
        ("trailing twelve months", ("2023-05-01", "2024-05-01")),
        ("TTM", ("2023-05-01", "2024-05-01")),
        ("LTM", ("2023-05-01", "2024-05-01")),
        ("T12M", ("2023-05-01", "2024-05-01")),
        ("most recently completed quarter", ("2024-01-01", "2024-04-01")),
        ("this past month", ("2024-04-01", "2024-05-01")),
        ("last half", ("2023-07-01", "2024-01-01")),
        ("last decade", ("2010-01-01", "2020-01-01")),
        ("last weekend", ("2024-05-11", "2024-05-13")),
        ("last 5 business days", ("2024-05-09", "2024-05-16")),
        ("last fortnight", ("2024-04-29", "2024-05-13")),
        ("the quarter just ended", ("2024-01-01", "2024-04-01")),
        ("last 3 consecutive months", ("2024-02-01", "2024-05-01")),
    ],
)
def test_last_n_units_are_the_complete_ones_before_the_current(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("last 3 months and 2 weeks", ("2024-02-02", "2024-05-16")),
        ("rolling 30 days", ("2024-04-16", "2024-05-16")),
        ("rolling 12 months", ("2023-05-16", "2024-05-16")),
        ("12-month rolling", ("2023-05-16", "2024-05-16")),
    ],
)
def test_a_mixed_length_and_a_rolling_one_end_with_todays_eve(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("within the last 30 days", ("2024-04-16", "2024-05-17")),
        ("within the past year", ("2023-05-16", "2024-05-17")),
        ("less than 3 weeks ago", ("2024-04-25", "2024-05-17")),
    ],
)
def test_within_the_last_n_adds_today(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("within 2 weeks", ("2024-05-16", "2024-05-30")),
        ("within the next 3 years", ("2024-05-16", "2027-05-16")),
        ("within 1 year 2 months 3 days", ("2024-05-16", "2025-07-19")),
    ],
)
def test_within_n_is_today_to_the_day_n_later(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("this quarter", ("2024-04-01", "2024-07-01")),
        ("current week", ("2024-05-13", "2024-05-20")),
        ("the month", ("2024-05-01", "2024-06-01")),
        ("today", ("2024-05-16", "2024-05-17")),
        ("right now", ("2024-05-16", "2024-05-17")),
        ("2020-present", ("2020-01-01", "2024-05-17")),
        ("next month", ("2024-06-01", "2024-07-01")),
        ("next 3 weeks", ("2024-05-20", "2024-06-10")),
        ("3 upcoming weeks", ("2024-05-20", "2024-06-10")),
        ("next 4 business days", ("2024-05-17", "2024-05-23")),
        ("rest of the quarter", ("2024-05-16", "2024-07-01")),
    ],
)
def test_this_is_the_current_unit_and_next_n_the_n_after_it(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("10 days ago", ("2024-05-06", "2024-05-07")),
        ("a quarter ago", ("2024-01-01", "2024-04-01")),
        ("two years ago", ("2022-01-01", "2023-01-01")),
        ("a year ago today", ("2023-05-16", "2023-05-17")),
        ("yesterday", ("2024-05-15", "2024-05-16")),
        ("the day before yesterday", ("2024-05-14", "2024-05-15")),
        ("the quarter before last", ("2023-10-01", "2024-01-01")),
        ("the week before last week", ("2024-04-29", "2024-05-06")),
        ("the month after next", ("2024-07-01", "2024-08-01")),
        ("2 weeks before May 13 2024", ("2024-04-29", "2024-04-30")),
        ("3 days after last Monday", ("2024-05-16", "2024-05-17")),
        ("two weeks from now", ("2024-05-30", "2024-05-31")),
        ("in 3 business days", ("2024-05-21", "2024-05-22")),
        ("more than a month ago", (None, "2024-04-16")),
    ],
)
def test_ago_is_that_day_or_that_whole_unit(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("YTD", ("2024-01-01", "2024-05-17")),
        ("year to date", ("2024-01-01", "2024-05-17")),
        ("QTD", ("2024-04-01", "2024-05-17")),
        ("month-to-date", ("2024-05-01", "2024-05-17")),
        ("WTD", ("2024-05-13", "2024-05-17")),
        ("so far this year", ("2024-01-01", "2024-05-17")),
        ("this quarter so far", ("2024-04-01", "2024-05-17")),
        ("YTD last year", ("2023-01-01", "2023-05-17")),
        ("2022 YTD", ("2022-01-01", "2022-05-17")),
        ("YTD through March", ("2024-01-01", "2024-04-01")),
        ("2023 to date", ("2023-01-01", "2024-05-17")),
    ],
)
def test_to_date_includes_today(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("from January to March 2024", ("2024-01-01", "2024-04-01")),
        ("between 2019 and 2021", ("2019-01-01", "2022-01-01")),
        ("2019-2021", ("2019-01-01", "2022-01-01")),
        ("2014~2018", ("2014-01-01", "2019-01-01")),
        ("2023 through March 15 2024", ("2023-01-01", "2024-03-16")),
        ("from 2024-01-01 until 2024-03-31", ("2024-01-01", "2024-04-01")),
        ("Q1-Q3 2023", ("2023-01-01", "2023-10-01")),
        ("until yesterday", (None, "2024-05-16")),
        ("through 2023", (None, "2024-01-01")),
        ("Jan 5-9, 2024", ("2024-01-05", "2024-01-10")),
        ("5 to 9 January 2024", ("2024-01-05", "2024-01-10")),
        ("between 4-22 this month", ("2024-05-04", "2024-05-23")),
        ("from last year until now", ("2023-01-01", "2024-05-17")),
        ("from 10-1-2023-10-7-2023", ("2023-10-01", "2023-10-08")),
        ("from Monday to Wednesday last week", ("2024-05-06", "2024-05-09")),
        ("2021 to 2019", ("2019-01-01", "2022-01-01")),
        ("March 2018 - 5/17/2019", ("2018-03-01", "2019-05-18")),
        ("2016 - May 2019", ("2016-01-01", "2019-06-01")),
        ("2012 - present", ("2012-01-01", "2024-05-17")),
        ("weeks 31 to 35 of 2023", ("2023-07-31", "2023-09-04")),
        ("Q1 2023 through March 15, 2024", ("2023-01-01", "2024-03-16")),
    ],
)
def test_both_ends_of_a_range_are_whole_and_included(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Nov-Feb 2017", ("2016-11-01", "2017-03-01")),
        ("from May to Oct 2020", ("2020-05-01", "2020-11-01")),
        ("from 4 to January 22, 1995", ("1995-01-04", "1995-01-23")),
        ("Q4 2022 to Q2", ("2022-10-01", "2023-07-01")),
        ("from Dec 2019 to Feb", ("2019-12-01", "2020-03-01")),
        ("Dec 25 to Jan 5", ("2023-12-25", "2024-01-06")),
        ("between now and November 15th", ("2024-05-16", "2024-11-16")),
        ("from 10/25 to 01/25", ("2023-10-25", "2024-01-26")),
        ("from 13th to 15th of July", ("2024-07-13", "2024-07-16")),
    ],
)
def test_a_year_or_month_at_one_end_holds_for_the_other_and_the_ends_stay_in_order(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("since 2020", ("2020-01-01", "2024-05-17")),
        ("since last March", ("2024-03-01", "2024-05-17")),
        ("since the beginning of the year", ("2024-01-01", "2024-05-17")),
        ("since 2030", ("2030-01-01", None)),
        ("from 2022", ("2022-01-01", None)),
        ("starting January 2024", ("2024-01-01", None)),
        ("1/1/2016 and after", ("2016-01-01", None)),
        ("2022 onwards", ("2022-01-01", None)),
        ("after 2020", ("2021-01-01", None)),
        ("after March 15 2024", ("2024-03-16", None)),
        ("before 2015", (None, "2015-01-01")),
        ("prior to Q2 2023", (None, "2023-04-01")),
        ("2016 or earlier", (None, "2017-01-01")),
        ("more than 2 weeks after today", ("2024-05-30", None)),
        ("all time", (None, None)),
    ],
)
def test_since_after_and_before_leave_one_end_open(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("March", ("2024-03-01", "2024-04-01")),
        ("May", ("2024-05-01", "2024-06-01")),
        ("June", ("2023-06-01", "2023-07-01")),
        ("19 June", ("2023-06-19", "2023-06-20")),
        ("Q2", ("2024-04-01", "2024-07-01")),
        ("Q3", ("2023-07-01", "2023-10-01")),
        ("H2", ("2023-07-01", "2024-01-01")),
        ("Feb 29", ("2024-02-29", "2024-03-01")),
    ],
)
def test_a_year_left_out_is_the_latest_that_is_not_after_today(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Fri, November 22", ("2024-11-22", "2024-11-23")),
        ("week 31", ("2024-07-29", "2024-08-05")),
        ("3rd week of November", ("2024-11-18", "2024-11-25")),
        ("last day of June", ("2024-06-30", "2024-07-01")),
        ("first Monday of September", ("2024-09-02", "2024-09-03")),
        ("the 3rd of November", ("2024-11-03", "2024-11-04")),
        ("on the 20th", ("2024-05-20", "2024-05-21")),
    ],
)
def test_with_a_weekday_an_ordinal_or_a_week_number_it_is_this_year(text: str, days: Days) -> None:
    assert days == span(text)


def test_of_the_dates_next_to_today_the_one_that_is_such_a_weekday_is_meant() -> None:
    assert ("2017-05-09", "2017-05-10") == span("Tue May 9", today=date(2018, 1, 7))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("11/20", ("2023-11-20", "2023-11-21")),
        ("7.6", ("2023-07-06", "2023-07-07")),
        ("22/04", ("2024-04-22", "2024-04-23")),
        ("7/6/2018", ("2018-07-06", "2018-07-07")),
        ("31.01.2024", ("2024-01-31", "2024-02-01")),
        ("1/31/24", ("2024-01-31", "2024-02-01")),
        ("2015-3-3", ("2015-03-03", "2015-03-04")),
        ("20240131", ("2024-01-31", "2024-02-01")),
        ("2024-01-05T00:00:00Z", ("2024-01-05", "2024-01-06")),
        ("05-Aug-2016", ("2016-08-05", "2016-08-06")),
        ("2015/3", ("2015-03-01", "2015-04-01")),
        ("11 / 2016", ("2016-11-01", "2016-12-01")),
        ("2023-W31", ("2023-07-31", "2023-08-07")),
        ("2023-W31-3", ("2023-08-02", "2023-08-03")),
    ],
)
def test_figures_have_the_month_first_unless_that_is_impossible(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Monday", ("2024-05-13", "2024-05-14")),
        ("on Thursday", ("2024-05-09", "2024-05-10")),
        ("last Friday", ("2024-05-10", "2024-05-11")),
        ("this Friday", ("2024-05-17", "2024-05-18")),
        ("next Monday", ("2024-05-20", "2024-05-21")),
        ("Friday of last week", ("2024-05-10", "2024-05-11")),
        ("next week, how about on Wednesday", ("2024-05-22", "2024-05-23")),
        ("2 Thursdays ago", ("2024-05-02", "2024-05-03")),
        ("Wednesday after next", ("2024-05-29", "2024-05-30")),
    ],
)
def test_a_weekday_alone_is_the_latest_before_today(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("first week of 2019", ("2018-12-31", "2019-01-07")),
        ("last week of 2016", ("2016-12-26", "2017-01-02")),
        ("3rd week of January 2019", ("2019-01-14", "2019-01-21")),
        ("second last week of October 2018", ("2018-10-15", "2018-10-22")),
        ("week 3 of 2027", ("2027-01-18", "2027-01-25")),
        ("first two weeks of May 2024", ("2024-04-29", "2024-05-13")),
        ("the week of March 6 2024", ("2024-03-04", "2024-03-11")),
    ],
)
def test_weeks_of_a_month_or_year_are_those_with_four_days_in_it(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("4Q19", ("2019-10-01", "2020-01-01")),
        ("Q3'23", ("2023-07-01", "2023-10-01")),
        ("2019-Q1", ("2019-01-01", "2019-04-01")),
        ("third quarter of 2023", ("2023-07-01", "2023-10-01")),
        ("last quarter of 2023", ("2023-10-01", "2024-01-01")),
        ("Q4 of last year", ("2023-10-01", "2024-01-01")),
        ("last year's Q4", ("2023-10-01", "2024-01-01")),
        ("1H23", ("2023-01-01", "2023-07-01")),
        ("first two quarters of 2023", ("2023-01-01", "2023-07-01")),
        ("the third month of 2021", ("2021-03-01", "2021-04-01")),
        ("20th of last month", ("2024-04-20", "2024-04-21")),
        ("next month's first week", ("2024-06-03", "2024-06-10")),
        ("December last year", ("2023-12-01", "2024-01-01")),
        ("this month last year", ("2023-05-01", "2023-06-01")),
        ("this quarter of last year", ("2023-04-01", "2023-07-01")),
        ("last December", ("2023-12-01", "2024-01-01")),
        ("March in a year", ("2025-03-01", "2025-04-01")),
        ("March after next", ("2026-03-01", "2026-04-01")),
        ("October two thousand and five", ("2005-10-01", "2005-11-01")),
        ("twenty twenty three", ("2023-01-01", "2024-01-01")),
        ("the 1970s", ("1970-01-01", "1980-01-01")),
        ("the nineties", ("1990-01-01", "2000-01-01")),
        ("the 3 months to March 2024", ("2024-01-01", "2024-04-01")),
        ("three months ended March 31, 2024", ("2024-01-01", "2024-04-01")),
        ("2 weeks starting May 20th 2019", ("2019-05-20", "2019-06-03")),
        ("end of Q3 2023", ("2023-09-30", "2023-10-01")),
        ("Q1, Q2 and Q3 2023", ("2023-01-01", "2023-10-01")),
        ("last business day of March 2024", ("2024-03-29", "2024-03-30")),
    ],
)
def test_names_numbers_and_words_of_periods(text: str, days: Days) -> None:
    assert days == span(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        (">= 2024-03-15", ("2024-03-15", None)),
        ("> 2024-03-15", ("2024-03-16", None)),
        ("<= March 2024", (None, "2024-04-01")),
        ("< Q1 2024", (None, "2024-01-01")),
        (">= 2024-03-01 and < 2024-04-01", ("2024-03-01", "2024-04-01")),
        ("after March 2023 but before June 2023", ("2023-04-01", "2023-06-01")),
        ("since 2022 and until 2023", ("2022-01-01", "2024-01-01")),
        ("202403", ("2024-03-01", "2024-04-01")),
        ("202401-202403", ("2024-01-01", "2024-04-01")),
        ("2024-01-15/2024-03-05", ("2024-01-15", "2024-03-06")),
        ("2024-01/2024-03", ("2024-01-01", "2024-04-01")),
        ("ever", (None, None)),
    ],
)
def test_signs_and_figures_bound_as_words_do(text: str, days: Days) -> None:
    """A sign beside a date was dropped, so that one day was left; two bounds are one period."""
    assert days == span(text)


@pytest.mark.parametrize("text", ["> 2024", "202413", "over 202403", ">= 12/15"])
def test_figures_that_may_be_an_amount_are_no_bound(text: str) -> None:
    assert () == find_times(tokenize(text))


def test_weeks_start_as_the_calendar_says() -> None:
    sundays = Calendar("sundays", week_start=Weekday.SUNDAY)
    assert ("2024-05-05", "2024-05-12") == span("last week", sundays)


@pytest.mark.parametrize("text", ["same quarter last year", "YoY", "year over year", "a year earlier"])
def test_the_same_period_last_year_is_the_comparable_of_the_main_one(text: str) -> None:
    (mention,) = find_times(tokenize(text))
    main = TimeRange(date(2024, 1, 1), date(2024, 4, 1), "Q1 2024")
    found = read(mention.expression, GREGORIAN, GREGORIAN, TODAY, main)
    assert found is not None
    assert (date(2023, 1, 1), date(2023, 4, 1)) == (found.range.start, found.range.end)
    assert "same_period_last_year" == found.id
    assert read(mention.expression, GREGORIAN, GREGORIAN, TODAY) is None


@pytest.mark.parametrize("text", ["QoQ", "the prior period", "the quarter before"])
def test_the_prior_period_is_the_one_before_the_main_one(text: str) -> None:
    (mention,) = find_times(tokenize(text))
    main = TimeRange(date(2024, 1, 1), date(2024, 4, 1), "Q1 2024")
    found = read(mention.expression, GREGORIAN, GREGORIAN, TODAY, main)
    assert found is not None
    assert (date(2023, 10, 1), date(2024, 1, 1)) == (found.range.start, found.range.end)
