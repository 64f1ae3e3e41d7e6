"""The inner side of the door: reads the request, sends the answer, and turns whatever goes wrong into a status.

Nothing that was not meant for callers reaches them: not the text of an exception of the handler, nor of the parsing of
the request, nor of an interceptor further in, nor of the serialisation of the response.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any, Final, NoReturn

import grpc
import structlog
from google.protobuf.message import DecodeError
from grpc import aio
from typing_extensions import override

from ecp_server.domain.call import CALL
from ecp_server.domain.errors import DeadlineExceeded, InvalidQuery, StoreError
from ecp_server.interceptors.handlers import Behavior, Context, Continuation, Handler, reading
from ecp_server.interceptors.request_id import CallsInFlight, accept, announce
from ecp_server.interceptors.status import DETAILS, Stopping, code_of, status_of
from ecp_server.telemetry.failures import wordless

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_HEALTH: Final = "/grpc.health."
_REFUSED: ContextVar[BaseException] = ContextVar("refused")


class _NoMessage(InvalidQuery):
    """The request ended before a message came: none was sent, or the core refused it for its size."""


class ErrorInterceptor(aio.ServerInterceptor):
    """Serves every call so that it ends in an answer or a status of the table, whatever happens inside."""

    def __init__(self, calls: CallsInFlight) -> None:
        self._calls = calls
        self._wrapped: dict[Handler, Handler] = {}
        self._refusing = reading(_guarded(_raise_refused, streams=False), streams=False)

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Wrap the method's handler; where an interceptor further in raises, refuse the call for that."""
        try:
            handler = await continuation(handler_call_details)
        except (Exception, asyncio.CancelledError) as error:
            if _is_cancelled(error):
                raise
            _REFUSED.set(error)
            return self._refusing
        if handler is None:  # there is no such method, whatever else
            return None
        if self._calls.are_refused and not handler_call_details.method.startswith(_HEALTH):
            _REFUSED.set(Stopping())
            return self._refusing
        wrapped = self._wrapped.get(handler)
        if wrapped is None:
            wrapped = self._wrapped[handler] = _serving(handler)
        return wrapped


def _serving(handler: Handler) -> Handler:
    """Return the handler with parsing and serialisation inside its guarded behaviour."""
    behavior: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    streams_requests, streams_responses = handler.request_streaming, handler.response_streaming
    parse = _parser(handler.request_deserializer)
    serialize = handler.response_serializer or bytes

    async def respond(requests: Any, context: Context) -> bytes | None:
        request = requests if streams_requests else parse(await context.read())
        if streams_responses:
            await _stream(behavior(request, context), context)
            return None
        response = serialize(await behavior(request, context))
        await announce(context)
        return response

    return reading(
        _guarded(respond, streams=streams_responses),
        streams=streams_responses,
        deserializer=parse if streams_requests else None,
        serializer=handler.response_serializer if streams_responses else None,
    )


def _guarded(behavior: Behavior, *, streams: bool) -> Behavior:
    async def serve(requests: Any, context: Context) -> Any:
        try:
            accept(context)
            if streams:
                await announce(context)
            return await behavior(requests, context)
        except aio.AbortError:
            raise
        except aio.InternalError as closed:
            raise _nobody_there() from closed
        except (Exception, asyncio.CancelledError) as error:
            if _is_cancelled(error):
                raise
            await _refuse(error, context, announced=streams)

    return serve


def _is_cancelled(error: BaseException) -> bool:
    """Whether gRPC cancelled this call. A `CancelledError` of the handler's own making is a bug like any other.

    gRPC would leave the caller of the latter without a status.
    """
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


async def _refuse(error: BaseException, context: Context, *, announced: bool) -> NoReturn:
    call = CALL.get()
    late = call.remaining() == 0
    status = status_of(DeadlineExceeded() if late else error, call.request_id)
    if status.reason is not None:
        structlog.contextvars.bind_contextvars(reason=status.reason.value)
    if code_of(error) is grpc.StatusCode.INTERNAL and not (late and isinstance(error, TimeoutError)):
        # A store's error has words of the store beneath it, with rows and queries in them.
        told: dict[str, Any] = {"exception": wordless(error)} if isinstance(error, StoreError) else {"exc_info": error}
        _log.error("request_failed", **told)
    try:
        if not (announced or status.retryable or isinstance(error, _NoMessage)):
            await announce(context)
        await context.abort(status.code, status.message, (*context.trailing_metadata(), (DETAILS, status.details)))
    except aio.InternalError as closed:
        # What the core said stands: that the message is too large, or else that the caller hung up.
        structlog.contextvars.unbind_contextvars("reason")
        context.set_code(
            grpc.StatusCode.RESOURCE_EXHAUSTED if isinstance(error, _NoMessage) else grpc.StatusCode.CANCELLED
        )
        raise _nobody_there() from closed


def _nobody_there() -> asyncio.CancelledError:
    """Return the end of a call that the core has closed already.

    The failed operation itself would be logged by gRPC, with a traceback, as if it were an error of the server.
    """
    return asyncio.CancelledError("the call is closed")


def _parser(deserialize: Callable[[bytes], Any] | None) -> Callable[[Any], Any]:
    def parse(raw: Any) -> Any:
        if raw is aio.EOF:
            raise _NoMessage("the request holds no message")
        try:
            return deserialize(raw) if deserialize is not None else raw
        except DecodeError:
            raise InvalidQuery("the request is not a message of this method") from None

    return parse


async def _stream(responses: Any, context: Context) -> None:
    """Send what a generator yields, or let a coroutine send for itself."""
    if not isinstance(responses, AsyncGenerator):
        await responses
        return
    async with aclosing(responses):
        async for response in responses:
            await context.write(response)


async def _raise_refused(_requests: Any, _context: Context) -> NoReturn:
    raise _REFUSED.get()
