"""What the small words between the names say: grouped by, broken into months."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.period import Grain
from ecp_server.domain.text import Token
from ecp_server.resolution.parsing.exclusion import EXCLUDING
from ecp_server.resolution.parsing.listing import before_list
from ecp_server.resolution.time import Expression, Month, Part, TimeMention, Units

_GROUPING: Final = frozenset({"by", "per", "each", "every", "across"})
_SPLITTING: Final = frozenset({"split", "splits", "grouped", "segmented", "separated", "sliced"})
"""They say no more than the grouping word after them."""
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
_OVER: Final = frozenset({"by", "per"})
_ARTICLES: Final = frozenset({"the", "a", "an", "each", "every"})
GRAIN_WORDS: Final = GRAIN_ADVERBS.keys() | _GRAIN_NOUNS.keys()
STRUCTURAL: Final = (
    _GROUPING
    | EXCLUDING
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
    before = before_list(tokens, first, listed | units)
    return before >= 0 and tokens[before].folded in _GROUPING


def unread_groupings(
    tokens: Sequence[Token], known: frozenset[int], measured: frozenset[int], *, grouped: bool
) -> frozenset[int]:
    """Return the positions of words that group by what cannot be grouped by: "sales by orders", "Japan and China each".

    ``measured`` are positions of names of metrics and terms, ``grouped``: the question groups by something.
    """
    found: set[int] = set()
    for at, token in enumerate(tokens):
        if at in known or token.folded not in _GROUPING:
            continue
        following = at + 1
        while following < len(tokens) and tokens[following].folded in _ARTICLES:
            following += 1
        another = following in measured and not measured.isdisjoint(range(at))
        if another if token.folded in _OVER else token.folded in _DISTRIBUTIVE and not grouped:
            found.add(at)
    return frozenset(found)


def is_splitting(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a word only leads to the grouping word after it, as in "split by region"."""
    return tokens[at].folded in _SPLITTING and at + 1 < len(tokens) and tokens[at + 1].folded in _GROUPING


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
            before = before_list(tokens, position, grouped)
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
