"""Stretches of a text that can hold a period: runs of words that some rule knows, of figures and of signs.

A rule reads no further than the words that it knows, and of the word beside them asks no more than which of these it
is. So what a stretch says follows from its own words, and from whether it has any words before and after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Final

from ecp_server.domain.text import Token
from ecp_server.resolution.time import (
    comparing,
    dates,
    lengths,
    lexemes,
    named,
    numbers,
    parts,
    plausibility,
    ranges,
    relative,
    running,
)
from ecp_server.resolution.time.lexemes import COMPARE, words_of

OTHER: Final = "other"
"""Stands for a word beside a stretch: no rule knows it."""

PERIOD_WORDS: Final = frozenset(
    filter(
        str.isalpha,
        words_of(
            comparing.WORDS, dates.WORDS, lengths.WORDS, lexemes.WORDS, named.WORDS, numbers.WORDS, parts.WORDS,
            plausibility.WORDS, ranges.WORDS, relative.WORDS, running.WORDS,
        ),
    )
)  # fmt: skip
"""Every word of letters that a rule asks for; figures and signs belong to a stretch whatever they are."""

Key = tuple[tuple[str, ...], tuple[int, ...], bool]
"""Words, with the characters between each and the one before, and whether a comparing word stands before them."""


def stretches(tokens: Sequence[Token], starts: AbstractSet[str]) -> list[tuple[int, Key]]:
    """Return the stretches in which a period may start, with one of the words or with a figure.

    Each with the position of the first of its words, the one beside it included.
    """
    found: list[tuple[int, Key]] = []
    first, begun, comparing, led = -1, False, False, False
    for at, token in enumerate(tokens):
        word = token.folded
        letters = word.isalpha()
        if letters and word not in PERIOD_WORDS:
            if begun:
                found.append(_stretch(tokens, first, at, led=led))
            first, begun = -1, False
            continue
        if first < 0:
            first, led = at, comparing
        begun = begun or word in starts or not (letters or not word[:1].isalnum())
        comparing = comparing or word in COMPARE
    if begun:
        found.append(_stretch(tokens, first, len(tokens), led=led))
    return found


def _stretch(tokens: Sequence[Token], first: int, last: int, *, led: bool) -> tuple[int, Key]:
    """Return the stretch from ``first`` to ``last``, exclusive, with the words beside it."""
    start = max(first - 1, 0)
    run = tokens[start : last + 1]
    words = [token.folded for token in run]
    if start < first:
        words[0] = OTHER
    if last < len(tokens):
        words[-1] = OTHER
    return start, (tuple(words), (0, *[after.start - before.end for before, after in pairwise(run)]), led)
