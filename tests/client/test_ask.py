"""A question and its figures in one call: the same with either client."""

from datetime import date, timedelta
from decimal import Decimal

import grpc
import pytest

from ecp.v1 import plan_pb2, resolve_pb2, types_pb2
from ecp_client import FailedPrecondition, ResultTable
from ecp_client._read import read
from tests.client.conftest import Asking, Connect
from tests.client.messages import RESOLUTION_ID, resolved
from tests.client.server import Failure, ScriptedServer

TABLE = plan_pb2.ResultTable(
    columns=[
        plan_pb2.Column(name="period", type=plan_pb2.COLUMN_TYPE_DATE, values=["2024-07-01", "2024-08-01"]),
        plan_pb2.Column(name="region", type=plan_pb2.COLUMN_TYPE_TEXT, values=["region.apac", "region.emea"]),
        plan_pb2.Column(
            name="actual",
            type=plan_pb2.COLUMN_TYPE_NUMBER,
            values=["1234567890.05", ""],
            null_rows=[1],
            null_reasons=[plan_pb2.NULL_REASON_NO_PARTNER],
        ),
        plan_pb2.Column(
            name="budget",
            type=plan_pb2.COLUMN_TYPE_NUMBER,
            values=["", ""],
            null_rows=[0, 1],
            null_reasons=[plan_pb2.NULL_REASON_SOURCE_NULL] * 2,
        ),
    ],
    row_count=2,
)


async def test_a_settled_question_is_run(connect: Connect, server: ScriptedServer) -> None:
    server.script(resolved(), resolve_pb2.ExecuteResponse(execution_id="e-1", table=TABLE))
    ask = connect(server.target, insecure=True, user_id="ana")

    answer = await ask(
        "ask", "APAC revenue", filters={"region": "region.japan"}, row_limit=5, max_staleness=timedelta(1)
    )

    assert ["Resolve", "Execute"] == [received.rpc for received in server.received]
    first, second = server.received
    assert ("APAC revenue", RESOLUTION_ID) == (first.request.concept, second.request.resolution_id)
    assert (["region.japan"], 5, 86400) == (
        second.request.filters["region"].values,
        second.request.row_limit,
        second.request.max_staleness.seconds,
    )
    assert "ana" == second.metadata["x-ecp-user-id"]
    assert first.metadata["x-request-id"] == second.metadata["x-request-id"]
    assert ("e-1", Decimal("1234567890.05")) == (answer.execution.execution_id, answer.table.columns[2].values[0])
    assert RESOLUTION_ID == answer.resolution.resolution_id


@pytest.mark.parametrize("settled", [True, False])
async def test_what_needs_no_figures_or_a_choice_is_not_run(
    ask: Asking, server: ScriptedServer, *, settled: bool
) -> None:
    response = resolved()
    if settled:
        response.ClearField("plan")
    else:
        response.status = types_pb2.RESOLUTION_STATUS_DISAMBIGUATION_REQUIRED
    server.script(response)
    answer = await ask("ask", "what is revenue?")
    assert (None, None) == (answer.execution, answer.table)
    assert ["Resolve"] == [received.rpc for received in server.received]


async def test_withheld_figures_are_an_error(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolved(), Failure(grpc.StatusCode.FAILED_PRECONDITION))
    with pytest.raises(FailedPrecondition):
        await ask("ask", "APAC revenue")


def test_a_table_for_pandas_keeps_exact_values() -> None:
    frame = read(ResultTable, TABLE).to_pandas()
    assert ["period", "region", "actual", "budget"] == list(frame.columns)
    assert [date(2024, 7, 1), date(2024, 8, 1)] == list(frame["period"])
    assert [Decimal("1234567890.05"), None] == list(frame["actual"])


def test_a_table_for_pyarrow_keeps_exact_values_and_types() -> None:
    table = read(ResultTable, TABLE).to_arrow()
    types = {field.name: str(field.type) for field in table.schema}
    assert ["date32[day]", "string", "decimal128(12, 2)", "decimal128(38, 0)"] == list(types.values())
    assert [Decimal("1234567890.05"), None] == table.column("actual").to_pylist()
    assert [None, None] == table.column("budget").to_pylist()
