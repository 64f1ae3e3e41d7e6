"""The questions that Neo4j is asked, and how a catalog lies there.

A version of a catalog is a graph of its own: everything carries ``version`` and hangs on nothing of another one.

    (:EcpCatalog {version, complete, number, writer})   the version; it is there for readers once it is complete
    (:EcpAsset {version, kind, id, variations})         a term or member, its variations as JSON
    (:EcpIssue {version, id, anywhere, document})       an active known issue as JSON
    (:EcpLineage {version, id, type, name})             a node of the lineage, type as `NodeType`
        -[:FEEDS {transformation, place}]->             what is made of it, place among the edges of one pair
        -[:IN_SCOPE {subject}]->                        an issue whose scope names it, as subject
    (:EcpArrival {version, id})                         the same node as what an edge or the target names
    (:EcpEntity {version, id}) -[:RELATES {verb}]->     the ontology

Owning a column is no hop, and leads on only from a node that an edge names. So walks alternate: an arrival leads to the
nodes whose edges go on from there, itself and by ownership others (`LineageGraph.exits`), these to the arrivals
that their edges name; `UPSTREAM` and `DOWNSTREAM` are those steps. Two steps are one hop, and a walk with the least
length of the ways to each node is a breadth-first search that the planner prunes, where ways are many and nodes few.

Every question is answered by one record. Texts are constants: values are parameters, and the bound of a walk, which
cannot be one, comes from a closed list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MAX_DEPTH: Final = 20
"""Walks that are to go deeper run to their end, and are cut afterwards."""

PROBE: Final = """
RETURN EXISTS { MATCH (:EcpCatalog {version: $version, complete: true}) } AS published
"""

VARIATIONS: Final = """
RETURN
  EXISTS { MATCH (:EcpCatalog {version: $version, complete: true}) } AS published,
  COLLECT {
    UNWIND $refs AS ref
    MATCH (asset:EcpAsset {version: $version, kind: ref.kind, id: ref.id})
    RETURN {kind: asset.kind, id: asset.id, variations: asset.variations}
  } AS assets
"""

KNOWN_ISSUES: Final = """
WITH
  EXISTS { MATCH (:EcpCatalog {version: $version, complete: true}) } AS published,
  COLLECT {
    UNWIND $metrics AS metric
    MATCH (target:EcpArrival {version: $version, id: metric})-[:UPSTREAM]->
          (:EcpLineage {version: $version, id: metric, type: $metric_type})
    MATCH (target)-[:UPSTREAM*0..]->(node)
    WITH DISTINCT target, node
    MATCH (node)-[scope:IN_SCOPE]->(issue:EcpIssue)
    RETURN {metric: target.id, node: node.id, type: node.type, subject: scope.subject, issue: issue.id}
  } AS scoped,
  COLLECT {
    UNWIND $metrics AS metric
    MATCH (:EcpLineage {version: $version, id: metric, type: $metric_type})
    MATCH (issue:EcpIssue {version: $version, anywhere: true})
    RETURN {metric: metric, issue: issue.id}
  } AS anywhere
RETURN
  published, scoped, anywhere,
  COLLECT {
    MATCH (issue:EcpIssue {version: $version})
    WHERE issue.id IN [link IN scoped + anywhere | link.issue]
    RETURN {id: issue.id, document: issue.document}
  } AS issues
"""

_LINEAGE: Final = """
WITH
  EXISTS { MATCH (:EcpCatalog {version: $version, complete: true}) } AS published,
  COLLECT {
    MATCH path = (:EcpArrival {version: $version, id: $target})-[:STEP*0..]->(reached)
    WITH reached, min(length(path)) AS steps
    WITH
      reached.id AS id,
      collect(CASE WHEN reached:EcpLineage THEN reached END)[0] AS node,
      min(CASE WHEN reached:EcpLineage THEN (steps - 1) / 2 END) AS depth,
      min(CASE WHEN reached:EcpArrival THEN steps / 2 END) AS named
    WHERE node IS NOT NULL AND depth <= $depth + 1
    RETURN {node: node, depth: depth} ORDER BY depth, CASE WHEN named = depth THEN 0 ELSE 1 END, id
    LIMIT $max_nodes + 1
  } AS reached
WITH
  published,
  [one IN reached | {id: one.node.id, type: one.node.type, name: one.node.name, depth: one.depth}] AS nodes,
  [one IN reached[..$max_nodes] WHERE one.depth <= $depth | one.node] AS kept
RETURN
  published, nodes,
  COLLECT {
    UNWIND kept AS start
    WITH start WHERE COUNT { (start)-[:FEEDS]->() } <= size(kept)
    MATCH (start)-[edge:FEEDS]->(end) WHERE end IN kept
    RETURN {start: start.id, end: end.id, transformation: edge.transformation, place: edge.place}
    UNION ALL
    UNWIND kept AS start
    WITH start WHERE COUNT { (start)-[:FEEDS]->() } > size(kept)
    UNWIND kept AS end
    MATCH (start)-[edge:FEEDS]->(end)
    RETURN {start: start.id, end: end.id, transformation: edge.transformation, place: edge.place}
  } AS edges
"""

# Of the nodes nearest to the start as many are looked at as there may be paths: each is the end of one, so the hops of
# those farther away are never needed.
_RELATIONS: Final = """
RETURN
  EXISTS { MATCH (:EcpCatalog {version: $version, complete: true}) } AS published,
  COLLECT {
    MATCH path = (:EcpEntity {version: $version, id: $start})-[:RELATES*0..]-(entity)
    WITH entity, min(length(path)) AS distance
    ORDER BY distance LIMIT $max_nodes
    WITH entity WHERE distance < $depth
    MATCH (entity)-[relation:RELATES]-()
    RETURN DISTINCT {start: startNode(relation).id, verb: relation.verb, end: endNode(relation).id}
  } AS relations
"""


def _bounded(text: str, steps_of: Sequence[int]) -> tuple[str, ...]:
    """Return the text with its walk bounded by each of some numbers of steps, and at the end as it is."""
    return (*(text.replace("*0..", "*0.." + str(int(steps))) for steps in steps_of), text)


def _depth(depth: int) -> int:
    return min(max(depth, 0), MAX_DEPTH + 1)


# A node beyond the depth shows that there is more, hence one hop more; the last step is one to a node.
_LINEAGE_STEPS: Final = [2 * (depth + 1) + 1 for depth in range(MAX_DEPTH + 1)]
_UPSTREAM: Final = _bounded(_LINEAGE.replace(":STEP", ":UPSTREAM"), _LINEAGE_STEPS)
_DOWNSTREAM: Final = _bounded(_LINEAGE.replace(":STEP", ":DOWNSTREAM"), _LINEAGE_STEPS)
_RELATIONS_WITHIN: Final = _bounded(_RELATIONS, range(MAX_DEPTH + 1))


def lineage(depth: int, *, downstream: bool) -> str:
    """Return the question for the lineage within so many hops."""
    return (_DOWNSTREAM if downstream else _UPSTREAM)[_depth(depth)]


def relations(depth: int) -> str:
    """Return the question for the relations within so many hops."""
    return _RELATIONS_WITHIN[_depth(depth)]
