"""The lineage graph of one catalog in memory, and walks on it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.lineage import Lineage, LineageEdge, LineageNode, NodeType
from ecp_server.stores.lineage import edges, node_name, node_type, owner

_Hops = Mapping[str, tuple[str, ...]]


class LineageGraph:
    """Nodes, edges and which table owns which columns.

    Owning a column is no hop (catalog.md, Lineage), and it is followed only where it leads on, that is to a node that
    has an edge in the direction of the walk: from a column to its table, whose own edges hold for each column; from a
    table that an edge or the target names to its columns. A table that is reached only as the owner of a column does
    not lead to its other columns: nothing is made of them. Ownership is told by ids and adds no edge.
    """

    def __init__(self, catalog: Catalog) -> None:
        pairs: dict[tuple[str, str], list[LineageEdge]] = {}
        for edge in edges(catalog):
            pairs.setdefault((edge.start, edge.end), []).append(edge)
        self._edges = pairs
        self._up = _adjacency((end, start) for start, end in pairs)
        self._down = _adjacency(pairs)
        linked = self._up.keys() | self._down.keys()
        self._types = {node: node_type(node, catalog) for node in linked | catalog.metrics.keys()}
        columns = [node for node, kind in self._types.items() if kind is NodeType.COLUMN]
        self._columns = _adjacency((table, column) for column in columns if (table := owner(column)) is not None)
        self._types.update(dict.fromkeys(self._columns, NodeType.TABLE))
        self._names = {metric.id: metric.name for metric in catalog.metrics.values()}

    def type_of(self, node: str) -> NodeType:
        """Return what a known node is."""
        return self._types[node]

    @property
    def nodes(self) -> Iterator[LineageNode]:
        """Yield every node, each at depth 0."""
        return (LineageNode(node, kind, self._name(node), 0) for node, kind in self._types.items())

    @property
    def edges(self) -> Iterator[tuple[int, LineageEdge]]:
        """Yield every edge with its place among those that link the same pair."""
        return (numbered for ways in self._edges.values() for numbered in enumerate(ways))

    def exits(self, node: str, *, downstream: bool) -> Iterator[str]:
        """Yield whose edges lead on from a node that an edge or the target names: itself, and by ownership others."""
        yield node
        yield from self._leading_on(node, self._down if downstream else self._up, set())

    def reach(self, start: str, *, downstream: bool) -> Iterator[tuple[str, int]]:
        """Yield the nodes within reach of a known node with their hops, nearest first, lazily, each once.

        Among nodes at the same hops those that edges lead to come first, then those that ownership adds, both by id.
        """
        hops = self._down if downstream else self._up
        seen: set[str] = set()
        opened: set[str] = set()
        arrivals: Iterable[str] = (start,)
        distance = 0
        while True:
            level: list[str] = []
            owned: set[str] = set()
            for node in arrivals:
                # Seen or not: a table that was an owner before leads to its columns once an edge names it.
                owned.update(self._leading_on(node, hops, opened))
                if node not in seen:
                    seen.add(node)
                    level.append(node)
                    yield node, distance
            for node in sorted(owned - seen):
                seen.add(node)
                level.append(node)
                yield node, distance
            if not level:
                return
            arrivals = heapq.merge(*(hops.get(node, ()) for node in level))
            distance += 1

    def lineage(self, target: str, *, depth: int, downstream: bool, max_nodes: int) -> Lineage | None:
        """Return the part of the graph within ``depth`` hops and ``max_nodes`` nodes; None for an unknown target.

        Nodes stand in the order of the walk; edges, all those between its nodes, by their ends.
        """
        if target not in self._types:
            return None
        nodes: dict[str, int] = {}
        truncated = False
        for node, distance in self.reach(target, downstream=downstream):
            if distance > depth or len(nodes) == max_nodes:
                truncated = True
                break
            nodes[node] = distance
        return Lineage(
            target,
            tuple(LineageNode(node, self._types[node], self._name(node), hops) for node, hops in nodes.items()),
            tuple(edge for pair in sorted(self._between(nodes)) for edge in self._edges[pair]),
            truncated,
        )

    def _leading_on(self, node: str, hops: _Hops, opened: set[str]) -> Iterator[str]:
        """Yield what ownership leads to from a node that an edge or the target names; mark a table as opened."""
        kind = self._types[node]
        if kind is NodeType.COLUMN:
            table = owner(node)
            if table is not None and table in hops:
                yield table
        elif kind is NodeType.TABLE and node not in opened:
            opened.add(node)
            yield from (column for column in self._columns.get(node, ()) if column in hops)

    def _between(self, nodes: Mapping[str, int]) -> Iterator[tuple[str, str]]:
        """Yield the linked pairs among some nodes, looking at no more of a node's neighbours than there are nodes."""
        for node in nodes:
            neighbours = self._down.get(node, ())
            if len(neighbours) <= len(nodes):
                yield from ((node, other) for other in neighbours if other in nodes)
            else:
                yield from ((node, other) for other in nodes if (node, other) in self._edges)

    def _name(self, node: str) -> str:
        return self._names.get(node) or node_name(node)


def _adjacency(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    neighbours: dict[str, list[str]] = {}
    for node, other in pairs:
        neighbours.setdefault(node, []).append(other)
    return {node: tuple(sorted(others)) for node, others in neighbours.items()}
