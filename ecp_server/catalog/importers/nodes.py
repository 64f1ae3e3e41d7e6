"""Values read from the files of others: asked for key by key, so that what nobody asked for can be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from ecp_server.catalog.importers.report import Place, Report
from ecp_server.catalog.yaml_documents import Path, Value, document_lines

_TRUE: Final = frozenset({"true", "yes", "on", "y", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "n", "0", ""})


@dataclass
class Origin:
    """The document that values come from."""

    file: str
    first_line: int = 0
    """Of the document in its file; 0 where values have no lines."""
    text: str = ""
    report: Report = field(default_factory=Report)

    @cached_property
    def _lines(self) -> Mapping[Path, int]:
        return document_lines(self.text)

    def place(self, path: Path) -> Place:
        """Return where a part of the document stands, or the part around it."""
        if not self.first_line:
            return Place(self.file)
        while path and path not in self._lines:
            path = path[:-1]
        return Place(self.file, self.first_line + self._lines.get(path, 0))


class Node:
    """A value and where it stands. Keys that are read count as known; `rest` yields the others."""

    def __init__(self, value: Value, origin: Origin, path: Path = (), subject: str = "") -> None:
        """``subject`` is what the value is about, for messages."""
        self.value = value
        self.subject = subject
        self._origin = origin
        self._path = path
        self._read: set[str] = set()
        # What was read of it is kept, so that reading a part twice does not make its keys unread again.
        self._parts: dict[str, Node] = {}
        self._lists: dict[str, list[Node]] = {}

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return self._origin.place(self._path)

    def place_of(self, key: str) -> Place:
        """Return where one of its keys stands."""
        return self._origin.place((*self._path, key))

    def named(self, subject: str) -> Node:
        """Return the same value under another name for messages."""
        node = Node(self.value, self._origin, self._path, subject)
        node._read, node._parts, node._lists = self._read, self._parts, self._lists
        return node

    def refuse(self, message: str, key: str = "") -> None:
        """Tell that something is wrong with it, or with one of its keys."""
        self._origin.report.refuse(self.place_of(key) if key else self.place, self.subject, message)

    def leave_out(self, reason: str, key: str = "") -> None:
        """Tell that it, or one of its keys, is not carried over."""
        self._origin.report.leave_out(self.place_of(key) if key else self.place, self.subject, reason)

    def has(self, key: str) -> bool:
        """Tell whether there is a value under the key."""
        return isinstance(self.value, dict) and self.value.get(key) is not None

    def text(self, key: str) -> str:
        """Return the text under a key, stripped; "" where there is none."""
        value = self._take(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.refuse(f"{key} should be text", key)
            return ""
        return value.strip()

    def required(self, key: str) -> str:
        """Return the text under a key, and tell where it is missing."""
        text = self.text(key)
        if not text:
            self.refuse(f"{key} is required")
        return text

    def truth(self, key: str, *, default: bool = False) -> bool:
        """Return the boolean under a key."""
        text = self.text(key).casefold()
        if text in _TRUE:
            return True
        if text not in _FALSE:
            self.refuse(f"{key} should be true or false", key)
        return False if text else default

    def node(self, key: str) -> Node:
        """Return what stands under a key, whatever it is; its value is None where there is nothing."""
        value = self._take(key)
        if key not in self._parts:
            self._parts[key] = Node(value, self._origin, (*self._path, key), self.subject)
        return self._parts[key]

    def mapping(self, key: str) -> Node:
        """Return the mapping under a key; an empty one where there is none."""
        node = self.node(key)
        if isinstance(node.value, dict):
            return node
        if node.value is not None:
            self.refuse(f"{key} should be a mapping", key)
        return Node({}, self._origin, (*self._path, key), self.subject)

    def as_mapping(self, key: str, inner: str) -> Node:
        """Return what stands under a key as the only entry of a mapping, for notations that shorten that."""
        return Node({inner: self._take(key)}, self._origin, (*self._path, key), self.subject)

    def entry(self, position: int) -> Node:
        """Return an entry of the list that this is."""
        value = self.value[position] if isinstance(self.value, list) else None
        return Node(value, self._origin, (*self._path, position), self.subject)

    def items(self, key: str) -> list[Node]:
        """Return the entries of the list under a key; none where there is no list."""
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(f"{key} should be a list", key)
            return []
        if key not in self._lists:
            self._lists[key] = [
                Node(each, self._origin, (*self._path, key, position), self.subject)
                for position, each in enumerate(value)
            ]
        return self._lists[key]

    def mappings(self, key: str) -> list[Node]:
        """Return the entries of the list under a key that are mappings, and tell which are not."""
        nodes = self.items(key)
        for node in nodes:
            if not isinstance(node.value, dict):
                node.refuse(f"an entry of {key} should be a mapping")
        return [node for node in nodes if isinstance(node.value, dict)]

    def rest(self) -> Iterator[str]:
        """Yield the keys with a value that nobody has read."""
        for key, value in self.value.items() if isinstance(self.value, dict) else ():
            if key not in self._read and value not in (None, "", [], {}, "false"):
                yield key

    def leave_out_rest(self, *known: str) -> None:
        """Tell of the keys that nobody has read, but for those that carry no meaning here."""
        for key in self.rest():
            if key not in known:
                self.leave_out(f"{key} is not carried", key)

    def _take(self, key: str) -> Value:
        self._read.add(key)
        return self.value.get(key) if isinstance(self.value, dict) else None
