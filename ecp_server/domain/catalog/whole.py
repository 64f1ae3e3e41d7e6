"""The immutable catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Protocol

from ecp_server.domain.catalog.calendars import GREGORIAN, Calendar
from ecp_server.domain.catalog.dimensions import Dimension, Member
from ecp_server.domain.catalog.glossary import Context, Phrase, Term
from ecp_server.domain.catalog.metrics import Metric
from ecp_server.domain.catalog.network import Entity, LineageLink, Relation
from ecp_server.domain.catalog.quality import Contract, KnownIssue, Rule
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.semantic import SemanticModel

Asset = (
    Context | Metric | Term | Dimension | Member | Calendar | KnownIssue | Contract | Rule | Entity | Relation | Phrase
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What holds for the whole catalog."""

    name: str = ""
    default_time_zone: str = "UTC"
    default_currency: str = ""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All assets, by id (members by dimension, then as written). Immutable; ``version`` is a hash of the content."""

    version: str
    manifest: Manifest = Manifest()
    contexts: Mapping[str, Context] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    terms: Mapping[str, Term] = field(default_factory=dict)
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    members: Mapping[str, Member] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    known_issues: Mapping[str, KnownIssue] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    lineage: tuple[LineageLink, ...] = ()
    entities: Mapping[str, Entity] = field(default_factory=dict)
    relations: Mapping[str, Relation] = field(default_factory=dict)
    phrases: tuple[Phrase, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict)
    """Rego text by file name, relative to ``policies/``; empty where the built-in policy applies."""
    semantic: Mapping[str, str] = field(default_factory=dict)
    """The semantic model's YAML (Cube's data model) by file name, relative to ``semantic/``."""
    model: SemanticModel = field(default_factory=SemanticModel)
    """What ``semantic`` says; empty where it says nothing."""

    @property
    def default_calendar(self) -> Calendar:
        """Return the calendar that applies where nothing stronger does (catalog.md, Calendar)."""
        return next((c for c in self.calendars.values() if c.default), GREGORIAN)


class Catalogs(Protocol):
    """The catalog in force and the few before it."""

    @property
    def current(self) -> Catalog:
        """Return the catalog in force."""

    def held(self, version: str) -> Catalog | None:
        """Return the catalog of that version while it is still held, else None."""
