"""A real server over a catalog, and what asks it in the terms of the evaluation."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc import aio
from grpc_status import rpc_status

from ecp.v1 import error_reason_pb2, resolve_pb2, resolve_pb2_grpc
from ecp_server import wiring
from ecp_server.evaluation.reply import Answer, Json, Refusal, Reply, Resolver
from ecp_server.server import Server
from ecp_server.settings import Settings
from ecp_server.telemetry.metrics import Instruments
from ecp_server.telemetry.tracing import Propagated

REASON_PREFIX = "ERROR_REASON_"


@asynccontextmanager
async def asking(catalog: Path, state: Path) -> AsyncIterator[Resolver]:
    """Serve the catalog, with its records in the folder ``state``, and give what asks it."""
    settings = Settings.load(
        catalog=str(catalog),
        listen="127.0.0.1:0",
        metrics_listen="127.0.0.1:0",
        state_url=f"sqlite:///{state / 'state.db'}",
        drain_delay_seconds="0",
    )
    instruments = Instruments()
    server = Server(settings, wiring.build(settings, instruments), instruments, Propagated())
    async with server.serving() as address, aio.insecure_channel(str(address)) as channel:
        yield resolver(resolve_pb2_grpc.ResolveServiceStub(channel).Resolve)


def resolver(resolve: Callable[..., Any]) -> Resolver:
    """Ask by a stub's Resolve."""

    async def ask(request: Json) -> Reply:
        message = json_format.ParseDict(dict(request), resolve_pb2.ResolveRequest())
        try:
            return Answer(_json(await resolve(message, timeout=10)))
        except aio.AioRpcError as error:
            return _refusal(error)

    return ask


def _json(message: Any) -> Json:
    body: Json = json.loads(json_format.MessageToJson(message, preserving_proto_field_name=True))
    return body


def _refusal(error: aio.AioRpcError) -> Refusal:
    info, detail = error_details_pb2.ErrorInfo(), error_reason_pb2.ConceptNotFoundDetail()
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for packed in status.details if status is not None else ():
        packed.Unpack(info)
        packed.Unpack(detail)
    reason = info.reason.removeprefix(REASON_PREFIX) or error.code().name
    return Refusal(reason, error.details() or "", dict(info.metadata), _json(detail))
