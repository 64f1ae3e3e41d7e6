"""Words that a department was taught, among the names that the catalog has."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.frozen import replace
from ecp_server.domain.text import Token
from ecp_server.resolution.lessons import PREDICATIVE, Lesson, Lessons
from ecp_server.resolution.lexicon import Exactness, FormSource, Sense, SenseKind, Span

_AS_NAMED = frozenset({Exactness.EXACT, Exactness.INFLECTED})


def with_taught(spans: list[Span], tokens: Sequence[Token], lessons: Lessons) -> list[Span]:
    """Return the spans, and for words that lessons are about what these say, as far as exact names let them.

    An exact name means what it names, whoever taught otherwise (design, section 6): a lesson about it only says which
    of several that have it is meant. What a term means for a user is another matter, and decided with its variations.
    """
    if not lessons.by_words:
        return spans
    placed = {(span.first, span.last): span for span in spans}
    for first in range(len(tokens)):
        for last in range(first + 1, min(len(tokens), first + lessons.longest) + 1):
            about = lessons.of(tokens, first, last)
            if about:
                known = placed.get((first, last))
                senses = _senses(known, about)
                if senses:
                    exactness = Exactness.EXACT if known is None else known.exactness
                    placed[first, last] = Span.of(first, last, senses, exactness)
    return sorted(placed.values(), key=lambda span: (span.first, span.last))


def _senses(known: Span | None, lessons: Sequence[Lesson]) -> tuple[Sense, ...]:
    """Return what words mean that lessons are about; nothing where these leave it as it is."""
    senses = () if known is None else known.senses
    named = [s for s in senses if s.source is FormSource.NAME] if known and known.exactness in _AS_NAMED else []
    if named and any(sense.kind is not SenseKind.TERM for sense in named):
        meant = {sense.meaning for sense in named}
        lessons = [lesson for lesson in lessons if lesson.meaning.sense.meaning in meant and not lesson.meaning.context]
        if len(meant) == 1:
            return ()
    taught = {lesson.meaning.sense.meaning: replace(lesson.meaning.sense, taught=True) for lesson in lessons}
    if not taught:
        return ()
    kinds = {kind for kind, _ in (*taught, *[sense.meaning for sense in senses])}
    if kinds <= PREDICATIVE:
        # All of them stay: which is taken is decided with variations and tiers.
        known_meanings = {sense.meaning for sense in senses}
        more = [sense for meaning, sense in taught.items() if meaning not in known_meanings]
        return (*[replace(sense, taught=sense.meaning in taught) for sense in senses], *more)
    return tuple(taught.values())
