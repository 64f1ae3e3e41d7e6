"""From a dbt project to the files of a catalog and of its semantic model."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ecp_server.catalog.errors import CatalogInvalid
from ecp_server.catalog.importers.dbt.carried import Carried, Defaults
from ecp_server.catalog.importers.dbt.cubes import Cubes
from ecp_server.catalog.importers.dbt.data import MOST_MEMBERS, Known, ProjectData
from ecp_server.catalog.importers.dbt.dimensions import dimension_documents, leave_out_unused
from ecp_server.catalog.importers.dbt.graph import ModelGraph, humanised
from ecp_server.catalog.importers.dbt.metrics import Metrics
from ecp_server.catalog.importers.dbt.project import read_project
from ecp_server.catalog.importers.dbt.spec import Project
from ecp_server.catalog.importers.dbt.sql import SqlReader
from ecp_server.catalog.importers.report import ImportFailed, Place, Remark, Report
from ecp_server.catalog.importers.yaml_text import document, documents
from ecp_server.catalog.load import load_catalog

REPORT: Final = "import-report.txt"
MANIFEST: Final = "catalog.yaml"

_COMPUTED: Final = "computed"


@dataclass(frozen=True, slots=True)
class Imported:
    """The files of a catalog by path, and what is to be said of them."""

    files: Mapping[str, str]
    metrics: int
    dimensions: int
    members: int
    cubes: int
    not_carried: tuple[str, ...]


def convert(
    path: Path,
    defaults: Defaults,
    data: Path | None,
    *,
    most_members: int = MOST_MEMBERS,
    without: Path | None = None,
) -> Imported:
    """Return the catalog of a dbt project.

    ``path`` is the project's folder, a YAML file or a `semantic_manifest.json`; ``data`` the folder of its tables;
    ``without`` a folder that is no part of the project although it may lie within: that of the catalog.

    Raises:
        ImportFailed: what was given cannot be read, or there are no metrics in it.
    """
    report = Report()
    project = read_project(path, report, without)
    report.raise_if_any()
    with SqlReader() as sql:
        known = Known()
        if data is not None:
            with ProjectData(data, most_members=most_members, sql=sql, report=report) as tables:
                project = replace(project, models=tuple(tables.placed(model) for model in project.models))
                known = tables.look(project.models)
        return _converted(project, defaults, known, sql, report)


def _converted(project: Project, defaults: Defaults, known: Known, sql: SqlReader, report: Report) -> Imported:
    models = {model.name: model for model in project.models}
    graph = ModelGraph(project.models, report)
    cubes = Cubes(models, graph, sql, report, known.types)
    metrics = Metrics(project, graph, cubes, sql, report, defaults, known.starts)
    metrics.carry_all()
    report.raise_if_any()
    carried = list(metrics.carried.values())
    dimensions = dimension_documents(carried, graph, known.values)
    leave_out_unused(project.models, carried, cubes, graph, report)
    files = {MANIFEST: document({"kind": "manifest", "format": 1, "name": humanised(project.name)})}
    files |= {f"metrics/{name}.yaml": documents(m.document for m in several) for name, several in _by_file(carried)}
    files |= {f"dimensions/{name}.yaml": documents(several) for name, several in dimensions.items()}
    files |= {f"semantic/{name}.yml": document({"cubes": [cube.document()]}) for name, cube in cubes.cubes.items()}
    if carried:
        _check(files)
    not_carried = tuple(report.lines())
    files[REPORT] = "".join(f"{line}\n" for line in not_carried) or "Everything was carried over.\n"
    members = sum(len(each["members"]) for several in dimensions.values() for each in several)
    count = sum(len(several) for several in dimensions.values())
    return Imported(files, len(carried), count, members, len(cubes.cubes), not_carried)


def _by_file(metrics: Iterable[Carried]) -> Iterable[tuple[str, list[Carried]]]:
    """Return the metrics by the file that they go to: that of their cube, or of what is computed of others."""
    files: dict[str, list[Carried]] = {}
    for metric in metrics:
        ref = metric.document.get("semantic_ref")
        files.setdefault(ref.partition(".")[0] if isinstance(ref, str) else _COMPUTED, []).append(metric)
    return files.items()


def _check(files: Mapping[str, str]) -> None:
    """Load the catalog as a server does. Raises `ImportFailed` with what is wrong, e.g. in what `meta` says."""
    with tempfile.TemporaryDirectory(prefix="ecp-import-") as folder:
        for relative, text in files.items():
            path = Path(folder) / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        try:
            load_catalog(Path(folder))
        except CatalogInvalid as invalid:
            problems = [Remark(Place(e.file, e.line), e.asset, e.message) for e in invalid.errors]
            raise ImportFailed(problems) from invalid
