"""Where the rows of a model are: `ref('orders')`, or the relation that a manifest names."""

from __future__ import annotations

import re
from typing import Final

from ecp_server.catalog.importers.nodes import Node

_REF: Final = re.compile(
    r"""(?:\{\{\s*)?(?P<function>ref|source)\(\s*
        (?:['"](?P<first>[\w.-]+)['"]\s*,\s*)?['"](?P<name>[\w.-]+)['"]
        (?:\s*,\s*(?:v|version)\s*=\s*['"]?(?P<version>\w+)['"]?)?\s*\)(?:\s*\}\})?""",
    re.VERBOSE,
)
_PART: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def relation_of_ref(text: str, node: Node) -> str:
    """Return the table of `ref('orders')` or `source('shop', 'orders')`; "" where it is neither, which is told."""
    match = _REF.fullmatch(text)
    if match is None:
        node.refuse(f"{text[:80]!r} should name a model, as ref('orders') does", "model")
        return ""
    version = f"_v{match['version']}" if match["version"] else ""
    return _checked((match["name"] + version,), node)


def relation_of_manifest(node: Node) -> str:
    """Return the table of a manifest's `node_relation`."""
    relation = node.mapping("node_relation")
    parts = [relation.text(key) for key in ("database", "schema_name", "alias")]
    relation.text("relation_name")  # the same, quoted as the warehouse likes it
    relation.leave_out_rest()
    if not parts[-1]:
        node.refuse("node_relation.alias is required")
        return ""
    if parts[0] and not _PART.fullmatch(parts[0]):
        node.leave_out(
            f"the database {parts[0][:80]!r} has a name that must be quoted; its schema and table are carried"
        )
        parts[0] = ""
    return _checked([part for part in parts if part], node)


def _checked(parts: list[str] | tuple[str, ...], node: Node) -> str:
    for part in parts:
        if not _PART.fullmatch(part):
            node.refuse(f"{part[:80]!r} is no name of a table or schema")
            return ""
    return ".".join(parts)
