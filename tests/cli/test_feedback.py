"""`ecp feedback` and what `ecp show` tells of it, over a real server."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ecp_client.cli.exits import ExitCode
from tests.cli.running import Ended, ecp
from tests.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANN = ("--user", "ann", "--department", "finance", "--role", "finance_analyst")
KEY = "0b5a7c6e-6d1c-4a37-9a52-3f0a5f0f8a11"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(project_root / "catalogs" / "meridian", tmp_path_factory.mktemp("state")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(server: Running) -> str:
    return str(server.address)


def document(ended: Ended) -> Any:
    return json.loads(ended.output)


async def asked(target: str, question: str) -> str:
    ended = await ecp("resolve", question, *ANN, "--json", target=target)
    answer = document(ended)
    return str((answer["error"] if ended.code == ExitCode.NOT_FOUND else answer)["resolution_id"])


async def test_a_correction_is_told_and_teaches_and_is_shown(target: str) -> None:
    resolution_id = await asked(target, "takings last quarter")
    said = ("--correct", "takings=net_revenue", "--comment", "as we say")
    ended = await ecp("feedback", resolution_id, *said, *ANN, target=target)
    assert (ExitCode.OK, "") == (ended.code, ended.errors)
    head, right, comment = ended.output.splitlines()
    assert head.startswith("corrected by ann on 20")
    assert ("  “takings” is net_revenue", "  as we say") == (right, comment)
    again = await ecp("resolve", "takings last quarter", *ANN, target=target)
    assert again.output.startswith("Net revenue, ")
    shown = await ecp("show", resolution_id, *ANN, target=target)
    assert "\nFeedback\n  corrected by ann on 20" in shown.output
    assert "“takings” is net_revenue" in shown.output


async def test_where_nothing_matches_it_tells_how_to_say_what_is_meant(target: str) -> None:
    ended = await ecp("resolve", "zebra stripes last quarter", *ANN, target=target)
    (offered,) = re.findall(r"`ecp feedback (\S+) --correct WORDS=OPTION`", " ".join(ended.errors.split()))
    said = await ecp("feedback", offered, "--correct", "zebra stripes=headcount", *ANN, target=target)
    assert ExitCode.OK == said.code


async def test_show_prints_executions_and_feedback_newest_first(target: str) -> None:
    resolution_id = document(await ecp("ask", "net revenue in Q3 FY2024", *ANN, "--json", target=target))["resolution"][
        "resolution_id"
    ]
    for option in ("--reject", "--accept"):
        assert ExitCode.OK == (await ecp("feedback", resolution_id, option, *ANN, target=target)).code
    shown = (await ecp("show", resolution_id, *ANN, target=target)).output
    executions, feedback = shown.partition("\nExecutions\n")[2].split("\nFeedback\n")
    assert "table " in executions
    assert ["accepted", "rejected"] == [line.split()[0] for line in feedback.splitlines()]


async def test_json_is_the_response_and_a_key_records_once(target: str) -> None:
    resolution_id = await asked(target, "revenue last quarter")
    arguments = ("feedback", resolution_id, "--accept", "--key", KEY, *ANN, "--json")
    first, again = await ecp(*arguments, target=target), await ecp(*arguments, target=target)
    assert "FEEDBACK_VERDICT_ACCEPTED" == document(first)["feedback"]["verdict"]
    assert document(first) == document(again)
    other = await ecp("feedback", resolution_id, "--reject", "--key", KEY, *ANN, target=target)
    assert ExitCode.USAGE == other.code
    assert "request_id was used for other feedback" in other.errors


async def test_subjects_and_kinds_can_be_said(target: str) -> None:
    resolution_id = await asked(target, "net revenue in 2023")
    chosen = await ecp("feedback", resolution_id, "--choose", "calendar=gregorian", *ANN, "--json", target=target)
    assert [{"subject_id": "calendar", "option_id": "gregorian", "kind": "CONCEPT_KIND_TIME"}] == document(chosen)[
        "feedback"
    ]["corrections"]
    resolution_id = await asked(target, "loot last quarter")
    said = await ecp("feedback", resolution_id, "--correct", "loot=metric:bookings", *ANN, "--json", target=target)
    (correction,) = document(said)["feedback"]["corrections"]
    assert ("bookings", "CONCEPT_KIND_METRIC") == (correction["option_id"], correction["kind"])


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], ExitCode.USAGE, "--accept"),
        (["--accept", "--reject"], ExitCode.USAGE, "--accept"),
        (["--accept", "--correct", "a=b"], ExitCode.USAGE, "--accept"),
        (["--correct", "takings"], ExitCode.USAGE, "WORDS=OPTION"),
        (["--choose", "calendar"], ExitCode.USAGE, "SUBJECT=OPTION"),
        (["--correct", "sales=net_revenue"], ExitCode.USAGE, "feedback.corrections[0].mention is not in the question"),
        (["--correct", "takings=nothing"], ExitCode.USAGE, "feedback.corrections[0].option_id"),
        (["--accept", "--key", "1"], ExitCode.USAGE, "request_id must be a UUID"),
        (["--accept", "--user", "bob"], ExitCode.NOT_FOUND, "no such resolution"),
    ],
)
async def test_what_is_wrong_is_named_with_its_exit_code(
    target: str, arguments: list[str], code: ExitCode, told: str
) -> None:
    resolution_id = await asked(target, "plain takings last quarter")
    ended = await ecp("feedback", resolution_id, *ANN, *arguments, target=target)
    assert code == ended.code
    assert told in " ".join(ended.errors.split())
