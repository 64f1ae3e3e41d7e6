"""`ecp-server catalog import …`."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from ecp_server.__main__ import catalog
from tests.catalog.importers.dbt.projects import LEGACY, project, with_metrics


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(catalog, [str(argument) for argument in arguments])


def test_an_import_tells_what_became_of_it_and_checks(tmp_path: Path) -> None:
    path = project(tmp_path, with_metrics("{name: x, type: conversion, type_params: {}}"))
    result = run("import", "dbt", path, "--output", tmp_path / "shop")
    told = "models/schema.yml:100: metric x: is a conversion metric: how many of one event lead to another is no arithmetic of sums"
    assert (
        0,
        (
            "7 metrics, 4 dimensions, 0 members, 2 cubes; 8 files written, 0 unchanged, 0 removed\n"
            f"1 not carried over (import-report.txt):\n  {told}\n"
        ),
    ) == (result.exit_code, result.output)
    assert told in (tmp_path / "shop/import-report.txt").read_text(encoding="utf-8")
    assert 0 == run("check", tmp_path / "shop").exit_code


def test_a_second_import_changes_nothing(tmp_path: Path) -> None:
    path = project(tmp_path, LEGACY)
    run("import", "dbt", path, "--output", tmp_path / "shop")
    result = run("import", "dbt", path, "--output", tmp_path / "shop")
    assert result.output.endswith("; 0 files written, 8 unchanged, 0 removed\n")


def test_what_cannot_be_read_writes_nothing(tmp_path: Path) -> None:
    path = project(tmp_path, LEGACY.replace("type: ratio", "type: guess"))
    result = run("import", "dbt", path, "--output", tmp_path / "shop")
    assert 1 == result.exit_code
    assert "models/schema.yml:76: metric order_value: 'guess' is no type of metric" in result.output
    assert result.output.endswith("Error: 1 problem; nothing was written\n")
    assert not (tmp_path / "shop").exists()


def test_files_of_people_stay_and_stop_an_import(tmp_path: Path) -> None:
    own = tmp_path / "shop/metrics/orders.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# mine\n", encoding="utf-8")
    result = run("import", "dbt", project(tmp_path, LEGACY), "--output", tmp_path / "shop")
    assert (
        1,
        "Error: metrics/orders.yaml was not written by an import, or was changed since; nothing was written\n",
    ) == (
        result.exit_code,
        result.output,
    )
    assert [own] == [path for path in (tmp_path / "shop").rglob("*") if path.is_file()]


def test_a_manifest_of_ones_own_is_kept(tmp_path: Path) -> None:
    own = tmp_path / "shop/catalog.yaml"
    own.parent.mkdir()
    own.write_text("kind: manifest\nformat: 1\nname: Mine\n", encoding="utf-8")
    assert 0 == run("import", "dbt", project(tmp_path, LEGACY), "--output", tmp_path / "shop").exit_code
    assert "name: Mine" in own.read_text(encoding="utf-8")
    assert 0 == run("check", tmp_path / "shop").exit_code


def test_the_catalog_leads_to_its_data(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    path = project(tmp_path, LEGACY)
    for _ in range(2):
        result = run("import", "dbt", path, "--output", tmp_path / "shop", "--data", tables)
        assert 0 == result.exit_code, result.output
    assert tables.resolve() == (tmp_path / "shop/data").resolve()
    other = tmp_path / "other"
    other.mkdir()
    assert 1 == run("import", "dbt", path, "--output", tmp_path / "shop", "--data", other).exit_code


def test_data_may_lie_in_the_catalog_itself(tmp_path: Path) -> None:
    (tmp_path / "shop/data").mkdir(parents=True)
    path = project(tmp_path, LEGACY)
    assert 0 == run("import", "dbt", path, "--output", tmp_path / "shop", "--data", tmp_path / "shop/data").exit_code
    assert not (tmp_path / "shop/data").is_symlink()


def test_a_project_without_metrics_is_told(tmp_path: Path) -> None:
    result = run("import", "dbt", project(tmp_path, "models: []\n"), "--output", tmp_path / "shop")
    assert 1 == result.exit_code
    assert "no metric was found" in result.output
    assert not (tmp_path / "shop").exists()


def test_what_is_not_there_exits_with_2(tmp_path: Path) -> None:
    assert 2 == run("import", "dbt", tmp_path / "nowhere", "--output", tmp_path / "shop").exit_code
    assert 2 == run("import", "dbt", tmp_path, "--output", tmp_path / "shop", "--tier", "5").exit_code


def test_a_catalog_within_the_project_is_no_part_of_it(tmp_path: Path) -> None:
    path = project(tmp_path, LEGACY)
    output = path / "ecp"
    assert 0 == run("import", "dbt", path, "--output", output).exit_code
    rule = "kind: rule\nid: r\nexpression: value > 0\nseverity: high\nmetrics: [revenue]\n"
    (output / "rules.yaml").write_text(rule, encoding="utf-8")
    result = run("import", "dbt", path, "--output", output)
    assert (0, True) == (result.exit_code, result.output.endswith("; 0 files written, 8 unchanged, 0 removed\n"))


def test_a_database_that_cannot_be_read_writes_nothing(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "broken.duckdb").write_bytes(b"no database" * 1_000)
    result = run("import", "dbt", project(tmp_path, LEGACY), "--output", tmp_path / "shop", "--data", tables)
    assert 1 == result.exit_code
    assert result.output.startswith("broken.duckdb: cannot be read as a DuckDB database: ")
    assert result.output.endswith("Error: 1 problem; nothing was written\n")
    assert not (tmp_path / "shop").exists()
