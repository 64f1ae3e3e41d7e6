"""Reads the files of a semantic model; whatever is wrong is told with file, line and cube."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from ecp_server.catalog.errors import CatalogError
from ecp_server.catalog.semantic.build import Tell, built
from ecp_server.catalog.semantic.documents import CubePart
from ecp_server.catalog.yaml_documents import (
    Fault,
    Path,
    Value,
    YamlError,
    document_lines,
    parse_document,
    split_documents,
)
from ecp_server.domain.semantic import SemanticModel

_MESSAGES: Final = {
    "extra_forbidden": "is not supported",
    "missing": "is required",
    "string_type": "should be text",
    "tuple_type": "should be a list",
    "dict_type": "should be a mapping",
    "model_type": "should be a mapping",
}


def semantic_model(texts: Mapping[str, str], folder: str, errors: list[CatalogError]) -> SemanticModel:
    """Return the model in ``texts``, by file name within ``folder``; add to ``errors`` what is wrong with it."""
    written: dict[str, _Written] = {}
    for cube in _cubes(texts, folder, errors):
        if cube.name in written:
            cube.tell(("name",), f"is defined twice, first in {written[cube.name].file}")
        elif cube.name:
            written[cube.name] = cube
    parts = {name: cube.part for name, cube in written.items() if cube.part is not None}
    wanting = len(parts) < len(written)

    def tell(name: str) -> Tell:
        return written[name].tell

    # What refers to a cube that could not be read would be told as a second error.
    return SemanticModel() if wanting else built(parts, tell)


@dataclass(slots=True, eq=False)
class _Document:
    file: str
    line: int
    text: str
    errors: list[CatalogError]

    def tell(self, path: Path, cube: str, message: str) -> None:
        lines = document_lines(self.text)
        known = path
        while known and known not in lines:
            known = known[:-1]
        self.errors.append(CatalogError(self.file, self.line + lines.get(known, 0), cube, message))


class _Written:
    """A cube as it stands in a file; ``part`` is None where its keys are wrong."""

    def __init__(self, document: _Document, path: Path, value: Value) -> None:
        self.file = document.file
        self._document = document
        self._path = path
        name = value.get("name") if isinstance(value, dict) else None
        self.name = name if isinstance(name, str) else ""
        self.part: CubePart | None = None
        try:
            self.part = CubePart.model_validate(value)
        except ValidationError as invalid:
            for error in invalid.errors(include_url=False, include_input=False):
                # The alias of a key is what its author wrote.
                self.tell(error["loc"], _MESSAGES.get(error["type"]) or error["msg"].removeprefix("Input "))

    def tell(self, path: Path, message: str) -> None:
        """Add what is wrong at a path of the cube."""
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
        asset = f"cube {self.name}".rstrip()
        self._document.tell((*self._path, *path), asset, f"{steps}: {message}" if steps else message)


def _cubes(texts: Mapping[str, str], folder: str, errors: list[CatalogError]) -> Iterator[_Written]:
    for name, text in texts.items():
        for line, document in split_documents(text):
            file = f"{folder}/{name}"
            faults: list[Fault] = []
            try:
                value = parse_document(document, faults)
            except YamlError as error:
                faults.append(error.fault)
                value = None
            errors += [CatalogError(file, line + fault.line, "", fault.message) for fault in faults]
            yield from _cubes_of(_Document(file, line, document, errors), value)


def _cubes_of(document: _Document, value: Value) -> Iterator[_Written]:
    if value is None:
        return
    if not isinstance(value, dict):
        document.tell((), "", "a semantic model is a mapping that has `cubes`")
        return
    for key in value:
        if key != "cubes":
            document.tell((key,), "", f"{key}: is not supported")
    cubes = value.get("cubes")
    if not isinstance(cubes, list):
        if cubes is not None:
            document.tell(("cubes",), "", "cubes: should be a list")
        return
    for position, cube in enumerate(cubes):
        yield _Written(document, ("cubes", position), cube)
