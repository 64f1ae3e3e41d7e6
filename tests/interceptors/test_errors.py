"""Whatever goes wrong inside a call ends in a status of the table, and nothing not meant for callers gets out."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

import grpc
import pytest
from grpc import aio
from typing_extensions import override

from ecp_server.domain.call import CALL
from ecp_server.domain.errors import (
    ConceptNotFound,
    DeadlineExceeded,
    FieldViolation,
    InvalidQuery,
    NotImplementedYet,
    StoreQueryFailed,
    StoreTimeout,
    StoreUnavailable,
)
from ecp_server.domain.provenance import StoreKind
from ecp_server.interceptors.errors import ErrorInterceptor
from ecp_server.interceptors.request_id import CallsInFlight, RequestIdInterceptor
from tests.logs import Lines
from tests.serving import MESSAGE, REQUEST, SERVICE, Outcome, outcome, serving, unary

SECRET = "postgresql://ecp:hunter2@db.internal/state"


async def echo(request: Any, _context: Any) -> Any:
    return request


def raising(error: BaseException) -> Any:
    async def handler(_request: Any, _context: Any) -> Any:
        raise error

    return handler


def assert_opaque(result: Outcome, lines: Lines) -> None:
    """The caller learns the request id and nothing else; the log has the rest, without credentials."""
    assert ("INTERNAL", "internal error") == (result.code, result.message)
    assert {"ErrorInfo", "RequestInfo"} == set(result.details)
    info = result.details["ErrorInfo"]
    assert ("ERROR_REASON_INTERNAL", "ecp", {}) == (info.reason, info.domain, dict(info.metadata))
    assert result.request_id == result.details["RequestInfo"].request_id
    (failure,) = lines("request_failed", request_id=result.request_id)
    assert "Traceback" in failure["exception"]
    assert "hunter2" not in lines.text


@pytest.mark.parametrize(
    "error",
    [ValueError(SECRET), KeyError(SECRET), RecursionError(), TimeoutError(), ExceptionGroup("x", [ValueError(SECRET)])],
    ids=repr,
)
async def test_unforeseen_exception_is_opaque(error: Exception, lines: Lines) -> None:
    async with serving({"Fail": raising(error)}) as server:
        assert_opaque(await server.call("Fail"), lines)


async def test_refused_query_of_a_store_is_opaque_and_its_cause_is_logged_without_its_words(lines: Lines) -> None:
    """A store puts rows and queries into them."""
    error = StoreQueryFailed(StoreKind.STATE)
    error.__cause__ = RuntimeError(f"syntax error near FROM at {SECRET}")
    async with serving({"Query": raising(error)}) as server:
        assert_opaque(await server.call("Query"), lines)
        assert "RuntimeError" in lines("request_failed")[0]["exception"]
        assert "syntax error near FROM" not in lines.text


async def test_failure_to_serialise_the_response_is_opaque(lines: Lines) -> None:
    async def nothing(_request: Any, _context: Any) -> Any:
        return None

    async with serving({"Nothing": nothing}) as server:
        assert_opaque(await server.call("Nothing"), lines)


async def test_unforeseen_failure_to_parse_the_request_is_opaque(lines: Lines) -> None:
    def broken(_raw: bytes) -> Any:
        raise ValueError(SECRET)

    handler = grpc.unary_unary_rpc_method_handler(echo, broken, MESSAGE.SerializeToString)
    async with serving({"Parse": handler}) as server:
        assert_opaque(await server.call("Parse"), lines)


async def test_cancelled_error_of_the_handlers_own_is_an_internal_error(lines: Lines) -> None:
    async def awaits_cancelled_child(_request: Any, _context: Any) -> Any:
        child = asyncio.create_task(asyncio.sleep(60))
        child.cancel()
        await child

    async with serving({"Child": awaits_cancelled_child}) as server:
        assert_opaque(await server.call("Child", timeout=30), lines)


async def test_malformed_protobuf_is_an_invalid_query_without_fields(lines: Lines) -> None:
    async with serving({"Echo": echo}) as server:
        result = await server.call("Echo", b"\xff\xff\xff")
    assert result.code == "INVALID_ARGUMENT"
    assert "ERROR_REASON_INVALID_QUERY" == result.details["ErrorInfo"].reason
    assert "BadRequest" not in result.details
    assert [] == lines("request_failed")


async def test_request_that_ends_without_a_message_is_an_invalid_query() -> None:
    async with serving({"Echo": echo}) as server:
        result = await outcome(server.channel.stream_unary(f"/{SERVICE}/Echo")(iter(())))
    assert result.code == "INVALID_ARGUMENT"
    assert "ERROR_REASON_INVALID_QUERY" == result.details["ErrorInfo"].reason


async def test_message_that_is_too_large_keeps_the_cores_status(lines: Lines) -> None:
    async with serving({"Echo": echo}, max_message_bytes="1000") as server:
        result = await server.call("Echo", bytes(1001))
        await server.settled()
    assert result.code == "RESOURCE_EXHAUSTED"
    assert {} == result.details
    assert [] == lines("request_failed")
    assert "reason" not in lines("request_completed")[0]


async def test_domain_error_becomes_its_status_and_names_the_fields(lines: Lines) -> None:
    error = InvalidQuery("concept is blank", (FieldViolation("concept", "must not be blank"),))
    async with serving({"Fail": raising(error)}) as server:
        result = await server.call("Fail", metadata=(("x-request-id", "mine"),))
        await server.settled()
    assert ("INVALID_ARGUMENT", "concept is blank") == (result.code, result.message)
    assert "mine" == result.request_id
    assert "mine" == result.details["RequestInfo"].request_id
    (violation,) = result.details["BadRequest"].field_violations
    assert ("concept", "must not be blank") == (violation.field, violation.description)
    assert [] == lines("request_failed")
    assert "INVALID_QUERY" == lines("request_completed")[0]["reason"]


async def test_unavailable_store_says_when_to_come_back() -> None:
    async with serving({"Fail": raising(StoreUnavailable(StoreKind.STATE, retry_after_seconds=1.5))}) as server:
        result = await server.call("Fail")
    assert result.code == "UNAVAILABLE"
    assert {"store": "state"} == dict(result.details["ErrorInfo"].metadata)
    assert 1500 == result.details["RetryInfo"].retry_delay.ToMilliseconds()
    assert () == result.initial
    assert len(result.request_id) == 32


async def test_what_a_retry_can_help_is_retried_by_the_callers_grpc() -> None:
    """That takes an answer of trailers alone: initial metadata would commit the call."""
    attempts: list[str] = []

    async def recovers(request: Any, _context: Any) -> Any:
        attempts.append(CALL.get().request_id)
        if len(attempts) < 3:
            raise StoreUnavailable(StoreKind.STATE, retry_after_seconds=None)
        return request

    policy = {
        "maxAttempts": 3,
        "initialBackoff": "0.01s",
        "maxBackoff": "0.01s",
        "backoffMultiplier": 1,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config = json.dumps({"methodConfig": [{"name": [{"service": SERVICE}], "retryPolicy": policy}]})
    async with (
        serving({"Recovers": recovers}) as server,
        aio.insecure_channel(str(server.address), options=[("grpc.service_config", config)]) as channel,
    ):
        call: Any = channel.unary_unary(f"/{SERVICE}/Recovers")
        result = await outcome(call(REQUEST.SerializeToString(), metadata=(("x-request-id", "mine"),)))
    assert result.code == "OK"
    assert ["mine"] * 3 == attempts


async def test_request_id_is_in_the_trailers_of_errors_once() -> None:
    async with serving({"Fail": raising(NotImplementedYet("Execute"))}) as server:
        result = await server.call("Fail", metadata=(("x-request-id", "mine"),))
    assert result.code == "UNIMPLEMENTED"
    assert (("x-request-id", "mine"),) == result.initial
    assert ["x-request-id", "grpc-status-details-bin"] == [key for key, _ in result.trailing]


async def test_error_after_the_deadline_is_the_deadlines() -> None:
    """Where cancellation got lost on its way, what follows from the deadline is not the store's fault."""

    async def late(_request: Any, _context: Any) -> Any:
        call = CALL.get()
        CALL.set(type(call)(call.request_id, deadline=0.0))
        raise StoreTimeout(StoreKind.GRAPH)

    async with serving({"Late": late}) as server:
        result = await server.call("Late")
    assert result.code == "DEADLINE_EXCEEDED"
    assert "ERROR_REASON_DEADLINE_EXCEEDED" == result.details["ErrorInfo"].reason


