"""What a reading tells beside its days: what was assumed, its parts, its id and its label."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import GREGORIAN
from ecp_server.resolution.time import period_expression, read
from tests.resolution.time.circumstances import TODAY, reading


@pytest.mark.parametrize("text", ["week 53 of 2019", "fifth Monday of February 2023", "February 29 last year"])
def test_what_does_not_exist_has_no_days(text: str) -> None:
    expression = period_expression(text)
    assert expression is not None
    assert read(expression, GREGORIAN, GREGORIAN, TODAY) is None


def test_a_year_left_out_is_told_with_the_next_one() -> None:
    found = reading("Q1")
    assert ["year"] == [note.id for note in found.notes]
    assert ["2025_q1"] == [other.id for other in found.alternatives]


def test_the_other_order_of_day_and_month_is_told() -> None:
    found = reading("7/6/2018")
    assert [("day_month_order", ["2018-06-07"])] == [
        (note.id, [other.id for other in note.alternatives]) for note in found.notes
    ]
    assert () == reading("7/26/2018").notes


def test_a_weekday_that_does_not_fit_is_told() -> None:
    assert ["weekday"] == [note.id for note in reading("Friday 2018-7-5").notes]


def test_a_period_that_lies_ahead_is_told() -> None:
    assert ["future_period"] == [note.id for note in reading("next month").notes]


def test_the_parts_of_a_list_have_readings_of_their_own() -> None:
    found = reading("Q1 and Q2 2023")
    assert ["2023_q1", "2023_q2"] == [part.id for part in found.parts]
    assert "Q1 2023 and Q2 2023" == found.range.label


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("last quarter", "last_quarter", "Q1 2024"),
        ("the past three months", "last_3_months", "February 2024 to April 2024"),
        ("YTD", "year_to_date", "2024-01-01 to 2024-05-16"),
        ("January 2024", "2024-01", "January 2024"),
        ("4Q19", "2019_q4", "Q4 2019"),
        ("since 2020", "since_2020", "since 2020"),
        ("from Jan 2023 to Mar 2024", "2023-01_to_2024-03", "January 2023 to March 2024"),
    ],
)
def test_a_reading_has_a_canonical_id_and_a_label(text: str, name: str, label: str) -> None:
    found = reading(text)
    assert (name, label) == (found.id, found.range.label)
