"""Contexts, terms and phrases."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from ecp_server.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """A department or the like, in which variations hold."""

    id: str
    name: str
    synonyms: tuple[str, ...] = ()
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class TermVariation:
    """What a term means in one context."""

    context: str
    name: str = ""
    definition: str = ""
    metric: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """An entry of the business glossary."""

    id: str
    name: str
    definition: str = ""
    synonyms: tuple[str, ...] = ()
    acronyms: tuple[str, ...] = ()
    domain: str = ""
    owner: str = ""
    parent: str | None = None
    metric: str | None = None
    default: str | None = None
    variations: tuple[TermVariation, ...] = ()


class PhraseMeaning(StrEnum):
    """What a phrase stands for."""

    NOT_COVERED = "not_covered"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that mean something the catalog lacks, or nothing at all."""

    text: str
    meaning: PhraseMeaning
