"""What the small words between the names say: grouped by, broken into months."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.period import Grain
from ecp_server.domain.text import Token
from ecp_server.resolution.parsing.exclusion import EXCLUDING, excluding_words
from ecp_server.resolution.parsing.listing import before_list
from ecp_server.resolution.time import Between, Day, Expression, Month, NthWeekday, Part, TimeMention, Units, Weekday
from ecp_server.resolution.time.expressions import unit_of

GROUPING: Final = frozenset({"by", "per", "each", "every", "across"})
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
_CALENDAR_WORDS: Final = frozenset({"calendar", "fiscal", "financial"})
_FIGURING: Final = frozenset({"but", "minus", "less", "no", "non", "nor"})
"""Before a period they say something else: "Q3 minus Q2", "but in March"."""
_BY_LENGTH: Final = tuple(_GRAIN_NOUNS.values())
_DISTRIBUTIVE: Final = frozenset({"each", "every"})
_OVER: Final = frozenset({"by", "per"})
_ARTICLES: Final = frozenset({"the", "a", "an", "each", "every"})
GRAIN_WORDS: Final = GRAIN_ADVERBS.keys() | _GRAIN_NOUNS.keys() | _DISTRIBUTIVE
STRUCTURAL: Final = (
    GROUPING
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
    return before >= 0 and tokens[before].folded in GROUPING


def unread_groupings(
    tokens: Sequence[Token],
    known: frozenset[int],
    measured: frozenset[int],
    members: frozenset[int],
    *,
    grouped: bool,
) -> frozenset[int]:
    """Return the positions of words that group by what cannot be grouped by: "sales by orders", "Japan and China each".

    ``measured`` are positions of names of metrics and terms, ``members`` those of names of nothing but members;
    ``grouped``: the question groups by something.
    """
    found: set[int] = set()
    for at, token in enumerate(tokens):
        if at in known or token.folded not in GROUPING:
            continue
        following = at + 1
        while following < len(tokens) and tokens[following].folded in _ARTICLES:
            following += 1
        another = following in measured and not measured.isdisjoint(range(at))
        another |= token.folded == "per" and following in members
        if another if token.folded in _OVER else token.folded in _DISTRIBUTIVE and not grouped:
            found.add(at)
    return frozenset(found)


def is_splitting(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a word only leads to the grouping word after it, as in "split by region"."""
    return tokens[at].folded in _SPLITTING and at + 1 < len(tokens) and tokens[at + 1].folded in GROUPING


def leaves_out(tokens: Sequence[Token], first: int) -> bool:
    """Tell whether the period at position ``first`` is left out; its words may begin with "from" of "apart from"."""
    start = first + 1 if tokens[first].folded == "from" else first
    words = excluding_words(tokens, start, (), ())
    return bool(words) and _FIGURING.isdisjoint([tokens[at].folded for at in words])


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
            if before >= 0 and tokens[before].folded in GROUPING and before not in covered:
                # "Month by month" says it once.
                twice = (
                    position - 2 if (token.folded, before) == (tokens[position - 2].folded, position - 1) else before
                )
                return _GRAIN_NOUNS[token.folded], frozenset({twice, before, position}) - covered
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


def repeated(tokens: Sequence[Token], times: Sequence[TimeMention]) -> frozenset[int]:
    """Return the positions of "each" or "every" before a period with a name, as in "every December", "each Monday".

    The period is but the latest of those that are meant.
    """
    before = [
        time.first - 1 for time in times if isinstance(time.expression, Month | Part | Day | Weekday | NthWeekday)
    ]
    return frozenset([i for i in before if i >= 0 and tokens[i].folded in _DISTRIBUTIVE])


def distributed(tokens: Sequence[Token], times: Sequence[TimeMention]) -> tuple[Grain, frozenset[int]]:
    """Return the grain where a period says it, "each of the last 4 quarters" or "by year 2020 to 2023".

    With the positions of the words that ask for it.
    """
    for time in times:
        before = [token.folded for token in tokens[max(time.first - 2, 0) : time.first]]
        words = [token.folded for token in tokens[time.first : time.first + 2]]
        noun = _GRAIN_NOUNS.get(words[-1] if words[0] in _CALENDAR_WORDS else words[0])
        match time.expression:
            case Between() if noun is not None and before and before[-1] in GROUPING:
                return noun, frozenset({time.first - 1})
            case Units(unit=unit, count=count) if count > 1 and unit.size == 1 and before[1:] == ["of"]:
                if before[0] in _DISTRIBUTIVE:
                    return unit.grain, frozenset({time.first - 2})
            case _:
                pass
    return Grain.NONE, frozenset()


def _is_shorter(expression: Expression, grain: Grain) -> bool:
    unit = unit_of(expression)
    return unit is not None and _BY_LENGTH.index(unit.grain) < _BY_LENGTH.index(grain)