@pytest.mark.parametrize(("error", "logged"), [(TimeoutError(), 0), (ValueError("a bug"), 1)], ids=["timeout", "bug"])
async def test_timeout_after_the_deadline_is_no_bug(error: Exception, logged: int, lines: Lines) -> None:
    async def late(_request: Any, _context: Any) -> Any:
        call = CALL.get()
        CALL.set(type(call)(call.request_id, deadline=0.0))
        raise error

    async with serving({"Late": late}) as server:
        assert "DEADLINE_EXCEEDED" == (await server.call("Late")).code
    assert logged == len(lines("request_failed"))


async def test_store_timeout_within_the_deadline_is_the_stores() -> None:
    async with serving({"Fail": raising(StoreTimeout(StoreKind.GRAPH))}) as server:
        result = await server.call("Fail", timeout=30)
    assert result.code == "DEADLINE_EXCEEDED"
    assert "ERROR_REASON_STORE_TIMEOUT" == result.details["ErrorInfo"].reason


async def test_handlers_own_deadline_error_passes_through() -> None:
    async with serving({"Fail": raising(DeadlineExceeded())}) as server:
        assert "DEADLINE_EXCEEDED" == (await server.call("Fail")).code


async def test_hostile_text_neither_breaks_the_status_nor_reaches_the_terminal() -> None:
    error = ConceptNotFound("nothing matches \x1b[31m\r\nfoo\x00ü" + "🙂" * 5000)
    async with serving({"Fail": raising(error)}) as server:
        result = await server.call("Fail")
    assert result.code == "NOT_FOUND"
    assert result.message.startswith("nothing matches  [31m  foo ü🙂")
    assert "ConceptNotFoundDetail" in result.details


