"""Recalls what the department was taught about words of the question, of which only what may be shown counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.feedback import DepartmentPrecedents
from ecp_server.domain.frozen import replace
from ecp_server.domain.records import PrecedentRecord
from ecp_server.domain.text import Token, fold, tokenize
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.lessons import PREDICATIVE, Lesson, Lessons, words_of
from ecp_server.resolution.lexicon import Sense
from ecp_server.resolution.rights.senses import VisibleSenses
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.teachable import meaning_of


class Precedents(Protocol):
    """What departments have taught."""

    async def of(self, department: str) -> DepartmentPrecedents:
        """Return what a department, as `department_of` names it, has taught. Raises `StoreError`."""


async def recall(draft: Draft, precedents: Precedents, visibility: Visibility) -> Draft:
    """Return the draft with the lessons about its question.

    This comes before all steps and leaves no trace but its lessons: what policy hides, and what the catalog does not
    have any more, is as if nobody had ever taught it. Raises `StoreError`.
    """
    asked_for = draft.question.definition_context or draft.question.principal.department
    if not asked_for:
        return draft
    taught = await precedents.of(draft.contexts[0] if draft.contexts else fold(asked_for))
    if not taught.by_words:
        return draft
    lessons = _lessons(taught, tokenize(draft.question.text), draft)
    if not lessons:
        return draft
    senses = [lesson.meaning.sense for each in lessons.values() for lesson in each]
    shown = await _shown(senses, draft, visibility)
    kept = {words: tuple([one for one in each if one.meaning.sense in shown]) for words, each in lessons.items()}
    kept = {words: each for words, each in kept.items() if each}
    if not kept:
        return draft
    return replace(draft, lessons=_with_choices(kept, draft))


def _lessons(taught: DepartmentPrecedents, tokens: Sequence[Token], draft: Draft) -> dict[str, tuple[Lesson, ...]]:
    """Return the lessons about words that stand in the question, of meanings that the catalog has."""
    found: dict[str, tuple[Lesson, ...]] = {}
    for first in range(len(tokens)):
        for last in range(first + 1, min(len(tokens), first + taught.longest) + 1):
            words = words_of(tokens[first:last])
            if words in taught.by_words and words not in found:
                lessons = _agreeing(taught.by_words[words], draft)
                if lessons:
                    found[words] = lessons
    return found


def _agreeing(precedents: Sequence[PrecedentRecord], draft: Draft) -> tuple[Lesson, ...]:
    """Return one lesson for each meaning, in the order of kinds and ids; precedents come newest first."""
    by_meaning: dict[tuple[ConceptKind, str], list[PrecedentRecord]] = {}
    for precedent in precedents:
        by_meaning.setdefault((precedent.kind, precedent.option_id), []).append(precedent)
    lessons: list[Lesson] = []
    for (kind, option_id), agreeing in sorted(by_meaning.items()):
        newest = agreeing[0]
        meaning = meaning_of(kind, option_id, draft.prepared, newest.words)
        if meaning is not None:
            ids = tuple([precedent.id for precedent in agreeing])
            day = newest.create_time.date()
            lessons.append(Lesson(meaning, kind, option_id, newest.department, day, ids))
    return tuple(lessons)


async def _shown(senses: Sequence[Sense], draft: Draft, visibility: Visibility) -> frozenset[Sense]:
    visible = VisibleSenses(draft.prepared, visibility)
    await visible.ask(senses)
    shown = frozenset([sense for sense in senses if visible.shows(sense)])
    visible.tell(shown)
    return shown


def _with_choices(by_words: Mapping[str, tuple[Lesson, ...]], draft: Draft) -> Lessons:
    """Return the lessons; of those that contradict each other the one that the caller chose.

    Among metrics and terms the choice is made where all their meanings are.
    """
    settled: dict[str, tuple[Lesson, ...]] = {}
    offers: dict[str, frozenset[str]] = {}
    for words, lessons in by_words.items():
        settled[words] = lessons
        if len(lessons) == 1 or all(lesson.meaning.sense.kind in PREDICATIVE for lesson in lessons):
            continue
        for choice in draft.question.choices:
            picked = tuple([lesson for lesson in lessons if lesson.option_id == choice.option_id])
            if picked and words_of(tokenize(choice.subject_id)) == words:
                offers[choice.subject_id] = frozenset([lesson.option_id for lesson in lessons])
                settled[words] = picked
    return Lessons(settled, max(words.count(" ") + 1 for words in settled), offers)
