"""A text is read stretch by stretch: that must come to the same as reading it whole."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.text import tokenize
from ecp_server.resolution import time
from ecp_server.resolution.time import find_times
from ecp_server.resolution.time.grammar import read_stretch
from ecp_server.resolution.time.lexemes import word_set
from ecp_server.resolution.time.stretches import OTHER, PERIOD_WORDS, stretches

_NO_QUESTION_HAS_THEM = word_set(
    """
    base begins buckets come ends eve gaps glued gregorian halve its lacks left long nearest numbers owners read said
    say stands such taken words
    """
)
"""Ends of periods, parts of messages, names of calendars and fields: words of ours that no text is compared with."""
_FOREIGN = ("revenue", "apac", "gadget", "umsätze", OTHER)
_FIGURES = word_set("2024 2023 24 5 12 31 q3 fy24 3rd 30d 1h19 , . / - ' $ % ?")
_WRITTEN = (*sorted(PERIOD_WORDS), *_FOREIGN * 20, *sorted(_FIGURES) * 5)


def test_every_word_in_a_rule_is_known() -> None:
    folder = Path(time.__file__).parent
    written = {word for file in folder.glob("*.py") for word in _words(ast.parse(file.read_text(encoding="utf-8")))}

    assert written - PERIOD_WORDS - {OTHER} == _NO_QUESTION_HAS_THEM
    assert OTHER not in PERIOD_WORDS


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("revenue in march 2024 for apac", 1),
        ("2023, foo 2024", 2),
        ("compare revenue 2022 to 2023", 2),
        ("revenue 2022 to 2023", 1),
        ("next week, say on Wednesday", 1),
        ("next week revenue on Wednesday", 1),
        ("now revenue last month", 1),
    ],
)
def test_what_stands_between_stretches_decides(text: str, periods: int) -> None:
    assert len(find_times(tokenize(text))) == periods


def test_a_stretch_is_told_from_the_same_words_elsewhere() -> None:
    alone, beside, compared = (
        [key for _, key in stretches(tokenize(text), frozenset({"may"}))]
        for text in ("may", "may revenue", "compare revenue may")
    )

    assert len({*alone, *beside, *compared}) == 3


@given(st.lists(st.tuples(st.sampled_from(_WRITTEN), st.sampled_from((" ", " ", " ", "-", "", "  "))), max_size=12))
def test_stretches_hold_what_the_whole_text_holds(pieces: list[tuple[str, str]]) -> None:
    tokens = tokenize("".join(word + gap for word, gap in pieces))
    words = tuple(token.folded for token in tokens)
    gaps = (0, *[after.start - before.end for before, after in pairwise(tokens)])[: len(tokens)]

    by_stretch = [
        (start + first, start + end, expression)
        for start, key in stretches(tokens, PERIOD_WORDS)
        for first, end, expression in read_stretch(*key)
    ]

    assert tuple(by_stretch) == read_stretch.__wrapped__(words, gaps, False)


def _words(module: ast.Module) -> Iterator[str]:
    """Yield the words of all texts but those that describe."""
    documented = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield from (word for word in node.value.split() if word.isalpha() and word == word.lower())
