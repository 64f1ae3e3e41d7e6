"""`ecp-server precedents list` and `revoke`, beside a running server."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ecp_server.__main__ import main
from ecp_server.stores.precedents import USABLE_SECONDS
from ecp_server.stores.state.postgres import SCHEMA
from tests.rpc.reporting import meanings, teach
from tests.running import Running, running, user
from tests.servers import migrated, postgres, postgres_database, postgres_server

__all__ = ["postgres", "postgres_database", "postgres_server"]

ANN = user("ann", "finance_analyst", department="finance")


@pytest.fixture(params=["sqlite", "postgres"])
async def state_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    url: str = request.getfixturevalue("postgres")
    await migrated(url, SCHEMA)
    return url


@pytest.fixture
async def server(project_root: Path, tmp_path: Path, state_url: str) -> AsyncIterator[Running]:
    async with running(project_root / "catalogs" / "meridian", tmp_path, state_url=state_url) as server:
        yield server


async def run(*arguments: str, state_url: str) -> Result:
    """Run the command as another process would: with an event loop of its own."""
    environment = {"ECP_STATE_URL": state_url}
    return await asyncio.to_thread(CliRunner().invoke, main, ["precedents", *arguments], env=environment)


async def listed(state_url: str, *options: str) -> list[dict[str, Any]]:
    result = await run("list", "--json", *options, state_url=state_url)
    assert 0 == result.exit_code, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["precedents"]
    return found


async def test_a_revoked_precedent_has_no_effect_and_who_and_why_stay(server: Running, state_url: str) -> None:
    await teach(server, "takings last quarter", ANN, mention="Takings", option_id="net_revenue")
    assert "net_revenue" == meanings(await server.resolve("takings", user_context=ANN))["takings"]
    (precedent,) = await listed(state_url)
    told = {key: precedent[key] for key in ("department", "mention", "words", "kind", "option_id", "reported_by")}
    assert {
        "department": "finance",
        "mention": "Takings",
        "words": "taking",
        "kind": "METRIC",
        "option_id": "net_revenue",
        "reported_by": "ann",
    } == told
    assert precedent["revocation"] is None

    done = await run("revoke", precedent["id"], "--reason", "means gross", "--by", "oscar", state_url=state_url)
    assert (0, f"{precedent['id']}  revoked  “Takings” in finance\n") == (done.exit_code, done.output)
    async with asyncio.timeout(USABLE_SECONDS + 5):
        while (await server.resolve("takings", user_context=ANN)).code == "OK":  # noqa: ASYNC110 - it was another process
            await asyncio.sleep(0.2)

    assert [] == await listed(state_url)
    (revoked,) = await listed(state_url, "--revoked")
    assert ("oscar", "means gross") == (revoked["revocation"]["by"], revoked["revocation"]["reason"])
    again = await run("revoke", precedent["id"], "--reason", "other", "--by", "mallory", state_url=state_url)
    assert (0, f"{precedent['id']}  was revoked before  “Takings” in finance\n") == (again.exit_code, again.output)
    assert [revoked] == await listed(state_url, "--revoked")


async def test_the_list_is_a_table_newest_first(server: Running, state_url: str) -> None:
    sales = user("bob", department="sales")
    await teach(server, "takings last quarter", ANN, mention="takings", option_id="net_revenue")
    await teach(server, "net revenue in the far east", sales, mention="far east", option_id="region.japan")
    result = await run("list", state_url=state_url)
    heading, *rows = result.output.splitlines()
    assert heading.split("  ")[0] == "ID"
    shown = [[part.strip() for part in row.split("  ") if part][1:5] for row in rows]
    of_sales = ["sales", "far east", "member region.japan", "bob"]
    assert [of_sales, ["finance", "takings", "metric net_revenue", "ann"]] == shown
    assert ["far east"] == [one["mention"] for one in await listed(state_url, "--department", "Sales")]
    limited = await run("list", "--limit", "1", state_url=state_url)
    assert 2 == len(limited.stdout.splitlines())
    assert "There are more" in limited.stderr


async def test_what_somebody_wrote_is_not_obeyed_by_a_terminal(server: Running, state_url: str) -> None:
    hostile = user("eve\u202e\u009b31m", department="finance")
    await teach(server, "tak\u200bings last quarter", hostile, mention="tak\u200bings", option_id="net_revenue")
    for options in ((), ("--json",)):
        output = (await run("list", *options, state_url=state_url)).output
        assert all(character.isprintable() or character == "\n" for character in output)


async def test_unknown_ids_are_told_and_the_others_revoked(server: Running, state_url: str) -> None:
    await teach(server, "takings last quarter", ANN, mention="takings", option_id="net_revenue")
    (precedent,) = await listed(state_url)
    result = await run("revoke", "nonsense", precedent["id"], "--reason", "wrong", "--by", "oscar", state_url=state_url)
    assert 1 == result.exit_code
    assert "no such precedent: nonsense" in result.stderr
    assert [] == await listed(state_url)


@pytest.mark.parametrize("state_url", ["sqlite"], indirect=True)  # how a record is kept is the state's own suite's
async def test_revoking_is_audited(server: Running, state_url: str, tmp_path: Path) -> None:
    await teach(server, "takings last quarter", ANN, mention="takings", option_id="net_revenue")
    (precedent,) = await listed(state_url)
    await run("revoke", precedent["id"], "--reason", "wrong", "--by", "oscar", state_url=state_url)
    await run("revoke", precedent["id"], "--reason", "wrong", "--by", "oscar", state_url=state_url)
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        query = "SELECT subject, department, outcome, resolution_id FROM audit WHERE method = 'RevokePrecedent'"
        rows = connection.execute(query).fetchall()
    assert [("oscar", "finance", "REVOKED", precedent["resolution_id"])] == rows


async def test_an_empty_state_says_so(server: Running, state_url: str) -> None:
    await server.resolve("net revenue", user_context=ANN)
    result = await run("list", state_url=state_url)
    assert (0, "no precedents\n") == (result.exit_code, result.output)


def test_a_state_that_no_server_has_kept_is_not_made(tmp_path: Path) -> None:
    environment = {"ECP_STATE_URL": f"sqlite:///{tmp_path / 'none.db'}"}
    result = CliRunner().invoke(main, ["precedents", "list"], env=environment)
    assert 1 == result.exit_code
    assert "no server has kept anything" in result.output
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["revoke", "--reason", "x"], "ID..."),
        (["revoke", "some-id"], "--reason"),
        (["revoke", "some-id", "--reason", " "], "--reason"),
        (["revoke", "some-id", "--reason", "x" * 2001], "--reason"),
        (["revoke", "some-id", "--reason", "x", "--by", ""], "--by"),
        (["list", "--limit", "0"], "--limit"),
    ],
)
async def test_bad_options_are_named(arguments: list[str], told: str, tmp_path: Path) -> None:
    result = await run(*arguments, state_url=f"sqlite:///{tmp_path / 'none.db'}")
    assert 2 == result.exit_code
    assert told in result.output


async def test_a_url_that_names_no_file_is_a_bad_setting() -> None:
    result = await run("list", state_url="sqlite:///")
    assert 2 == result.exit_code
    assert "ECP_STATE_URL: a SQLite URL is" in result.output


async def test_a_store_that_does_not_answer_fails_without_its_address() -> None:
    result = await run("list", state_url="postgresql://ann:secret@127.0.0.1:1/ecp")
    assert (1, "Error: the state store does not answer\n") == (result.exit_code, result.output)
