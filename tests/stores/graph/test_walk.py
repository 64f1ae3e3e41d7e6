"""Walks on any lineage: what a breadth-first search by the rules finds."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.catalog import Catalog, LineageLink
from ecp_server.stores.graph.walk import LineageGraph
from ecp_server.stores.lineage import owner

_TABLES = [f"table:t{n}" for n in range(3)]
_COLUMNS = [f"t{n}.{name}" for n in range(3) for name in "xyz"]
_NODES = [*_TABLES, *_COLUMNS, "system:s", "loose"]
_LINKS = st.lists(st.tuples(st.sampled_from(_NODES), st.sampled_from(_NODES)), max_size=25)


def _distances(pairs: set[tuple[str, str]], target: str) -> dict[str, int]:
    """Hops upstream by the rules: a table that is the target or that an edge names is whole, one that owns is not."""
    sources = {end: {start for start, other in pairs if other == end} for _, end in pairs}
    distances: dict[tuple[str, bool], int] = {(target, True): 0}
    queue = deque([(target, True)])
    while queue:
        node, whole = queue.popleft()
        table = owner(node) if not node.startswith(("table:", "system:")) else None
        # Ownership costs nothing and is followed where it leads on.
        same = [(column, True) for column in _COLUMNS if whole and owner(column) == node and column in sources]
        same += [(table, False)] if table is not None and table in sources else []
        for neighbour in same:
            if distances.get(neighbour, 99) > distances[node, whole]:
                distances[neighbour] = distances[node, whole]
                queue.appendleft(neighbour)
        for source in sources.get(node, ()):
            if distances.get((source, True), 99) > distances[node, whole] + 1:
                distances[source, True] = distances[node, whole] + 1
                queue.append((source, True))
    nearest: dict[str, int] = {}
    for (node, _), distance in distances.items():
        nearest[node] = min(distance, nearest.get(node, 99))
    return nearest


@given(links=_LINKS, target=st.sampled_from(_NODES), depth=st.integers(1, 6), max_nodes=st.integers(1, 16))
def test_a_walk_finds_each_node_once_at_its_distance_and_says_what_is_left(
    links: list[tuple[str, str]], target: str, depth: int, max_nodes: int
) -> None:
    graph = LineageGraph(Catalog("v", lineage=tuple(LineageLink(start, end) for start, end in links)))
    lineage = graph.lineage(target, depth=depth, downstream=False, max_nodes=max_nodes)
    named = {node for pair in links for node in pair}
    if target not in named | {owner(node) for node in named if node in _COLUMNS}:
        assert lineage is None
        return
    assert lineage is not None

    expected = _distances(set(links), target)
    within = {node: distance for node, distance in expected.items() if distance <= depth}
    found = {node.id: node.depth for node in lineage.nodes}
    assert lineage.nodes[0].id == target
    assert len(found) == len(lineage.nodes) == min(len(within), max_nodes)
    assert all(within[node] == distance for node, distance in found.items())
    assert [node.depth for node in lineage.nodes] == sorted(node.depth for node in lineage.nodes)
    assert lineage.truncated == (len(found) < len(expected))
    assert {(edge.start, edge.end) for edge in lineage.edges} == {
        pair for pair in links if pair[0] in found and pair[1] in found
    }
