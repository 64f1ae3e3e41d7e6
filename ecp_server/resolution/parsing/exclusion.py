"""What a question leaves out: the words that say so, and how far they reach."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from ecp_server.domain.text import Token
from ecp_server.resolution.parsing.listing import before_list
from ecp_server.resolution.parsing.words import MOVING, word_set

EXCLUDING: Final = word_set(
    """
    excluding exclude excludes excl ex except excepting without outside omitting ignoring disregarding
    barring sans minus not but neither nor
    """
)
_NEXT_TO_IT: Final = word_set("no non less")
"""They leave out what they stand right before; elsewhere they say other things ("less in Japan")."""
_PAIRS: Final = frozenset(
    {
        ("apart", "from"),
        ("aside", "from"),
        ("leaving", "out"),
        ("leave", "out"),
        ("exception", "of"),
        ("exclusive", "of"),
        ("not", "including"),
        ("not", "counting"),
        ("!", "="),
        ("<", ">"),
    }
)
_SIGN: Final = "≠"
_DIFFERENT: Final = frozenset({"other", "others", "rather"})
_THAN_REACHES: Final = 4
_NOTHING: Final = frozenset({"nothing", "none", "nobody", "no", "not"})
"""Before "but" and "other than" they make it "only"."""
_SHORTENED: Final = frozenset({"ex", "excl"})
_LEAVING: Final = frozenset({"leaving", "leave"})
_PREPOSITIONS: Final = word_set("in for from of to at on within")
_BETWEEN: Final = _PREPOSITIONS | word_set(
    "the any all those that these anything everything come comes coming came : ("
)
"""What may stand between the words and what they leave out: "not coming from", "excluding anything in"."""
_COUNTING: Final = word_set("include includes count")
"""They count nothing in after "not", so that "do not include" leaves out."""
_CONTRACTED: Final = word_set("isn aren wasn weren don doesn didn")
_APOSTROPHES: Final = frozenset({"'", "’"})
_RELATIVE: Final = word_set("that which who whose")
_ANSWERED: Final = MOVING | {"above", "below", "over", "under"}
"""What did "not grow" or is "not above" something is answered by how it grew, or by how far it is."""
_WITH: Final = frozenset({"with", "including"})
_BESIDE: Final = frozenset({"and", "or", "&", "/"})

LEAVING_OUT_WORDS: Final = (
    EXCLUDING | _NEXT_TO_IT | _CONTRACTED | frozenset(first for first, _ in _PAIRS) | frozenset({_SIGN, "than"})
)
"""Without one of them nothing is left out."""

_NOWHERE: Final = frozenset[int]()


def excluding_words(
    tokens: Sequence[Token], first: int, listed: Collection[int], kinds: Collection[int]
) -> frozenset[int]:
    """Return the positions of the words that leave out the name at position ``first``; none where none do.

    ``listed`` are positions of other names left out, ``kinds`` those of names of dimensions ("excluding region Japan").
    """
    beside = before_list(tokens, first, listed)
    if beside < 0:
        return _NOWHERE
    if found := _words_at(tokens, beside):
        apart = tokens[beside].folded in _NEXT_TO_IT and tokens[beside + 1].folded == ","
        return _NOWHERE if apart else found
    position = beside
    while position >= 0 and (tokens[position].folded in _BETWEEN | _COUNTING or position in kinds):
        position -= 1
    if position < 0:
        return _NOWHERE
    between = range(position + 1, first)
    counting = frozenset([at for at in between if tokens[at].folded in _COUNTING])
    if _is_contracted(tokens, position):
        clause = position > 2 and tokens[position - 3].folded in _RELATIVE  # noqa: PLR2004 - before "aren't"
        placed = clause or counting or [at for at in between if tokens[at].folded in _PREPOSITIONS]
        return frozenset({position}) | counting if placed else _NOWHERE
    if position == beside or tokens[position].folded in _NEXT_TO_IT:
        return _NOWHERE
    found = _words_at(tokens, position)
    return found | counting if found else _NOWHERE


def unread_exclusions(tokens: Sequence[Token], read: Collection[int], mentioned: Sequence[int]) -> frozenset[int]:
    """Return the positions of words that leave out something that is not left out, as in "excluding refunds".

    ``read`` are positions of the words that mean something, ``mentioned`` those where names and periods begin.
    """
    last = max(mentioned, default=-1)
    found: set[int] = set()
    for at, token in enumerate(tokens[: last + 1]):
        words = _words_at(tokens, at)
        if token.folded in _WITH and _is_without(tokens, at):
            found.update((at, at + 1))
        elif words and words.isdisjoint(read) and not _says_something_else(tokens, at, mentioned):
            found.update(words)
    return frozenset(found)


def _says_something_else(tokens: Sequence[Token], at: int, mentioned: Collection[int]) -> bool:
    """Tell whether a word that can leave out may be there for anything but that."""
    word = tokens[at].folded
    if word == "not":
        return (at > 0 and tokens[at - 1].folded == "or") or tokens[at + 1].folded in _ANSWERED
    return word == "but" or (word in _NEXT_TO_IT and at + 1 not in mentioned)


def in_excluding_pair(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a word begins a pair that leaves something out, so that it is no other word misspelt."""
    return at + 1 < len(tokens) and (tokens[at].folded, tokens[at + 1].folded) in _PAIRS


def _words_at(tokens: Sequence[Token], at: int) -> frozenset[int]:
    """Return the positions of the excluding words that end at a position."""
    word, previous = tokens[at].folded, tokens[at - 1].folded if at else ""
    if word == "." and previous in _SHORTENED:
        return frozenset({at - 1})
    if word == "but" and previous in _NOTHING:
        return _NOWHERE
    if (previous, word) in _PAIRS:
        return frozenset({at - 1, at})
    if word == "than":
        for before in range(max(at - _THAN_REACHES, 0), at):
            if tokens[before].folded in _DIFFERENT and (before == 0 or tokens[before - 1].folded not in _NOTHING):
                return frozenset({before, at})
    if word in _LEAVING and "out" in {token.folded for token in tokens[at + 1 :]}:
        return frozenset({at})
    return frozenset({at}) if word in EXCLUDING or word in _NEXT_TO_IT or word == _SIGN else _NOWHERE


def _is_contracted(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether the word at a position is the end of "isn't" or the like."""
    return (
        at > 1
        and tokens[at].folded == "t"
        and tokens[at - 1].folded in _APOSTROPHES
        and tokens[at - 2].folded in _CONTRACTED
    )


def _is_without(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether "with" begins "with and without": both cannot be shown at once."""
    following = [token.folded for token in tokens[at + 1 : at + 3]]
    return len(following) > 1 and following[0] in _BESIDE and following[1] in EXCLUDING
