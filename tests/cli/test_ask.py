"""`ecp ask` over a real server: figures, what they mean, and its exit codes (docs/command.md)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ecp_client.cli.exits import ExitCode
from tests.cli.running import ecp
from tests.running import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

FINANCE = ("--user", "fay", "--department", "finance", "--role", "finance_analyst", "--as-of", "2025-01-15")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with running(project_root / "catalogs" / "meridian", tmp_path_factory.mktemp("state")) as server:
        yield str(server.address)


async def test_figures_come_with_units_then_definition_and_period(target: str) -> None:
    ended = await ecp("ask", "APAC revenue last quarter vs budget", *FINANCE, target=target)
    assert (ExitCode.OK, "") == (ended.code, ended.errors)
    lines = [" ".join(line.split()) for line in ended.output.splitlines()]
    assert "Net revenue 142,300,000.00 USD" in lines
    assert "Variance 5.41 %" in lines
    assert lines.index("Definition") < lines.index("Period")
    assert "Q3 FY2024: 2024-10-01 to 2024-12-31, fiscal calendar" in lines


async def test_csv_is_the_table_alone_with_exact_values(target: str) -> None:
    ended = await ecp("ask", "net revenue last quarter vs budget by region", "--csv", *FINANCE, target=target)
    assert ended.output.splitlines()[:2] == [
        "region,actual,budget,variance,variance_pct",
        "region.apac,142300000.00,135000000.00,7300000.00,5.4074074074",
    ]


async def test_what_has_no_table_is_not_printed_where_the_table_is_read(target: str) -> None:
    for question, code in (("what does ARR mean?", ExitCode.OK), ("revenue last quarter", ExitCode.CHOICE)):
        ended = await ecp("ask", question, "--csv", target=target)
        assert (code, "") == (ended.code, ended.output)
        assert "Understood" in ended.errors


async def test_json_is_both_responses_of_the_contract(target: str) -> None:
    ended = await ecp("ask", "net revenue last quarter", "--json", *FINANCE, target=target)
    both = json.loads(ended.output)
    assert both["resolution"]["resolution_id"] == both["execution"]["resolution_id"]
    assert ["496672469.24"] == both["execution"]["table"]["columns"][0]["values"]
    (run,) = [step for step in both["execution"]["provenance"]["steps"] if step["id"] == "run"]
    assert "STORE_SEMANTIC" == run["store_calls"][0]["store"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
async def test_what_an_encoding_lacks_is_escaped(encoding: str, target: str) -> None:
    question = "net revenue by month last quarter"
    shown = await ecp("ask", question, *FINANCE, target=target, encoding=encoding)
    assert (ExitCode.OK, "") == (shown.code, shown.errors)
    assert "165,977,290.90" in shown.output
    response = await ecp("ask", question, "--json", *FINANCE, target=target, encoding=encoding)
    assert ExitCode.OK == response.code
    assert "“net revenue” is the name" in json.loads(response.output)["resolution"]["concepts"][0]["reason"]


async def test_figures_can_be_narrowed_and_cut(target: str) -> None:
    narrowed = ("--filter", "region=region.japan", "--filter", "region=region.korea", "--limit", "1")
    ended = await ecp("ask", "net revenue by country last quarter", *narrowed, *FINANCE, target=target)
    assert "Only region.japan, region.korea." in ended.output
    assert "The first 1 rows, there are more" in ended.output


async def test_a_recorded_question_shows_when_it_was_run(target: str) -> None:
    both = json.loads((await ecp("ask", "net revenue last quarter", "--json", *FINANCE, target=target)).output)
    shown = await ecp("show", both["resolution"]["resolution_id"], "--user", "fay", target=target)
    assert "Executions" in shown.output
    assert both["execution"]["execution_id"] in shown.output


async def test_what_needs_no_figures_is_answered_and_what_is_open_needs_a_choice(target: str) -> None:
    definition = await ecp("ask", "what is ARR?", *FINANCE, target=target)
    assert ExitCode.OK == definition.code
    assert "Annual recurring revenue" in definition.output
    unsettled = await ecp("ask", "revenue last quarter", "--department", "marketing", target=target)
    assert ExitCode.CHOICE == unsettled.code
    assert "--choose" in unsettled.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("net revenue last quarter", "--filter", "region"), ExitCode.USAGE),
        (("net revenue last quarter", "--filter", "planet=planet.mars"), ExitCode.USAGE),
        (("net revenue last quarter", "--max-age", "nan"), ExitCode.USAGE),
        (("net revenue last quarter", "--max-age", "1e300"), ExitCode.USAGE),
        (("bitcoin holdings",), ExitCode.NOT_FOUND),
        (("headcount by product",), ExitCode.DOES_NOT_FIT),
        (("executive compensation last month",), ExitCode.DENIED),
    ],
)
async def test_refusals_have_their_exit_codes(target: str, arguments: tuple[str, ...], code: ExitCode) -> None:
    ended = await ecp("ask", *arguments, *FINANCE, target=target)
    assert code == ended.code, ended
    assert ended.errors
