"""What a caller gets when a call fails: a class a status, with everything that the details say."""

import asyncio
import math
import pickle
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as rpc  # type: ignore[import-untyped]  # it ships no types

import ecp_client
from ecp.v1 import error_reason_pb2, types_pb2
from ecp_client import AsyncClient, ConceptKind, EcpError, Mention, Option, Reason, Store
from tests.client.conftest import Asking, Connect
from tests.client.messages import RESOLUTION_ID, resolved
from tests.client.server import Failure, ScriptedServer, Wait

CODE = grpc.StatusCode


def info(reason: str, **metadata: str) -> rpc.ErrorInfo:
    return rpc.ErrorInfo(reason=f"ERROR_REASON_{reason}", domain="ecp", metadata=metadata)


async def failed(
    ask: Asking, server: ScriptedServer, code: grpc.StatusCode, *details: Message, call: str = "report_feedback"
) -> Any:
    """The error of a call that is not retried, where the server fails it so."""
    server.script(Failure(code, "said the server", details))
    arguments = (RESOLUTION_ID, ecp_client.FeedbackVerdict.ACCEPTED) if call == "report_feedback" else ("revenue",)
    with pytest.raises(EcpError) as caught:
        await ask(call, *arguments)
    assert (code, "said the server") == (caught.value.code, caught.value.message)
    return caught.value


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (CODE.INVALID_ARGUMENT, ecp_client.InvalidRequest),
        (CODE.NOT_FOUND, ecp_client.NotFound),
        (CODE.FAILED_PRECONDITION, ecp_client.FailedPrecondition),
        (CODE.PERMISSION_DENIED, ecp_client.Denied),
        (CODE.UNAUTHENTICATED, ecp_client.Unauthenticated),
        (CODE.RESOURCE_EXHAUSTED, ecp_client.ResourceExhausted),
        (CODE.UNAVAILABLE, ecp_client.Unavailable),
        (CODE.DEADLINE_EXCEEDED, ecp_client.DeadlineExceeded),
        (CODE.UNIMPLEMENTED, ecp_client.Unimplemented),
        (CODE.INTERNAL, ecp_client.InternalError),
        (CODE.DATA_LOSS, EcpError),
    ],
)
async def test_a_status_is_an_error_of_its_class(
    code: grpc.StatusCode, kind: type[EcpError], ask: Asking, server: ScriptedServer
) -> None:
    error = await failed(ask, server, code)

    assert (kind, code, "said the server") == (type(error), error.code, error.message)
    assert (Reason.UNSPECIFIED, {}, None) == (error.reason, error.metadata, error.retry_after_seconds)
    assert isinstance(error.__cause__, grpc.RpcError)
    assert server.received[0].metadata["x-request-id"] == error.request_id
    assert f"said the server [{code.name.lower()}, request {error.request_id}]" == str(error)


async def test_a_malformed_request_names_each_field(ask: Asking, server: ScriptedServer) -> None:
    violation = rpc.BadRequest.FieldViolation(field="user_context.roles[2]", description="is too long")

    error = await failed(
        ask, server, CODE.INVALID_ARGUMENT, info("INVALID_QUERY"), rpc.BadRequest(field_violations=[violation])
    )

    assert Reason.INVALID_QUERY is error.reason
    assert (ecp_client.FieldViolation("user_context.roles[2]", "is too long"),) == error.violations


async def test_a_concept_that_is_not_found_comes_with_suggestions(ask: Asking, server: ScriptedServer) -> None:
    detail = error_reason_pb2.ConceptNotFoundDetail(
        resolution_id=RESOLUTION_ID,
        suggestions=[types_pb2.Option(id="arr", kind=types_pb2.CONCEPT_KIND_METRIC, name="ARR", confidence=0.5)],
        unmatched=[types_pb2.Mention(text="ARRR", start=0, end=4)],
    )

    error = await failed(ask, server, CODE.NOT_FOUND, info("CONCEPT_NOT_FOUND"), detail, call="resolve")

    assert Reason.CONCEPT_NOT_FOUND is error.reason
    assert (Option("arr", ConceptKind.METRIC, "ARR", "", 0.5),) == error.suggestions
    assert (Mention("ARRR", 0, 4),) == error.unmatched
    assert RESOLUTION_ID == error.resolution_id


async def test_a_resolution_that_is_not_found_has_no_suggestions(ask: Asking, server: ScriptedServer) -> None:
    error = await failed(ask, server, CODE.NOT_FOUND, info("RESOLUTION_NOT_FOUND"))

    assert (Reason.RESOLUTION_NOT_FOUND, (), (), "") == (
        error.reason,
        error.suggestions,
        error.unmatched,
        error.resolution_id,
    )


async def test_a_denial_names_the_policy_and_who_may(ask: Asking, server: ScriptedServer) -> None:
    detail = info("POLICY_DENIED", policy="tier_ladder", may="finance_analyst,executive")

    error = await failed(ask, server, CODE.PERMISSION_DENIED, detail)

    assert ("tier_ladder", ("finance_analyst", "executive"), "") == (error.policy, error.may, error.scope)


async def test_a_lacking_scope_is_named(ask: Asking, server: ScriptedServer) -> None:
    error = await failed(ask, server, CODE.PERMISSION_DENIED, info("INSUFFICIENT_PERMISSIONS", scope="act_for"))

    assert ("", (), "act_for") == (error.policy, error.may, error.scope)