async def test_abort_of_a_library_is_left_alone() -> None:
    async def aborts(_request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")

    async with serving({"Abort": aborts}) as server:
        result = await server.call("Abort")
    assert ("NOT_FOUND", "unknown service", {}) == (result.code, result.message, dict(result.details))
    assert len(result.request_id) == 32


async def _stream(server: Any, method: str, request: bytes = REQUEST.SerializeToString()) -> tuple[list[bytes], str]:
    call = server.channel.unary_stream(f"/{SERVICE}/{method}")(request)
    received: list[bytes] = []
    try:
        while (response := await call.read()) is not aio.EOF:
            received.append(response)
    except aio.AioRpcError as error:
        return received, error.code().name
    return received, "OK"


async def test_streams_are_guarded_too(lines: Lines) -> None:
    async def generates(request: Any, _context: Any) -> AsyncIterator[Any]:
        yield request
        raise ValueError(SECRET)

    async def writes(request: Any, context: Any) -> None:
        await context.write(request)
        await context.write(request)

    def streaming(behavior: Any) -> Any:
        return grpc.unary_stream_rpc_method_handler(behavior, MESSAGE.FromString, MESSAGE.SerializeToString)

    async with serving({"Generates": streaming(generates), "Writes": streaming(writes)}) as server:
        sent = REQUEST.SerializeToString()
        assert ([sent], "INTERNAL") == await _stream(server, "Generates")
        assert ([sent, sent], "OK") == await _stream(server, "Writes")
        assert ([], "INVALID_ARGUMENT") == await _stream(server, "Writes", b"\xff")
        assert "hunter2" not in lines.text


async def test_malformed_message_of_a_request_stream_is_an_invalid_query() -> None:
    async def count(requests: AsyncIterator[Any], _context: Any) -> Any:
        return MESSAGE(values=[str(len([request async for request in requests]))])

    async def messages() -> AsyncIterator[bytes]:
        yield REQUEST.SerializeToString()
        yield b"\xff"

    handler = grpc.stream_unary_rpc_method_handler(count, MESSAGE.FromString, MESSAGE.SerializeToString)
    async with serving({"Count": handler}) as server:
        result = await outcome(server.channel.stream_unary(f"/{SERVICE}/Count")(messages()))
    assert result.code == "INVALID_ARGUMENT"
    assert "ERROR_REASON_INVALID_QUERY" == result.details["ErrorInfo"].reason


async def test_handlers_without_serializers_exchange_bytes() -> None:
    async with serving({"Raw": grpc.unary_unary_rpc_method_handler(echo)}) as server:
        assert b"raw" == (await server.call("Raw", b"raw")).response


class _Refusing(aio.ServerInterceptor):
    """An interceptor further in that raises before there is a handler."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @override
    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError(SECRET), "INTERNAL"),
        (StoreUnavailable(StoreKind.STATE), "UNAVAILABLE"),
        (asyncio.CancelledError(), "INTERNAL"),
    ],
    ids=["bug", "domain", "cancelled child"],
)
async def test_interceptor_further_in_that_raises_refuses_the_call(
    error: BaseException, code: str, lines: Lines
) -> None:
    calls = CallsInFlight()
    server = aio.server(interceptors=(RequestIdInterceptor(calls), ErrorInterceptor(calls), _Refusing(error)))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Echo": unary(echo)}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        for method in ("Echo", "NoSuchMethod"):
            call: Any = channel.unary_unary(f"/{SERVICE}/{method}")
            result = await outcome(call(b"", timeout=30))
            assert code == result.code
            assert len(result.request_id) == 32
    await server.stop(None)
    assert "hunter2" not in lines.text


async def test_real_cancellation_of_an_interceptor_further_in_passes() -> None:
    async def waits(_details: Any) -> Any:
        await asyncio.Event().wait()

    interceptor = ErrorInterceptor(CallsInFlight())
    task = asyncio.create_task(interceptor.intercept_service(waits, mock.Mock(method=f"/{SERVICE}/Echo")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled()
