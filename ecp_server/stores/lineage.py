"""The lineage of a catalog as nodes and edges (catalog.md, Lineage): the same for every engine that walks it.

A node's id is a metric's id, a column's name, ``table:NAME`` or ``system:NAME``. Ends are columns unless typed or
written so; one that is the id of a metric is that metric, since ids share one name space in an answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.lineage import LineageEdge, NodeType

TABLE = "table:"
SYSTEM = "system:"


def node_id(name: str, stated_type: str = "column") -> str:
    """Return the id of the node that an end of an edge names, e.g. ("fact", "table") is ``table:fact``."""
    if stated_type in ("table", "system") and not name.startswith((TABLE, SYSTEM)):
        return f"{stated_type}:{name}"
    return name


def node_name(node: str) -> str:
    """Return a table's or system's name without its prefix; any other id as it stands."""
    return node.removeprefix(TABLE).removeprefix(SYSTEM)


def owner(column: str) -> str | None:
    """Return the table that owns a column, its id without the last dot and name; None where it has no dot."""
    table, dot, _ = column.rpartition(".")
    return f"{TABLE}{table}" if dot else None


def source_table(source: str) -> str:
    """Return the name of the table that an entry of ``computed_from`` reads: itself, or the column's owner."""
    table = source if source.startswith(TABLE) else owner(source)
    return node_name(table) if table is not None else source


def node_type(node: str, catalog: Catalog) -> NodeType:
    """Return what a node is; an end typed as a metric that the catalog lacks reads as a column."""
    if node in catalog.metrics:
        return NodeType.METRIC
    if node.startswith(TABLE):
        return NodeType.TABLE
    return NodeType.SYSTEM if node.startswith(SYSTEM) else NodeType.COLUMN


def edges(catalog: Catalog) -> tuple[LineageEdge, ...]:
    """Return all edges from source to result: those of lineage documents and those that metrics imply.

    Of equal edges one is kept, and one that does not say how gives way to one that does.
    """
    found: dict[tuple[str, str], dict[str, LineageEdge]] = {}
    for edge in _stated(catalog):
        found.setdefault((edge.start, edge.end), {})[edge.transformation] = edge
    for ways in found.values():
        if len(ways) > 1:
            ways.pop("", None)
    return tuple(edge for ways in found.values() for edge in ways.values())


def _stated(catalog: Catalog) -> Iterator[LineageEdge]:
    for link in catalog.lineage:
        start = node_id(link.start, link.start_type)
        if link.from_system:
            yield LineageEdge(node_id(link.from_system, "system"), start)
        yield LineageEdge(start, node_id(link.end, link.end_type), link.transformation)
    for metric in catalog.metrics.values():
        for source in metric.computed_from:
            yield LineageEdge(source, metric.id)
        how = metric.derived.expression if metric.derived else "running total"
        for source in metric.inputs:
            yield LineageEdge(source, metric.id, how)