async def test_a_dead_store_is_named_with_the_time_to_come_back(ask: Asking, server: ScriptedServer) -> None:
    delay = rpc.RetryInfo(retry_delay=Duration(seconds=2, nanos=500_000_000))

    error = await failed(ask, server, CODE.UNAVAILABLE, info("CIRCUIT_OPEN", store="semantic"), delay)

    assert (Reason.CIRCUIT_OPEN, Store.SEMANTIC, 2.5) == (error.reason, error.store, error.retry_after_seconds)


async def test_words_that_do_not_fit_come_with_what_would(ask: Asking, server: ScriptedServer) -> None:
    detail = info("INCOMPATIBLE_CONCEPTS", fits="net_revenue,gross_revenue")

    error = await failed(ask, server, CODE.FAILED_PRECONDITION, detail, call="resolve")

    assert (("net_revenue", "gross_revenue"), ()) == (error.fits, error.violations)


async def test_a_broken_rule_is_named(ask: Asking, server: ScriptedServer) -> None:
    violation = rpc.PreconditionFailure.Violation(type="rule", subject="revenue_positive", description="is negative")

    error = await failed(
        ask,
        server,
        CODE.FAILED_PRECONDITION,
        info("BUSINESS_RULE_VIOLATION"),
        rpc.PreconditionFailure(violations=[violation]),
    )

    assert (ecp_client.PreconditionViolation("rule", "revenue_positive", "is negative"),) == error.violations


async def test_the_request_id_of_the_details_is_the_servers(ask: Asking, server: ScriptedServer) -> None:
    server.names_requests = False

    error = await failed(ask, server, CODE.INTERNAL, info("INTERNAL"), rpc.RequestInfo(request_id="r-7"))

    assert "r-7" == error.request_id


async def test_reasons_of_others_and_details_that_the_client_does_not_know_are_left_out(
    ask: Asking, server: ScriptedServer
) -> None:
    foreign = rpc.ErrorInfo(reason="ERROR_REASON_INTERNAL", domain="mesh.example.com", metadata={"store": "graph"})

    error = await failed(ask, server, CODE.UNAVAILABLE, foreign, rpc.LocalizedMessage(locale="de", message="nein"))

    assert (Reason.UNSPECIFIED, {}, Store.UNSPECIFIED) == (error.reason, error.metadata, error.store)


async def test_a_reason_newer_than_the_client_reads_as_unspecified(ask: Asking, server: ScriptedServer) -> None:
    error = await failed(ask, server, CODE.INTERNAL, info("FROM_THE_FUTURE", clue="x"))

    assert (Reason.UNSPECIFIED, {"clue": "x"}) == (error.reason, error.metadata)


async def test_details_that_cannot_be_read_do_not_hide_the_error(ask: Asking, server: ScriptedServer) -> None:
    server.garbled = True

    error = await failed(ask, server, CODE.INTERNAL)

    assert (ecp_client.InternalError, Reason.UNSPECIFIED) == (type(error), error.reason)


async def test_an_error_can_be_pickled(ask: Asking, server: ScriptedServer) -> None:
    error = await failed(ask, server, CODE.UNAVAILABLE, info("STORE_UNAVAILABLE", store="graph"))

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert (type(error), str(error), Store.GRAPH) == (type(copy), str(copy), copy.store)


async def test_a_call_that_takes_too_long_is_told_with_its_request_id(ask: Asking, server: ScriptedServer) -> None:
    server.script(Wait())

    with pytest.raises(ecp_client.DeadlineExceeded) as caught:
        await ask("resolve", "revenue", timeout_seconds=0.2, request_id="slow-1")

    assert ("slow-1", Store.UNSPECIFIED) == (caught.value.request_id, caught.value.store)


async def test_the_clients_timeout_holds_where_a_call_has_none(connect: Connect, server: ScriptedServer) -> None:
    server.script(Wait())
    ask = connect(server.target, insecure=True, timeout_seconds=0.2)

    with pytest.raises(ecp_client.DeadlineExceeded):
        await ask("health")


@pytest.mark.parametrize("seconds", [1e10, math.inf])
async def test_a_timeout_that_is_long_beyond_measure_has_not_passed_already(
    seconds: float, ask: Asking, server: ScriptedServer
) -> None:
    server.script(resolved())

    assert await ask("resolve", "revenue", timeout_seconds=seconds)


async def test_a_timeout_that_is_no_number_is_refused(ask: Asking, server: ScriptedServer) -> None:
    with pytest.raises(ValueError, match="a timeout is a number"):
        await ask("resolve", "revenue", timeout_seconds=math.nan)

    assert [] == server.received


async def test_a_server_that_is_not_there_is_unavailable(connect: Connect) -> None:
    ask = connect("localhost:1", insecure=True)

    with pytest.raises(ecp_client.Unavailable) as caught:
        await ask("resolve", "revenue")

    assert (Reason.UNSPECIFIED, Store.UNSPECIFIED) == (caught.value.reason, caught.value.store)


async def test_a_cancelled_task_cancels_its_call_and_stays_cancelled(server: ScriptedServer) -> None:
    server.script(Wait())
    async with AsyncClient.connect(server.target, insecure=True) as client:
        task = asyncio.create_task(client.resolve("revenue"))
        async with asyncio.timeout(5):
            await server.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async with asyncio.timeout(5):
        await server.cancelled.wait()
