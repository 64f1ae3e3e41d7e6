"""grpc.health.v1.Health: what meshes, load balancers and probes ask."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import grpc
from google.protobuf.message import Message
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from typing_extensions import override

SERVICE: Final = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
MOST_WATCHERS: Final = 1000
"""Streams at a time: anybody may watch, and each is held for as long as it likes."""
_Status = health_pb2.HealthCheckResponse


class HealthCheck(health_pb2_grpc.HealthServicer):
    """Whether the server as a whole ("") and each of its services takes calls; not before it is told so.

    The library's own servicer starts as serving, lacks List, and keeps Watch streams open while the server drains.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._services = frozenset(("", *services))
        self._status: int = _Status.NOT_SERVING
        self._closed = False
        self._watchers = 0
        self._changed = asyncio.Event()

    def set_serving(self, serving: bool) -> None:  # noqa: FBT001 - a state with two values
        """Tell everybody who asks or watches from now on."""
        status = _Status.SERVING if serving else _Status.NOT_SERVING
        if status != self._status:
            self._status = status
            self._wake_watchers()

    def close(self) -> None:
        """End the streams of all who watch."""
        self._closed = True
        self._wake_watchers()

    @override
    async def Check(self, request: health_pb2.HealthCheckRequest, context: aio.ServicerContext[Any, Any]) -> _Status:
        """Return the state of one service; NOT_FOUND where there is no such service."""
        if request.service not in self._services:
            context.set_code(grpc.StatusCode.NOT_FOUND)
            context.set_details("unknown service")
        return _Status(status=self._status)

    async def List(self, _request: Message, _context: aio.ServicerContext[Any, Any]) -> Message:
        """Return the state of every service."""
        return health_pb2.HealthListResponse(  # type: ignore[attr-defined, no-any-return] # newer than the type stubs
            statuses={service: _Status(status=self._status) for service in self._services}
        )

    @override
    async def Watch(self, request: health_pb2.HealthCheckRequest, context: aio.ServicerContext[Any, Any]) -> None:
        """Send the state of one service, now and whenever it changes; RESOURCE_EXHAUSTED where too many watch."""
        if self._watchers >= MOST_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many streams of health: ask with Check")
        self._watchers += 1
        try:
            await self._tell(request.service, context)
        finally:
            self._watchers -= 1

    async def _tell(self, service: str, context: aio.ServicerContext[Any, Any]) -> None:
        known = service in self._services
        told = None
        while not self._closed:
            changed = self._changed
            status = self._status if known else _Status.SERVICE_UNKNOWN
            if status != told:
                await context.write(_Status(status=status))
                told = status
            await changed.wait()

    def _wake_watchers(self) -> None:
        woken, self._changed = self._changed, asyncio.Event()
        woken.set()
