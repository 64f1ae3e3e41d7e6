"""What is made from what, and the ontology."""

from __future__ import annotations

from ecp_server.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class LineageLink:
    """One edge of the lineage, as its document states it; ends are names without prefixes, of the types beside them."""

    start: str
    end: str
    transformation: str = ""
    start_type: str = "column"
    end_type: str = "column"
    from_system: str | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """Return what edges are ordered by: the ends first."""
        return self.start, self.end, self.start_type, self.end_type, self.transformation, self.from_system or ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing of the ontology, e.g. a person or a team."""

    id: str
    name: str
    type: str = ""
    synonyms: tuple[str, ...] = ()
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """How one entity, member or metric relates to another."""

    id: str
    start: str
    end: str
    verb: str
    synonyms: tuple[str, ...] = ()
