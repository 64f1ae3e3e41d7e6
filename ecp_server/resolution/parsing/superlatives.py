"""Words that rank ("top 5", "lowest", "missed most"), and words that ask for a share or a trend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.text import Token

_BEST: Final = frozenset(
    {"top", "best", "highest", "largest", "biggest", "greatest", "most", "leading", "strongest", "maximum", "fastest"}
)
_WORST: Final = frozenset({"bottom", "worst", "lowest", "smallest", "least", "fewest", "weakest", "minimum", "slowest"})
_RANKING: Final = frozenset({"rank", "ranks", "ranked", "ranking", "order", "ordered", "sort", "sorted"})
PARTS_OF_ORDER: Final = frozenset({"top", "bottom"})
"""They name a part of the list and, without a number, not just its first."""
_FALLING_SHORT: Final = frozenset({"missed", "miss", "misses", "missing", "below", "under", "short", "behind"})
_NUMBER_WORDS: Final = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_NUMBERS: Final = {word: number for number, word in enumerate(_NUMBER_WORDS, start=1)} | {"fifteen": 15, "twenty": 20}
_SHARE: Final = frozenset({"share", "percentage", "percent", "pct", "%", "proportion", "fraction"})
_PERCENT: Final = frozenset({"%", "percent", "pct"})
_TREND: Final = frozenset({"trend", "trends", "trending", "trajectory", "evolution", "history", "timeline"})
_DEVELOPING: Final = frozenset({"develop", "develops", "developed", "evolve", "evolves", "evolved", "trend", "trended"})
_ORDERING: Final = _BEST | _WORST | _RANKING
MOST_KEPT: Final = 1000
SUPERLATIVE_WORDS: Final = (
    _BEST | _WORST | _RANKING | _FALLING_SHORT | _SHARE | _TREND | _DEVELOPING | frozenset(_NUMBERS)
)
TELLING_WORDS: Final = SUPERLATIVE_WORDS | {"over"}
"""Without one of them nothing of all this is said."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """How rows are ordered, and how many are kept; 0 keeps all."""

    descending: bool
    limit: int
    short: bool
    """What falls shortest comes first."""
    positions: frozenset[int]
    """Its words."""


def find_ranking(tokens: Sequence[Token], covered: frozenset[int]) -> Ranking | None:
    """Return what the words say of an order; None where they say nothing."""
    for position, token in enumerate(tokens):
        if token.folded not in _ORDERING or position in covered or _sets_bound(tokens, position):
            continue
        number, places = _number_beside(tokens, position, covered)
        short = find_falling_short(tokens, covered)
        limit = number if number is not None else int(token.folded not in PARTS_OF_ORDER | _RANKING)
        descending = token.folded not in _WORST
        return Ranking(descending and not short, limit, bool(short), frozenset({position, *places}) | short)
    return None


def _sets_bound(tokens: Sequence[Token], position: int) -> bool:
    """Tell whether a word is that of "at least 5" or "at most 5"."""
    return position > 0 and tokens[position - 1].folded == "at" and tokens[position].folded in ("least", "most")


def find_falling_short(tokens: Sequence[Token], covered: frozenset[int]) -> frozenset[int]:
    """Return the positions of "missed", "below" or the like."""
    return frozenset(i for i, token in enumerate(tokens) if i not in covered and token.folded in _FALLING_SHORT)


def find_share(tokens: Sequence[Token], covered: frozenset[int]) -> int | None:
    """Return the position of "share", "percentage" or the like, with "of" after it; None where there is none."""
    for position, token in enumerate(tokens[:-1]):
        if token.folded in _SHARE and position not in covered and tokens[position + 1].folded == "of":
            if token.folded == "%" and position and tokens[position - 1].folded.isdecimal():
                continue  # "5% of revenue" asks for no share
            return position
    return None


def find_trend(tokens: Sequence[Token], covered: frozenset[int]) -> frozenset[int]:
    """Return the positions of the words that ask how a figure went over time."""
    asks_how = bool(tokens) and tokens[0].folded == "how"
    found = {
        i
        for i, token in enumerate(tokens)
        if (token.folded in _TREND or (asks_how and token.folded in _DEVELOPING)) and i not in covered
    }
    over_time = {
        at
        for i, token in enumerate(tokens[:-1])
        if token.folded == "over" and tokens[i + 1].folded == "time" and not {i, i + 1} & covered
        for at in (i, i + 1)
    }
    return frozenset(found | over_time)


def _number_beside(
    tokens: Sequence[Token], position: int, covered: frozenset[int]
) -> tuple[int | None, tuple[int, ...]]:
    """Return the number after or before a word, and its position; a part of a hundred ("top 10%") is no number."""
    for at in (position + 1, position - 1):
        if 0 <= at < len(tokens) and at not in covered and tokens[min(at + 1, len(tokens) - 1)].folded not in _PERCENT:
            number = _number(tokens[at].folded)
            if number is not None:
                return number, (at,)
    return None, ()


def _number(word: str) -> int | None:
    number = int(word) if word.isascii() and word.isdigit() and len(word) <= len(str(MOST_KEPT)) else _NUMBERS.get(word)
    return number if number is not None and 0 < number <= MOST_KEPT else None
