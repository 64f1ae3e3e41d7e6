"""Documents as they stand in files, and what is found wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ecp_server.catalog.errors import CatalogError, CatalogInvalid
from ecp_server.catalog.files import CatalogFile, read_text
from ecp_server.catalog.yaml_documents import (
    Fault,
    Path,
    Value,
    YamlError,
    document_lines,
    parse_document,
    split_documents,
)


@dataclass(slots=True, eq=False)
class Source:
    """One document and where it came from."""

    file: str
    line: int
    """Of its first line in the file, from 1."""
    text: str
    value: Value

    def key(self, name: str) -> str:
        """Return the text under a key, or "" where there is none."""
        return text_under(self.value, name)

    def asset(self, path: Path = ()) -> str:
        """Return kind and id of what stands at the path: the document's asset, or a member of a dimension."""
        match path:
            case ("members", int(position), *_) if member_id := text_under(self.members[position], "id"):
                return f"member {member_id}"
            case _:
                return f"{self.key('kind')} {self.key('id') or self.key('text')}".strip()

    @property
    def members(self) -> list[Value]:
        """The members of a dimension, as they stand there."""
        members = self.value.get("members") if isinstance(self.value, dict) else None
        return members if isinstance(members, list) and self.key("kind") == "dimension" else []


@dataclass(slots=True)
class Findings:
    """Everything that is wrong with a catalog. Lines are looked up at the end, in the documents that have errors."""

    errors: list[CatalogError] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """The texts of documents that could not be read: what they define is not known."""
    files_unread: bool = False
    """Whether that holds for whole files."""
    _problems: dict[Source, list[tuple[Path, str]]] = field(default_factory=dict)

    def add(self, source: Source, path: Path, message: str) -> None:
        """Add what is wrong at a path of a document."""
        self._problems.setdefault(source, []).append((path, message))

    def add_fault(self, file: CatalogFile, first_line: int, fault: Fault, asset: str = "") -> None:
        """Add what is wrong with the YAML of a document that begins on ``first_line``."""
        self.errors.append(CatalogError(file.relative, first_line + fault.line, asset, fault.message))

    def raise_if_any(self) -> None:
        """Raise `CatalogInvalid` with all errors, by file and line, if there are any."""
        errors = set(self.errors)
        for source, problems in self._problems.items():
            lines = document_lines(source.text)
            errors.update(
                CatalogError(source.file, source.line + _line(lines, path), source.asset(path), _message(path, text))
                for path, text in problems
            )
        if errors:
            raise CatalogInvalid(tuple(sorted(errors)))


def read_sources(files: Iterable[CatalogFile], findings: Findings) -> list[Source]:
    """Return the documents of all files that can be read."""
    sources: list[Source] = []
    for file in files:
        text = read_text(file, findings.errors)
        findings.files_unread |= text is None
        for line, document in split_documents(text or ""):
            faults: list[Fault] = []
            try:
                source = Source(file.relative, line, document, parse_document(document, faults))
            except YamlError as error:
                findings.unread.append(document)
                findings.add_fault(file, line, error.fault)
                continue
            for fault in faults:
                findings.add_fault(file, line, fault, source.asset())
            sources.append(source)
    return sources


def text_under(value: Value, key: str) -> str:
    """Return the text under a key of a mapping, or "" where there is none."""
    text = value.get(key) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""


def _line(lines: dict[Path, int], path: Path) -> int:
    """Return the line of a part, or of the part around it where it is missing."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def _message(path: Path, text: str) -> str:
    """Put the place in a document before the message, e.g. `inputs[0].metric: is required`."""
    if not path:
        return text
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"{steps.removeprefix('.')}: {text}"
