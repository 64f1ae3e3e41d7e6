"""The part of the lineage graph within reach of a node."""

from __future__ import annotations

from enum import IntEnum

from ecp_server.domain.frozen import dataclass


class NodeType(IntEnum):
    """What a node of the lineage is; numbered as in types.proto."""

    METRIC = 1
    COLUMN = 2
    TABLE = 3
    SYSTEM = 4
    RESTRICTED = 5


@dataclass(frozen=True, slots=True)
class LineageNode:
    """A metric, column, table or system; ``depth`` is its hops from the target."""

    id: str
    type: NodeType
    name: str
    depth: int


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """Says that one node is made from another."""

    start: str
    end: str
    transformation: str = ""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Nodes, the target included, and edges from source to result."""

    target: str
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
    truncated: bool = False
    """More lies beyond the depth or number asked for."""
