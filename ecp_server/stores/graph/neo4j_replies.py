"""The records with which Neo4j answers the questions of `cypher`, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.lineage import NodeType
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.graph.scopes import WAYS

_Type = Annotated[NodeType, Field(strict=False)]
"""The server has a number for it."""


class Part(BaseModel):
    """A part of a reply, of which nothing is guessed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Reply(Part):
    """The one record that answers a question about a version."""

    published: bool

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        """Read a record. Raises `StoreQueryFailed` where it is malformed."""
        try:
            return cls.model_validate(record)
        except ValidationError as error:
            raise StoreQueryFailed(StoreKind.GRAPH) from error


class Asset(Part):
    """A term or member."""

    kind: str
    id: str
    variations: str


class VariationsReply(Reply):
    """Answers `VARIATIONS`."""

    assets: list[Asset]


class Anywhere(Part):
    """An issue that concerns a metric by its mere existence."""

    metric: str
    issue: str


class Scoped(Anywhere):
    """An issue whose scope names a node upstream of a metric."""

    node: str
    type: _Type
    subject: str

    @property
    def way(self) -> int:
        """The place in `WAYS` of how the issue concerns the metric."""
        if self.node == self.metric:
            return WAYS.index("metric")
        return WAYS.index("derived_from" if self.type is NodeType.METRIC else "table")


class Issue(Part):
    """An issue as JSON."""

    id: str
    document: str


class KnownIssuesReply(Reply):
    """Answers `KNOWN_ISSUES`."""

    scoped: list[Scoped]
    anywhere: list[Anywhere]
    issues: list[Issue]


class Node(Part):
    """A node of the lineage."""

    id: str
    type: _Type
    name: str
    depth: int


class Edge(Part):
    """An edge of the lineage."""

    start: str
    end: str
    transformation: str
    place: int


class LineageReply(Reply):
    """Answers `lineage()`."""

    nodes: list[Node]
    edges: list[Edge]


class Relation(Part):
    """A relation as it stands in the catalog."""

    start: str
    verb: str
    end: str


class RelationsReply(Reply):
    """Answers `relations()`."""

    relations: list[Relation]
