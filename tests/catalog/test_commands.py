"""`ecp-server catalog …`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecp_server.__main__ import catalog
from ecp_server.catalog.schema import schema_text
from tests.catalog.conftest import write
from tests.catalog.samples import DIMENSION, METRIC, joined, metric


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(catalog, [str(argument) for argument in arguments])


def test_check_tells_every_error_and_exits_with_1(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "kind: metric\nid: m\ndimensions: [x]\n", "b.yaml": "kind: entity\nid: e\n"})
    result = run("check", tmp_path)
    assert (
        1,
        (
            "a.yaml:1: metric m: definition: is required\n"
            "a.yaml:1: metric m: name: is required\n"
            "a.yaml:1: metric m: one of semantic_ref, derived, cumulative is required\n"
            "b.yaml:1: entity e: name: is required\n"
            "4 errors\n"
        ),
    ) == (result.exit_code, result.stdout)


def test_check_sums_up_a_valid_catalog_and_exits_with_0(tmp_path: Path) -> None:
    write(tmp_path, joined(metric("semantic_ref: C.m\nowner: o\ntime_dimension: C.day"), DIMENSION))
    result = run("check", tmp_path)
    assert 0 == result.exit_code
    assert result.stdout.startswith("1 metric, 0 terms, 1 dimension, 1 member, 0 known issues; 0 warnings; version ")


def test_check_warns_and_exits_with_0(tmp_path: Path) -> None:
    write(tmp_path, joined(METRIC, METRIC.replace("id: m", "id: n")))
    result = run("check", tmp_path)
    assert (0, "warning: 'M' stands for metric m, metric n") == (result.exit_code, result.stdout.splitlines()[0])


def test_check_tries_the_policies(tmp_path: Path) -> None:
    folder = write(tmp_path, METRIC)
    policies = folder / "policies"
    policies.mkdir()
    (policies / "a.rego").write_text("package ecp.policy\n\ndecisions := {", encoding="utf-8")
    result = run("check", folder)
    assert 1 == result.exit_code
    assert result.stdout.startswith("policies: a.rego:3:14: ")


def test_check_leaves_to_opa_what_opa_decides_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, METRIC)
    policies = folder / "policies"
    policies.mkdir()
    (policies / "a.rego").write_text("package ecp.policy\n\ndecisions := {", encoding="utf-8")
    monkeypatch.setenv("ECP_POLICY_URL", "http://127.0.0.1:1")
    assert 0 == run("check", folder).exit_code


def test_check_names_a_bad_setting_and_exits_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECP_POLICY_URL", "ftp://127.0.0.1")
    result = run("check", write(tmp_path, METRIC))
    assert 2 == result.exit_code
    assert "ECP_POLICY_URL" in result.output


def test_check_names_a_control_character_that_no_store_can_keep(tmp_path: Path) -> None:
    result = run("check", write(tmp_path, metric('semantic_ref: C.m\nsynonyms: ["a\\0b"]')))
    assert 1 == result.exit_code
    assert "holds the control character U+0000" in result.stdout


def test_check_of_what_is_no_directory_exits_with_2(tmp_path: Path) -> None:
    assert 2 == run("check", tmp_path / "nowhere").exit_code
    assert 2 == run("check", write(tmp_path, METRIC) / "a.yaml").exit_code


def test_schema_prints_the_schema() -> None:
    assert schema_text() == run("schema").stdout
