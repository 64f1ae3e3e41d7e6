"""Acronyms that a catalog does not declare."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.resolution.searching.acronyms import Acronyms

NAMES = (
    "Free cash flow",
    "Home equity line of credit",
    "Letter of credit",
    "Collateralized loan obligation offering",
    "Private equity fund",
    "Private equity firm",
    "Cash and similar holdings",
    "DOJ - Programs",
    "USDA grants",
    "Net revenue",
    "Gross domestic product growth rate adjusted",
)


@pytest.fixture(scope="module")
def acronyms() -> Acronyms:
    return Acronyms(NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FCF", ("free cash flow",)),
        ("fcf", ("free cash flow",)),
        ("fcf by region", ("free cash flow by region",)),
        ("HELOC", ("home equity line of credit",)),
        ("LC", ("letter of credit", "line of credit")),
        ("CLO offering", ("collateralized loan obligation offering",)),
        ("PE fund", ("private equity fund",)),
        ("GDP", ("gross domestic product",)),
    ],
)
def test_an_acronym_is_spelled_out_by_the_initials_of_names_and_their_parts(
    acronyms: Acronyms, text: str, expected: tuple[str, ...]
) -> None:
    assert acronyms.rewritings(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Department of Justice programs", ("DOJ programs",)),
        ("US Department of Agriculture", ("usda",)),
        ("Department of Justice", ("doj",)),
    ],
)
def test_a_phrase_gives_way_to_an_acronym_that_names_hold(
    acronyms: Acronyms, text: str, expected: tuple[str, ...]
) -> None:
    assert tuple(way.casefold() for way in acronyms.rewritings(text)) == tuple(way.casefold() for way in expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "net revenue",  # spelled as it is named
        "cash by region",  # a word of names in small letters, though "cash and similar holdings" has these initials
        "NET REVENUE FOR CASH",  # everything in capitals: none of it is an acronym by that
        "XYZ",
        "Net",  # two letters of a pair that stands together once inside a longer name would be one too many
        "Domestic Loans",  # DL is too short to stand for a phrase of the text
    ],
)
def test_other_texts_stay_as_they_are(acronyms: Acronyms, text: str) -> None:
    assert acronyms.rewritings(text) == ()


def test_whole_and_frequent_phrases_come_first() -> None:
    names = [
        "Annual recurring revenue",
        "Asset return ratio of funds",
        "Average room rate by city",
        "Average room rate",
    ]

    assert Acronyms(names).rewritings("ARR") == (
        "average room rate",
        "annual recurring revenue",
        "asset return ratio",
    )


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_is_rewritten_at_most_eight_times_and_the_same_way_again(text: str) -> None:
    acronyms = Acronyms([*NAMES, text])

    assert len(acronyms.rewritings(text)) <= 8
    assert acronyms.rewritings(text) == Acronyms([*NAMES, text]).rewritings(text)
