"""What a person says of an answer, and what a department learns from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import IntEnum
from typing import Final

from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.identity import Principal
from ecp_server.domain.records import PrecedentRecord

MAX_CORRECTIONS: Final = 20
"""In one report."""


class Verdict(IntEnum):
    """A judgement of a resolution; numbered as in types.proto."""

    ACCEPTED = 1
    CORRECTED = 2
    REJECTED = 3


@dataclass(frozen=True, slots=True)
class Correction:
    """What is right: of an ambiguity or assumption, by ``subject_id``, or of the words in ``mention``."""

    option_id: str
    subject_id: str = ""
    mention: str = ""
    kind: ConceptKind = ConceptKind.UNSPECIFIED
    """Unspecified where whoever reports left it to the server."""


@dataclass(frozen=True, slots=True)
class Report:
    """A judgement as it is reported, its fields checked."""

    resolution_id: str
    verdict: Verdict
    corrections: tuple[Correction, ...]
    request_id: str
    """A UUID of the caller's, in lower case."""
    digest: str
    """SHA-256 of all that is reported."""
    callers: tuple[str, ...]
    """Who the caller says it is, as far as it does."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a correction can name of an answer: an ambiguity or an assumption, with the kinds of its options by id."""

    options: Mapping[str, ConceptKind]
    mention: str = ""
    """The words that it is about; "" where it is about none."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A recorded answer, as far as judging it needs."""

    text: str
    """The question."""
    principal: Principal
    definition_context: str
    offers: Mapping[str, Offer]


@dataclass(frozen=True, slots=True)
class DepartmentPrecedents:
    """What one department has taught."""

    by_words: Mapping[str, Sequence[PrecedentRecord]] = field(default_factory=dict)
    """Newest first."""
    longest: int = 0
    """Words in the longest of them."""

    @classmethod
    def of(cls, precedents: Sequence[PrecedentRecord]) -> DepartmentPrecedents:
        """Return precedents, newest first, by their words."""
        by_words: dict[str, list[PrecedentRecord]] = {}
        for precedent in precedents:
            by_words.setdefault(precedent.words, []).append(precedent)
        return cls(by_words, max((words.count(" ") + 1 for words in by_words), default=0))


NO_PRECEDENTS: Final = DepartmentPrecedents()
