"""Which files a catalog's directory holds, and what each is for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ecp_server.catalog.errors import CatalogError

_YAML = frozenset({".yaml", ".yml"})
# Expected results, kept beside a catalog but no part of it.
_NOT_DOCUMENTS = frozenset({"golden.yaml"})


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """One file; ``relative`` is its path from the catalog's directory, with forward slashes."""

    relative: str
    path: Path


@dataclass(slots=True)
class CatalogFiles:
    """The files of a catalog, each list in the order of paths, and what could not be looked at."""

    documents: list[CatalogFile] = field(default_factory=list)
    policies: list[CatalogFile] = field(default_factory=list)
    semantic: list[CatalogFile] = field(default_factory=list)
    errors: list[CatalogError] = field(default_factory=list)


def find_files(directory: Path) -> CatalogFiles:
    """List the files of a catalog (catalog.md): hidden ones are left out, symbolic links followed."""
    found = CatalogFiles()
    if not _is_folder(directory, directory, found.errors):
        if not found.errors:
            found.errors.append(CatalogError(".", 0, "", f"no such directory: {directory}"))
        return found
    for path in _walk(directory, found.errors):
        file = CatalogFile(_relative(path, directory), path)
        if file.relative.startswith("policies/"):
            found.policies += [file] if path.suffix == ".rego" else []
        elif file.relative.startswith("semantic/"):
            found.semantic += [file] if path.suffix in _YAML else []
        elif path.suffix in _YAML and file.relative not in _NOT_DOCUMENTS:
            found.documents.append(file)
    if not found.policies and _is_folder(directory / "policies", directory, found.errors):
        # The built-in policy stands in only where there is no folder at all: an emptied one must not widen rights.
        found.errors.append(CatalogError("policies", 0, "", "holds no policy (*.rego)"))
    return found


def read_text(file: CatalogFile, errors: list[CatalogError]) -> str | None:
    """Return a file's text with line feeds as line ends; None, and an error added, where it has none."""
    try:
        if not stat.S_ISREG(file.path.stat().st_mode):  # opening a pipe would wait for its other end
            errors.append(CatalogError(file.relative, 0, "", "is not a regular file"))
            return None
        return file.path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        errors.append(CatalogError(file.relative, line, "", "is not UTF-8"))
    except OSError as error:
        errors.append(CatalogError(file.relative, 0, "", f"cannot be read: {error.strerror}"))
    return None


def directory_state(directory: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Return what changes whenever a file of the catalog does: names, inodes, sizes and times of change."""
    found = find_files(directory)
    state = [(str(error), 0, 0, 0) for error in found.errors]
    for file in (*found.documents, *found.policies, *found.semantic):
        try:
            status = file.path.stat()
        except OSError as error:
            state.append((file.relative, error.errno or 0, 0, 0))
        else:
            state.append((file.relative, status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(state)


def content_digest(directory: Path, *, release: str) -> str:
    """Return what is another one whenever a file of the catalog says something else, or another ``release`` reads it.

    "" where a file cannot be read.
    """
    found = find_files(directory)
    if found.errors:
        return ""
    digest = sha256(release.encode())
    try:
        for file in (*found.documents, *found.policies, *found.semantic):
            if not file.path.is_file():  # reading a pipe would wait for its other end
                return ""
            digest.update(b"\0" + os.fsencode(file.relative) + b"\0")
            digest.update(sha256(file.path.read_bytes()).digest())
    except OSError:
        return ""
    return digest.hexdigest()


def _walk(directory: Path, errors: list[CatalogError]) -> Iterator[Path]:
    """Yield everything below that is no directory, in the order of paths."""
    pending: list[tuple[Path, frozenset[tuple[int, int]]]] = [(directory, frozenset())]
    while pending:
        path, above = pending.pop()
        try:
            if not path.is_dir():
                yield path
                continue
            status = path.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                message = "is a symbolic link to a folder that holds it"
                errors.append(CatalogError(_relative(path, directory), 0, "", message))
                continue
            inside = sorted((entry for entry in path.iterdir() if not entry.name.startswith(".")), reverse=True)
        except OSError as error:
            errors.append(CatalogError(_relative(path, directory), 0, "", f"cannot be read: {error.strerror}"))
            continue
        pending += [(entry, above | {identity}) for entry in inside]


def _is_folder(path: Path, directory: Path, errors: list[CatalogError]) -> bool:
    """Tell whether a path is a folder; where that cannot be known, an error is added."""
    try:
        return path.is_dir()
    except OSError as error:
        errors.append(CatalogError(_relative(path, directory), 0, "", f"cannot be read: {error.strerror}"))
        return False


def _relative(path: Path, directory: Path) -> str:
    return path.relative_to(directory).as_posix()
