"""Numbers that nothing has read and that say something all the same: they are told, or they would be dropped unseen.

A number alone may be that of a line in a list ("2. revenue last year"), which says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from ecp_server.domain.text import Token
from ecp_server.resolution.parsing.superlatives import PARTS_OF_ORDER

_LONG: Final = range(4, 8)
"""Digits of a year, an amount or a name, and of no place in a list."""
_AFTER_PLACES: Final = frozenset({".", ")", ":"})
_MINUTES: Final = re.compile(r"[0-5][0-9](?:z|[ap]m?)?")
_OF_DAY: Final = (("am",), ("pm",), ("a", ".", "m"), ("p", ".", "m"), ("o", "'", "clock"), ("o", "’", "clock"))


def unread_numbers(tokens: Sequence[Token], numbers: Sequence[int], ends: Collection[int]) -> frozenset[int]:
    """Return the positions of words to tell. ``numbers`` are those that nothing has read, ``ends`` follow periods."""
    found = {i for i in numbers if _is_long(tokens, i) or _is_part_of_order(tokens, i) or _follows(tokens, i, ends)}
    return frozenset(found.union(*(_time_of_day(tokens, i) for i in numbers)))


def _is_long(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a number stands alone and is too long for a place in a list."""
    if len(tokens[at].folded) not in _LONG:
        return False
    beside = tokens[max(at - 1, 0) : at + 2]
    return not any(token is not tokens[at] and not token.folded.isalpha() for token in beside)


def _is_part_of_order(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a number is that of "top 0", which no part of an order has."""
    return at > 0 and tokens[at - 1].folded in PARTS_OF_ORDER


def _follows(tokens: Sequence[Token], at: int, ends: Collection[int]) -> bool:
    """Tell whether a number belongs to the period before it, as in "2024-13", and to no list and no other number."""
    following = tokens[at + 1].folded if at + 1 < len(tokens) else ""
    return at in ends and following not in _AFTER_PLACES and not following.isdecimal()


def _time_of_day(tokens: Sequence[Token], at: int) -> Iterator[int]:
    """Yield the positions of the time of day that a number begins: "14:00", "9:30:15", "9:30pm", "9 a.m."."""
    if len(tokens[at].folded) > len("14"):
        return
    end = at + 1
    while end + 1 < len(tokens) and tokens[end].folded == ":" and _MINUTES.fullmatch(tokens[end + 1].folded):
        end += 2
    words = tuple(token.folded for token in tokens[end : end + 3])
    half = next((half for half in _OF_DAY if words[: len(half)] == half), ())
    if end > at + 1 or half:
        yield from range(at, end + len(half))
