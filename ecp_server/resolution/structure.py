"""What the small words between the names say: grouped by, left out, broken into months."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.period import Grain
from ecp_server.domain.text import Token

_GROUPING: Final = frozenset({"by", "per", "each", "every", "across"})
_EXCLUDING: Final = frozenset(
    {"excluding", "exclude", "excludes", "excl", "except", "without", "omitting", "minus", "not", "but"}
)
_EXCLUDING_PAIRS: Final = frozenset({("other", "than"), ("apart", "from"), ("leaving", "out"), ("rather", "than")})
_GRAIN_ADVERBS: Final = {
    "daily": Grain.DAY,
    "weekly": Grain.WEEK,
    "monthly": Grain.MONTH,
    "quarterly": Grain.QUARTER,
    "yearly": Grain.YEAR,
    "annually": Grain.YEAR,
}
_GRAIN_NOUNS: Final = {
    "day": Grain.DAY,
    "week": Grain.WEEK,
    "month": Grain.MONTH,
    "quarter": Grain.QUARTER,
    "year": Grain.YEAR,
}
_LISTING: Final = frozenset({"and", ",", "&", "or", "the", "in", "for", "from", "of", "any", "all"})

STRUCTURAL: Final = (
    _GROUPING
    | _EXCLUDING
    | frozenset(_GRAIN_ADVERBS)
    | {"apart", "leaving", "vs", "versus", "against", "compared", "compare", "comparison", "broken"}
)
"""Words that carry structure; unmatched, they are no content."""


def groups(tokens: Sequence[Token], first: int, listed: frozenset[int]) -> bool:
    """Tell whether the name at position ``first`` is grouped by; ``listed`` are positions of other grouped names."""
    position = first - 1
    while position >= 0 and (tokens[position].folded in _LISTING or position in listed):
        position -= 1
    return position >= 0 and tokens[position].folded in _GROUPING


def excludes(tokens: Sequence[Token], first: int, listed: frozenset[int]) -> bool:
    """Tell whether the name at position ``first`` is left out; ``listed`` are positions of other names left out."""
    position = first - 1
    while position >= 0 and (tokens[position].folded in _LISTING or position in listed):
        position -= 1
    if position < 0:
        return False
    pair = (tokens[position - 1].folded if position else "", tokens[position].folded)
    return (
        tokens[position].folded in _EXCLUDING
        or pair in _EXCLUDING_PAIRS
        or (
            # "other than" and "apart from" end in words that lists skip
            position + 1 < first and (tokens[position].folded, tokens[position + 1].folded) in _EXCLUDING_PAIRS
        )
    )


def find_grain(tokens: Sequence[Token], covered: frozenset[int]) -> tuple[Grain, frozenset[int]]:
    """Return the grain that is asked for ("monthly", "by month") and the positions of its words."""
    for position, token in enumerate(tokens):
        if position in covered:
            continue
        if token.folded in _GRAIN_ADVERBS:
            return _GRAIN_ADVERBS[token.folded], frozenset({position})
        if token.folded in _GROUPING and position + 1 < len(tokens):
            noun = tokens[position + 1].folded
            if noun in _GRAIN_NOUNS and position + 1 not in covered:
                return _GRAIN_NOUNS[noun], frozenset({position, position + 1})
    return Grain.NONE, frozenset()
