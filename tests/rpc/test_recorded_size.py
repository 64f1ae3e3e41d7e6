"""A recorded resolution fits into a reply however much was done with it and said of it since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ecp.v1 import plan_pb2, resolve_pb2, types_pb2
from ecp_server.domain.frozen import replace
from ecp_server.domain.records import ExecutionRecord, FeedbackRecord
from tests.conformance.states import AUDIT
from tests.rpc.reporting import REJECTED, report
from tests.running import Running, user

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANN = user("ann", "finance_analyst", department="finance")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
TABLE_BYTES = 3_450_000
WORDS = "€" * 600


def _execution(resolution_id: str, number: int, table_bytes: int) -> ExecutionRecord:
    """An execution as large as they come: what it warns of takes tens of kilobytes."""
    column = plan_pb2.Column(name="region", values=["x" * 1000] * (table_bytes // 1003))
    warnings = [types_pb2.Warning(id=str(i), message=WORDS) for i in range(15)]
    return ExecutionRecord(
        id=f"{resolution_id}-{number}",
        resolution_id=resolution_id,
        request=resolve_pb2.ExecuteRequest(resolution_id=resolution_id).SerializeToString(),
        response=resolve_pb2.ExecuteResponse(warnings=warnings).SerializeToString(),
        table=plan_pb2.ResultTable(columns=[column]).SerializeToString(),
        table_digest="",
        create_time=NOW - timedelta(minutes=number),
    )


def _feedback(resolution_id: str, number: int) -> FeedbackRecord:
    """Feedback as long as it may be."""
    corrections = [types_pb2.Choice(mention=WORDS[:200], option_id=WORDS[:500])] * 20
    said = types_pb2.Feedback(comment="€" * 2000, corrections=corrections)
    return FeedbackRecord(
        id=f"{resolution_id}-{number}",
        resolution_id=resolution_id,
        reporter="ann",
        verdict="CORRECTED",
        digest="",
        feedback=said.SerializeToString(),
        create_time=NOW,
    )


@pytest.mark.parametrize("table_bytes", [TABLE_BYTES, TABLE_BYTES // 4, 1000])
async def test_all_that_can_be_recorded_of_one_fits_into_a_reply(server: Running, table_bytes: int) -> None:
    """Tables give way, the oldest first."""
    resolution_id = (await server.resolve("net revenue last quarter", user_context=ANN)).response.resolution_id
    records = [_execution(resolution_id, number, table_bytes) for number in range(20)]
    judgements = [_feedback(resolution_id, number) for number in range(20)]
    await server.application._state.record(replace(AUDIT, id=f"audit-{resolution_id}"), *records, *judgements)
    outcome = await server.recorded(resolution_id, user_ids=["ann"], include_tables=True)
    assert "OK" == outcome.code, outcome
    reply = outcome.response
    assert (20, 20) == (len(reply.executions), len(reply.feedback))
    given = [bool(execution.response.table.columns) for execution in reply.executions]
    assert given == sorted(given, reverse=True)
    assert sum(given) == {TABLE_BYTES: 0, TABLE_BYTES // 4: 3, 1000: 20}[table_bytes]


UNKNOWN = b"\xc2\x3e\xa0\xf7\x36" + b"x" * 900_000
"""A field that the contract does not have, of number 1000."""


async def test_fields_that_the_contract_does_not_have_take_no_room(server: Running) -> None:
    resolution_id = (await server.resolve("net revenue last quarter", user_context=ANN)).response.resolution_id
    for _ in range(5):
        execution = resolve_pb2.ExecuteRequest(resolution_id=resolution_id)
        execution.MergeFromString(UNKNOWN)
        assert "OK" == (await server.ask(server.resolving.Execute, execution)).code
        said = types_pb2.Feedback(verdict=REJECTED)
        said.MergeFromString(UNKNOWN)
        assert "OK" == (await report(server, resolution_id, said)).code
    outcome = await server.recorded(resolution_id, user_ids=["ann"])
    assert "OK" == outcome.code, outcome
    assert (5, 5) == (len(outcome.response.executions), len(outcome.response.feedback))
