"""Small words that change what is asked and that no plan keeps: they are told, or they would be dropped unseen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from ecp_server.domain.concepts import Intent
from ecp_server.resolution.draft import NamedMention, Parsed, TimedMention
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.parsing.exclusion import EXCLUDING
from ecp_server.resolution.parsing.intent import is_target
from ecp_server.resolution.parsing.look_up import NO_CONTENT
from ecp_server.resolution.parsing.movement import DIRECTIONS
from ecp_server.resolution.parsing.sides import held_members, held_metrics
from ecp_server.resolution.parsing.structure import GROUPING
from ecp_server.resolution.parsing.superlatives import Ranking
from ecp_server.resolution.parsing.words import AUXILIARY, FUNCTION, HOLDING, PARTING, word_set
from ecp_server.resolution.time import Comparison

_NEGATING_PAIRS: Final = frozenset({("other", "than"), ("rather", "than"), ("apart", "from"), ("aside", "from")})
_NEGATING: Final = EXCLUDING - {"but"} | {"no"}
"""Those that leave out whatever name follows; "but" may say something else there."""
_OTHER: Final = word_set("other another others same")
_BEYOND: Final = word_set("above over below under beneath beyond exceeding exceeds exceed")
_AGAINST: Final = word_set("vs versus against")
_COUNTING: Final = frozenset({("how", "many"), ("number", "of")})
_ARTICLES: Final = word_set("a an the any all our their its your my this that these those each every")
_ARITHMETIC: Final = word_set("minus less plus times over / + * × ÷ −")
_PREPOSITIONS: Final = word_set("of from for in at among within by to on through via")
_MORE: Final = word_set("more less fewer")
_LASTING: Final = word_set("for in over within since during after by of")
"""Before "more than the past year" they make it a length of time."""
_HUNDREDTHS: Final = word_set("% percent pct")
_BOUNDING: Final = word_set("to until")
_LEVELS: Final = word_set("level levels")
_WE: Final = word_set("we i you they it things")
_WHO: Final = word_set("who whom whose")
_IN_EACH: Final = word_set("per each every")
_IMPROVING: Final = word_set("improve improves improved improving")
"""They say which way is better, which nothing of the catalog does."""
_NOUNS: Final = word_set("returns claims reads needs")
"""Verbs by which people ask, unless they stand where a noun does."""
_BEFORE_NOUNS: Final = word_set("and or , & of by per for vs")
_OF_THE_CATALOG: Final = word_set(
    """
    available availability exist exists offer offered source sources mean means meaning attribute attributes
    calculated computed derived origin
    """
)
"""Where figures are asked for these are words of the business: "mean revenue", "revenue by source"."""
UNREAD_WORDS: Final = (
    _NEGATING
    | _OTHER
    | _BEYOND
    | _AGAINST
    | _ARITHMETIC
    | _HUNDREDTHS
    | _IN_EACH
    | _LEVELS
    | _OF_THE_CATALOG
    | _WHO
    | _NOUNS
    | DIRECTIONS
    | _IMPROVING
) | word_set("divided but compared than apart aside many number why when where downstream")
"""Without one of them nothing is left unread where no two figures are asked for."""

MEASURED: Final = frozenset({SenseKind.METRIC, SenseKind.TERM})
_GROUPABLE: Final = frozenset({SenseKind.DIMENSION, SenseKind.LEVEL})
_NAMING: Final = MEASURED | _GROUPABLE | {SenseKind.MEMBER}
_ABOUT_THE_CATALOG: Final = frozenset({Intent.CATALOG, Intent.LINEAGE, Intent.DEFINITION})


def unread(parsed: Parsed, intent: Intent, known: frozenset[int]) -> frozenset[int]:
    """Return the positions of the words that nothing has read and without which something else would be asked.

    ``known`` are the positions of words that mean something already; the words that are told are yet to be found.
    """
    words = [token.folded for token in parsed.tokens]
    if intent in _ABOUT_THE_CATALOG:
        # What stands downstream is no part of any answer.
        return frozenset([i for i, word in enumerate(words) if word == "downstream" and i not in known])
    names = [name for name in parsed.names if not name.kinds.isdisjoint(_NAMING)]
    if all(name.kinds.isdisjoint(MEASURED) for name in names):
        return frozenset()  # no figure can be taken for another
    found = {*_before_names(words, names), *_between_metrics(words, names), *_comparatives(words, names, parsed.times)}
    found.update(_held_against_nothing(words, parsed) if parsed.comparing else ())
    found.update(_ranks(words, names, parsed.ranking) if parsed.ranking is not None else ())
    return frozenset({*found, *_parts_of_a_hundred(words), *_asked_of_figures(words)} - known)


def _before_names(words: Sequence[str], names: Sequence[NamedMention]) -> Iterator[int]:
    """Find what negates, sets apart, counts or bounds the name that follows."""
    for name in names:
        at = name.first - 1
        while at > 0 and words[at] in _ARTICLES:
            at -= 1
        if at < 0:
            continue
        word, pair = words[at], tuple(words[max(at - 1, 0) : at + 1])
        sliced_by = name.kinds.isdisjoint(MEASURED) and not name.kinds.isdisjoint(_GROUPABLE)
        if pair in _NEGATING_PAIRS:
            yield from () if name.excluded else (at - 1, at)
        elif pair in _COUNTING:
            yield from (at - 1, at) if sliced_by else ()
        elif (
            (word in _NEGATING and not name.excluded)
            or (word in _OTHER and "each" not in pair)
            or (word in _BEYOND and not is_target(name))
            or (word in _AGAINST and sliced_by)
        ):
            yield at


def _between_metrics(words: Sequence[str], names: Sequence[NamedMention]) -> Iterator[int]:
    """Find arithmetic with two metrics, and prepositions that make one of them a slice of the other."""
    joining = _ARITHMETIC if not HOLDING.isdisjoint(words) else _ARITHMETIC | _PREPOSITIONS
    for one, other in pairwise(names):
        between = [i for i in range(one.last, other.first) if words[i] not in _ARTICLES]
        if one.kinds.isdisjoint(MEASURED) or other.excluded or not between:
            continue
        if words[between[0]] == "divided":
            yield from between
        elif len(between) == 1 and words[between[0]] in (_ARITHMETIC if other.kinds.isdisjoint(MEASURED) else joining):
            yield between[0]


def _held_against_nothing(words: Sequence[str], parsed: Parsed) -> Iterator[int]:
    """Find a "vs" before or after which nothing stands that could be held against the rest ("vs the total")."""
    if any(is_target(name) for name in parsed.names) or held_metrics(parsed) or held_members(parsed):
        return
    if len(parsed.times) > 1 or any(isinstance(time.expression, Comparison) for time in parsed.times):
        return
    times = {time.first for time in parsed.times}
    starts = times | {name.first for name in parsed.names}
    for at, word in enumerate(words):
        if at and (word in _AGAINST or (word == "compared" and words[at + 1 : at + 2] in (["to"], ["with"]))):
            following = min([start for start in starts if start > at], default=len(words))
            between = words[at + 1 : following]
            # Of words that nothing matches, they themselves are told.
            if NO_CONTENT.issuperset(between) and (following not in times or not FUNCTION.issuperset(between)):
                yield at


def _ranks(words: Sequence[str], names: Sequence[NamedMention], ranking: Ranking) -> Iterator[int]:
    """Find what leaves out the first of an order ("but the largest"), or orders in each part ("top 3 per region")."""
    at = min(ranking.positions) - 1
    while at > 0 and words[at] in _ARTICLES:
        at -= 1
    if at >= 0 and (words[at] in _NEGATING or words[at] == "but"):
        yield at
    for name in names:
        parts = name.grouped and words[max(name.first - 1, 0)] in _IN_EACH
        if parts and not name.kinds.isdisjoint(_GROUPABLE) and any(n.grouped for n in names if n is not name):
            yield name.first - 1


def _comparatives(words: Sequence[str], names: Sequence[NamedMention], timed: Sequence[TimedMention]) -> Iterator[int]:
    """Find "more than" before what something is held against."""
    starts = {name.first for name in names} | {time.first for time in timed}
    excluded = {name.first for name in names if name.excluded}
    for at, word in enumerate(words):
        if word != "than":
            continue
        following = at + 1
        while following not in starts and following < len(words) and words[following] in FUNCTION:
            following += 1
        if following not in starts or following in excluded or words[at - 1 : at] in (["rather"], ["other"]):
            continue
        more = next((i for i in range(at - 1, -1, -1) if words[i] in _MORE), at)
        if more == at or words[max(more - 1, 0)] not in _LASTING:
            yield from (more, at)


def _parts_of_a_hundred(words: Sequence[str]) -> Iterator[int]:
    """Find the "10%" of "top 10%", where as many rows are not what is asked for, and that of "10% of sales"."""
    for at in range(len(words) - 2):
        if words[at] in ("top", "bottom") and words[at + 1].isdecimal() and words[at + 2] in _HUNDREDTHS:
            yield from (at + 1, at + 2)
        elif words[at].isdecimal() and words[at + 1] == "%" and words[at + 2] == "of":
            yield from (at, at + 1)


def _asked_of_figures(words: Sequence[str]) -> Iterator[int]:
    """Find words that ask for what no figure tells, such as a reason, and those of the catalog that say something."""
    for at, word in enumerate(words):
        following = words[at + 1 : at + 3]
        if word in DIRECTIONS:
            if PARTING.isdisjoint(words[:at]) and _BOUNDING.isdisjoint(following[:1]):
                yield at
        elif word in _IMPROVING:
            if not AUXILIARY.isdisjoint(words[:at]):  # else it names another figure
                yield at
        elif word == "why" or word in _OF_THE_CATALOG or (word in _WHO and at == 0):
            yield at
        elif word in ("when", "where") and at == 0:
            asks = bool(following) and following[0] in AUXILIARY
            if asks and (word == "when" or _WE.isdisjoint(following)):
                yield at
        elif at and (
            (word in _LEVELS and words[at - 1] in GROUPING) or (word in _NOUNS and words[at - 1] in _BEFORE_NOUNS)
        ):
            yield at
