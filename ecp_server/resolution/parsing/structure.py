"""What the small words between the names say: grouped by, left out, broken into months."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.period import Grain
from ecp_server.domain.text import Token
from ecp_server.resolution.time import Expression, Month, Part, TimeMention, Units

_GROUPING: Final = frozenset({"by", "per", "each", "every", "across"})
_EXCLUDING: Final = frozenset(
    {
        "excluding",
        "exclude",
        "excludes",
        "exclusive",
        "excl",
        "ex",
        "except",
        "without",
        "outside",
        "omitting",
        "ignoring",
        "minus",
        "not",
        "but",
    }
)
_EXCLUDING_PAIRS: Final = frozenset(
    {
        ("other", "than"),
        ("apart", "from"),
        ("aside", "from"),
        ("leaving", "out"),
        ("rather", "than"),
        ("exception", "of"),
        ("not", "including"),
        ("not", "counting"),
    }
)
GRAIN_ADVERBS: Final = {
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
_BY_LENGTH: Final = tuple(_GRAIN_NOUNS.values())
_DISTRIBUTIVE: Final = frozenset({"each", "every"})
GRAIN_WORDS: Final = GRAIN_ADVERBS.keys() | _GRAIN_NOUNS.keys()
_LISTING: Final = frozenset({"and", ",", "&", "or", "the", "any", "all"})
_PREPOSITIONS: Final = frozenset({"in", "for", "from", "of", "to"})

STRUCTURAL: Final = (
    _GROUPING
    | _EXCLUDING
    | frozenset(GRAIN_ADVERBS)
    | {
        "apart",
        "aside",
        "exception",
        "leaving",
        "including",
        "counting",
        "vs",
        "versus",
        "against",
        "compared",
        "compare",
        "comparison",
        "broken",
        "divided",
    }
)
"""Words that carry structure; unmatched, they are no content."""


def groups(tokens: Sequence[Token], first: int, listed: frozenset[int]) -> bool:
    """Tell whether the name at position ``first`` is grouped by; ``listed`` are positions of other grouped names.

    Units of time may stand in the same list ("by month and region").
    """
    units = {i for i, token in enumerate(tokens[:first]) if token.folded in _GRAIN_NOUNS}
    before = _before_list(tokens, first, listed | units)
    return before >= 0 and tokens[before].folded in _GROUPING


def excludes(tokens: Sequence[Token], first: int, listed: frozenset[int]) -> bool:
    """Tell whether the name at position ``first`` is left out; ``listed`` are positions of other names left out."""
    before = _before_list(tokens, first, listed)
    if before < 0:
        return False
    word, previous = tokens[before].folded, tokens[before - 1].folded if before else ""
    if word in _EXCLUDING or (previous, word) in _EXCLUDING_PAIRS:
        return True
    return word in _PREPOSITIONS and previous in _EXCLUDING


def _before_list(tokens: Sequence[Token], first: int, listed: frozenset[int]) -> int:
    """Return the position before the list that ends at ``first``; -1 where it begins the text."""
    position = first - 1
    while position >= 0 and (tokens[position].folded in _LISTING or position in listed):
        position -= 1
    if position > 0 and (tokens[position - 1].folded, tokens[position].folded) == ("excl", "."):
        position -= 1
    return position


def find_grain(
    tokens: Sequence[Token], covered: frozenset[int], grouped: frozenset[int]
) -> tuple[Grain, frozenset[int]]:
    """Return the grain that is asked for ("monthly", "by month") and the positions of its words.

    ``grouped`` are the positions of names that are grouped by and may stand in the same list ("by region and month").
    """
    for position, token in enumerate(tokens):
        if position in covered:
            continue
        if token.folded in GRAIN_ADVERBS:
            return GRAIN_ADVERBS[token.folded], frozenset({position})
        if token.folded in _GRAIN_NOUNS:
            before = _before_list(tokens, position, grouped)
            if before >= 0 and tokens[before].folded in _GROUPING and before not in covered:
                return _GRAIN_NOUNS[token.folded], frozenset({before, position})
    return Grain.NONE, frozenset()


def is_recurring(
    tokens: Sequence[Token], grain: Grain, grain_words: frozenset[int], times: Sequence[TimeMention]
) -> bool:
    """Tell whether "each" or "every" with a grain repeats a shorter period, as in "December of every year".

    No period says that, so it must not pass for one December, parted into years.
    """
    if _DISTRIBUTIVE.isdisjoint([tokens[i].folded for i in grain_words]):
        return False
    return any(_is_shorter(time.expression, grain) for time in times)


def _is_shorter(expression: Expression, grain: Grain) -> bool:
    match expression:
        case Month():
            unit = Grain.MONTH
        case Part(count=1) | Units(count=1):
            unit = expression.unit.grain
        case _:
            return False
    return _BY_LENGTH.index(unit) < _BY_LENGTH.index(grain)
