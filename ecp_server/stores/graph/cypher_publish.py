"""The statements that put a version of a catalog into Neo4j; what it looks like there, `cypher` says.

Every one is a transaction of its own and ends in one record. Those that write part of a version first change the claim
on it, which holds other publishers up, and write nothing once another one has taken it over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SCHEMA: Final = (
    "CREATE CONSTRAINT ecp_catalog IF NOT EXISTS FOR (n:EcpCatalog) REQUIRE n.version IS UNIQUE",
    "CREATE CONSTRAINT ecp_asset IF NOT EXISTS FOR (n:EcpAsset) REQUIRE (n.version, n.kind, n.id) IS UNIQUE",
    "CREATE CONSTRAINT ecp_issue IF NOT EXISTS FOR (n:EcpIssue) REQUIRE (n.version, n.id) IS UNIQUE",
    "CREATE INDEX ecp_issue_anywhere IF NOT EXISTS FOR (n:EcpIssue) ON (n.version, n.anywhere)",
    "CREATE CONSTRAINT ecp_lineage IF NOT EXISTS FOR (n:EcpLineage) REQUIRE (n.version, n.id) IS UNIQUE",
    "CREATE CONSTRAINT ecp_arrival IF NOT EXISTS FOR (n:EcpArrival) REQUIRE (n.version, n.id) IS UNIQUE",
    "CREATE CONSTRAINT ecp_entity IF NOT EXISTS FOR (n:EcpEntity) REQUIRE (n.version, n.id) IS UNIQUE",
    "CREATE CONSTRAINT ecp_contents IF NOT EXISTS FOR (n:EcpContents) REQUIRE n.version IS UNIQUE",
)

VERSIONS: Final = """
RETURN COLLECT {
  MATCH (catalog:EcpCatalog)
  RETURN {version: catalog.version, complete: catalog.complete, number: catalog.number}
  ORDER BY catalog.number DESC
} AS versions
"""

THINGS: Final = """
RETURN COLLECT { MATCH (contents:EcpContents {version: $version}) RETURN contents.names }[0] AS names,
       COLLECT { MATCH (contents:EcpContents {version: $version}) RETURN contents.hashes }[0] AS hashes
"""

CLAIM: Final = """
MERGE (catalog:EcpCatalog {version: $version})
ON CREATE SET catalog.complete = false
SET catalog.writer = $writer
RETURN catalog.complete AS complete
"""

COMPLETE: Final = """
OPTIONAL MATCH (other:EcpCatalog) WHERE other.complete
WITH coalesce(max(other.number), 0) + 1 AS number
MATCH (catalog:EcpCatalog {version: $version, writer: $writer})
SET catalog.complete = true, catalog.number = number, catalog.published_at = datetime()
RETURN count(catalog) AS claimed
"""

HIDE: Final = """
MATCH (catalog:EcpCatalog {version: $version})
SET catalog.complete = false, catalog.writer = $writer
RETURN count(catalog) AS claimed
"""

_CLAIMED: Final = """
MATCH (catalog:EcpCatalog {version: $version, writer: $writer})
SET catalog.writer = $writer
WITH catalog
"""
_WRITE: Final = (
    _CLAIMED
    + """
CALL () {
  UNWIND $rows AS row
  WRITE
}
RETURN count(DISTINCT catalog) AS claimed
"""
)


def _writing(statement: str) -> str:
    return _WRITE.replace("WRITE\n", statement.strip() + "\n")


WRITE: Final[Mapping[str, str]] = {
    "assets": _writing(
        "CREATE (:EcpAsset {version: $version, kind: row.kind, id: row.id, variations: row.variations})"
    ),
    "issues": _writing(
        "CREATE (:EcpIssue {version: $version, id: row.id, anywhere: row.anywhere, document: row.document})"
    ),
    "nodes": _writing(
        "CREATE (arrival:EcpArrival {version: $version, id: row.id}) "
        "CREATE (node:EcpLineage {version: $version, id: row.id, type: row.type, name: row.name}) "
        "CREATE (arrival)-[:UPSTREAM]->(node), (arrival)-[:DOWNSTREAM]->(node)"
    ),
    "feeds": _writing(
        "MATCH (start:EcpLineage {version: $version, id: row.start}) "
        "MATCH (end:EcpLineage {version: $version, id: row.end}) "
        "CREATE (start)-[:FEEDS {transformation: row.transformation, place: row.place}]->(end)"
    ),
    "links": _writing(
        "MATCH (start:EcpLineage {version: $version, id: row.start}) "
        "MATCH (end:EcpLineage {version: $version, id: row.end}) "
        "MATCH (source:EcpArrival {version: $version, id: row.start}) "
        "MATCH (result:EcpArrival {version: $version, id: row.end}) "
        "CREATE (end)-[:UPSTREAM]->(source), (start)-[:DOWNSTREAM]->(result)"
    ),
    "owned_upstream": _writing(
        "MATCH (arrival:EcpArrival {version: $version, id: row.node}) "
        "MATCH (owned:EcpLineage {version: $version, id: row.owned}) "
        "CREATE (arrival)-[:UPSTREAM]->(owned)"
    ),
    "owned_downstream": _writing(
        "MATCH (arrival:EcpArrival {version: $version, id: row.node}) "
        "MATCH (owned:EcpLineage {version: $version, id: row.owned}) "
        "CREATE (arrival)-[:DOWNSTREAM]->(owned)"
    ),
    "scopes": _writing(
        "MATCH (node:EcpLineage {version: $version, id: row.node}) "
        "MATCH (issue:EcpIssue {version: $version, id: row.issue}) "
        "CREATE (node)-[:IN_SCOPE {subject: row.subject}]->(issue)"
    ),
    "entities": _writing("CREATE (:EcpEntity {version: $version, id: row.id})"),
    "relations": _writing(
        "MATCH (start:EcpEntity {version: $version, id: row.start}) "
        "MATCH (end:EcpEntity {version: $version, id: row.end}) "
        "CREATE (start)-[:RELATES {verb: row.verb}]->(end)"
    ),
    "contents": _writing("CREATE (:EcpContents {version: $version, names: row.names, hashes: row.hashes})"),
}
"""What writes the rows of `Contents`, by the name of its field, in the order in which they are written."""

DELETE: Final = tuple(
    _CLAIMED
    + """
CALL () {
  MATCH (node:LABEL {version: $version}) WHERE CONDITION
  WITH node LIMIT $batch
  DETACH DELETE node
  RETURN count(*) AS deleted
}
RETURN count(DISTINCT catalog) AS claimed, sum(deleted) AS deleted
""".replace("LABEL", label).replace("CONDITION", condition)
    for label, condition in (
        ("EcpContents", "true"),
        ("EcpAsset", "node.kind IS NOT NULL AND node.id IS NOT NULL"),
        ("EcpIssue", "node.id IS NOT NULL"),
        ("EcpArrival", "node.id IS NOT NULL"),
        ("EcpLineage", "node.id IS NOT NULL"),
        ("EcpEntity", "node.id IS NOT NULL"),
    )
)
"""What deletes a batch of a version, to be repeated until nothing is; the conditions let the indexes be used."""

FORGET: Final = """
MATCH (catalog:EcpCatalog {version: $version, writer: $writer}) WHERE NOT catalog.complete
DELETE catalog
RETURN count(*) AS claimed
"""
