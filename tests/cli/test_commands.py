"""`ecp` over a real server: what it says, and its exit codes (docs/command.md)."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ecp_client.cli.exits import ExitCode
from tests.cli.running import COMMAND, Ended, ecp, ecp_in_terminal
from tests.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

FINANCE = ("--department", "finance", "--role", "finance_analyst")
NOBODY = "127.0.0.1:9"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(project_root / "catalogs" / "meridian", tmp_path_factory.mktemp("state")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(server: Running) -> str:
    return str(server.address)


def document(ended: Ended) -> Any:
    return json.loads(ended.output)


async def test_an_answer_says_what_to_run_and_what_to_beware_of(target: str) -> None:
    ended = await ecp("resolve", "APAC revenue in Q4 FY2019 vs budget", *FINANCE, target=target)
    assert (ExitCode.OK, "") == (ended.code, ended.errors)
    lines = [line.strip() for line in ended.output.splitlines()]
    assert lines[0] == "Net revenue against Budgeted net revenue for APAC, Q4 FY2019 (2020-01-01 to 2020-03-31)."
    assert "where Budget.regionGroup is APAC_FINANCE" in lines
    assert "variance_pct  = (actual - budget) / budget * 100 [percent]" in lines
    assert any(line.startswith("high: APAC revenue of Q4 FY2019 is incomplete.") for line in lines)


async def test_words_need_no_quotes_and_lines_end_without_spaces(target: str) -> None:
    ended = await ecp("resolve", "net", "revenue", "in", "FY2023", *FINANCE, target=target)
    assert ended.output.startswith("Net revenue, FY2023 (2023-04-01 to 2024-03-31).\n")
    assert [] == [line for line in ended.output.splitlines() if line != line.rstrip()]


async def test_json_is_the_response_of_the_contract(target: str) -> None:
    ended = await ecp("resolve", "net revenue in FY2023", *FINANCE, "--json", target=target)
    answer = document(ended)
    assert (ExitCode.OK, "RESOLUTION_STATUS_RESOLVED") == (ended.code, answer["status"])
    assert answer["plan"]["queries"][0]["measures"][0]["metric_id"] == "net_revenue"
    assert "store_calls" in answer["provenance"]["steps"][-1]


async def test_steps_show_how_it_was_found(target: str) -> None:
    ended = await ecp("resolve", "net revenue in FY2023", *FINANCE, "--steps", target=target)
    assert "How it was found" in ended.output
    assert "Allowed by certification_ladder" in ended.output


# -------------------------------------------------------------------------------------------------------- to choose ---


async def test_without_a_terminal_an_ambiguous_question_ends_with_the_options_and_exit_code_3(target: str) -> None:
    ended = await ecp("resolve", "revenue in FY2023", target=target)
    assert ended.code == ExitCode.CHOICE
    assert "--choose revenue=net_revenue" in ended.output
    assert "--choose revenue=gross_revenue" in ended.output
    as_json = await ecp("resolve", "revenue in FY2023", "--json", target=target)
    assert (ExitCode.CHOICE, ["revenue"]) == (as_json.code, [one["id"] for one in document(as_json)["ambiguities"]])


async def test_a_choice_on_the_command_line_settles_it(target: str) -> None:
    ended = await ecp("resolve", "revenue in FY2023", "--choose", "revenue=net_revenue", target=target)
    assert (ExitCode.OK, True) == (ended.code, ended.output.startswith("Net revenue, FY2023"))


async def test_a_choice_may_change_what_was_taken_for_granted(target: str) -> None:
    asked = await ecp("resolve", "net revenue in 2023", *FINANCE, target=target)
    assert "--choose calendar=gregorian" in asked.output
    ended = await ecp("resolve", "net revenue in 2023", *FINANCE, "--choose", "calendar=gregorian", target=target)
    assert ended.output.startswith("Net revenue, 2023 (2023-01-01 to 2023-12-31).")


async def test_resuming_keeps_the_clock_of_the_first_question(target: str) -> None:
    asked = await ecp("resolve", "revenue last quarter", "--as-of", "2025-01-15", "--json", target=target)
    resume = ("--resume", document(asked)["resolution_id"])
    ended = await ecp("resolve", "revenue last quarter", "--choose", "revenue=net_revenue", *resume, target=target)
    assert ended.output.startswith("Net revenue, Q3 FY2024 (2024-10-01 to 2024-12-31).")


async def test_in_a_terminal_it_asks_back_until_the_question_is_settled(target: str) -> None:
    question = ("resolve", "APAC revenue last quarter", "--as-of", "2025-01-15", "--role", "analyst")
    ended = await ecp_in_terminal(*question, target=target, typed=["2\n", "1\n"])
    assert ended.code == ExitCode.OK
    assert "“revenue” can mean Net revenue, Gross revenue. Which one?" in ended.output
    assert "Whose APAC is meant?" in ended.output
    assert "Gross revenue for APAC, Q3 FY2024 (2024-10-01 to 2024-12-31)." in ended.output


async def test_a_number_that_is_not_offered_is_asked_again(target: str) -> None:
    ended = await ecp_in_terminal("resolve", "revenue in FY2023", target=target, typed=["7\n", "1\n"])
    assert (ExitCode.OK, 2) == (ended.code, ended.output.count("Which one, or q to give up"))


@pytest.mark.parametrize("typed", ["q\n", "\x04", signal.SIGINT], ids=["q", "end of input", "Ctrl-C"])
async def test_giving_up_is_exit_code_3(target: str, typed: str | signal.Signals) -> None:
    ended = await ecp_in_terminal("resolve", "revenue in FY2023", target=target, typed=[typed])
    assert ended.code == ExitCode.CHOICE
    assert "Traceback" not in ended.output


async def test_told_so_it_asks_nobody_even_in_a_terminal(target: str) -> None:
    ended = await ecp_in_terminal("resolve", "revenue in FY2023", "--no-input", target=target)
    assert (ExitCode.CHOICE, 0) == (ended.code, ended.output.count("give up"))


# ---------------------------------------------------------------------------------------------- what to do about it ---


async def test_a_typo_is_read_and_worse_gets_suggestions(target: str) -> None:
    read = await ecp("resolve", "net revenu in FY2023", *FINANCE, target=target)
    assert (ExitCode.OK, True) == (read.code, read.output.startswith("Net revenue, FY2023"))
    ended = await ecp("resolve", "headctnuo in FY2023", "--role", "analyst", target=target)
    assert (ExitCode.NOT_FOUND, "") == (ended.code, ended.output)
    assert "Nothing in the catalog matches “headctnuo”." in ended.errors
    assert "Ask again with one of these" in ended.errors
    assert "Headcount" in ended.errors


async def test_a_denial_says_who_may(target: str) -> None:
    ended = await ecp("resolve", "executive compensation", "--role", "analyst", target=target)
    assert ended.code == ExitCode.DENIED
    assert "Not allowed: only HR administrators and executives may have what executives are paid." in ended.errors
    assert "Who may: hr_admin, executive." in ended.errors
    allowed = await ecp("resolve", "executive compensation", "--role", "hr_admin", target=target)
    assert allowed.code == ExitCode.OK


async def test_words_that_do_not_fit_get_what_fits(target: str) -> None:
    ended = await ecp("resolve", "headcount by product", target=target)
    assert ended.code == ExitCode.DOES_NOT_FIT
    assert "Headcount cannot be sliced by Product" in ended.errors
    assert "What fits: region, function." in ended.errors


@pytest.mark.parametrize("command", [("resolve", "revenue"), ("metrics",), ("health",)], ids=lambda command: command[0])
async def test_a_dead_server_gets_how_to_start_one(command: tuple[str, ...]) -> None:
    ended = await ecp(*command, target=NOBODY)
    assert (ExitCode.UNREACHABLE, "") == (ended.code, ended.output)
    assert f"No server answers at {NOBODY}." in ended.errors
    assert "ecp-server serve" in ended.errors
    assert "ECP_TARGET" in ended.errors


async def test_an_error_is_json_for_scripts(target: str) -> None:
    denied = await ecp("resolve", "executive compensation", "--role", "analyst", "--json", target=target)
    error = document(denied)["error"]
    assert ("PERMISSION_DENIED", "POLICY_DENIED") == (error["status"], error["reason"])
    assert {"policy": "executive_compensation", "may": "hr_admin,executive"} == error["metadata"]
    dead = await ecp("resolve", "revenue", "--json", target=NOBODY)
    assert (ExitCode.UNREACHABLE, "UNAVAILABLE") == (dead.code, document(dead)["error"]["status"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--as-of", "tomorrow"], "'tomorrow' is no day such as 2025-01-15"),
        (["--as-of", "2025-01-15T12:00:00"], "has no zone"),
        (["--as-of", "1066-10-14"], "as_of must lie in the years 1900 to 2199"),
        (["--choose", "revenue"], "is not of the form SUBJECT=OPTION"),
        (["--choose", "revenue=nonsense"], "choices[0].option_id names no offered option"),
        (["--time-zone", "Nowhere"], "time_zone must be an IANA time zone"),
        (["--time-zone", "Nowhere", "--as-of", "2025-01-15"], "time_zone must be an IANA time zone"),
        (["--as-of", "9999-12-31T23:59:59-12:00"], "as_of must lie in the years"),
        (["--target", " "], "'--target'"),
        (["--timeout", "nan"], "a timeout is a number of seconds, not nan"),
    ],
)
async def test_a_wrong_option_is_named(target: str, options: list[str], told: str) -> None:
    ended = await ecp("resolve", "revenue in FY2023", *options, target=target)
    assert ended.code == ExitCode.USAGE
    assert told in ended.errors
    assert "Traceback" not in ended.errors


# --------------------------------------------------------------------------------------------------- the other ones ---


async def test_a_record_is_shown_to_the_user_whose_it_is(target: str) -> None:
    asked = await ecp("resolve", "net revenue in FY2023", *FINANCE, "--user", "fay", "--json", target=target)
    resolution_id = document(asked)["resolution_id"]
    ended = await ecp("show", resolution_id, "--user", "fay", target=target)
    assert ended.output.startswith("net revenue in FY2023\nasked by fay, finance on ")
    assert "How it was found" in ended.output
    other = await ecp("show", resolution_id, "--user", "eve", target=target)
    assert other.code == ExitCode.NOT_FOUND
    assert "There is no such resolution, or it is another user's." in other.errors


async def test_lineage_is_a_tree(target: str) -> None:
    ended = await ecp("lineage", "gross_profit", "--depth", "2", target=target)
    assert ended.output.splitlines() == [
        "gross_profit  metric",
        "├── cost_of_revenue  metric  revenue - cost",
        "│   └── analytics.finance.fact_costs.cost_of_revenue  column",
        "└── net_revenue  metric  revenue - cost",
        "    └── analytics.finance.fact_revenue_daily.net_amount  column",
        "There is more beyond: --depth N walks further.",
    ]
    down = await ecp("lineage", "net_revenue", "--downstream", "--depth", "1", target=target)
    assert "── gross_profit  metric  revenue - cost" in down.output


async def test_what_lineage_hides_has_no_name(target: str) -> None:
    ended = await ecp("lineage", "executive_compensation", "--role", "analyst", target=target)
    assert "something that this user may not see" in ended.output
    assert "payroll" not in ended.output


async def test_metrics_are_listed_by_tier_as_far_as_asked_for(target: str) -> None:
    ended = await ecp("metrics", "--domain", "people", "--json", target=target)
    listed = document(ended)["metrics"]
    assert {"people"} == {metric["domain"] for metric in listed}
    assert listed == sorted(listed, key=lambda metric: (metric["certification_tier"], metric["id"]))
    some = await ecp("metrics", "--limit", "2", target=target)
    names = [line.split()[0] for line in some.output.splitlines() if not line.startswith(" ")]
    assert ["metric", "arr", "cost_of_revenue"] == names[:3]
    assert "There are more: --limit N shows them." in some.output


async def test_glossary_finds_by_meaning(target: str) -> None:
    ended = await ecp("glossary", "money", "we", "earn", "--json", target=target)
    assert "revenue" in [term["id"] for term in document(ended)["terms"]][:3]
    nothing = await ecp("glossary", "xqzt", "--domain", "nowhere", target=target)
    assert nothing.output == "Nothing like that. `ecp metrics` lists what there is.\n"


async def test_health_tells_of_every_store(target: str) -> None:
    ended = await ecp("health", target=target)
    assert ended.code == ExitCode.OK
    stores = [line.split()[:3] for line in ended.output.splitlines()[4:]]
    assert ["graph", "vector", "registry", "semantic", "policy", "state"] == [store[0] for store in stores]


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_output_that_cannot_be_written_is_told(options: tuple[str, ...], target: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", 'exec "$@" > /dev/full', "sh", *COMMAND, "health", "--target", target, *options, stderr=PIPE
    )
    _, errors = await process.communicate()
    told = b"Error: the output cannot be written: No space left on device\n"
    assert (ExitCode.FAILED, told) == (process.returncode, errors)
