"""Small documents for tests, and the pieces to write more."""

from __future__ import annotations

from typing import Final

Case = tuple[str, ...]
"""The documents of `a.yaml`, then the errors that loading them tells."""

METRIC: Final = "{kind: metric, id: m, name: M, definition: D, semantic_ref: C.m}\n"
DIMENSION: Final = "{kind: dimension, id: d, name: D, semantic_ref: C.d, members: [{id: d.a, name: A, values: [a]}]}\n"


def metric(more: str, asset_id: str = "m", name: str = "M") -> str:
    return f"kind: metric\nid: {asset_id}\nname: {name}\ndefinition: D\n{more}\n"


def joined(*documents: str) -> str:
    return "---\n".join(documents)


def dimension(*members: str, more: str = "") -> str:
    lines = "".join(f"  - {{{member}}}\n" for member in members)
    return f"kind: dimension\nid: d\nname: D\nsemantic_ref: C.d\n{more}members:\n{lines}"
