"""Lists of names: what a word before the first of them says is said of all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from ecp_server.domain.text import Token

_JOINING: Final = frozenset({"and", ",", "&", "or"})
_LISTING: Final = _JOINING | {"the", "any", "all", "both", "either"}
_POSSESSIVE: Final = "'s"


def before_list(tokens: Sequence[Token], first: int, listed: Collection[int]) -> int:
    """Return the position before the list that ends at ``first``; -1 where it begins the text.

    ``listed`` are the positions of the other names in it.
    """
    position = first - 1
    while position >= 0:
        joined = position + 1 < first and tokens[position + 1].folded in _JOINING
        possessive = tokens[position].folded == _POSSESSIVE and joined
        if not (possessive or tokens[position].folded in _LISTING or position in listed):
            break
        position -= 1
    return position


def listed_numbers(tokens: Sequence[Token], known: Collection[int]) -> frozenset[int]:
    """Return the positions of numbers that are listed after a name with a number, as in "Model 3 and 4"."""
    found: set[int] = set()
    for at in range(2, len(tokens)):
        joins = tokens[at - 1].folded in _JOINING and at - 1 not in known and at not in known
        named = at - 2 in found or (at - 2 in known and at - 3 in known)
        if joins and named and tokens[at].folded.isdecimal() and tokens[at - 2].folded.isdecimal():
            found.add(at)
    return frozenset(found)
