"""Which files belong to a catalog, and what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecp_server.catalog.files import content_digest, directory_state, find_files
from tests.catalog.conftest import ErrorsOf, Load, invalid, write
from tests.catalog.samples import METRIC

ENTITY = "kind: entity\nid: {}\nname: E\n"


def test_every_yaml_file_below_is_read_and_no_other(load: Load) -> None:
    catalog = load(
        {
            "b.yml": ENTITY.format("b"),
            "catalog.yaml": "kind: manifest\nformat: 1\nname: Mine\n",
            "deep/er/a.yaml": ENTITY.format("a"),
            "deep/golden.yaml": ENTITY.format("golden"),
            "golden.yaml": "format: 1\nquestions: []\n",
            "README.md": "# no asset",
            "notes.json": "{}",
            ".hidden.yaml": "nonsense",
            ".git/config.yaml": "nonsense",
            "semantic/model.yml": "cubes: [{name: Revenue, sql_table: revenue}]",
            "semantic/README.md": "none",
            "policies/ecp/a.rego": "package ecp.policy\n",
            "policies/data.yaml": "nonsense: [",
        }
    )
    assert ["a", "b", "golden"] == list(catalog.entities)
    assert catalog.manifest.name == "Mine"
    assert {"ecp/a.rego": "package ecp.policy\n"} == catalog.policies
    assert {"model.yml": "cubes: [{name: Revenue, sql_table: revenue}]"} == catalog.semantic


def test_semantic_and_policies_are_special_at_the_root_alone(load: Load) -> None:
    files = {"x/semantic/a.yaml": ENTITY.format("a"), "x/policies/b.yaml": ENTITY.format("b")}
    assert ["a", "b"] == list(load(files).entities)


def test_several_documents_in_a_file(load: Load) -> None:
    text = "---\n" + ENTITY.format("a") + "--- # two\n" + ENTITY.format("b") + "---\n---\n# nothing\n"
    assert ["a", "b"] == list(load(text).entities)


def test_byte_order_marks_and_windows_line_ends(load: Load) -> None:
    text = ("\ufeff" + METRIC + "---\n" + ENTITY.format("a")).replace("\n", "\r\n")
    catalog = load({"a.yaml": text.encode()})
    assert (["m"], ["a"]) == (list(catalog.metrics), list(catalog.entities))


def test_a_missing_directory(tmp_path: Path) -> None:
    (error,) = invalid(tmp_path / "nowhere")
    assert f".: no such directory: {tmp_path / 'nowhere'}" == str(error)


def test_a_file_for_a_directory(tmp_path: Path) -> None:
    write(tmp_path, METRIC)
    assert f".: no such directory: {tmp_path / 'a.yaml'}" == str(invalid(tmp_path / "a.yaml")[0])


@pytest.mark.parametrize("files", [{"README.md": ""}, {"a.yaml": ""}, {"a.yaml": "# nothing\n---\n"}])
def test_a_directory_without_documents(errors_of: ErrorsOf, files: dict[str, str]) -> None:
    assert [".: holds no document (*.yaml, *.yml)"] == errors_of(files)


def test_a_file_that_is_not_utf_8(errors_of: ErrorsOf) -> None:
    assert ["a.yaml:3: is not UTF-8"] == errors_of({"a.yaml": b"kind: entity\nid: e\nname: Caf\xe9\n"})


def test_policies_without_a_policy_do_not_fall_back_to_the_built_in_one(errors_of: ErrorsOf) -> None:
    assert ["policies: holds no policy (*.rego)"] == errors_of({"a.yaml": METRIC, "policies/notes.txt": ""})


def test_symbolic_links_are_followed(tmp_path: Path, load: Load) -> None:
    """As volumes of Kubernetes are laid out: visible links into a hidden folder."""
    write(tmp_path, {"..2024/a.yaml": METRIC, "..2024/policies/p.rego": "package ecp.policy"})
    (tmp_path / "..data").symlink_to("..2024")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    (tmp_path / "policies").symlink_to("..data/policies")
    catalog = load({})
    assert (["m"], ["p.rego"]) == (list(catalog.metrics), list(catalog.policies))


def test_symbolic_links_in_a_circle(tmp_path: Path, errors_of: ErrorsOf) -> None:
    write(tmp_path, {"sub/a.yaml": METRIC})
    (tmp_path / "sub/up").symlink_to(tmp_path)
    (tmp_path / "self.yaml").symlink_to("self.yaml")
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")
    assert [
        "gone.yaml: cannot be read: No such file or directory",
        "self.yaml: cannot be read: Too many levels of symbolic links",
        "sub/up: is a symbolic link to a folder that holds it",
    ] == errors_of({})


def test_a_pipe_is_not_waited_for(tmp_path: Path, errors_of: ErrorsOf) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    assert ["a.yaml: is not a regular file"] == errors_of({})


def test_a_folder_that_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.yaml": METRIC, "closed/b.yaml": METRIC})
    listed = Path.iterdir

    def refuse(path: Path) -> object:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert ["closed: cannot be read: Permission denied"] == [str(error) for error in find_files(tmp_path).errors]


@pytest.mark.parametrize(
    "files",
    [
        {"a.yaml": METRIC + "# longer"},
        {"b.yaml": METRIC},
        {"policies/p.rego": "package a"},
        {"semantic/s.yaml": "a: b"},
    ],
)
def test_the_state_changes_with_every_file_of_a_catalog(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, METRIC)
    before = directory_state(tmp_path)
    write(tmp_path, files)
    assert before != directory_state(tmp_path)


def test_the_state_is_the_same_whatever_else_changes(tmp_path: Path) -> None:
    write(tmp_path, METRIC)
    before = directory_state(tmp_path)
    write(tmp_path, {"README.md": "x", ".swp": "y", "golden.yaml": "z"})
    assert before == directory_state(tmp_path)


def test_the_state_tells_files_that_come_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("nowhere.yaml")
    before = directory_state(tmp_path)
    write(tmp_path, {"nowhere.yaml": METRIC})
    assert before != directory_state(tmp_path)
    assert directory_state(tmp_path / "missing") == ((f".: no such directory: {tmp_path / 'missing'}", 0, 0, 0),)


def test_a_directory_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a folder that was closed, or on a file system that went away: told, and no end of following it."""
    before = directory_state(write(tmp_path, METRIC))

    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refuse)
    assert [".: cannot be read: Permission denied"] == [str(error) for error in invalid(tmp_path)]
    assert before != directory_state(tmp_path)


def test_the_digest_is_another_one_with_every_name_of_a_file(tmp_path: Path) -> None:
    """A file's name is bytes, UTF-8 or not."""
    (tmp_path / os.fsdecode(b"\xff.yaml")).write_text(METRIC, encoding="utf-8")
    first = content_digest(tmp_path, release="1")
    (tmp_path / os.fsdecode(b"\xff.yaml")).rename(tmp_path / os.fsdecode(b"\xfe.yaml"))
    assert len({"", first, content_digest(tmp_path, release="1")}) == 3
