"""The version is a hash of what a catalog says, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog
from tests.catalog.conftest import Files, write
from tests.catalog.samples import METRIC, dimension, joined, metric

ENTITY = "kind: entity\nid: e\nname: E\ntype: team\n"


def loaded(directory: Path, files: Files) -> Catalog:
    return load_catalog(write(directory, files))


@pytest.mark.parametrize(
    "files",
    [
        {"a.yaml": ENTITY, "b/c.yml": METRIC},
        {"a.yaml": joined(ENTITY, METRIC)},
        {"a.yaml": f"# about\n---\n{METRIC}# more\n---\n{ENTITY}"},
        {"a.yaml": joined(METRIC, "type: 'team'\nid: \"e\" # here\nkind: entity\nname: E\n")},
        {"a.yaml": joined(METRIC, "{kind: entity, id: e, name: E, type: team}\n")},
        {"a.yaml": joined(METRIC, ENTITY), "golden.yaml": "x", "README.md": "y", ".z.yaml": "z"},
        {"a.yaml": joined(METRIC, ENTITY).replace("\n", "\r\n")},
    ],
)
def test_how_it_is_written_does_not_matter(tmp_path: Path, files: Files) -> None:
    expected = loaded(tmp_path / "one", joined(METRIC, ENTITY))
    assert expected == loaded(tmp_path / "other", files)


@pytest.mark.parametrize(
    "files",
    [
        METRIC,
        joined(METRIC, ENTITY, "kind: entity\nid: e2\nname: E\n"),
        joined(METRIC, ENTITY.replace("team", "Team")),
        joined(METRIC, ENTITY + "meta: {a: b}\n"),
        {"a.yaml": joined(METRIC, ENTITY), "policies/p.rego": "package ecp.policy"},
        {"a.yaml": joined(METRIC, ENTITY), "semantic/m.yaml": "cubes: []"},
    ],
)
def test_what_it_says_matters(tmp_path: Path, files: Files) -> None:
    before = loaded(tmp_path / "one", joined(METRIC, ENTITY)).version
    assert before != loaded(tmp_path / "other", files).version


@pytest.mark.parametrize("name", ["policies/p.rego", "semantic/m.yaml"])
def test_name_and_text_of_policies_and_semantic_model_matter(tmp_path: Path, name: str) -> None:
    versions = {
        loaded(tmp_path / str(number), {"a.yaml": METRIC, **files}).version
        for number, files in enumerate([{name: "# 1"}, {name: "# 2"}, {name.replace("/", "/x"): "# 1"}])
    }
    assert 3 == len(versions)


def test_it_is_short_and_always_the_same(tmp_path: Path) -> None:
    assert loaded(tmp_path, joined(METRIC, ENTITY)).version == "eed126cd0776a187"


def test_catalogs_of_one_version_are_equal_in_every_order(tmp_path: Path) -> None:
    """What hangs on the order of things must not depend on what the version does not tell."""
    documents = [
        METRIC,
        metric("semantic_ref: C.n\ntargets: {plan: m, budget: m}", "n"),
        dimension("id: d.b, name: B, values: [b]", "id: d.a, name: A, values: [a]"),
        dimension("id: d.x, name: X, values: [x]").replace("d.", "e.").replace("id: d\n", "id: e\n"),
        "kind: lineage\nid: l2\nedges: [{from: a, to: b}]\n",
        "kind: lineage\nid: l1\nedges: [{from: b, to: c}]\n",
        "kind: phrase\ntext: so what\nmeaning: stop\n",
        "kind: phrase\ntext: anyway\nmeaning: stop\n",
    ]
    first = loaded(tmp_path / "first", joined(*documents))
    other = loaded(tmp_path / "other", {f"{n}.yaml": text for n, text in enumerate(reversed(documents))})
    assert first == other
    for name in first.__slots__:
        assert repr(getattr(first, name)) == repr(getattr(other, name))
