"""What the words beside names and periods say: of an order, a share, parts of a period, of what moved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.concepts import Mention
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain
from ecp_server.domain.text import Token
from ecp_server.resolution.draft import NamedMention, TimedMention
from ecp_server.resolution.lexicon import Hidden, Lexicon, SenseKind
from ecp_server.resolution.parsing.intent import is_target
from ecp_server.resolution.parsing.look_up import covered_by
from ecp_server.resolution.parsing.movement import (
    MOVEMENT_WORDS,
    Movement,
    find_movement,
    find_varying,
    measures_movement,
    with_difference,
    with_movement,
)
from ecp_server.resolution.parsing.portion import find_portion
from ecp_server.resolution.parsing.ratio import RATIO_WORDS, Ratio, find_ratio
from ecp_server.resolution.parsing.structure import GRAIN_WORDS, distributed, find_grain, is_recurring, repeated
from ecp_server.resolution.parsing.superlatives import (
    TELLING_WORDS,
    Ranking,
    find_falling_short,
    find_ranking,
    find_share,
    find_trend,
)
from ecp_server.resolution.parsing.words import AUXILIARY, HOLDING, MOVING
from ecp_server.resolution.time import Comparison, TimeMention

TELLING: Final = GRAIN_WORDS | TELLING_WORDS | RATIO_WORDS | MOVEMENT_WORDS | MOVING
"""Words that may say anything of all this; without one of them nothing is said."""

_PREDICATIVE: Final = frozenset({SenseKind.METRIC, SenseKind.TERM})
_GROUPABLE: Final = frozenset({SenseKind.DIMENSION, SenseKind.LEVEL})


@dataclass(frozen=True, slots=True)
class Beside:
    """What the words say, with the mentions as these leave them."""

    named: Sequence[NamedMention]
    timed: Sequence[TimedMention]
    known: frozenset[int]
    """Positions of the words of mentions, and of those that say something."""
    idle: frozenset[int] = frozenset()
    """Superlatives with nothing to rank, periods that recur: told as unmatched, but they make no metric another one."""
    grain: Grain = Grain.NONE
    ranking: Ranking | None = None
    share_at: int | None = None
    ratio: Ratio | None = None
    moved: bool = False
    short: bool = False
    trend: bool = False


def find_beside(
    text: str,
    tokens: Sequence[Token],
    named: list[NamedMention],
    timed: Sequence[TimedMention],
    times: Sequence[TimeMention],
    lexicon: Lexicon,
    hidden: Hidden,
) -> Beside:
    """Return what the words beside the mentions say; for a text that has any of `TELLING`."""
    covered = covered_by((*named, *times))
    grouped = covered_by([name for name in named if name.grouped])
    grain, grain_words = find_grain(tokens, covered, grouped)
    recurring = grain_words if is_recurring(tokens, grain, grain_words, times) else frozenset[int]()
    if recurring:
        grain, grain_words = Grain.NONE, frozenset()
    if grain is Grain.NONE and not recurring:
        grain, grain_words = distributed(tokens, times)
    superlative = find_ranking(tokens, covered | grain_words)
    named, ranking = _ranked(named, superlative)
    idle = (
        recurring
        | repeated(tokens, times)
        | (superlative.positions if superlative is not None and ranking is None else frozenset())
    )
    share_at = find_share(tokens, covered)
    if share_at is not None and measures_movement(tokens, share_at):
        share_at = None
    trend_words = find_trend(tokens, covered)
    ratio = find_ratio(tokens, named, share_at)
    portion = find_portion(text, tokens, named, share_at, lexicon, hidden)
    if portion is not None and ratio is None:
        ratio = portion.ratio
        named = [*named, portion.named] if portion.named is not None else named
        covered = covered_by((*named, *times))
    movement = find_movement(tokens, covered) if named else None
    targets = [name for name in named if is_target(name)]
    short = find_falling_short(tokens, covered) if targets else frozenset[int]()
    compared = bool(targets) or _holds_against(tokens, covered, timed)
    varying = find_varying(tokens, covered)
    if movement is not None:
        ranking = ranking and replace(ranking, descending=ranking.descending != movement.falling)
        timed = _moved(text, tokens, timed, movement, implied=not compared and not trend_words)
    elif varying:
        timed = with_difference(timed)
    known = (
        covered
        | grain_words
        | trend_words
        | short
        | _verbs(tokens)
        | (ranking.positions if ranking is not None else frozenset())
        | (ratio.positions if ratio is not None else frozenset())
        | (movement.positions if movement is not None else frozenset())
        | (varying if compared or movement is not None else frozenset())
        | (frozenset() if share_at is None else {share_at})
    )
    return Beside(
        named,
        timed,
        known,
        idle,
        grain,
        ranking,
        share_at,
        ratio,
        moved=movement is not None,
        short=bool(short),
        trend=bool(trend_words),
    )


def _ranked(named: list[NamedMention], ranking: Ranking | None) -> tuple[list[NamedMention], Ranking | None]:
    """Group by the dimension that is ranked; without one there is nothing to rank."""
    if ranking is None:
        return named, None
    ranked = next((n for n in named if n.named(*_GROUPABLE) and not n.named(*_PREDICATIVE)), None)
    if ranked is None:
        return named, None
    return [replace(n, grouped=True) if n is ranked else n for n in named], ranking


def _holds_against(tokens: Sequence[Token], covered: frozenset[int], timed: Sequence[TimedMention]) -> bool:
    """Tell whether the words say what something is held against: another period, or whatever follows "vs"."""
    if [time for time in timed if isinstance(time.expression, Comparison)]:
        return True
    return not HOLDING.isdisjoint([token.folded for i, token in enumerate(tokens) if i not in covered])


def _moved(
    text: str, tokens: Sequence[Token], timed: Sequence[TimedMention], movement: Movement, *, implied: bool
) -> list[TimedMention]:
    """Return the periods with the one that a movement is held against; ``implied`` where the words say none."""
    token = tokens[movement.first]
    mention = Mention(text[token.start : token.end], token.start, token.end)
    return with_movement(timed, movement if implied else None, mention)


def _verbs(tokens: Sequence[Token]) -> frozenset[int]:
    """Find the verbs of movement that follow an auxiliary ("did revenue grow")."""
    moving = [i for i, token in enumerate(tokens) if token.folded in MOVING]
    if not moving:
        return frozenset()
    asked = next((i for i, token in enumerate(tokens) if token.folded in AUXILIARY), len(tokens))
    return frozenset([i for i in moving if i > asked])
