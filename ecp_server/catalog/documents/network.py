"""Documents of how things hang together: lineage, entities and relations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field
from typing_extensions import override

from ecp_server.catalog.documents.base import Document, Id, Part, Problem, Reference, Text, Texts
from ecp_server.domain.catalog import AssetKind, Entity, LineageLink, Relation

NodeTypeName = Literal["column", "table", "system", "metric"]

_PREFIXES: Final[dict[str, NodeTypeName]] = {"table:": "table", "system:": "system"}
_RELATED: Final = (AssetKind.ENTITY, AssetKind.MEMBER, AssetKind.METRIC)


def _end(text: str, type_: NodeTypeName | None) -> tuple[str, NodeTypeName]:
    """Return an end's name and type: those of its prefix, if it has one, else a column unless typed."""
    for prefix, of_prefix in _PREFIXES.items():
        if text.startswith(prefix):
            return text.removeprefix(prefix), of_prefix
    return text, type_ or "column"


class EdgePart(Part):
    """Says that one thing is made from another; ends may be written `table:NAME` or `system:NAME`."""

    start: Annotated[Text, Field(alias="from")]
    """What something is made of."""
    end: Annotated[Text, Field(alias="to")]
    """What is made of it."""
    transformation: str = ""
    """How, for people."""
    from_type: NodeTypeName | None = None
    """A column where neither this nor a prefix says otherwise."""
    to_type: NodeTypeName | None = None
    """Likewise."""
    from_system: Text | None = None
    """A system that the start comes from."""

    def ends(self) -> Iterator[tuple[str, str, NodeTypeName, NodeTypeName | None]]:
        """Yield for both ends the key, the name, the type, and the type as written."""
        yield ("from", *_end(self.start, self.from_type), self.from_type)
        yield ("to", *_end(self.end, self.to_type), self.to_type)

    def to_domain(self) -> LineageLink:
        """Return the edge, ends without prefixes and typed."""
        start, start_type = _end(self.start, self.from_type)
        end, end_type = _end(self.end, self.to_type)
        return LineageLink(start, end, self.transformation, start_type, end_type, self.from_system)


class LineageDocument(Document):
    """Edges from sources to results."""

    kind: Literal["lineage"]
    id: Id
    edges: Annotated[tuple[EdgePart, ...], Field(min_length=1)]
    """What is made of what."""

    @override
    def references(self) -> Iterator[Reference]:
        for position, edge in enumerate(self.edges):
            for key, name, type_, _ in edge.ends():
                if type_ == "metric":
                    yield Reference(("edges", position, key), (AssetKind.METRIC,), name)

    @override
    def problems(self) -> Iterator[Problem]:
        for position, edge in enumerate(self.edges):
            for key, name, type_, written in edge.ends():
                if not name.strip():
                    yield Problem(("edges", position, key), "names nothing")
                if written not in (None, type_):
                    yield Problem(("edges", position, f"{key}_type"), f"{written} contradicts the prefix `{type_}:`")

    def to_domain(self) -> tuple[LineageLink, ...]:
        """Return the edges."""
        return tuple(edge.to_domain() for edge in self.edges)


class EntityDocument(Document):
    """A thing of the ontology, e.g. a person or a team."""

    kind: Literal["entity"]
    id: Id
    name: Text
    type: str = ""
    """E.g. person or team; for people."""
    synonyms: Texts = ()
    domain: str = ""

    def to_domain(self) -> Entity:
        """Return the entity."""
        return Entity(self.id, self.name, self.type, self.synonyms, self.domain)


class RelationDocument(Document):
    """How one entity, member or metric relates to another."""

    kind: Literal["relation"]
    id: Id
    start: Annotated[str, Field(alias="from")]
    """Id of an entity, member or metric."""
    end: Annotated[str, Field(alias="to")]
    """Likewise."""
    verb: Text
    """What it is called, e.g. owns."""
    synonyms: Texts = ()
    """What questions call it, in either direction."""

    @override
    def references(self) -> Iterator[Reference]:
        yield Reference(("from",), _RELATED, self.start)
        yield Reference(("to",), _RELATED, self.end)

    def to_domain(self) -> Relation:
        """Return the relation."""
        return Relation(self.id, self.start, self.end, self.verb, self.synonyms)
