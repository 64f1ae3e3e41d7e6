"""Identifiers taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.text import Token, tokenize
from ecp_server.resolution.spelling.joints import taken_apart


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
