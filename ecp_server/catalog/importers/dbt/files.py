"""Which files of a dbt project are read, and the bounds that they are read within."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ecp_server.catalog.importers.report import Place, Report

MANIFEST: Final = "semantic_manifest.json"

_YAML: Final = frozenset({".yml", ".yaml"})
_MARKDOWN: Final = ".md"
# Written by dbt or by package managers: not what the project's people wrote.
_NOT_THE_PROJECT: Final = frozenset({"target", "dbt_packages", "dbt_modules", "logs", "node_modules", "venv"})
_MOST_FILES: Final = 20_000
_LARGEST_TEXT: Final = 4 * 1024 * 1024
_LARGEST_MANIFEST: Final = 128 * 1024 * 1024


def project_files(folder: Path, report: Report, without: Path | None = None) -> Iterator[Path]:
    """Yield the YAML and Markdown files of a project, in the order of paths; links to folders are not followed.

    ``without`` is a folder that is no part of the project wherever it lies.
    """
    count = 0
    left_out = without.resolve() if without is not None else None
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _NOT_THE_PROJECT
            and (Path(directory) / name).resolve() != left_out
        )
        for name in sorted(names):
            path = Path(directory) / name
            if path.suffix.casefold() not in _YAML and path.suffix.casefold() != _MARKDOWN:
                continue
            count += 1
            if count > _MOST_FILES:
                report.refuse(Place("."), "", f"holds more than {_MOST_FILES} YAML and Markdown files")
                return
            yield path


def is_yaml(path: Path) -> bool:
    """Tell whether a file is YAML by its name."""
    return path.suffix.casefold() in _YAML


def read_text(path: Path, shown: str, report: Report) -> str:
    """Return the text of a file within bounds; "" where it cannot be read, which is told."""
    largest = _LARGEST_MANIFEST if path.suffix == ".json" else _LARGEST_TEXT
    place = Place(shown)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its other end
            report.refuse(place, "", "is not a regular file")
        elif status.st_size > largest:
            report.refuse(place, "", f"is larger than {largest // 1024 // 1024} MB")
        else:
            return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        report.refuse(Place(shown, line), "", "is not UTF-8")
    except OSError as error:
        report.refuse(place, "", f"cannot be read: {error.strerror}")
    return ""
