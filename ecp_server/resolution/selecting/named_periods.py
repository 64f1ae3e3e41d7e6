"""The periods that a question names: the main one, and those beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.draft import Parsed, TimedMention
from ecp_server.resolution.parsing.intent import compares
from ecp_server.resolution.parsing.sides import compared_periods_lead
from ecp_server.resolution.parsing.structure import leaves_out
from ecp_server.resolution.parsing.words import COMPARING
from ecp_server.resolution.time import Comparison, Expression, Several, Units

NOW: Final = "now"
_LISTING: Final = frozenset({"and", "&", ",", "or", "plus"})
_BESIDE: Final = frozenset({"also", "the", "in", "for"})
_LEADING: Final = frozenset({"to", "with", "the", "that", "of", "in", "from"})


@dataclass(frozen=True, slots=True)
class NamedPeriods:
    """Periods in the order of the text; those named by their relation to the main one are not among them."""

    main: TimedMention | None = None
    listed: tuple[TimedMention, ...] = ()
    """Stand beside the main one."""
    compared: tuple[TimedMention, ...] = ()
    """The main one is held against them."""


def find_periods(parsed: Parsed) -> NamedPeriods | Incompatible:
    """Return the periods; incompatible where two have nothing to do with each other."""
    times = _each(parsed.times)
    if not times:
        return NamedPeriods()
    for timed in times if parsed.leaving_out else ():
        if leaves_out(parsed.tokens, timed.first):
            return Incompatible(f"“{timed.mention.text}” cannot be left out of a period; name the periods that count")
    first = times[0]
    if len(times) == 1:
        beside = parsed.comparing and _held_against(parsed, first)
        return NamedPeriods(compared=(first,)) if beside else NamedPeriods(first)
    listed: list[TimedMention] = []
    compared: list[TimedMention] = []
    lead = compared_periods_lead(parsed)
    for before, other in pairwise(times):
        if other.held or lead or compares(parsed, first.last, other.first):
            compared.append(other)
        elif other.mention == first.mention or _lists(parsed, before.last, other.first):
            listed.append(other)
        else:
            return Incompatible(f"“{other.mention.text}” names a second period; ask for one at a time")
    return NamedPeriods(first, tuple(listed), tuple(compared))


def following(expression: Expression) -> Expression | None:
    """Return the unit after the one named, which is held against it where nothing else is ("vs last quarter")."""
    if isinstance(expression, Units) and expression.count == 1:
        return replace(expression, first=expression.first + 1)
    return None


def _each(times: Sequence[TimedMention]) -> list[TimedMention]:
    """Return each period by itself; a "now" beside another is but a manner of speaking."""
    if len(times) == 1 and not isinstance(times[0].expression, Several | Comparison):
        return list(times)
    found = [
        timed if item is timed.expression else replace(timed, expression=item)
        for timed in times
        for item in (timed.expression.items if isinstance(timed.expression, Several) else (timed.expression,))
        if not isinstance(item, Comparison)
    ]
    return [timed for timed in found if timed.mention.text.casefold() != NOW] or found[:1]


def _lists(parsed: Parsed, first: int, last: int) -> bool:
    """Tell whether nothing but words of a list stands between two periods ("2022 and Q1 2023")."""
    between = {token.folded for token in parsed.tokens[first:last]}
    return bool(between & _LISTING) and between <= _LISTING | _BESIDE


def _held_against(parsed: Parsed, timed: TimedMention) -> bool:
    """Tell whether a comparing word stands right before the only period."""
    position = timed.first - 1
    while position >= 0 and parsed.tokens[position].folded in _LEADING:
        position -= 1
    return position >= 0 and parsed.tokens[position].folded in COMPARING
