"""Reads `semantic_manifest.json`, which dbt writes with every parse, in each of the shapes that it has had."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from ecp_server.catalog.importers.dbt import legacy
from ecp_server.catalog.importers.dbt.docs_blocks import DocsBlocks
from ecp_server.catalog.importers.dbt.spec import Measure, Metric, SemanticModel
from ecp_server.catalog.importers.nodes import Node, Origin
from ecp_server.catalog.importers.report import Place, Report
from ecp_server.catalog.yaml_documents import Value

_DEEPEST: Final = 40
# Where days of time spines are, which version of dbt wrote it: nothing that a question meets.
_NOT_MEANING: Final = ("interfaces_version", "project_configuration")


def read_manifest(text: str, shown: str, report: Report) -> tuple[list[SemanticModel], list[Metric]]:
    """Return models and metrics of a manifest; none of an empty one. Tells what is wrong with it."""
    place = Place(shown)
    if not text.strip():
        return [], []
    try:
        value = _plain(json.loads(text, parse_int=str, parse_float=str, parse_constant=str), 0)
    except json.JSONDecodeError as error:
        report.refuse(Place(shown, error.lineno), "", f"is not JSON: {error.msg}")
        return [], []
    except RecursionError:
        report.refuse(place, "", f"is nested deeper than {_DEEPEST}")
        return [], []
    if not isinstance(value, dict):
        report.refuse(place, "", "a manifest is an object with semantic_models and metrics")
        return [], []
    root = Node(value, Origin(shown, report=report))
    models = [
        model for node in _entries(root, "semantic_models", report) if (model := legacy.read_model(node, DocsBlocks()))
    ]
    metrics: list[Metric] = []
    own: dict[str, list[Measure]] = {}
    for node in _entries(root, "metrics", report):
        if (read := legacy.read_metric(node, DocsBlocks())) is not None:
            metrics.append(read[0])
            if read[1] is not None:
                own.setdefault(read[1][0], []).append(read[1][1])
    for node in root.mappings("saved_queries"):
        node.named(f"saved query {node.text('name')}").leave_out("is a query, not a definition: ask it as a question")
    root.leave_out_rest(*_NOT_MEANING)
    return [replace(model, measures=(*model.measures, *own.get(model.name, ()))) for model in models], metrics


def _entries(root: Node, key: str, report: Report) -> Iterator[Node]:
    """Yield the entries of a list, each with its place in the project, where the manifest knows it."""
    for node in root.mappings(key):
        origin = _origin(node.value, report)
        yield node if origin is None else Node(node.value, origin)


def _origin(value: Value, report: Report) -> Origin | None:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, Mapping):
        return None
    file = metadata.get("repo_file_path")
    part = metadata.get("file_slice")
    line = part.get("start_line_number") if isinstance(part, Mapping) else None
    if not isinstance(file, str) or not file.isprintable():
        return None
    return Origin(
        file, int(line) if isinstance(line, str) and line.isdecimal() and len(line) < _DEEPEST else 0, "", report
    )


def _plain(value: Any, depth: int) -> Value:
    """Return a value as catalogs have them: texts, lists, mappings and null."""
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
