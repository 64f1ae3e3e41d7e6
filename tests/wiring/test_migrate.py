"""The command `ecp-server migrate`."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from ecp_server.__main__ import main
from tests.servers import postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]


def run(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(main, ["migrate", *arguments], env=variables)


def test_it_tells_what_it_applied_and_then_that_nothing_is_left(postgres: str) -> None:
    names = ["0001_begin", "0002_feedback", "0003_reporters"]
    dry = run("--dry-run", ECP_STATE_URL=postgres)
    assert (dry.exit_code, dry.output.splitlines()) == (0, [f"state: would apply {name}" for name in names])
    first = run(ECP_STATE_URL=postgres)
    assert (first.exit_code, first.output.splitlines()) == (0, [f"state: applied {name}" for name in names])
    again = run(ECP_STATE_URL=postgres)
    assert (again.exit_code, again.output) == (0, "state: up to date\n")


def test_without_a_store_in_postgresql_there_is_nothing_to_do() -> None:
    result = run(ECP_STATE_URL="sqlite:///nowhere.db")
    assert (result.exit_code, result.output) == (0, "no store is in PostgreSQL: nothing to do\n")


def test_a_server_that_does_not_answer_fails_without_its_address() -> None:
    result = run(ECP_STATE_URL="postgresql://ann:secret@127.0.0.1:1/ecp")
    assert (result.exit_code, result.output) == (1, "Error: the state store does not answer\n")


@pytest.mark.parametrize("url", ["mysql://db/ecp", "postgres"])
def test_a_url_of_another_kind_is_a_bad_setting_named_by_its_variable(url: str) -> None:
    result = run(ECP_STATE_URL=url)
    assert result.exit_code == 2
    assert "ECP_STATE_URL" in result.output
