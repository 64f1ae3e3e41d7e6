"""Words without accents and endings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.resolution.spelling.endings import lemma, plain, singular


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("café", "cafe"),
        ("d’or", "d'or"),
        ("naïve", "naive"),
        ("plain", "plain"),
        ("東京", "東京"),
        ("\u0301", "\u0301"),
    ],
)
def test_accents_are_taken_away_and_letters_are_left(word: str, expected: str) -> None:
    assert plain(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("regions", "region"),
        ("countries", "country"),
        ("taxes", "tax"),
        ("branches", "branch"),
        ("losses", "loss"),
        ("loss", "loss"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("gas", "gas"),
        ("employés", "employe"),
    ],
)
def test_a_plural_ending_is_taken_away(word: str, expected: str) -> None:
    assert singular(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("refunded", "refund"),
        ("hiring", "hir"),
        ("planned", "plan"),
        ("billed", "bill"),
        ("string", None),
        ("red", None),
        ("revenue", None),
    ],
)
def test_a_verbs_ending_is_taken_away(word: str, expected: str | None) -> None:
    assert lemma(word) == expected


@given(st.text(max_size=20))
def test_no_word_vanishes(word: str) -> None:
    assert bool(plain(word)) == bool(word)
    assert bool(singular(word)) == bool(word)
