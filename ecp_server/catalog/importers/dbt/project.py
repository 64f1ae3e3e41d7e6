"""Reads a dbt project: its YAML files, or the `semantic_manifest.json` that dbt makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ecp_server.catalog.importers.dbt import latest, legacy
from ecp_server.catalog.importers.dbt.docs_blocks import DocsBlocks
from ecp_server.catalog.importers.dbt.files import MANIFEST, is_yaml, project_files, read_text
from ecp_server.catalog.importers.dbt.manifest import read_manifest
from ecp_server.catalog.importers.dbt.spec import Metric, Project, SemanticModel
from ecp_server.catalog.importers.nodes import Node, Origin
from ecp_server.catalog.importers.report import Place, Report
from ecp_server.catalog.yaml_documents import Fault, Value, YamlError, parse_document, split_documents

# Other YAML of a project (sources, profiles, workflows) is not parsed at all: nobody here cares what is wrong with it.
_SEMANTIC: Final = re.compile(r"\b(?:semantic_models?|metrics|saved_queries)[\"']?\s*:")
_PROJECT_FILE: Final = "dbt_project.yml"


@dataclass(slots=True)
class _Found:
    models: list[SemanticModel] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)


def read_project(path: Path, report: Report, without: Path | None = None) -> Project:
    """Return what a project's folder, one of its YAML files, or a manifest says. Tells all that is wrong with it.

    ``without`` is a folder that is no part of the project wherever it lies.
    """
    if path.is_dir():
        found = _read_folder(path, report, without)
        manifest = path / "target" / MANIFEST
        if not found.models and not found.metrics and not report.problems and manifest.is_file():
            return _read_manifest(manifest, f"target/{MANIFEST}", report)
        return _checked(Project(_name(path, report), tuple(found.models), tuple(found.metrics)), report)
    if path.suffix == ".json":
        return _read_manifest(path, path.name, report)
    found = _Found()
    _read_file(path, path.name, DocsBlocks(), found, report)
    return _checked(Project("", tuple(found.models), tuple(found.metrics)), report)


def _read_folder(folder: Path, report: Report, without: Path | None) -> _Found:
    files = list(project_files(folder, report, without))
    markdown = [path for path in files if not is_yaml(path)]
    docs = DocsBlocks.of(read_text(path, _shown(path, folder), report) for path in markdown)
    found = _Found()
    for path in files:
        if is_yaml(path):
            _read_file(path, _shown(path, folder), docs, found, report)
    return found


def _read_manifest(path: Path, shown: str, report: Report) -> Project:
    models, metrics = read_manifest(read_text(path, shown, report), shown, report)
    return _checked(Project("", tuple(models), tuple(metrics)), report)


def _checked(project: Project, report: Report) -> Project:
    """Tell of what is there twice: MetricFlow's names are unique."""
    for what, things in (("semantic model", project.models), ("metric", project.metrics)):
        first: dict[str, Place] = {}
        for thing in things:
            if thing.name in first:
                report.refuse(thing.place, f"{what} {thing.name}", f"is defined twice, first at {first[thing.name]}")
            first.setdefault(thing.name, thing.place)
    return project


def _shown(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _name(folder: Path, report: Report) -> str:
    """Return what the project calls itself."""
    path = folder / _PROJECT_FILE
    if not path.is_file():
        return ""
    for node in _documents(read_text(path, _PROJECT_FILE, report), _PROJECT_FILE, report):
        name = node.value.get("name") if isinstance(node.value, dict) else None
        return name.strip() if isinstance(name, str) else ""
    return ""


def _read_file(path: Path, shown: str, docs: DocsBlocks, found: _Found, report: Report) -> None:
    text = read_text(path, shown, report)
    if not _SEMANTIC.search(text):
        return
    for node in _documents(text, shown, report):
        if not isinstance(node.value, dict):
            node.refuse("a file of a dbt project is a mapping, e.g. of semantic_models and metrics")
            continue
        _read_document(node, docs, found)


def _read_document(node: Node, docs: DocsBlocks, found: _Found) -> None:
    for each in node.mappings("semantic_models"):
        if (model := legacy.read_model(each, docs)) is not None:
            found.models.append(model)
    for each in node.mappings("models"):
        if not latest.has_semantics(each):
            continue
        if (read := latest.read_model(each, docs)) is not None:
            found.models.append(read[0])
            found.metrics += read[1]
    for each in node.mappings("metrics"):
        found.metrics += _top_level(each, docs)
    for each in node.mappings("saved_queries"):
        each.named(f"saved query {each.text('name')}").leave_out("is a query, not a definition: ask it as a question")


def _top_level(node: Node, docs: DocsBlocks) -> Iterator[Metric]:
    """Yield a metric of the file's own list, in either notation: the older one has `type_params`."""
    if node.has("type_params"):
        if (read := legacy.read_metric(node, docs)) is not None:
            yield read[0]
    elif (read_latest := latest.read_metric(node, docs)) is not None:
        metric, measure = read_latest
        if measure is not None:
            node.named(f"metric {metric.name}").refuse("a simple metric stands within its model, or has type_params")
        else:
            yield metric


def _documents(text: str, shown: str, report: Report) -> Iterator[Node]:
    """Yield the YAML documents of a file that can be read, and tell what is wrong with the others."""
    for line, document in split_documents(text):
        faults: list[Fault] = []
        try:
            value = parse_document(document, faults)
        except YamlError as error:
            report.refuse(Place(shown, line + error.fault.line), "", error.fault.message)
            continue
        for fault in faults:
            report.refuse(Place(shown, line + fault.line), "", fault.message)
        yield Node(_merged(value) if "<<" in document else value, Origin(shown, line, document, report))


def _merged(value: Value) -> Value:
    """Put in what merge keys (`<<`) name, as dbt's YAML does; keys of the mapping itself stay."""
    done: dict[int, Value] = {}

    def merged(part: Value) -> Value:
        if isinstance(part, list | dict) and id(part) in done:
            return done[id(part)]
        if isinstance(part, list):
            result: Value = [merged(each) for each in part]
        elif isinstance(part, dict):
            own = {key: merged(each) for key, each in part.items() if key != "<<"}
            given = merged(part.get("<<"))
            for other in given if isinstance(given, list) else [given]:
                own |= {key: each for key, each in other.items() if key not in own} if isinstance(other, dict) else {}
            result = own
        else:
            return part
        done[id(part)] = result
        return result

    return merged(value)
