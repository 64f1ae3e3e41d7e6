"""Asks a server in the JSON form of protobuf, for whoever scores answers without knowing the transport."""

from __future__ import annotations

import json
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc import aio
from grpc_status import rpc_status

from ecp.v1 import error_reason_pb2, resolve_pb2
from ecp_server.evaluation.reply import Answer, Figures, Json, Refusal, Reply

_REASON_PREFIX: Final = "ERROR_REASON_"


class Asking:
    """Asks by the methods of an asynchronous stub of ResolveService."""

    def __init__(self, stub: Any, *, timeout_seconds: float = 10.0) -> None:
        self._stub = stub
        self._timeout_seconds = timeout_seconds

    async def __call__(self, request: Json) -> Reply:
        """Send a ResolveRequest, given in the JSON form of protobuf, and return what comes back."""
        message = json_format.ParseDict(dict(request), resolve_pb2.ResolveRequest())
        try:
            return Answer(_json(await self._stub.Resolve(message, timeout=self._timeout_seconds)))
        except aio.AioRpcError as error:
            return _refusal(error)

    async def execute(self, resolution_id: str) -> Figures | Refusal:
        """Run a resolution and return what comes back."""
        message = resolve_pb2.ExecuteRequest(resolution_id=resolution_id)
        try:
            return Figures(_json(await self._stub.Execute(message, timeout=self._timeout_seconds)))
        except aio.AioRpcError as error:
            return _refusal(error)


def _json(message: Message) -> Json:
    body: Json = json.loads(json_format.MessageToJson(message, preserving_proto_field_name=True))
    return body


def _refusal(error: aio.AioRpcError) -> Refusal:
    """Return the error with its details; its code stands for the reason where the transport refused."""
    info, detail = error_details_pb2.ErrorInfo(), error_reason_pb2.ConceptNotFoundDetail()
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    for packed in status.details if status is not None else ():
        packed.Unpack(info)
        packed.Unpack(detail)
    reason = info.reason.removeprefix(_REASON_PREFIX) or error.code().name
    return Refusal(reason, error.details() or "", dict(info.metadata), _json(detail))
