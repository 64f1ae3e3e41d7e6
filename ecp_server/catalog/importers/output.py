"""Writes what was imported into a folder, beside what people write there, without ever touching that."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MARK: Final = re.compile(r'# Written by "ecp-server catalog import ([a-z]+)" \(([0-9a-f]{16})\): [^\n]*\n')
_TEXTS: Final = frozenset({".yaml", ".yml", ".txt"})


class ForeignFile(Exception):
    """Something of somebody else stands where a file was to be written, and nothing was; the message names each."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the folder; paths relative to it."""

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


def write_files(directory: Path, files: Mapping[str, str], *, kind: str, instead: str) -> Written:
    """Write texts by relative path, each below a line that says where it comes from, and remove what went stale.

    ``kind`` is the importer's name; ``instead`` says what is to be changed in place of the file. A file is replaced
    or removed only where it is, to the letter, what this importer wrote before.

    Raises:
        ForeignFile: a path holds something else; nothing was written then.
        OSError: the folder cannot be written.
    """
    marked = {path: _marked(text, kind, instead) for path, text in files.items()}
    foreign = [f"{path} {why}" for path in sorted(marked) if (why := _foreign(directory, path, kind))]
    if foreign:
        raise ForeignFile("; ".join(foreign))
    stale = sorted(path for path in _own_files(directory, kind) if path not in marked)
    changed = tuple(path for path, text in sorted(marked.items()) if _replace(directory / path, text))
    for path in stale:
        (directory / path).unlink()
    return Written(changed, tuple(path for path in sorted(marked) if path not in changed), tuple(stale))


def stands_foreign(directory: Path, relative: str, kind: str) -> bool:
    """Tell whether somebody else's file stands at a path of the folder."""
    return bool(_foreign(directory, relative, kind))


def _marked(text: str, kind: str, instead: str) -> str:
    return f'# Written by "ecp-server catalog import {kind}" ({_digest(text)}): {instead}\n{text}'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _foreign(directory: Path, relative: str, kind: str) -> str:
    """Return why what stands at the path may not be replaced; "" where it may, or nothing is there."""
    path = directory
    for part in Path(relative).parts:
        path /= part
        if path.is_symlink():
            return "is, or lies behind, a symbolic link"
    if not path.exists():
        return ""
    if not path.is_file():
        return "is no file"
    return "" if _is_own(path, kind) else "was not written by an import, or was changed since"


def _is_own(path: Path, kind: str) -> bool:
    """Tell whether a file is, to the letter, what this importer wrote."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    mark = _MARK.match(text)
    return mark is not None and mark[1] == kind and mark[2] == _digest(text[mark.end() :])


def _own_files(directory: Path, kind: str) -> Iterator[str]:
    """Yield the paths of files below that this importer wrote; folders behind links are not looked into."""
    for folder, _, names in os.walk(directory):
        for name in names:
            path = Path(folder) / name
            if path.suffix in _TEXTS and path.is_file() and not path.is_symlink() and _is_own(path, kind):
                yield path.relative_to(directory).as_posix()


def _replace(path: Path, text: str) -> bool:
    """Put a text in place in one step; False where it is there already."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".import-")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return True
