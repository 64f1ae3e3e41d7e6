"""What the words of a question stand for."""

from __future__ import annotations

from enum import IntEnum

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import TimeRange


class ConceptKind(IntEnum):
    """What a mention stands for; numbered as in types.proto."""

    UNSPECIFIED = 0
    METRIC = 1
    MEMBER = 2
    DIMENSION = 3
    TIME = 4
    COMPARISON = 5
    TERM = 6
    ENTITY = 7


class Intent(IntEnum):
    """The kind of a question; numbered as in types.proto."""

    METRIC = 1
    COMPARISON = 2
    TREND = 3
    RANKING = 4
    DEFINITION = 5
    LINEAGE = 6
    CATALOG = 7


@dataclass(frozen=True, slots=True)
class Mention:
    """A part of the question, from code point ``start`` to ``end``, exclusive."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Option:
    """Something a mention could mean, or an assumption could be."""

    id: str
    name: str
    definition: str = ""
    kind: ConceptKind = ConceptKind.UNSPECIFIED
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Hop:
    """One step through the ontology."""

    start: str
    relation: str
    end: str


@dataclass(frozen=True, slots=True)
class ResolvedConcept:
    """One mention and what it means here."""

    kind: ConceptKind
    mention: Mention
    id: str
    name: str
    reason: str
    confidence: float
    definition: str = ""
    variation: str = ""
    dimension: str = ""
    values: tuple[str, ...] = ()
    excluded: bool = False
    time_range: TimeRange | None = None
    alternatives: tuple[Option, ...] = ()
    certification_tier: int = 0
    path: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A mention with more than one plausible meaning; ``mention`` is None where none could be singled out."""

    id: str
    mention: Mention | None
    options: tuple[Option, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something taken for granted because the question did not say."""

    id: str
    taken: Option
    reason: str
    alternatives: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Picks an option of an ambiguity or an assumption."""

    subject_id: str
    option_id: str
