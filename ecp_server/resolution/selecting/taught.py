"""What precedents decide beside metrics and terms, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ecp_server.domain.concepts import Ambiguity, Assumption, ConceptKind, ResolvedConcept
from ecp_server.domain.frozen import replace
from ecp_server.resolution.draft import Draft, NamedMention, Selection
from ecp_server.resolution.lessons import PREDICATIVE, Lesson, contradiction, option_of
from ecp_server.resolution.selecting.choosing import MAX_OPTIONS, PRECEDENT_SCORE, subject_id, subject_of

_MEASURED: Final = frozenset({ConceptKind.METRIC, ConceptKind.TERM})


def contradicted(draft: Draft) -> tuple[Ambiguity, ...]:
    """Ask which is meant of what words were corrected to; what is among metrics and terms is asked with those."""
    if not draft.lessons.by_words:
        return ()
    found: dict[str, Ambiguity] = {}
    for named in draft.parsed.names:
        lessons = _effective(named, draft)
        if len(lessons) > 1 and not named.kinds <= PREDICATIVE:
            options = tuple([option_of(lesson, draft.prepared.catalog) for lesson in lessons[:MAX_OPTIONS]])
            text = named.mention.text
            message = contradiction(text, lessons[0].department, [option.name for option in options])
            found[subject_id(named)] = Ambiguity(subject_id(named), named.mention, options, message)
    return tuple(found.values())


def taught_contexts(named: NamedMention, concept_id: str, draft: Draft) -> tuple[str, ...]:
    """Return the contexts whose reading of a member or dimension the words were corrected to."""
    if not draft.lessons.by_words:
        return ()
    lessons = draft.lessons.of(draft.parsed.tokens, named.first, named.last)
    return tuple([m.context for m in (each.meaning for each in lessons) if m.context and m.sense.id == concept_id])


def told(selected: Selection, decided: Sequence[str], draft: Draft) -> Selection:
    """Return the selection with what lessons decided told: as reasons, as assumptions, and by the precedents' ids.

    ``decided`` are those that decided for metrics and terms, whose concepts say so already.
    """
    if not draft.lessons.by_words:
        return selected
    precedents = list(decided)
    concepts: list[ResolvedConcept] = []
    assumptions = list(selected.assumptions)
    offers = dict(selected.offers)
    for concept in selected.concepts:
        lesson = None if concept.kind in _MEASURED else _deciding(concept, selected, draft)
        if lesson is None:
            concepts.append(concept)
            continue
        option = option_of(lesson, draft.prepared.catalog)
        confidence = concept.confidence if lesson.meaning.context else concept.confidence * PRECEDENT_SCORE
        reason = lesson.reason(concept.mention.text, option.name)
        if any(lesson.option_id in options for options in draft.lessons.offers.values()):
            reason = f"The caller chose it among the meanings of “{concept.mention.text}”"
        else:
            precedents.append(lesson.precedents[0])
            subject = subject_of(concept.mention)
            assumptions.append(Assumption(subject, option, reason))
            offers[subject] = offers.get(subject, frozenset()) | {option.id}
        concepts.append(replace(concept, reason=reason, confidence=confidence))
    for named, lesson in _unseen(draft, precedents):
        precedents.append(lesson.precedents[0])
        option = option_of(lesson, draft.prepared.catalog)
        reason = lesson.reason(named.mention.text, option.name)
        assumptions.append(Assumption(subject_id(named), option, reason))
        offers[subject_id(named)] = offers.get(subject_id(named), frozenset()) | {option.id}
    return replace(
        selected,
        concepts=tuple(concepts),
        assumptions=tuple(assumptions),
        offers=offers,
        precedents=tuple(dict.fromkeys(precedents)),
    )


def _unseen(draft: Draft, told_of: Sequence[str]) -> Iterator[tuple[NamedMention, Lesson]]:
    """Yield the lessons that decided for words of which there is no concept: the end that a path is reached from."""
    consumed = sorted(draft.reached.consumed, key=lambda n: n.first) if draft.reached is not None else []
    for named in consumed:
        for lesson in _effective(named, draft):
            chosen = any(lesson.option_id in options for options in draft.lessons.offers.values())
            if lesson.kind not in _MEASURED and lesson.precedents[0] not in told_of and not chosen:
                yield named, lesson


def _deciding(concept: ResolvedConcept, selected: Selection, draft: Draft) -> Lesson | None:
    """Return the lesson by which the words of a concept mean it, where one decided."""
    for named in draft.parsed.names:
        if named.mention == concept.mention:
            for lesson in draft.lessons.of(draft.parsed.tokens, named.first, named.last):
                if _decided(lesson, named, concept, selected, draft):
                    return lesson
    return None


def _decided(lesson: Lesson, named: NamedMention, concept: ResolvedConcept, selected: Selection, draft: Draft) -> bool:
    sense, context = lesson.meaning.sense, lesson.meaning.context
    if concept.kind is not lesson.kind or sense.id not in (concept.id, concept.id.removeprefix("target.")):
        return False
    if not context or lesson in _effective(named, draft):
        return lesson in _effective(named, draft)
    if context in draft.contexts or any(choice.option_id.endswith(f"@{context}") for choice in draft.question.choices):
        return False
    read = [m for m in selected.members if m.member.id == sense.id]
    read += [m for grouping in selected.groupings if grouping.dimension.id == sense.id for m in grouping.members]
    return any(member.variation == context for member in read)


def _effective(named: NamedMention, draft: Draft) -> tuple[Lesson, ...]:
    """Return the lessons that say what a mention stands for; an exact name leaves them none."""
    taught = {sense.meaning for sense in named.senses if sense.taught}
    lessons = draft.lessons.of(draft.parsed.tokens, named.first, named.last) if taught else ()
    return tuple([lesson for lesson in lessons if lesson.meaning.sense.meaning in taught])
