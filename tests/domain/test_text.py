"""Tokens and the folding of names (catalog.md, Rules of loading)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.text import fold, tokenize


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Net revenue", "net_revenue"),
        ("rule-of-40", "Rule of 40"),
        ("Asia‑Pacific", "asia pacific"),
        ("STRASSE", "straße"),
        ("Zu\u0308rich", "Zürich"),
        ("reve\u200bnue", "revenue"),
        ("net \t revenue", "net revenue"),
    ],
)
def test_names_are_the_same_after_folding(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("R&D", "RD"), ("revenue", "revenues"), ("résumé", "resume")])
def test_signs_endings_and_accents_tell_names_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize("apostrophe", ["'", "’"])
def test_a_possessive_ending_is_a_token_of_its_own(apostrophe: str) -> None:
    assert [token.folded for token in tokenize(f"Datadog{apostrophe}s margin")] == ["datadog", "'s", "margin"]


def test_marks_stay_with_their_letters() -> None:
    assert [token.text for token in tokenize("हिन्दी राजस्व")] == ["हिन्दी", "राजस्व"]


@given(st.text(max_size=200))
def test_tokens_lie_where_they_say_in_order_and_apart(text: str) -> None:
    tokens = tokenize(text)
    assert [text[t.start : t.end] for t in tokens] == [t.text for t in tokens]
    assert all(one.end <= other.start for one, other in pairwise(tokens))
    assert all(token.folded for token in tokens)


@given(st.text(max_size=100))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)
