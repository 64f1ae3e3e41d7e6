"""Looks words up in the catalog's names and among periods; more loosely where words are left that nothing matches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.text import Token
from ecp_server.resolution.lessons import NO_LESSONS, Lessons
from ecp_server.resolution.lexicon import Exactness, Hidden, Lexicon, Sense, Span
from ecp_server.resolution.parsing.exclusion import in_excluding_pair
from ecp_server.resolution.parsing.intent import CATALOG_WORDS
from ecp_server.resolution.parsing.movement import MOVEMENT_WORDS
from ecp_server.resolution.parsing.structure import STRUCTURAL, is_splitting
from ecp_server.resolution.parsing.superlatives import SUPERLATIVE_WORDS
from ecp_server.resolution.parsing.taught import with_taught
from ecp_server.resolution.parsing.words import LIGHT, MOVING
from ecp_server.resolution.spelling.corrections import only
from ecp_server.resolution.spelling.endings import singular
from ecp_server.resolution.spelling.joints import taken_apart, without_dots
from ecp_server.resolution.time import TimeMention, find_times

NO_CONTENT: Final = LIGHT | STRUCTURAL | CATALOG_WORDS
"""Words that, unmatched, are not told."""
_SPELT_RIGHT: Final = NO_CONTENT | MOVEMENT_WORDS | SUPERLATIVE_WORDS | MOVING
"""Words that no other is written for."""


@dataclass(frozen=True, slots=True)
class LookedUp:
    """Words with the names and periods that they can stand for."""

    tokens: tuple[Token, ...]
    spans: list[Span]
    times: tuple[TimeMention, ...]
    mended: Mapping[int, Exactness]
    """Positions of the words that are read as others than they are."""
    considered: tuple[Sense, ...] = ()
    """What has the words that some were, or could have been, read as, and policy decides on."""

    def exactness(self, first: int, last: int) -> Exactness:
        """Return the worst of the words from ``first`` to ``last``, exclusive."""
        if not self.mended:
            return Exactness.EXACT
        mended = [self.mended[i] for i in range(first, last) if i in self.mended]
        return max(mended, default=Exactness.EXACT)


def look_up(
    tokens: tuple[Token, ...],
    lexicon: Lexicon,
    hidden: Hidden,
    lessons: Lessons = NO_LESSONS,
) -> LookedUp:
    """Find the catalog's forms, what was taught, and periods; where words remain that nothing matches, read loosely."""
    spans = with_taught(lexicon.spans(tokens, hidden), tokens, lessons)
    times = _times_beside(spans, tokens)
    covered = covered_by((*spans, *times))
    left = [t for i, t in enumerate(tokens) if i not in covered and _may_be_misspelt(tokens, i)]
    if not left:
        return LookedUp(tokens, spans, times, {})
    if any(len(token.folded) == 1 for token in left):
        dotless = without_dots(tokens, lambda word: lexicon.knows(word, hidden))
        if len(dotless) < len(tokens):
            return look_up(dotless, lexicon, hidden, lessons)
    starts = {token.start for token in left}
    tokens = taken_apart(tokens, lambda token: token.start not in starts or lexicon.knows(token.folded, hidden))
    mended: dict[int, Exactness] = {}
    words: list[Token] = []
    considered: set[str] = set()
    for i, token in enumerate(tokens):
        if token.start not in starts:
            words.append(token)
            continue
        word, exactness, near = _meant(token, lexicon, hidden)
        words.append(word)
        considered |= near
        if exactness:
            mended[i] = exactness
    loose = [*lexicon.spans(words, hidden), *lexicon.loose_spans(words, hidden)]
    times = _times_beside(loose, words)
    read = LookedUp(tokens, [], times, mended, tuple(lexicon.having(sorted(considered), hidden)))
    found = [replace(span, exactness=max(span.exactness, read.exactness(span.first, span.last))) for span in loose]
    if mended:  # a word that is part of a name may be another by itself: "crowd strike", where there is a "crow"
        found += lexicon.loose_spans(tokens, hidden)
    return replace(read, tokens=tuple(words), spans=with_taught(found, words, lessons))


def _times_beside(spans: Sequence[Span], tokens: Sequence[Token]) -> tuple[TimeMention, ...]:
    """Find periods; none begins with the number that a name ends with ("Model 3 June 2024")."""
    times = find_times(tokens)
    ends = {span.last for span in spans if span.last - span.first > 1 and tokens[span.last - 1].folded.isdecimal()}
    for time in times:
        if time.first + 1 in ends and time.last > time.first + 1:
            after = [
                replace(later, first=later.first + time.first + 1, last=later.last + time.first + 1)
                for later in find_times(tokens[time.first + 1 :])
            ]
            if after and after[0].first == time.first + 1:
                return (*[earlier for earlier in times if earlier.last <= time.first], *after)
    return times


def _may_be_misspelt(tokens: Sequence[Token], at: int) -> bool:
    if tokens[at].folded in _SPELT_RIGHT or not has_letters(tokens[at]):
        return False
    return not in_excluding_pair(tokens, at) and not is_splitting(tokens, at)


def _meant(token: Token, lexicon: Lexicon, hidden: Hidden) -> tuple[Token, Exactness, frozenset[str]]:
    """Return the word of the catalog that a word nothing matches is another form of, or is written for.

    And the words that this hangs on: it would be another one, or none, if they were not there.
    """
    considered = frozenset({singular(token.folded)}) if lexicon.knows(token.folded, hidden) else frozenset[str]()
    for read, exactness in ((lexicon.other_form, Exactness.VARIED), (lexicon.correct, Exactness.CORRECTED)):
        meant = read(token.folded, hidden)
        considered |= meant
        if (word := only(meant)) is not None:
            return replace(token, folded=word), exactness, considered
    return token, Exactness.EXACT, considered


class _Placed(Protocol):
    """What has a place among the words."""

    @property
    def first(self) -> int:
        """Return the position of its first word."""

    @property
    def last(self) -> int:
        """Return the position after its last word."""


def covered_by(pieces: Iterable[_Placed]) -> frozenset[int]:
    """Return the positions of the words that belong to a span, a mention or a period."""
    return frozenset([i for piece in pieces for i in range(piece.first, piece.last)])


def has_letters(token: Token) -> bool:
    """Tell whether it is a word: figures and signs, unmatched, are not told."""
    word = token.folded
    return word.isalpha() or (len(word) > 1 and any(character.isalpha() for character in word))


def may_be_a_name(token: Token) -> bool:
    """Tell whether a word can be one of a name that nobody knows, and not only of how questions are put."""
    return token.folded not in _SPELT_RIGHT and has_letters(token)
