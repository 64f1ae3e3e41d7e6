"""Words that ask how much a figure moved ("growth", "declined"), or for a difference, without saying from what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.concepts import Mention
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.text import Token
from ecp_server.resolution.draft import TimedMention
from ecp_server.resolution.parsing.words import LEADING, PARTING, word_set
from ecp_server.resolution.time import Between, Comparand, Comparison, Day

_RISING: Final = word_set(
    """
    growth grow grows grew grown growing increase increases increased increasing rise rises rose risen rising
    gain gains gained gaining change changes changed changing
    """
)
_FALLING: Final = word_set(
    """
    decrease decreases decreased decreasing fall falls fell fallen falling drop drops dropped dropping
    decline declines declined declining shrink shrinks shrank shrunk shrinking
    """
)
_VARYING: Final = word_set("variance variances deviation deviations gap gaps shortfall shortfalls delta") | LEADING
_MOVING: Final = _RISING | _FALLING
DIRECTIONS: Final = word_set("up down")
_GOING_SO: Final = word_set("go goes went going gone")
_GOING: Final = _GOING_SO | word_set("is are was were been")
"""With them "up" and "down" say how a figure moved."""
_HELD_AGAINST: Final = word_set("to until on from with")
"""After "up" they begin what it is held against, or make it a bound."""
_IN_PERCENT: Final = word_set("percentage percent pct rate rates")
"""Beside a movement they say what is answered anyway."""
MOVEMENT_WORDS: Final = _MOVING | _VARYING | DIRECTIONS


@dataclass(frozen=True, slots=True)
class Movement:
    """That a figure is asked to be held against itself at another time."""

    falling: bool
    """The words ask for what went down."""
    first: int
    """Position of the first of its words."""
    positions: frozenset[int]


def find_movement(tokens: Sequence[Token], covered: frozenset[int]) -> Movement | None:
    """Return the words that ask how much a figure moved; None where there are none."""
    words = [token.folded for token in tokens]
    free = [
        i for i, word in enumerate(words) if i not in covered and (word in _MOVING or _is_direction(words, i, covered))
    ]
    if not free:
        return None
    beside = {at for i in free for at in (i - 1, i + 1) if 0 <= at < len(words) and words[at] in _IN_PERCENT}
    if not DIRECTIONS.isdisjoint([words[i] for i in free]):
        beside.update(i for i, word in enumerate(words) if word in _GOING_SO)
    falling = any(words[i] in _FALLING or words[i] == "down" for i in free)
    return Movement(falling, free[0], frozenset({*free, *(beside - covered)}))


def measures_movement(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a word is the "percentage" of "growth percentage": no share is asked for."""
    return at > 0 and tokens[at - 1].folded in _MOVING


def _is_direction(words: Sequence[str], at: int, covered: frozenset[int]) -> bool:
    """Tell whether it is the "up" of "did it go up", not that of "up to 5" or the "down" of "broken down"."""
    if words[at] not in DIRECTIONS or not PARTING.isdisjoint(words[:at]) or words[at + 1 : at + 2] == ["or"]:
        return False
    going = any(word in _GOING and i not in covered for i, word in enumerate(words[:at]))
    return going and _HELD_AGAINST.isdisjoint(words[at + 1 : at + 2])


def find_varying(tokens: Sequence[Token], covered: frozenset[int]) -> frozenset[int]:
    """Return the positions of words for a difference, which say nothing more where things are compared."""
    return frozenset([i for i, token in enumerate(tokens) if token.folded in _VARYING and i not in covered])


def with_movement(timed: Sequence[TimedMention], movement: Movement | None, mention: Mention) -> list[TimedMention]:
    """Return the periods of "growth from X to Y": Y, held against X; of other words, the period before held against.

    ``movement`` is None where the words say what is held against; ``mention`` are its words.
    """
    ends = _ends(timed)
    if ends is not None:
        return [ends[1], replace(ends[0], held=True)]
    if movement is None:
        return list(timed)
    prior = Comparison(Comparand.PRIOR_PERIOD)
    return [*timed, TimedMention(mention, movement.first, movement.first + 1, prior, assumed=True)]


def with_difference(timed: Sequence[TimedMention]) -> list[TimedMention]:
    """Return the periods of "difference between X and Y": X, held against Y."""
    ends = _ends(timed)
    return list(timed) if ends is None else [ends[0], replace(ends[1], held=True)]


def _ends(timed: Sequence[TimedMention]) -> tuple[TimedMention, TimedMention] | None:
    """Return the first and the last period of the only mention, where it is a range of longer ones than days."""
    if len(timed) != 1 or not isinstance(timed[0].expression, Between):
        return None
    first, last = timed[0].expression.first, timed[0].expression.last
    if isinstance(first, Day) or isinstance(last, Day):
        return None
    return replace(timed[0], expression=first), replace(timed[0], expression=last)
