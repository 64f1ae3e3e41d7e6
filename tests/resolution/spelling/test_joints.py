"""Identifiers taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.text import Token, tokenize
from ecp_server.resolution.spelling.joints import taken_apart, without_dots


def _known(token: Token) -> bool:
    return token.folded == "mongodb"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("netRevenue", ["net", "revenue"]),
        ("NetRevenueByRegion", ["net", "revenue", "by", "region"]),
        ("ARRGrowth", ["arr", "growth"]),
        ("revenueQ3", ["revenue", "q3"]),
        ("FY24Revenue", ["fy24", "revenue"]),
        ("MongoDB revenue", ["mongodb", "revenue"]),
        ("net_revenue", ["net", "revenue"]),
        ("FY2024", ["fy2024"]),
        ("iPhone", ["i", "phone"]),
    ],
)
def test_letters_that_change_part_words_but_for_known_ones(text: str, words: list[str]) -> None:
    assert [token.folded for token in taken_apart(tokenize(text), _known)] == words


@given(st.text(max_size=60))
def test_parts_stand_where_the_text_has_them(text: str) -> None:
    for token in taken_apart(tokenize(text), lambda _: False):
        assert text[token.start : token.end] == token.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("in the U.K. now", ["in", "the", "uk", "now"]),
        ("U.S.A and u.k", ["usa", "and", "uk"]),
        ("U. K.", ["u", ".", "k", "."]),
        ("U.X. sales.", ["u", ".", "x", ".", "sales", "."]),
        ("so U.K.", ["so", "uk"]),
    ],
)
def test_known_acronyms_are_one_word_without_their_dots(text: str, words: list[str]) -> None:
    joined = without_dots(tokenize(text), lambda word: word in ("uk", "us", "usa"))

    assert [token.folded for token in joined] == words


@given(st.text("UK. a", max_size=12))
def test_words_without_dots_stand_where_the_text_has_them(text: str) -> None:
    for token in without_dots(tokenize(text), lambda _: True):
        assert text[token.start : token.end].replace(".", "") in (token.text, "")
