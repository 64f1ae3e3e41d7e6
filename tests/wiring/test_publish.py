"""The commands `ecp-server catalog publish`, `history`, `rollback`."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from ecp_server.__main__ import main
from tests.servers import postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]

METRIC = "kind: metric\nid: revenue\nname: Revenue\ndefinition: {definition}\nsemantic_ref: Facts.revenue\n"


def write(folder: Path, definition: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "metrics.yaml").write_text(METRIC.format(definition=definition), encoding="utf-8")
    return folder


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"ECP_REGISTRY_URL": url, "ECP_VECTOR_URL": url})


def test_from_an_empty_database_to_a_rollback(postgres: str, tmp_path: Path) -> None:
    folder = str(write(tmp_path / "catalog", "Income."))
    assert run(postgres, "migrate").exit_code == 0

    dry = run(postgres, "catalog", "publish", folder, "--dry-run")
    assert dry.exit_code == 0
    assert "vector: 1 added, 0 changed, 0 removed, 0 unchanged\n  + metric revenue\n" in dry.output
    assert run(postgres, "catalog", "history").output == ""

    first = run(postgres, "catalog", "publish", folder, "--note", "begin")
    assert first.exit_code == 0
    assert "registry: 3 added" in first.output
    assert run(postgres, "catalog", "publish", folder).output.splitlines()[:2] == [
        "vector: 0 added, 0 changed, 0 removed, 1 unchanged",
        "registry: 0 added, 0 changed, 0 removed, 3 unchanged",
    ]

    again = run(postgres, "catalog", "publish", folder, "--dry-run").output
    assert again.endswith(first.output.splitlines()[-1] + "\n")

    write(tmp_path / "catalog", "Income of a period.")
    second = run(postgres, "catalog", "publish", folder)
    assert "registry: 0 added, 1 changed, 0 removed, 2 unchanged" in second.output

    assert run(postgres, "catalog", "rollback", "1").exit_code == 0
    history = run(postgres, "catalog", "history").output.splitlines()
    assert [line.split()[0] for line in history] == ["3", "2", "1"]
    assert history[0].split()[1] == history[2].split()[1]
    assert history[0].endswith("; as number 1")
    assert history[2].endswith("; begin")


def test_a_number_that_the_history_lacks_is_refused(postgres: str) -> None:
    assert run(postgres, "migrate").exit_code == 0
    result = run(postgres, "catalog", "rollback", "7")
    assert (result.exit_code, result.output) == (1, "Error: the history has no catalog 7\n")


@pytest.mark.parametrize("policy", ["package ecp.policy\n\nallow if {", ""])
def test_what_no_server_would_serve_is_not_published(postgres: str, tmp_path: Path, policy: str) -> None:
    assert run(postgres, "migrate").exit_code == 0
    folder = write(tmp_path / "catalog", "Income." if policy else "")
    if policy:
        (folder / "policies").mkdir()
        (folder / "policies" / "broken.rego").write_text(policy, encoding="utf-8")
    else:
        (folder / "metrics.yaml").write_text("kind: metric\nid: revenue\n", encoding="utf-8")
    assert run(postgres, "catalog", "publish", str(folder)).exit_code == 1
    assert run(postgres, "catalog", "history").output == ""


def test_without_schemas_it_fails_and_says_which_store(postgres: str, tmp_path: Path) -> None:
    result = run(postgres, "catalog", "publish", str(write(tmp_path / "catalog", "Income.")))
    assert (result.exit_code, result.output) == (1, "Error: the registry store does not answer\n")


def test_without_a_store_to_publish_to_that_is_a_bad_setting(tmp_path: Path) -> None:
    result = run("", "catalog", "publish", str(write(tmp_path / "catalog", "Income.")))
    assert result.exit_code == 2
    assert "ECP_REGISTRY_URL" in result.output


def test_a_store_that_lost_the_catalog_gets_it_again(postgres: str, tmp_path: Path) -> None:
    folder = str(write(tmp_path / "catalog", "Income."))
    assert run(postgres, "migrate").exit_code == 0
    assert run(postgres, "catalog", "publish", folder).exit_code == 0
    with psycopg.connect(postgres) as connection:
        connection.execute("TRUNCATE ecp_vector.catalog, ecp_vector.embedding")
    again = run(postgres, "catalog", "publish", folder).output.splitlines()
    assert again[:2] == [
        "vector: 1 added, 0 changed, 0 removed, 0 unchanged",
        "registry: 0 added, 0 changed, 0 removed, 3 unchanged",
    ]


def test_other_files_with_the_same_catalog_change_nothing(postgres: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "catalog", "Income.")
    assert run(postgres, "migrate").exit_code == 0
    assert run(postgres, "catalog", "publish", str(folder)).exit_code == 0
    (folder / "metrics.yaml").write_text("# What we count.\n" + METRIC.format(definition="Income."), encoding="utf-8")
    for _ in range(2):
        output = run(postgres, "catalog", "publish", str(folder)).output
        assert "registry: 0 added, 0 changed, 0 removed, 3 unchanged" in output
    assert len(run(postgres, "catalog", "history").output.splitlines()) == 1
