"""The commands as a shell sees them: output, exit code, no traceback for a mistake of the user."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ecp_server.__main__ import main
from tests.serving import NOT_SERVING, SERVING, serving


def run(*arguments: str, **environment: str) -> Result:
    """Run a command with exactly these ECP_* variables."""
    return CliRunner().invoke(main, arguments, env=environment, prog_name="ecp-server")


def test_commands_are_listed() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert {"catalog", "health", "serve", "settings"} <= set(result.output.split())


def _all_commands(group: click.Group, path: str = "") -> dict[str, click.Command | None]:
    context = click.Context(group)
    found: dict[str, click.Command | None] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found[f"{path}{name}"] = command
        if isinstance(command, click.Group):
            found |= _all_commands(command, f"{path}{name} ")
    return found


def test_every_command_that_is_listed_exists_and_says_what_it_does() -> None:
    """Also those that are imported only when they are asked for."""
    for name, command in _all_commands(main).items():
        assert command is not None, name
        assert command.get_short_help_str(), name


def test_version_is_the_packages() -> None:
    assert version("enterprise-context-platform") in run("--version").output


def test_settings_prints_the_documentation(project_root: Path) -> None:
    assert (project_root / "docs" / "settings.md").read_text() == run("settings").output


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--listen", "0.0.0.0:50051"], {}, "ECP_INSECURE_IDENTITY"),
        (["--listen", "nowhere"], {}, "ECP_LISTEN (--listen): must be HOST:PORT"),
        ([], {"ECP_TRACE_SAMPLE_RATIO": "2"}, "ECP_TRACE_SAMPLE_RATIO"),
        (["--no-such-flag"], {}, "--no-such-flag"),
    ],
)
def test_serve_refuses_bad_settings_with_exit_code_2(
    arguments: list[str], environment: dict[str, str], message: str
) -> None:
    result = run("serve", *arguments, **environment)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_serve_has_a_flag_for_what_is_set_at_the_prompt() -> None:
    output = run("serve", "--help").output
    for flag in ("--catalog", "--listen", "--metrics-listen", "--state", "--insecure-identity", "--no-reflection"):
        assert flag in output


async def _command(*arguments: str, **environment: str) -> tuple[int | None, str, str]:
    """Run a command in a process of its own; return exit code, output and errors."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ECP_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ecp_server", *arguments, env=inherited | environment, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def _health(*arguments: str, **environment: str) -> tuple[int | None, str]:
    code, output, _ = await _command("health", *arguments, **environment)
    return code, output


async def test_health_answers_by_exit_code() -> None:
    async with serving() as server:
        target = str(server.address)
        await server.becomes(SERVING)
        assert (0, "SERVING\n") == await _health("--target", target)
        assert (0, "SERVING\n") == await _health(ECP_LISTEN=target)
        server.application.ready = False
        await server.becomes(NOT_SERVING)
        assert (1, "NOT_SERVING\n") == await _health("--target", target)


def test_health_of_nobody_is_exit_code_1() -> None:
    result = run("health", "--target", "127.0.0.1:9", "--timeout", "1")
    assert result.exit_code == 1
    assert "Error: no answer from the server: UNAVAILABLE (127.0.0.1:9)" in result.output


@pytest.mark.parametrize(
    "arguments", [("--target", ""), ("--timeout", "nan"), ("--timeout", "inf"), ("--timeout", "0"), ("--timeout", "-1")]
)
def test_health_refuses_what_can_get_no_answer(arguments: tuple[str, ...]) -> None:
    """A probe that fails must mean the server."""
    result = run("health", *arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.output


async def test_serve_of_an_invalid_catalog_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "metrics.yaml").write_text("kind: metric\nid: Not An Id\n")
    code, _, errors = await _command("serve", "--catalog", str(tmp_path), "--listen", "127.0.0.1:0")
    assert code == 1
    assert "Error: metrics.yaml" in errors
    assert "Traceback" not in errors


async def test_serve_of_a_folder_that_there_is_not_is_a_bad_setting(tmp_path: Path) -> None:
    code, _, errors = await _command("serve", "--catalog", str(tmp_path / "nowhere"), "--listen", "127.0.0.1:0")
    assert code == 2
    assert f"Error: ECP_CATALOG: no such directory: {tmp_path / 'nowhere'}\n" in errors


async def test_serve_of_a_state_without_a_file_is_a_bad_setting() -> None:
    code, _, errors = await _command("serve", "--state", "sqlite:///", "--listen", "127.0.0.1:0")
    assert code == 2
    assert "ECP_STATE_URL: a SQLite URL is" in errors
    assert "Traceback" not in errors


async def test_serve_on_a_taken_port_says_so(tmp_path: Path) -> None:
    async with serving() as server:
        state = f"sqlite:///{tmp_path}/state.db"
        code, _, errors = await _command("serve", "--listen", str(server.address), "--state", state)
    assert code == 1
    assert f"Error: cannot listen on {server.address} (ECP_LISTEN)" in errors
    assert "Traceback" not in errors


async def test_misspelt_setting_is_logged_as_unknown(tmp_path: Path) -> None:
    _, _, errors = await _command("serve", "--catalog", str(tmp_path / "nowhere"), ECP_LISTN="127.0.0.1:1")
    assert {"unknown_setting": "ECP_LISTN"} == {
        line["event"]: line["variable"] for line in map(json.loads, errors.splitlines()[:1])
    }


async def test_what_the_encoding_of_the_output_lacks_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "Ω.yaml").write_text("kind: none", encoding="utf-8")
    command = (sys.executable, "-m", "ecp_server", "catalog", "check", str(tmp_path))
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, env={**os.environ, "PYTHONIOENCODING": "latin-1"}
    )
    output, errors = await process.communicate()
    assert (1, b"") == (process.returncode, errors)
    assert b"\\u03a9.yaml" in output
