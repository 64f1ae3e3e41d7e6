"""Which of the overlapping readings of a question's words is taken: the one whose mentions cover it best."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.text import Token
from ecp_server.resolution.lexicon import Exactness, FormSource, Sense, SenseKind, Span
from ecp_server.resolution.parsing.words import FUNCTION
from ecp_server.resolution.time import TimeMention

_SOURCE_BONUS = {FormSource.NAME: 0.3, FormSource.SYNONYM: 0.2, FormSource.ACRONYM: 0.1, FormSource.PRECEDENT: 0.2}
_EXACTNESS_BONUS = {
    Exactness.EXACT: 0.0,
    Exactness.INFLECTED: -0.05,
    Exactness.VARIED: -0.3,
    # Two names in any order go before one whose words they would be in another.
    Exactness.REORDERED: -2.0,
    Exactness.CORRECTED: -0.5,
}
_TIME_BONUS = 0.25
_PHRASES = frozenset({SenseKind.NOT_COVERED, SenseKind.STOP})
_GROUPABLE = frozenset({SenseKind.DIMENSION, SenseKind.LEVEL})


_Candidate = tuple[float, Span | TimeMention]
"""A mention with its score."""


def segment(
    tokens: Sequence[Token], spans: Sequence[Span], times: Sequence[TimeMention]
) -> tuple[list[Span], list[TimeMention]]:
    """Return the non-overlapping mentions with the highest score: long ones before short, names before synonyms.

    Dynamic programming from the right: linear in tokens and candidates.
    """
    by_first: dict[int, list[_Candidate]] = {}
    for span in _possible(tokens, spans):
        phrase = 0.0 if span.kinds.isdisjoint(_PHRASES) else 0.1
        score = (span.last - span.first) ** 2 + _SOURCE_BONUS[span.source] + _EXACTNESS_BONUS[span.exactness] + phrase
        by_first.setdefault(span.first, []).append((score, span))
    for time in times:
        score = float((time.last - time.first) ** 2) + _TIME_BONUS
        by_first.setdefault(time.first, []).append((score, time))

    best = [0.0] * (len(tokens) + 1)
    taken: dict[int, Span | TimeMention] = {}
    for first in range(len(tokens) - 1, -1, -1):
        best[first] = best[first + 1]
        for score, piece in by_first.get(first, ()):
            if score + best[piece.last] > best[first]:
                best[first] = score + best[piece.last]
                taken[first] = piece

    names: list[Span] = []
    found_times: list[TimeMention] = []
    end = 0
    for first in sorted(taken):
        if first < end:  # inside of what is taken
            continue
        piece = taken[first]
        end = piece.last
        if isinstance(piece, Span):
            names.append(piece)
        else:
            found_times.append(piece)
    return names, found_times


def _possible(tokens: Sequence[Token], spans: Sequence[Span]) -> list[Span]:
    """Return the spans that can be meant, each with the senses that can."""
    grouping = [
        span
        for span in spans
        if span.first > 0 and tokens[span.first - 1].folded == "per" and not span.kinds.isdisjoint(_GROUPABLE)
    ]
    possible: list[Span] = []
    for span in spans:
        # A name that ends inside what is grouped by ("sales per customer segment") is not meant.
        if grouping and [one for one in grouping if span.first < one.first < span.last < one.last]:
            continue
        if span.last - span.first > 1 or tokens[span.first].folded not in FUNCTION:
            possible.append(span)
        elif senses := _more_than_a_word(tokens, span):
            possible.append(Span.of(span.first, span.last, senses, span.exactness))
    return possible


def _more_than_a_word(tokens: Sequence[Token], span: Span) -> tuple[Sense, ...]:
    """Return the senses of a function word ("NOW") that is written as the catalog writes them."""
    written = tokens[span.first].text
    # No pronoun follows an article, so "the us" is a country.
    articled = span.first > 0 and tokens[span.first - 1].folded == "the"
    return tuple([s for s in span.senses if s.form == written or (articled and s.form.isupper())])
