"""Which of the overlapping readings of a question's words is taken: the one whose mentions cover it best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ecp_server.domain.frozen import dataclass
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


@dataclass(frozen=True, slots=True)
class _Candidate:
    first: int
    last: int
    score: float
    piece: Span | TimeMention


def segment(
    tokens: Sequence[Token], spans: Sequence[Span], times: Sequence[TimeMention]
) -> tuple[list[Span], list[TimeMention]]:
    """Return the non-overlapping mentions with the highest score: long ones before short, names before synonyms.

    Dynamic programming from the right: linear in tokens and candidates.
    """
    by_first: list[list[_Candidate]] = [[] for _ in tokens]
    for span in _possible(tokens, spans):
        by_first[span.first].append(_Candidate(span.first, span.last, _score(span), span))
    for time in times:
        score = float((time.last - time.first) ** 2) + _TIME_BONUS
        by_first[time.first].append(_Candidate(time.first, time.last, score, time))

    best = [0.0] * (len(tokens) + 1)
    taken: list[_Candidate | None] = [None] * len(tokens)
    for first in range(len(tokens) - 1, -1, -1):
        best[first] = best[first + 1]
        for candidate in by_first[first]:
            if candidate.score + best[candidate.last] > best[first]:
                best[first] = candidate.score + best[candidate.last]
                taken[first] = candidate

    names: list[Span] = []
    found_times: list[TimeMention] = []
    position = 0
    while position < len(tokens):
        chosen = taken[position]
        if chosen is None:
            position += 1
            continue
        if isinstance(chosen.piece, Span):
            names.append(chosen.piece)
        else:
            found_times.append(chosen.piece)
        position = chosen.last
    return names, found_times


def _possible(tokens: Sequence[Token], spans: Sequence[Span]) -> Iterator[Span]:
    """Yield the spans that can be meant, each with the senses that can."""
    grouping = [span for span in spans if _groups(tokens, span)]
    for span in spans:
        # A name that ends inside what is grouped by ("sales per customer segment") is not meant.
        if [one for one in grouping if span.first < one.first < span.last < one.last]:
            continue
        if span.last - span.first > 1 or tokens[span.first].folded not in FUNCTION:
            yield span
        elif senses := _more_than_a_word(tokens, span):
            yield Span.of(span.first, span.last, senses, span.exactness)


def _groups(tokens: Sequence[Token], span: Span) -> bool:
    """Tell whether "per" stands before a dimension or level."""
    per = span.first > 0 and tokens[span.first - 1].folded == "per"
    return per and not span.kinds.isdisjoint(_GROUPABLE)


def _score(span: Span) -> float:
    strongest = min([sense.source for sense in span.senses])
    phrase = 0.0 if span.kinds.isdisjoint(_PHRASES) else 0.1
    return (span.last - span.first) ** 2 + _SOURCE_BONUS[strongest] + _EXACTNESS_BONUS[span.exactness] + phrase


def _more_than_a_word(tokens: Sequence[Token], span: Span) -> tuple[Sense, ...]:
    """Return the senses of a function word ("NOW") that is written as the catalog writes them."""
    written = tokens[span.first].text
    # No pronoun follows an article, so "the us" is a country.
    articled = span.first > 0 and tokens[span.first - 1].folded == "the"
    return tuple([s for s in span.senses if s.form == written or (articled and s.form.isupper())])
