"""The texts of `{% docs name %}` blocks, which descriptions name as `{{ doc('name') }}`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ecp_server.catalog.importers.nodes import Node

_TAG: Final = re.compile(r"\{%-?\s*(?:docs\s+(?P<name>\w+)|enddocs)\s*-?%\}")
_CALL: Final = re.compile(r"""\{\{-?\s*doc\(\s*(?:['"]\w+['"]\s*,\s*)?['"](\w+)['"]\s*\)\s*-?\}\}""")


@dataclass(frozen=True, slots=True)
class DocsBlocks:
    """Texts by the names of their blocks."""

    texts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, markdown: Iterable[str]) -> DocsBlocks:
        """Return the blocks of Markdown files, the first of each name."""
        texts: dict[str, str] = {}
        for text in markdown:
            name, start = "", 0
            for tag in _TAG.finditer(text):
                if name and not tag["name"]:
                    texts.setdefault(name, text[start : tag.start()].strip())
                name, start = tag["name"] or "", tag.end()
        return cls(texts)

    def put_in(self, node: Node, key: str) -> str:
        """Return the text under a key with the blocks that it names; those that there are not are told."""
        text = node.text(key)
        for name in _CALL.findall(text):
            if name not in self.texts:
                node.leave_out(f"the block {name!r} of its {key} is in no Markdown file", key)
        text = _CALL.sub(lambda match: self.texts.get(match[1], ""), text).strip()
        if "{{" in text or "{%" in text:
            node.leave_out(f"Jinja in its {key} is not read", key)
            return ""
        return text
