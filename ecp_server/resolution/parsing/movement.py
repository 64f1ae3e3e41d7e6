"""Words that ask how much a figure moved ("growth", "declined"), or for a difference, without saying from what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.concepts import Mention
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.text import Token
from ecp_server.resolution.draft import TimedMention
from ecp_server.resolution.parsing.words import LEADING, word_set
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
MOVEMENT_WORDS: Final = _MOVING | _VARYING


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
    free = [i for i, token in enumerate(tokens) if token.folded in _MOVING and i not in covered]
    if not free:
        return None
    return Movement(any(tokens[i].folded in _FALLING for i in free), free[0], frozenset(free))


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
