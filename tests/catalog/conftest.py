"""Catalogs written for one test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ecp_server.catalog.errors import CatalogError, CatalogInvalid
from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog

Files = str | Mapping[str, str | bytes]
"""The documents of `a.yaml`, or texts by the names of their files."""

Load = Callable[[Files], Catalog]
ErrorsOf = Callable[[Files], list[str]]


def write(directory: Path, files: Files) -> Path:
    """Write files into a directory, which is made."""
    for name, text in ({"a.yaml": files} if isinstance(files, str) else files).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return directory


def invalid(directory: Path) -> list[CatalogError]:
    """Load a catalog that must not load, and return its errors."""
    with pytest.raises(CatalogInvalid) as caught:
        load_catalog(directory)
    return list(caught.value.errors)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a catalog and load it."""
    return lambda files: load_catalog(write(tmp_path, files))


@pytest.fixture
def errors_of(tmp_path: Path) -> ErrorsOf:
    """Write a catalog that must not load, and return its errors as they are printed."""
    return lambda files: [str(error) for error in invalid(write(tmp_path, files))]
