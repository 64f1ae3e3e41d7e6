"""YAML as catalogs use it: text, lists and mappings, without guesses at types.

Only null is typed, so that `NO`, `007`, `12:30` and the key `on` stay the text that they are; the document models say
which texts are numbers or dates. Values are built from libyaml's events with a stack of our own: PyYAML's composer
recurses in C, and deep nesting crashes the process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from yaml import MarkedYAMLError
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs leave it out
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

Value = str | None | list["Value"] | dict[str, "Value"]
"""What a document may hold."""

Path = tuple[str | int, ...]
"""Where in a document: keys of mappings and positions in lists, from the outside."""

_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TAGS: Final = frozenset({"!", *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))})
_MAX_DEPTH: Final = 40
# Aliases make a short text stand for a large value.
_MAX_NODES: Final = 5_000_000
# Escapes may bring in what YAML does not allow unescaped: no store can keep a NUL, and terminals obey others.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
# A line that starts so is a boundary wherever it stands, in quoted text too (YAML 1.2, 9.1.2).
_BOUNDARY: Final = re.compile(r"^(---|\.\.\.)(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the YAML itself; ``line`` counts from 0 within the document's text."""

    line: int
    message: str


class YamlError(Exception):
    """A document cannot be read at all."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def split_documents(text: str) -> Iterator[tuple[int, str]]:
    """Yield the first line, from 1, and the text of each document that is not empty; `---` belongs to what follows it.

    So each can be parsed on its own, and a broken one hides no other.
    """
    line = 1
    start = 0
    cuts = [(m.start(), m.start() if m[1] == "---" else m.end()) for m in _BOUNDARY.finditer(text)]
    for cut, next_start in (*cuts, (len(text), len(text))):
        document = text[start:cut]
        if any(part.strip()[:1] not in "#%" for part in document.removeprefix("---").split("\n")):
            yield line, document
        line += text.count("\n", start, next_start)
        start = next_start


def parse_document(text: str, faults: list[Fault]) -> Value:
    """Return the value of one document; add to ``faults`` what is wrong with it but hides nothing else.

    Raises:
        YamlError: it is not YAML, or not of the kind that catalogs use (keys are text, nesting at most 40 deep).
    """
    builder = _Builder(faults)
    for event in _events(text):
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(builder, event)
    return builder.value


def document_lines(text: str) -> dict[Path, int]:
    """Return the line, from 0, of each part of a document that parses; that of its key, if it has one."""
    lines: dict[Path, int] = {}
    places: list[_Place] = []
    for event in _events(text):
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            places.pop()
        elif isinstance(event, NodeEvent) and (path := places[-1].enter(event) if places else ()) is not None:
            lines.setdefault(path, places[-1].line if places else _line(event))
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                places.append(_Place(path, is_list=isinstance(event, SequenceStartEvent)))
    return lines


def _events(text: str) -> Iterator[Event]:
    next_event = CParser(text).get_event
    try:
        while (event := next_event()) is not None:
            yield event
    except MarkedYAMLError as error:
        # What is missing at the end is missing on the last line that is there.
        line = min(error.problem_mark.line if error.problem_mark else 0, text.rstrip().count("\n"))
        raise YamlError(Fault(line, f"is not YAML: {error.problem}")) from error
    except ReaderError as error:
        line = text.encode()[: error.position].count(b"\n")
        raise YamlError(Fault(line, "is not YAML: holds a character that YAML does not allow")) from error


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    container: list[Value] | dict[str, Value] | None
    anchor: str | None = None
    nodes_before: int = 0
    key: str | None = None
    """The key that waits for its value."""


class _Builder:
    """Puts values together from events."""

    def __init__(self, faults: list[Fault]) -> None:
        self.value: Value = None
        self._faults = faults
        self._open: list[_Open] = [_Open(None)]
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._nodes = 0
        self._begun = False

    def document(self, event: DocumentStartEvent) -> None:
        if self._begun:  # after a line break that YAML 1.1 knows (U+0085, U+2028, U+2029), which nothing else here does
            raise _error(event, "holds a second document, whose `---` begins no line of the file")
        self._begun = True

    def scalar(self, event: ScalarEvent) -> None:
        # Most events are scalars without tag or anchor: this is where the time of loading goes.
        if event.tag is not None:
            self._check_tag(event)
        if event.style == '"' and (control := _CONTROL.search(event.value)):  # only these have escapes
            self._faults.append(Fault(_line(event), f"holds the control character U+{ord(control[0]):04X}"))
        value = None if event.implicit[0] and event.value in _NULLS else event.value  # implicit: plain, untagged
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, event)

    def mapping(self, event: MappingStartEvent) -> None:
        self._start(event, {})

    def sequence(self, event: SequenceStartEvent) -> None:
        self._start(event, [])

    def _start(self, event: CollectionStartEvent, container: list[Value] | dict[str, Value]) -> None:
        if event.tag is not None:
            self._check_tag(event)
        if len(self._open) > _MAX_DEPTH:
            raise _error(event, f"is nested deeper than {_MAX_DEPTH}")
        self._open.append(_Open(container, event.anchor, self._nodes))

    def end(self, event: Event) -> None:
        closed = self._open.pop()
        if closed.anchor is not None:
            self._anchors[closed.anchor] = (closed.container, self._nodes - closed.nodes_before)
        self._put(closed.container, event)

    def alias(self, event: AliasEvent) -> None:
        known = self._anchors.get(event.anchor or "")
        if known is None:  # an anchor is known once its value is complete, so nothing can hold itself
            raise _error(event, f"*{event.anchor} names no value before it")
        self._nodes += known[1]
        self._put(known[0], event)

    def _put(self, value: Value, event: Event) -> None:
        """Put a complete value where it belongs."""
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise _error(event, f"stands for more than {_MAX_NODES} values")
        into = self._open[-1]
        if isinstance(into.container, list):
            into.container.append(value)
        elif into.container is None:
            self.value = value
        elif into.key is None:
            if not isinstance(value, str):
                raise _error(event, "a key is not text")
            into.key = value
            if value in into.container:
                self._faults.append(Fault(_line(event), f"the key {value!r} is given twice"))
        else:
            into.container.setdefault(into.key, value)
            into.key = None

    def _check_tag(self, event: ScalarEvent | CollectionStartEvent) -> None:
        if event.tag not in _TAGS:
            self._faults.append(Fault(_line(event), f"the tag {event.tag} is not supported"))


_HANDLERS: Final[dict[type[Event], Callable[[_Builder, Any], None]]] = {
    DocumentStartEvent: _Builder.document,
    ScalarEvent: _Builder.scalar,
    MappingStartEvent: _Builder.mapping,
    SequenceStartEvent: _Builder.sequence,
    MappingEndEvent: _Builder.end,
    SequenceEndEvent: _Builder.end,
    AliasEvent: _Builder.alias,
}
"""What is done with an event; nothing where its type is missing."""


class _Place:
    """Where in a list or mapping the next event stands."""

    def __init__(self, path: Path, *, is_list: bool) -> None:
        self.line = 0
        """Of the part entered last."""
        self._path = path
        self._is_list = is_list
        self._count = 0
        self._key: str | None = None

    def enter(self, event: NodeEvent) -> Path | None:
        """Return the path of the value that begins with the event, or None where it is a key."""
        if self._is_list:
            self.line = _line(event)
            self._count += 1
            return (*self._path, self._count - 1)
        if self._key is None:
            self.line = _line(event)
            self._key = event.value if isinstance(event, ScalarEvent) else ""
            return None
        key, self._key = self._key, None
        return (*self._path, key)


def _line(event: Event) -> int:
    return event.start_mark.line if event.start_mark else 0


def _error(event: Event, message: str) -> YamlError:
    return YamlError(Fault(_line(event), message))
