"""Execute, from question to figures with their proof, over the data of the default catalog."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ecp.v1 import plan_pb2, provenance_pb2, resolve_pb2, types_pb2
from tests.logs import Lines
from tests.rpc.refusals import refused
from tests.running import Running, running, user
from tests.serving import Outcome

pytestmark = pytest.mark.asyncio(loop_scope="module")

FINANCE = user("fay", "finance_analyst", "explorer", department="finance")
JAPAN = user("fumi", "finance_analyst", department="finance", allowed_members={"region": ["region.japan"]})
AS_OF = {"seconds": 1_736_942_400}
"""15 January 2025, noon in UTC."""
QUESTION = "APAC revenue last quarter vs budget"


async def asked(server: Running, question: str, who: types_pb2.UserContext = FINANCE) -> str:
    """The id of a resolution."""
    found = (await server.resolve(question, user_context=who, as_of=AS_OF)).response
    assert types_pb2.RESOLUTION_STATUS_RESOLVED == found.status
    resolution_id: str = found.resolution_id
    return resolution_id


async def executed(server: Running, resolution_id: str, *user_ids: str, **fields: Any) -> Outcome:
    request = resolve_pb2.ExecuteRequest(resolution_id=resolution_id, **fields)
    metadata = tuple(("x-ecp-user-id", user_id) for user_id in user_ids)
    return await server.ask(server.resolving.Execute, request, metadata=metadata)


def values(response: resolve_pb2.ExecuteResponse) -> dict[str, list[str]]:
    return {column.name: list(column.values) for column in response.table.columns}


def narrowed(dimension: str, *members: str) -> dict[str, types_pb2.ValueList]:
    return {dimension: types_pb2.ValueList(values=members)}


async def test_a_question_becomes_figures(server: Running) -> None:
    response = (await executed(server, await asked(server, QUESTION))).response
    found = values(response)
    assert (["142300000.00"], ["135000000.00"], ["7300000.00"]) == (
        found["actual"],
        found["budget"],
        found["variance"],
    )
    assert Decimal("5.41") == round(Decimal(found["variance_pct"][0]), 2)
    assert ["USD", "USD", "USD", "percent"] == [column.unit for column in response.table.columns]
    assert (1, False) == (response.table.row_count, response.table.truncated)
    assert ["actual", "budget"] == [source.query_id for source in response.table.sources]


async def test_the_proof_is_the_resolutions_steps_then_those_of_the_execution(server: Running) -> None:
    resolution_id = await asked(server, QUESTION)
    full = provenance_pb2.PROVENANCE_VIEW_FULL
    response = (await executed(server, resolution_id, provenance_view=full)).response
    steps = {step.id: step for step in response.provenance.steps}
    assert ["authorize", "weigh", "reauthorize", "narrow", "run", "compute", "validate"] == list(steps)[-7:]
    before: set[str] = set()
    for step in response.provenance.steps:
        assert before >= set(step.depends_on)
        before.add(step.id)
    assert [types_pb2.STORE_SEMANTIC] == [call.store for call in steps["run"].store_calls]
    recorded = (await server.recorded(resolution_id)).response.response
    assert recorded.plan.digest == response.attestation.plan_digest
    assert response.attestation.executed_digest
    assert {rule.rule_id for rule in response.validations} >= {"revenue_not_negative", "budget_variance_plausible"}
    assert all(rule.passed for rule in response.validations)
    basic = (await executed(server, resolution_id)).response
    assert not any(step.store_calls or step.HasField("output") for step in basic.provenance.steps)


async def test_figures_are_cut_to_what_the_user_may_see(server: Running) -> None:
    own = (await executed(server, await asked(server, "APAC revenue last quarter", JAPAN))).response
    japan = (await executed(server, await asked(server, "revenue in Japan last quarter"))).response
    assert values(own) == values(japan)
    # The catalog's own policy and the user's members each demand it.
    assert 2 == own.attestation.obligations_checked


async def test_filters_narrow_and_limits_cut(server: Running) -> None:
    resolution_id = await asked(server, "net revenue by country last quarter")
    whole = (await executed(server, resolution_id)).response
    two = narrowed("region", "region.japan", "region.korea")
    cut = (await executed(server, resolution_id, filters=two, row_limit=1)).response
    assert {"region.japan", "region.korea"} <= set(values(whole)["region"])
    assert (1, True) == (cut.table.row_count, cut.table.truncated)
    assert set(values(cut)["region"]) <= {"region.japan", "region.korea"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"row_limit": -1}, "row_limit"),
        ({"row_limit": 10_001}, "row_limit"),
        ({"max_staleness": {"seconds": -1}}, "max_staleness"),
        ({"filters": narrowed("region")}, "filters[region]"),
        ({"filters": narrowed("planet", "planet.mars")}, "filters[planet]"),
        ({"filters": narrowed("region", "region.atlantis")}, "filters[region]"),
        ({"filters": narrowed("product", "product.terminal")}, "filters[product]"),
        ({"filters": narrowed("region", *map(str, range(1001)))}, "filters[region]"),
        ({"provenance_view": 9}, "provenance_view"),
    ],
)
async def test_what_is_malformed_or_does_not_fit_is_named(server: Running, fields: dict[str, Any], field: str) -> None:
    """The budget has no product."""
    outcome = await executed(server, await asked(server, QUESTION), **fields)
    refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
    assert [field] == [violation.field for violation in outcome.details["BadRequest"].field_violations]


async def test_anothers_resolution_is_unknown(server: Running) -> None:
    resolution_id = await asked(server, QUESTION)
    unknown = await executed(server, "0192f0c4-7c1a-7a51-b1fd-5d8f4d1c2e3a")
    anothers = await executed(server, resolution_id, "mallory")
    for outcome in (unknown, anothers):
        refused(outcome, "NOT_FOUND", "RESOLUTION_NOT_FOUND")
    assert unknown.message == anothers.message
    assert "OK" == (await executed(server, resolution_id, "fay")).code


async def test_what_is_not_settled_is_not_run(server: Running) -> None:
    open_question = (await server.resolve("revenue last quarter", user_context=user(department="marketing"))).response
    outcome = await executed(server, open_question.resolution_id)
    refused(outcome, "FAILED_PRECONDITION", "AMBIGUOUS_CONCEPT")


async def test_members_outside_the_users_are_denied(server: Running) -> None:
    resolution_id = await asked(server, "APAC revenue last quarter", JAPAN)
    outcome = await executed(server, resolution_id, filters=narrowed("region", "region.korea"))
    refused(outcome, "PERMISSION_DENIED", "POLICY_DENIED")


async def test_get_resolution_shows_executions_newest_first(server: Running) -> None:
    resolution_id = await asked(server, QUESTION)
    sent = [(await executed(server, resolution_id, row_limit=limit)).response for limit in range(1, 24)]
    without = (await server.recorded(resolution_id)).response.executions
    assert [response.execution_id for response in reversed(sent)][:20] == [e.response.execution_id for e in without]
    assert not any(execution.response.HasField("table") for execution in without)
    assert 1 == len({execution.table_digest for execution in without})
    full = provenance_pb2.PROVENANCE_VIEW_BASIC
    newest = (await server.recorded(resolution_id, include_tables=True, provenance_view=full)).response.executions[0]
    assert sent[-1].SerializeToString(deterministic=True) == newest.response.SerializeToString(deterministic=True)
    assert 23 == newest.request.row_limit
    assert hashlib.sha256().digest_size * 2 == len(newest.table_digest)


async def test_executions_are_counted_and_logged_without_figures(server: Running, log: Lines) -> None:
    response = (await executed(server, await asked(server, QUESTION))).response
    assert 1 == len(log("execution_complete", execution_id=response.execution_id))
    assert "142300000" not in log.text


async def test_a_critical_rule_withholds_the_figure(meridian: Path, tmp_path: Path, log: Lines) -> None:
    catalog = tmp_path / "catalog"
    _copy(meridian, catalog)
    with (catalog / "rules.yaml").open("a") as rules:
        rules.write(
            "---\nkind: rule\nid: implausible\nmetrics: [net_revenue]\nexpression: value < 0\nseverity: critical\n"
        )
    async with running(catalog, tmp_path) as server:
        outcome = await executed(server, await asked(server, QUESTION))
        refused(outcome, "FAILED_PRECONDITION", "BUSINESS_RULE_VIOLATION")
        (violation,) = outcome.details["PreconditionFailure"].violations
        assert ("implausible", "BUSINESS_RULE_VIOLATION") == (violation.subject, violation.type)
        assert "142300000" in violation.description


def _copy(source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        if file.is_file():
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())


async def test_parts_without_a_figure_are_null_and_say_why(server: Running) -> None:
    response = (await executed(server, await asked(server, "net revenue by month in 2035"))).response
    figures = next(column for column in response.table.columns if column.name == "actual")
    assert list(range(12)) == list(figures.null_rows)
    assert {plan_pb2.NULL_REASON_SOURCE_NULL} == set(figures.null_reasons)
    assert [""] * 12 == list(figures.values)
    assert "empty_result" in [warning.type for warning in response.warnings]
