"""Which names of a question are held against each other: what stands on either side of a comparing word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.resolution.draft import NamedMention, Parsed
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.parsing.intent import is_target
from ecp_server.resolution.parsing.words import COMPARING, LEADING
from ecp_server.resolution.time import Comparison

_PAIR: Final = 2
_PREDICATIVE: Final = frozenset({SenseKind.METRIC, SenseKind.TERM})


def held_metrics(parsed: Parsed) -> frozenset[NamedMention]:
    """Return the names of metrics that those before them are held against."""
    return _held(parsed, _metrics(parsed)) if parsed.comparing else frozenset()


def held_members(parsed: Parsed) -> frozenset[NamedMention]:
    """Return the names of members that those before them are held against."""
    return _held(parsed, _members(parsed)) if parsed.comparing else frozenset()


def members_are_led(parsed: Parsed) -> bool:
    """Tell whether "compare" or the like stands before all members, and no comparing word parts them."""
    names = _members(parsed)
    return parsed.comparing and len(names) >= _PAIR and not _parted(parsed, names) and _compare_leads(parsed, names)


def compared_periods_lead(parsed: Parsed) -> bool:
    """Tell whether "compare" or the like is about the periods: nothing else is there to be held against another."""
    if not parsed.comparing or not parsed.times or any(is_target(name) for name in parsed.names):
        return False
    if len(_metrics(parsed)) >= _PAIR or len(_members(parsed)) >= _PAIR:
        return False
    return any(token.folded in LEADING for token in parsed.tokens[: parsed.times[0].first])


def _metrics(parsed: Parsed) -> list[NamedMention]:
    return [n for n in parsed.names if not (n.grouped or n.kinds.isdisjoint(_PREDICATIVE))]


def _members(parsed: Parsed) -> list[NamedMention]:
    members = [n for n in parsed.names if SenseKind.MEMBER in n.kinds and not n.excluded]
    return [n for n in members if n.kinds.isdisjoint(_PREDICATIVE)]


def _held(parsed: Parsed, names: Sequence[NamedMention]) -> frozenset[NamedMention]:
    """Return the names after the first comparing word that one of them follows; after "compare", all but the first."""
    if len(names) < _PAIR:
        return frozenset()
    if parted := _parted(parsed, names):
        return parted
    return frozenset(names[1:]) if _compare_leads(parsed, names) else frozenset()


def _parted(parsed: Parsed, names: Sequence[NamedMention]) -> frozenset[NamedMention]:
    for position in range(names[0].last, names[-1].first):
        if parsed.tokens[position].folded in COMPARING and _next_mention(parsed, position) in {n.first for n in names}:
            return frozenset(n for n in names if n.first > position)
    return frozenset()


def _next_mention(parsed: Parsed, position: int) -> int | None:
    """Return where the next mention begins: a comparing word is about what follows it, be it a name or a period."""
    starts = [n.first for n in parsed.names] + [t.first for t in parsed.times]
    return min((start for start in starts if start > position), default=None)


def _compare_leads(parsed: Parsed, names: Sequence[NamedMention]) -> bool:
    """Tell whether "compare" is about these names: no target or other period is named, no other pair before."""
    if any(is_target(name) for name in parsed.names) or any(isinstance(t.expression, Comparison) for t in parsed.times):
        return False
    pairs = [kind for kind in (_metrics(parsed), _members(parsed)) if len(kind) >= _PAIR]
    if any(kind[0].first < names[0].first for kind in pairs):
        return False
    return any(token.folded in LEADING for token in parsed.tokens[: names[0].first])
