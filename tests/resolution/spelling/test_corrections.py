"""Slips in words."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.resolution.spelling.corrections import Corrections, only

WORDS = Corrections(["headcount", "japan", "region", "revenue", "cost", "net", "stare", "store", "x42yz"])


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("hedcoutn", "headcount"),
        ("haedcuont", "headcount"),
        ("headcounter", None),
        ("eadcount", "headcount"),
        ("japn", "japan"),
        ("jpaan", "japan"),
        ("apan", None),
        ("coat", None),
        ("csot", "cost"),
        ("coost", "cost"),
        ("roast", None),
        ("egion", None),
        ("ergion", "region"),
        ("nett", None),
        ("stire", None),
        ("x42yy", None),
        ("", None),
    ],
)
def test_how_many_slips_a_word_may_have_depends_on_its_length(word: str, meant: str | None) -> None:
    assert only(WORDS.nearest(word)) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("ravenie", "revenue"),
        ("rveneu", "revenue"),
        ("lavenue", None),
        ("regon", None),
        ("xyzzyq", None),
        ("r2d2r2", None),
    ],
)
def test_what_is_perhaps_meant_is_looked_for_further_away(word: str, meant: str | None) -> None:
    assert only(WORDS.perhaps(word)) == meant


@given(
    st.text(string.ascii_lowercase, min_size=10, max_size=16),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from(string.ascii_lowercase),
)
def test_a_lost_and_a_wrong_letter_inside_a_long_word_are_mended(word: str, lost: int, wrong: int, letter: str) -> None:
    slip = word[:lost] + word[lost + 1 :]
    slip = slip[:wrong] + letter + slip[wrong + 1 :]
    assert Corrections([word]).nearest(slip) == {word}
