"""The client for programs without asyncio."""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

import grpc

from ecp_client._answer import Answer, Asked
from ecp_client._base import ClientBase, presented
from ecp_client._call import Call, next_page
from ecp_client._calls import Calls
from ecp_client._catalog import Metric, MetricPage
from ecp_client._errors import from_rpc

P = ParamSpec("P")
T = TypeVar("T")


def _returned(build: Callable[Concatenate[Calls, P], Call[T]]) -> Callable[Concatenate["Client", P], T]:
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._send(build(self._calls, *args, **kwargs))

    return presented(method, build)


def _iterated(
    build: Callable[Concatenate[Calls, P], Call[MetricPage]],
) -> Callable[Concatenate["Client", P], Iterator[Metric]]:
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[Metric]:
        return self._each(build(self._calls, *args, **kwargs))

    return presented(method, build, Iterator[Metric])


def _answered(build: Callable[Concatenate[Calls, P], Asked]) -> Callable[Concatenate["Client", P], Answer]:
    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        asked = build(self._calls, *args, **kwargs)
        found = self._send(asked.resolve)
        second = asked.second(found)
        return Answer(found, self._send(second) if second is not None else None)

    return presented(method, build, Answer)


class Client(ClientBase):
    """A client of ECP for programs without asyncio; safe for concurrent calls from many threads.

    ```python
    with Client.connect("localhost:50051", insecure=True, department="finance") as ecp:
        answer = ecp.ask("APAC revenue last quarter vs budget")
    ```
    """

    _transport: ClassVar[Any] = grpc

    ask = _answered(Calls.ask)
    resolve = _returned(Calls.resolve)
    execute = _returned(Calls.execute)
    get_resolution = _returned(Calls.get_resolution)
    report_feedback = _returned(Calls.report_feedback)
    search_glossary = _returned(Calls.search_glossary)
    list_metrics = _iterated(Calls.list_metrics)
    get_lineage = _returned(Calls.get_lineage)
    health = _returned(Calls.health)

    def close(self) -> None:
        """Close the connection: calls in flight are cancelled, an `EcpError` of CANCELLED, later ones a ValueError."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _send(self, call: Call[T]) -> T:
        self._check_open()
        try:
            response, rpc = self._rpcs[call.rpc].with_call(
                call.request, timeout=call.timeout_seconds, metadata=call.metadata
            )
        except grpc.RpcError as error:
            raise from_rpc(error, call.request_id) from error
        return call.result(response, rpc.trailing_metadata())

    def _each(self, call: Call[MetricPage]) -> Iterator[Metric]:
        following: Call[MetricPage] | None = call
        while following is not None:
            page = self._send(following)
            yield from page.metrics
            following = next_page(following, page)
