"""Loads a catalog from its directory, whole or not at all."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ecp_server.catalog.assemble import assembled
from ecp_server.catalog.checks import check_catalog
from ecp_server.catalog.errors import CatalogError
from ecp_server.catalog.files import CatalogFile, find_files, read_text
from ecp_server.catalog.semantic.check import check_addresses
from ecp_server.catalog.semantic.read import semantic_model
from ecp_server.catalog.sources import Findings, read_sources
from ecp_server.catalog.validate import validated
from ecp_server.catalog.version import content_version
from ecp_server.domain.catalog import Catalog


def load_catalog(directory: Path) -> Catalog:
    """Read the catalog in a directory (catalog.md). Blocks; a server calls it in a thread.

    Raises:
        CatalogInvalid: with every error, if there is one.
    """
    with _no_garbage_collection():
        return _load(directory)


def _load(directory: Path) -> Catalog:
    files = find_files(directory)
    findings = Findings(errors=files.errors)
    sources = read_sources(files.documents, findings)
    if not sources and not findings.errors:
        findings.errors.append(CatalogError(".", 0, "", "holds no document (*.yaml, *.yml)"))
    entries = [entry for source in sources if (entry := validated(source, findings)) is not None]
    check_catalog(sources, entries, findings)
    policies = _texts(files.policies, findings)
    semantic = _texts(files.semantic, findings)
    cubes = {path.removeprefix("semantic/"): text for path, text in semantic.items()}
    model = semantic_model(cubes, "semantic", findings.errors)
    check_addresses(entries, model, findings)
    findings.raise_if_any()
    catalog = assembled(
        (entry.document for entry in entries),
        content_version((source.value for source in sources), policies | semantic),
        {path.removeprefix("policies/"): text for path, text in policies.items()},
        cubes,
        model,
    )
    # Let go of one by one: all at once, 100,000 documents stop every other thread for a third of a second.
    while entries:
        entries.pop()
    while sources:
        sources.pop()
    return catalog


def _texts(files: Sequence[CatalogFile], findings: Findings) -> dict[str, str]:
    """Return the texts of files by path."""
    texts = ((file.relative, read_text(file, findings.errors)) for file in files)
    return {path: text for path, text in texts if text is not None}


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keep the collector from going through what has been built so far again and again: there are no cycles in it.

    That is a third of the time of a load, and stops every other thread meanwhile.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
