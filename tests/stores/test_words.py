"""Words as a search compares them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecp_server.stores.words import spelled, stems, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Net revenue (YoY), in $", ["net", "revenue", "yo", "y", "in"]),
        ("netRevenue", ["net", "revenue"]),
        ("net_revenue-perEmployee", ["net", "revenue", "per", "employee"]),
        ("ARRGrowth", ["arr", "growth"]),
        ("FY24 401k", ["fy", "24", "401", "k"]),
        ("Umsatzerlöse STRASSE straße", ["umsatzerlöse", "strasse", "strasse"]),
        ("收入", ["收入"]),
        ("", []),
        ("!? — \x00", []),
    ],
)
def test_words_are_folded_and_identifiers_taken_apart(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_words_as_spelled_keep_their_case() -> None:
    assert spelled("ARRGrowth of APAC") == ["ARR", "Growth", "of", "APAC"]


def test_stems_are_the_same_for_the_forms_of_a_word() -> None:
    assert stems("Revenues recognised") == stems("revenue recognising") == ["revenu", "recognis"]


@given(st.text())
def test_any_text_has_as_many_words_as_stems(text: str) -> None:
    assert len(words(text)) == len(spelled(text)) == len(stems(text))


@given(st.text(st.characters(max_codepoint=127)) | st.text(st.sampled_from("aBC1's -_$")))
def test_ascii_is_read_as_the_tokens_of_the_domain_are(text: str) -> None:
    """The fast way is the same as the general one, which a letter beyond ASCII takes."""
    assume("'s_" not in text.lower())  # to the general way that is no possessive
    assert words(text) == words(text + " é")[:-1]
    assert spelled(text) == spelled(text + " é")[:-1]
