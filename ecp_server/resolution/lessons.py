"""What precedents say of the words of one question, for one principal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import date
from typing import Final

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.concepts import ConceptKind, Option
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.text import Token
from ecp_server.resolution.lexicon import Sense, SenseKind
from ecp_server.resolution.spelling.endings import singular

PREDICATIVE: Final = frozenset({SenseKind.METRIC, SenseKind.TERM})


@dataclass(frozen=True, slots=True)
class Meaning:
    """A concept of the catalog, and whose reading of it."""

    sense: Sense
    context: str = ""
    """"" where no context's reading is meant."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One meaning that words were corrected to, by one precedent or several that agree."""

    meaning: Meaning
    kind: ConceptKind
    option_id: str
    department: str
    day: date
    """When the words were corrected last, in UTC."""
    precedents: tuple[str, ...]
    """Ids, the newest first."""

    def reason(self, words: str, name: str) -> str:
        """Tell that it decided what the words mean, which are the asker's: what another user wrote is not repeated."""
        last = self.precedents[0]
        return f"In {self.department}, “{words}” was corrected to mean {name} on {self.day} (precedent {last})"


@dataclass(frozen=True, slots=True)
class Lessons:
    """The lessons about words that stand in the question."""

    by_words: Mapping[str, tuple[Lesson, ...]] = field(default_factory=dict)
    """Those about the same words contradict each other. In the order of their kinds and ids."""
    longest: int = 0
    """Words in the longest of them."""
    offers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids of the options by the subject that a choice can name, where lessons contradict each other."""

    def of(self, tokens: Sequence[Token], first: int, last: int) -> tuple[Lesson, ...]:
        """Return the lessons about the words from ``first`` to ``last``, exclusive."""
        if not self.by_words or last - first > self.longest:
            return ()
        return self.by_words.get(words_of(tokens[first:last]), ())


NO_LESSONS: Final = Lessons()


def words_of(tokens: Sequence[Token]) -> str:
    """Return the form in which words of questions are compared with those that were taught, as names are."""
    return " ".join([singular(token.folded) for token in tokens])


def contradiction(text: str, department: str, names: Sequence[str]) -> str:
    """Ask which of the meanings that words were corrected to is meant."""
    return f"In {department}, “{text}” was corrected to mean {' and to mean '.join(names)}. Which one?"


def option_of(lesson: Lesson, catalog: Catalog) -> Option:
    """Return the meaning as an option."""
    sense, whose = lesson.meaning.sense, lesson.meaning.context
    name, definition = _described(sense, catalog)
    return Option(lesson.option_id, f"{name} ({whose})" if whose else name, definition, lesson.kind)


def _described(sense: Sense, catalog: Catalog) -> tuple[str, str]:
    if sense.kind is SenseKind.METRIC:
        return catalog.metrics[sense.id].name, catalog.metrics[sense.id].definition
    if sense.kind is SenseKind.TERM:
        return catalog.terms[sense.id].name, catalog.terms[sense.id].definition
    if sense.kind is SenseKind.MEMBER:
        member = catalog.members[sense.id]
        return member.name, f"{member.name} as {member.dimension}"
    if sense.kind is SenseKind.DIMENSION:
        return catalog.dimensions[sense.id].name, f"{catalog.dimensions[sense.id].name} as {sense.id}"
    if sense.kind is SenseKind.ENTITY:
        return catalog.entities[sense.id].name, ""
    return sense.id, f"The target {sense.id}"
