"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from types import TracebackType
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

import grpc
from grpc import aio

from ecp_client._answer import Answer, Asked
from ecp_client._base import ClientBase, presented
from ecp_client._call import Call, next_page
from ecp_client._calls import Calls
from ecp_client._catalog import Metric, MetricPage
from ecp_client._errors import EcpError, InternalError, from_rpc
from ecp_client._status import Details

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(
    build: Callable[Concatenate[Calls, P], Call[T]],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]:
    async def method(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._send(build(self._calls, *args, **kwargs))

    return presented(method, build)


def _iterated(
    build: Callable[Concatenate[Calls, P], Call[MetricPage]],
) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[Metric]]:
    def method(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Metric]:
        return self._each(build(self._calls, *args, **kwargs))

    return presented(method, build, AsyncIterator[Metric])


def _answered(
    build: Callable[Concatenate[Calls, P], Asked],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, Answer]]:
    async def method(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        asked = build(self._calls, *args, **kwargs)
        found = await self._send(asked.resolve)
        second = asked.second(found)
        if second is None:
            return Answer(found, None)
        ran = await self._send(second)
        return Answer(found, ran)

    return presented(method, build, Answer)


class AsyncClient(ClientBase):
    """A client of ECP for asyncio. Use it in the event loop in which it was connected; it is safe for concurrent calls.

    ```python
    async with AsyncClient.connect("localhost:50051", insecure=True, department="finance") as ecp:
        answer = await ecp.ask("APAC revenue last quarter vs budget")
    ```
    """

    _transport: ClassVar[Any] = aio

    ask = _answered(Calls.ask)
    resolve = _awaited(Calls.resolve)
    execute = _awaited(Calls.execute)
    get_resolution = _awaited(Calls.get_resolution)
    report_feedback = _awaited(Calls.report_feedback)
    search_glossary = _awaited(Calls.search_glossary)
    list_metrics = _iterated(Calls.list_metrics)
    get_lineage = _awaited(Calls.get_lineage)
    health = _awaited(Calls.health)

    async def close(self) -> None:
        """Close the connection: calls in flight are cancelled, an `EcpError` of CANCELLED, later ones a ValueError."""
        self._closed = True
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _send(self, call: Call[T]) -> T:
        self._check_open()
        rpc = self._rpcs[call.rpc](call.request, timeout=call.timeout_seconds, metadata=call.metadata)
        try:
            response = await rpc
        except aio.AioRpcError as error:
            raise from_rpc(error, call.request_id) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._closed or task is None or task.cancelling():
                raise
            # Nobody cancelled the task: it would end without a word, and its group with it.
            raise EcpError("the client was closed", grpc.StatusCode.CANCELLED, Details(), call.request_id) from None
        if response is None:  # what grpc.aio makes of bytes that are no such message
            words = "the response cannot be read"
            raise InternalError(words, grpc.StatusCode.INTERNAL, Details(), call.request_id)
        return call.result(response, await rpc.trailing_metadata())

    async def _each(self, call: Call[MetricPage]) -> AsyncIterator[Metric]:
        following: Call[MetricPage] | None = call
        while following is not None:
            page = await self._send(following)
            for metric in page.metrics:
                yield metric
            following = next_page(following, page)
