"""Names compared by their spelling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.resolution.searching.trigrams import Trigrams
from ecp_server.stores.words import words

_NAMES = st.text(st.sampled_from("abAB1 -é収"), max_size=8)


def _trigrams(text: str) -> set[str]:
    joined = "".join(words(text))
    padded = joined.ljust(3) if joined else ""
    return {padded[at : at + 3] for at in range(max(len(padded) - 2, 0))}


def _cosine(text: str, other: str) -> float:
    one, two = _trigrams(text), _trigrams(other)
    return len(one & two) / math.sqrt(len(one) * len(two)) if one and two else 0.0


@given(names=st.lists(st.lists(_NAMES, min_size=1, max_size=3), max_size=5), text=_NAMES)
def test_a_thing_is_as_near_as_the_nearest_of_its_names(names: list[list[str]], text: str) -> None:
    similar = Trigrams(names).similar(text)

    assert np.allclose(similar, np.array([max(_cosine(text, name) for name in own) for own in names]), atol=1e-6)


@pytest.mark.parametrize("text", ["net revenue", "Net-Revenue", "netRevenue", "net_revenue", "NETREVENUE"])
def test_a_name_is_itself_however_it_is_joined(text: str) -> None:
    assert Trigrams([["gross revenue"], ["sales", "Net revenue"]]).similar(text)[1] == pytest.approx(1)


def test_a_misspelt_name_is_nearest_to_what_was_meant() -> None:
    names = ["headcount", "head office", "accounts", "discount"]

    assert int(np.argmax(Trigrams([[name] for name in names]).similar("hedcount"))) == 0


def test_names_of_high_code_points_are_told_apart() -> None:
    assert Trigrams([["収BB"]]).similar("収BA").tolist() == [0.0]


def test_short_names_count_whole() -> None:
    assert Trigrams([["PE"], ["P"]]).similar("pe").tolist() == [1.0, 0.0]
