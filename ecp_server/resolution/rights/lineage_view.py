"""The lineage as one user may see it."""

from __future__ import annotations

from ecp_server.domain.catalog import AssetKind, AssetRef
from ecp_server.domain.frozen import replace
from ecp_server.domain.lineage import Lineage, LineageEdge, LineageNode, NodeType
from ecp_server.resolution.rights.products import TABLE_PREFIX, Products, table_product
from ecp_server.resolution.rights.visibility import Visibility, told_as_one
from ecp_server.stores.ports import Graph

DEFAULT_DEPTH = 3
DEFAULT_NODES = 200


async def visible_lineage(
    target: str,
    *,
    products: Products,
    graph: Graph,
    visibility: Visibility,
    depth: int = DEFAULT_DEPTH,
    downstream: bool = False,
    max_nodes: int = DEFAULT_NODES,
) -> Lineage | None:
    """Return the lineage of a node; what the user may not discover is a node without a name.

    None where there is no such node, or none for this user.
    """
    found = await graph.lineage(
        products.catalog.version, target, depth=depth, downstream=downstream, max_nodes=max_nodes
    )
    if found is None:
        return None
    with told_as_one(lambda: found.target not in hidden):
        hidden = await _hidden(found, products, visibility)
    return None if found.target in hidden else _with_restricted(found, hidden)


async def _hidden(found: Lineage, products: Products, visibility: Visibility) -> frozenset[str]:
    """Return the ids of the nodes that are hidden; by which policies the others are shown is told if the target is."""
    nodes = found.nodes
    metrics = {node.id for node in nodes if node.type is NodeType.METRIC}
    refs = [AssetRef(AssetKind.METRIC, metric) for metric in sorted(metrics)]
    visible = await visibility.visible(products, refs)
    tables = {node.id: _table(node) for node in nodes if node.type in (NodeType.TABLE, NodeType.COLUMN)}
    read = [table_product(table) for table in dict.fromkeys(tables.values())]
    allowed = await visibility.allowed(read)
    hidden = {metric for metric in metrics if AssetRef(AssetKind.METRIC, metric) not in visible}
    hidden |= {node for node, table in tables.items() if table not in allowed}
    if found.target not in hidden:
        visibility.tell(products, refs, visible)
        visibility.tell_of(read)
    return frozenset(hidden)


def _table(node: LineageNode) -> str:
    """Return the table that a node is or belongs to: a column's id is its table's, a dot and a name."""
    if node.type is NodeType.TABLE:
        return node.id.removeprefix(TABLE_PREFIX)
    return node.id.rpartition(".")[0] or node.id


def _with_restricted(found: Lineage, hidden: frozenset[str]) -> Lineage:
    """Take names, ids and what tells of them away from hidden nodes; the shape of the graph stays."""
    if not hidden:
        return found
    alias = {node_id: f"restricted:{i}" for i, node_id in enumerate(sorted(hidden), start=1)}
    nodes = tuple(
        LineageNode(alias[node.id], NodeType.RESTRICTED, "", node.depth) if node.id in alias else node
        for node in found.nodes
    )
    edges = tuple(
        LineageEdge(alias.get(e.start, e.start), alias.get(e.end, e.end), "")
        if e.start in alias or e.end in alias
        else e
        for e in found.edges
    )
    return replace(found, nodes=nodes, edges=edges)
