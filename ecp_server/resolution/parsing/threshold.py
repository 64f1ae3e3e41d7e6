"""Bounds that a question sets on its figures, as in "over 1,000,000": no plan keeps them, so they are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.text import Token
from ecp_server.resolution.parsing.words import word_set

_ALONE: Final = word_set("over above beyond exceeding exceeds exceed under below underneath > < ≥ ≤ ⩾ ⩽")
_BEFORE_THAN: Final = word_set("more less greater fewer higher lower larger smaller bigger")
_AFTER_AT: Final = word_set("least most")
BOUNDING: Final = _ALONE | frozenset(("than", "at"))
"""Words one of which is in every bound."""

_CURRENCIES: Final = word_set("$ € £ ¥")
_PARTING: Final = (",", ".", "'")
_AFTER: Final = ("%",)


def thresholds(tokens: Sequence[Token], known: frozenset[int]) -> frozenset[int]:
    """Return the positions of the words of bounds, the words before their figures among them.

    ``known`` are the positions of words that mean something: "over 4 quarters" is a period.
    """
    found: set[int] = set()
    for at, token in enumerate(tokens):
        if token.folded not in BOUNDING or at in known:
            continue
        first, after = _bounding(tokens, at)
        if after < len(tokens) and tokens[after].folded in _CURRENCIES:
            after += 1
        end = _figure_end(tokens, after)
        if end > after and known.isdisjoint(range(first, end)):
            found.update(range(first, end))
    return frozenset(found)


def _bounding(tokens: Sequence[Token], at: int) -> tuple[int, int]:
    """Return where the words that may set a bound begin, and the position after them; the end where they set none."""
    word, before = tokens[at].folded, tokens[at - 1].folded if at else ""
    following = tokens[at + 1].folded if at + 1 < len(tokens) else ""
    if word == "than":
        return at - 1, at + 1 if before in _BEFORE_THAN else len(tokens)
    if word == "at":
        return at, at + 2 if following in _AFTER_AT else len(tokens)
    return at, at + 2 if following == "=" else at + 1


def _figure_end(tokens: Sequence[Token], first: int) -> int:
    """Return the position after the figure that begins at ``first``, "5m" and "1,000.50" among them; else ``first``."""
    if first >= len(tokens) or not tokens[first].folded[:1].isdecimal():
        return first
    end = first + 1
    while (
        end + 1 < len(tokens)
        and tokens[end].folded in _PARTING
        and tokens[end + 1].folded[:1].isdecimal()
        and tokens[end - 1].end == tokens[end].start
        and tokens[end].end == tokens[end + 1].start
    ):
        end += 2
    return end + 1 if end < len(tokens) and tokens[end].folded in _AFTER else end
