"""Writing into a folder: what an import wrote is replaced, what people wrote never."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ecp_server.catalog.importers.output import ForeignFile, Written, write_files

FILES = {"a.yaml": "kind: entity\n", "sub/b.yml": "cubes: []\n"}


def put(directory: Path, files: Mapping[str, str], kind: str = "dbt") -> Written:
    return write_files(directory, files, kind=kind, instead="change the dbt project, not this file")


def test_files_say_where_they_come_from(tmp_path: Path) -> None:
    put(tmp_path, FILES)
    first, _, rest = (tmp_path / "sub/b.yml").read_text(encoding="utf-8").partition("\n")
    assert first.startswith('# Written by "ecp-server catalog import dbt" (')
    assert first.endswith("): change the dbt project, not this file")
    assert "cubes: []\n" == rest


def test_a_second_time_nothing_changes(tmp_path: Path) -> None:
    assert Written(("a.yaml", "sub/b.yml"), (), ()) == put(tmp_path, FILES)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert Written((), ("a.yaml", "sub/b.yml"), ()) == put(tmp_path, FILES)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_own_files_are_replaced_and_removed(tmp_path: Path) -> None:
    put(tmp_path, FILES)
    assert Written(("a.yaml",), (), ("sub/b.yml",)) == put(tmp_path, {"a.yaml": "kind: term\n"})
    assert not (tmp_path / "sub/b.yml").exists()


def test_files_of_others_stay(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("kind: term\n", encoding="utf-8")
    put(tmp_path, {"c.yaml": "x\n"}, kind="cube")
    put(tmp_path, FILES)
    assert Written((), ("a.yaml",), ("sub/b.yml",)) == put(tmp_path, {"a.yaml": FILES["a.yaml"]})
    assert {"a.yaml", "c.yaml", "own.yaml", "sub"} == {path.name for path in tmp_path.iterdir()}


def foreign(path: Path) -> None:
    path.write_text("kind: term\n", encoding="utf-8")


def changed(path: Path) -> None:
    put(path.parent, FILES)
    path.write_text(path.read_text(encoding="utf-8") + "synonyms: [x]\n", encoding="utf-8")


def other_importer(path: Path) -> None:
    put(path.parent, FILES, kind="cube")


def bytes_(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    target = path.parent / "elsewhere"
    target.write_text("precious", encoding="utf-8")
    path.symlink_to(target)


def dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


@pytest.mark.parametrize("stand", [foreign, changed, other_importer, bytes_, folder, link, dangling])
def test_what_is_not_ours_is_not_overwritten_and_then_nothing_is_written(stand: object, tmp_path: Path) -> None:
    assert callable(stand)
    stand(tmp_path / "a.yaml")
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    with pytest.raises(ForeignFile, match=r"a\.yaml "):
        put(tmp_path, {**FILES, "0.yaml": "kind: x\n"})
    assert before == {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}


def test_a_folder_behind_a_link_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog/sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ForeignFile, match="symbolic link"):
        put(tmp_path / "catalog", FILES)
    assert [] == list((tmp_path / "elsewhere").iterdir())
