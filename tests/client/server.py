"""A server that answers what a test tells it to, over real channels, and remembers what it was sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2  # type: ignore[import-untyped]  # it ships no types
from grpc import aio
from grpc_status import rpc_status
from typing_extensions import override

from ecp.v1 import catalog_pb2, catalog_pb2_grpc, health_pb2, health_pb2_grpc, resolve_pb2, resolve_pb2_grpc


@dataclass(frozen=True, slots=True)
class Failure:
    """A status to answer with: its details as ``google.rpc`` writes them."""

    code: grpc.StatusCode
    message: str = "no"
    details: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """An answer that does not come in time."""

    seconds: float = 30.0


Reply = Message | Failure | Wait


@dataclass(frozen=True, slots=True)
class Received:
    """One call as it reached the server."""

    rpc: str
    request: Any
    metadata: dict[str, str]


@dataclass(slots=True)
class ScriptedServer(
    resolve_pb2_grpc.ResolveServiceServicer,
    catalog_pb2_grpc.CatalogServiceServicer,
    health_pb2_grpc.HealthServiceServicer,
):
    """Answers each call with the next reply of its script, and with the last one from then on."""

    port: int = 0
    replies: list[Reply] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a call is at a Wait."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a call at a Wait is cancelled."""
    names_requests: bool = True
    """Whether replies carry x-request-id, as those of ECP do, or none, as a proxy in its place."""
    garbled: bool = False
    """Whether errors come with details that cannot be read."""

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def script(self, *replies: Reply) -> None:
        self.replies = list(replies)

    async def _reply(self, rpc: str, request: Message, context: Any) -> Any:
        metadata = {key: value for key, value in context.invocation_metadata() if not key.endswith("-bin")}
        self.received.append(Received(rpc, request, metadata))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        named = (("x-request-id", metadata["x-request-id"]),) if self.names_requests else ()
        if isinstance(reply, Wait):
            self.waiting.set()
            try:
                await asyncio.sleep(reply.seconds)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        if isinstance(reply, Failure):
            status = status_pb2.Status(code=reply.code.value[0], message=reply.message)
            for detail in reply.details:
                status.details.add().Pack(detail)
            rich = rpc_status.to_status(status).trailing_metadata if reply.details else ()
            rich = (("grpc-status-details-bin", b"\xff"),) if self.garbled else rich
            await context.abort(reply.code, reply.message, (*named, *rich))
        await context.send_initial_metadata(named)
        context.set_trailing_metadata(named)
        return reply

    @override
    async def Resolve(self, request: resolve_pb2.ResolveRequest, context: Any) -> resolve_pb2.ResolveResponse:
        return cast("resolve_pb2.ResolveResponse", await self._reply("Resolve", request, context))

    @override
    async def Execute(self, request: resolve_pb2.ExecuteRequest, context: Any) -> resolve_pb2.ExecuteResponse:
        return cast("resolve_pb2.ExecuteResponse", await self._reply("Execute", request, context))

    @override
    async def GetResolution(
        self, request: resolve_pb2.GetResolutionRequest, context: Any
    ) -> resolve_pb2.GetResolutionResponse:
        return cast("resolve_pb2.GetResolutionResponse", await self._reply("GetResolution", request, context))

    @override
    async def ReportFeedback(
        self, request: resolve_pb2.ReportFeedbackRequest, context: Any
    ) -> resolve_pb2.ReportFeedbackResponse:
        return cast("resolve_pb2.ReportFeedbackResponse", await self._reply("ReportFeedback", request, context))

    @override
    async def SearchGlossary(
        self, request: catalog_pb2.SearchGlossaryRequest, context: Any
    ) -> catalog_pb2.SearchGlossaryResponse:
        return cast("catalog_pb2.SearchGlossaryResponse", await self._reply("SearchGlossary", request, context))

    @override
    async def ListMetrics(
        self, request: catalog_pb2.ListMetricsRequest, context: Any
    ) -> catalog_pb2.ListMetricsResponse:
        return cast("catalog_pb2.ListMetricsResponse", await self._reply("ListMetrics", request, context))

    @override
    async def GetLineage(self, request: catalog_pb2.GetLineageRequest, context: Any) -> catalog_pb2.GetLineageResponse:
        return cast("catalog_pb2.GetLineageResponse", await self._reply("GetLineage", request, context))

    @override
    async def GetHealth(self, request: health_pb2.GetHealthRequest, context: Any) -> health_pb2.GetHealthResponse:
        return cast("health_pb2.GetHealthResponse", await self._reply("GetHealth", request, context))


@asynccontextmanager
async def serving(credentials: grpc.ServerCredentials | None = None) -> AsyncIterator[ScriptedServer]:
    """A scripted server on a free port of its own, in plain text unless there are credentials."""
    scripted = ScriptedServer()
    server = aio.server(options=[("grpc.so_reuseport", 0)])
    resolve_pb2_grpc.add_ResolveServiceServicer_to_server(scripted, server)
    catalog_pb2_grpc.add_CatalogServiceServicer_to_server(scripted, server)
    health_pb2_grpc.add_HealthServiceServicer_to_server(scripted, server)
    # One address: a port free on ::1 may be another program's on 127.0.0.1, and a name's calls go to both in turn.
    address = "127.0.0.1:0"
    if credentials is None:
        scripted.port = server.add_insecure_port(address)
    else:
        scripted.port = server.add_secure_port(address, credentials)
    await server.start()
    try:
        yield scripted
    finally:
        await server.stop(None)
