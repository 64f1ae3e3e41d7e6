"""Metrics divided by each other: "tickets per customer", "refunds as a percentage of gross revenue"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.text import Token
from ecp_server.resolution.draft import NamedMention
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.parsing.intent import is_target
from ecp_server.resolution.parsing.words import FUNCTION

RATIO_WORDS: Final = frozenset({"per", "divided"})
"""Without one of them, or a share, nothing is divided."""
_EACH: Final = frozenset({"a", "an", "the", "each", "every", "single"})
_PREDICATIVE: Final = frozenset({SenseKind.METRIC, SenseKind.TERM})
_GROUPABLE: Final = frozenset({SenseKind.DIMENSION, SenseKind.LEVEL})


@dataclass(frozen=True, slots=True)
class Ratio:
    """What the metric before is divided by."""

    divisor: int
    """Position of its first token."""
    percent: bool
    """It is a share of a hundred."""
    positions: frozenset[int]
    """The words that say so."""


def find_ratio(tokens: Sequence[Token], names: Sequence[NamedMention], share_at: int | None) -> Ratio | None:
    """Return the first metric that an earlier one is divided by; what can be grouped by is no divisor.

    In percent a target is one too: "bookings as a percentage of quota".
    """
    metrics = [n for n in names if not n.kinds.isdisjoint(_PREDICATIVE) and n.kinds.isdisjoint(_GROUPABLE)]
    for divisor in metrics[1:]:
        before = divisor.first - 1
        while before > 0 and tokens[before].folded in _EACH:
            before -= 1
        if tokens[before].folded == "per":
            return Ratio(divisor.first, percent=False, positions=frozenset({before}))
        if tokens[before].folded == "by" and tokens[before - 1].folded == "divided":
            return Ratio(divisor.first, percent=False, positions=frozenset({before - 1, before}))
        if share_at is not None and metrics[0].last <= share_at and _only_function_words(tokens, share_at, before):
            return Ratio(divisor.first, percent=True, positions=frozenset({share_at}))
    if share_at is None or not metrics or not metrics[0].last <= share_at:
        return None
    targets = (n for n in names if is_target(n) and _only_function_words(tokens, share_at, n.first - 1))
    return next((Ratio(n.first, percent=True, positions=frozenset({share_at})) for n in targets), None)


def _only_function_words(tokens: Sequence[Token], after: int, last: int) -> bool:
    return after < last and all(token.folded in FUNCTION for token in tokens[after + 1 : last + 1])
