"""A real server with a small service of the test's own behind all interceptors, and a caller that sees everything."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Self

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from typing_extensions import TypeVar

from ecp.v1 import error_reason_pb2, types_pb2
from ecp_server import server as ecp
from ecp_server.addresses import Address
from ecp_server.server import Server
from ecp_server.settings import Settings
from ecp_server.telemetry.metrics import Instruments
from ecp_server.telemetry.tracing import Propagated, Recorded, Tracing

SERVICE = "test.v1.TestService"
MESSAGE = types_pb2.ValueList
REQUEST = MESSAGE(values=["hello"])
SERVING, NOT_SERVING, SERVICE_UNKNOWN = 1, 2, 3
_DETAILS: Sequence[type[Message]] = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.RequestInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.RetryInfo,
    error_reason_pb2.ConceptNotFoundDetail,
)


@dataclass(frozen=True)
class Outcome:
    """How a call went, as its caller saw it."""

    code: str
    message: str = ""
    response: Any = b""
    """Bytes, or a message where a generated stub made the call."""
    initial: tuple[tuple[str, str | bytes], ...] = ()
    trailing: tuple[tuple[str, str | bytes], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def request_id(self) -> str:
        """The id in the trailers, of which there is exactly one."""
        (value,) = [value for key, value in self.trailing if key == "x-request-id"]
        assert isinstance(value, str)
        return value


class Application:
    """Behaviours by method; ``await started.wait()`` in one says that it runs."""

    service_names = (SERVICE,)

    def __init__(self, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
        self._handlers = dict(handlers)
        self.ready = True
        self.closed = False

    def register(self, server: aio.Server) -> None:
        # Both, as generated code does.
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self._handlers),))
        server.add_registered_method_handlers(SERVICE, self._handlers)

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        self.closed = True

    def serving(self) -> bool:
        return self.ready


def unary(behavior: Any) -> grpc.RpcMethodHandler[Any, Any]:
    """A method of the test's service."""
    return grpc.unary_unary_rpc_method_handler(behavior, MESSAGE.FromString, MESSAGE.SerializeToString)


App = TypeVar("App", bound=ecp.Application, default=Application)


class Serving(Generic[App]):
    """The server under test and a channel to it."""

    def __init__(
        self,
        address: Address,
        application: App,
        instruments: Instruments,
        channel: aio.Channel,
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        self.address = address
        self.application = application
        self.instruments = instruments
        self.drain = drain
        """Stops the server while the channel stays open; the end of the block does nothing more then."""
        # Untyped, as is what a test may send.
        self.channel: Any = channel
        self.health: Any = health_pb2_grpc.HealthStub(channel)

    def begin(self, method: str, request: bytes = REQUEST.SerializeToString(), **options: Any) -> Any:
        """Start a unary call; ``method`` is of the test's service where it has no slash."""
        path = method if "/" in method else f"/{SERVICE}/{method}"
        return self.channel.unary_unary(path)(request, **options)

    async def call(self, method: str, request: bytes = REQUEST.SerializeToString(), **options: Any) -> Outcome:
        """Make a unary call of raw bytes."""
        return await outcome(self.begin(method, request, **options))

    def counted(self) -> dict[tuple[str, str], float]:
        """How many requests are over, by method (without the test's service) and code."""
        return {
            (labels["rpc_method"].removeprefix(f"/{SERVICE}/"), labels["rpc_response_status_code"]): value
            for labels, value in self.sampled("rpc_server_call_duration_seconds_count")
        }

    def active(self) -> float:
        """How many requests are under way."""
        return sum(value for _, value in self.sampled("rpc_server_active_requests"))

    async def settled(self) -> Self:
        """Wait until no request is under way, so that all are counted."""
        async with asyncio.timeout(10):
            while self.active():  # noqa: ASYNC110 - as a scrape sees it, which is not told of changes
                await asyncio.sleep(0.01)
        return self

    async def status(self, service: str = "") -> int:
        """What health says of a service."""
        response = await self.health.Check(health_pb2.HealthCheckRequest(service=service))
        return int(response.status)

    async def becomes(self, status: int) -> None:
        """Wait until health says so of the whole server."""
        async with asyncio.timeout(10):
            while await self.status() != status:  # noqa: ASYNC110 - as a probe does
                await asyncio.sleep(0.01)

    def sampled(self, name: str) -> list[tuple[dict[str, str], float]]:
        """A metric as a scrape sees it: its value by its labels."""
        text = generate_latest(self.instruments.registry).decode()
        families = text_string_to_metric_families(text)
        return [(s.labels, s.value) for family in families for s in family.samples if s.name == name]


async def outcome(call: Any) -> Outcome:
    """Await a unary call, whatever becomes of it."""
    try:
        response = await call
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # not the call: who waits for it
            raise
        return Outcome(code="CANCELLED")
    except aio.AioRpcError as error:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]
        return Outcome(
            code=error.code().name,
            message=error.details() or "",
            initial=tuple(error.initial_metadata()),
            trailing=tuple(error.trailing_metadata()),
            details=_unpacked(status.details if status is not None else ()),
        )
    return Outcome(
        code="OK",
        response=response,
        initial=tuple(await call.initial_metadata()),
        trailing=tuple(await call.trailing_metadata()),
    )


def held_calls() -> int:
    """Count the calls that gRPC holds on to."""
    return sum(type(held).__name__ == "_ServicerContext" for held in gc.get_objects())


def _unpacked(packed: Sequence[Any]) -> dict[str, Any]:
    details: dict[str, Any] = {}
    for any_detail in packed:
        (kind,) = [kind for kind in _DETAILS if any_detail.Is(kind.DESCRIPTOR)]
        detail = kind()
        any_detail.Unpack(detail)
        assert kind.DESCRIPTOR.name not in details
        details[kind.DESCRIPTOR.name] = detail
    return details


def assembled(
    handlers: Mapping[str, Any] | None = None, *, spans: InMemorySpanExporter | None = None, **settings: str
) -> tuple[Server, Application, Instruments]:
    """Put a server together of behaviours, or whole handlers, by method; ``settings`` are ECP_* without the prefix."""
    chosen = {"listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0", "drain_delay_seconds": "0"} | settings
    application = Application(
        {
            name: handler if isinstance(handler, grpc.RpcMethodHandler) else unary(handler)
            for name, handler in (handlers or {}).items()
        }
    )
    instruments = Instruments()
    tracing: Tracing = Propagated() if spans is None else Recorded(SimpleSpanProcessor(spans), 1.0, "test")
    loaded = Settings.load({f"ECP_{name.upper()}": value for name, value in chosen.items()})
    return Server(loaded, application, instruments, tracing), application, instruments


@asynccontextmanager
async def serving(handlers: Mapping[str, Any] | None = None, **options: Any) -> AsyncIterator[Serving]:
    """Serve what `assembled` makes, with a channel to it."""
    server, application, instruments = assembled(handlers, **options)
    async with AsyncExitStack() as running:
        address = await running.enter_async_context(server.serving())
        async with aio.insecure_channel(str(address)) as channel:
            yield Serving(address, application, instruments, channel, running.aclose)
