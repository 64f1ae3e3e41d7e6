"""Which calendar words take (design, Time readings; catalog.md, Calendar)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import GREGORIAN, Calendar
from tests.resolution.time.circumstances import FISCAL, FISCAL_BY_START, LAST_SATURDAY, RETAIL, reading, span


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("last year", "2023-04-01", "2024-04-01"),
        ("Q4 2019", "2019-01-01", "2019-04-01"),
        ("2024", "2023-04-01", "2024-04-01"),
        ("H1", "2024-04-01", "2024-10-01"),
        ("YTD", "2024-04-01", "2024-05-17"),
        ("first two quarters of 2024", "2023-04-01", "2023-10-01"),
        ("Q3 to Q1 2024", "2022-10-01", "2023-07-01"),
    ],
)
def test_words_that_say_nothing_take_the_calendar_in_force(text: str, start: str, end: str) -> None:
    assert (start, end) == span(text, FISCAL)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("last calendar year", "2023-01-01", "2024-01-01"),
        ("calendar Q4 2019", "2019-10-01", "2020-01-01"),
        ("CY2023", "2023-01-01", "2024-01-01"),
        ("calendar year to date", "2024-01-01", "2024-05-17"),
    ],
)
def test_calendar_said_is_gregorian(text: str, start: str, end: str) -> None:
    found = reading(text, FISCAL)
    assert (start, end) == span(text, FISCAL)
    assert found.calendar_said
    assert "gregorian" == found.range.calendar
    assert () == found.notes


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("FY24", "2023-04-01", "2024-04-01"),
        ("fiscal 2024", "2023-04-01", "2024-04-01"),
        ("last fiscal quarter", "2024-01-01", "2024-04-01"),
        ("Q3 FY2024", "2023-10-01", "2024-01-01"),
        ("third quarter of fiscal year 2024", "2023-10-01", "2024-01-01"),
        ("FY10Q4", "2010-01-01", "2010-04-01"),
        ("1HFY24", "2023-04-01", "2023-10-01"),
        ("FYTD", "2024-04-01", "2024-05-17"),
        ("FY2023-24", "2023-04-01", "2024-04-01"),
        ("2023/24", "2023-04-01", "2024-04-01"),
        ("FQ3 2024", "2023-10-01", "2024-01-01"),
        ("P7 FY2024", "2023-10-01", "2023-11-01"),
        ("August FY2024", "2023-08-01", "2023-09-01"),
        ("from Q3 to Q1 FY2023", "2021-10-01", "2022-07-01"),
        ("two fiscal years ago", "2022-04-01", "2023-04-01"),
        ("trailing 2 fiscal years", "2022-04-01", "2024-04-01"),
    ],
)
def test_fiscal_said_is_the_fiscal_calendar_whatever_is_in_force(text: str, start: str, end: str) -> None:
    assert (start, end) == span(text, GREGORIAN, FISCAL)
    assert reading(text, GREGORIAN, FISCAL).calendar_said


def test_a_year_of_two_numbers_is_the_fiscal_year_that_lies_in_both() -> None:
    assert "fy2024" == reading("FY2023-24", FISCAL).id
    assert "fy2023" == reading("FY2023-24", FISCAL_BY_START).id


def test_a_months_name_is_gregorian_unless_fiscal_is_said() -> None:
    assert ("2020-01-01", "2020-02-01") == span("January 2020", RETAIL)
    assert ("2020-01-05", "2020-02-02") == span("fiscal January 2020", RETAIL)
    assert ("2021-01-03", "2021-01-31") == span("January of fiscal 2020", RETAIL)


def test_months_that_are_counted_are_those_of_the_calendar_in_force() -> None:
    assert ("2024-04-07", "2024-05-05") == span("last month", RETAIL)
    assert ("2023-07-30", "2023-08-27") == span("P7 2023", RETAIL)


@pytest.mark.parametrize(
    ("text", "calendar", "start", "end"),
    [
        ("FY2023", RETAIL, "2023-01-29", "2024-02-04"),
        ("Q4 2023", RETAIL, "2023-10-29", "2024-02-04"),
        ("week 53 of 2023", RETAIL, "2024-01-28", "2024-02-04"),
        ("52 weeks ended January 28, 2023", RETAIL, "2022-01-30", "2023-01-29"),
        ("fiscal year ended January 28, 2023", RETAIL, "2022-01-30", "2023-01-29"),
        ("FY2023 Q1", LAST_SATURDAY, "2022-09-25", "2023-01-01"),
        ("previous quarter", LAST_SATURDAY, "2023-12-31", "2024-03-31"),
    ],
)
def test_calendars_of_weeks(text: str, calendar: Calendar, start: str, end: str) -> None:
    assert (start, end) == span(text, calendar)


@pytest.mark.parametrize(
    ("in_force", "taken", "other"),
    [(FISCAL, "fy2019_q4", "calendar_2019_q4"), (GREGORIAN, "2019_q4", "fy2019_q4")],
)
def test_where_the_words_do_not_say_the_other_calendars_reading_is_told(
    in_force: Calendar, taken: str, other: str
) -> None:
    found = reading("Q4 2019", in_force, FISCAL)
    assert taken == found.id
    assert [("calendar", [other])] == [(note.id, [one.id for one in note.alternatives]) for note in found.notes]
    assert not found.calendar_said


def test_no_other_reading_is_told_where_the_days_are_the_same() -> None:
    assert () == reading("last quarter", FISCAL).notes
    assert () == reading("last 30 days", RETAIL).notes


def test_fiscal_said_without_a_fiscal_calendar_is_told() -> None:
    found = reading("FY2023", GREGORIAN)
    assert ["calendar"] == [note.id for note in found.notes]
    assert "2023" == found.range.label


def test_a_calendar_that_the_metric_names_counts_as_fiscal_whatever_its_type() -> None:
    own = Calendar("own")
    found = reading("FY2023", FISCAL, own)
    assert ("own", ()) == (found.range.calendar, found.notes)
