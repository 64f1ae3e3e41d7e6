"""What a graph store holds of a catalog, as rows for it to write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ecp_server.domain.catalog import AssetKind, Catalog
from ecp_server.domain.lineage import NodeType
from ecp_server.stores.graph.documents import MEMBER_VARIATIONS, TERM_VARIATIONS, written, written_issue
from ecp_server.stores.graph.scopes import IssueScopes
from ecp_server.stores.graph.walk import LineageGraph

Row = Mapping[str, Any]
Rows = list[Row]


@dataclass(frozen=True, slots=True)
class Contents:
    """Rows by what they become; each is a mapping from properties to values."""

    assets: Rows
    """Terms and members: kind, id, variations."""
    issues: Rows
    """Active ones: id, anywhere, document."""
    nodes: Rows
    """Of the lineage: id, type, name."""
    feeds: Rows
    """Edges: start, end, transformation, place."""
    links: Rows
    """Pairs of nodes with an edge or more: start, end."""
    owned_upstream: Rows
    """Whose edges upstream hold for a node by ownership: node, owned."""
    owned_downstream: Rows
    scopes: Rows
    """Nodes in an issue's scope: node, issue, subject."""
    entities: Rows
    """Ends of relations: id."""
    relations: Rows
    """start, verb, end."""
    things: Mapping[str, str]
    """What all this is about, by name for a person ("term revenue"), with a hash of what is held of it."""


def contents(catalog: Catalog) -> Contents:
    """Work out what is held of a catalog. Blocks for as long as that takes: seconds for 100,000 assets."""
    graph = LineageGraph(catalog)
    scopes = IssueScopes(catalog)
    nodes = list(graph.nodes)
    edges = list(graph.edges)
    assets = list(_assets(catalog))
    anywhere = {issue.id for issue in scopes.anywhere}
    issues: Rows = [
        {"id": issue.id, "anywhere": issue.id in anywhere, "document": written_issue(issue)} for issue in scopes.active
    ]
    feeds: Rows = [
        {"start": edge.start, "end": edge.end, "transformation": edge.transformation, "place": place}
        for place, edge in edges
    ]
    relations: Rows = [{"start": r.start, "verb": r.verb, "end": r.end} for r in catalog.relations.values()]
    things = {
        **{f"{row['kind']} {row['id']}": _hash(row) for row in assets},
        **{f"known_issue {row['id']}": _hash(row) for row in issues},
        **{f"{n.type.name.lower()} {_bare(n.type, n.id)}": _hash({"name": n.name}) for n in nodes},
        **{f"lineage {row['start']} to {row['end']} #{row['place']}": _hash(row) for row in feeds},
        **{f"relation {r.id}": _hash(row) for r, row in zip(catalog.relations.values(), relations, strict=True)},
    }
    return Contents(
        assets=assets,
        issues=issues,
        nodes=[{"id": node.id, "type": node.type.value, "name": node.name} for node in nodes],
        feeds=feeds,
        links=[{"start": start, "end": end} for start, end in dict.fromkeys((e.start, e.end) for _, e in edges)],
        owned_upstream=list(_owned(graph, downstream=False)),
        owned_downstream=list(_owned(graph, downstream=True)),
        scopes=[
            {"node": node.id, "issue": issue.id, "subject": subject}
            for node in nodes
            for subject, issue in scopes.of_node(node.id, node.type)
        ],
        entities=[{"id": end} for end in dict.fromkeys(end for row in relations for end in (row["start"], row["end"]))],
        relations=relations,
        things=things,
    )


def _assets(catalog: Catalog) -> Iterator[Row]:
    for term in catalog.terms.values():
        variations = written(TERM_VARIATIONS, term.variations)
        yield {"kind": AssetKind.TERM.value, "id": term.id, "variations": variations}
    for member in catalog.members.values():
        variations = written(MEMBER_VARIATIONS, member.variations)
        yield {"kind": AssetKind.MEMBER.value, "id": member.id, "variations": variations}


def _owned(graph: LineageGraph, *, downstream: bool) -> Iterator[Row]:
    for node in graph.nodes:
        for owned in graph.exits(node.id, downstream=downstream):
            if owned != node.id:
                yield {"node": node.id, "owned": owned}


def _bare(kind: NodeType, node: str) -> str:
    """Return the id of a node without the prefix that says what it is: the name says so too."""
    return node.split(":", 1)[1] if kind in (NodeType.TABLE, NodeType.SYSTEM) else node


def _hash(row: Row) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]
