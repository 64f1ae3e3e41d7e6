"""HealthService: how each dependency fares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from grpc import aio
from typing_extensions import override

from ecp.v1 import health_pb2, health_pb2_grpc, types_pb2
from ecp_server.domain.health import HealthStatus, StoreHealth
from ecp_server.rpc.convert.provenance import timestamp


class HealthReport(Protocol):
    """What is known of the server's state."""

    @property
    def status(self) -> HealthStatus:
        """Return the worst that affects answers."""

    @property
    def stores(self) -> Sequence[StoreHealth]:
        """Return one entry a store."""

    @property
    def catalog_version(self) -> str:
        """Return the version of the catalog in force."""


class HealthService(health_pb2_grpc.HealthServiceServicer):
    """Tells people and dashboards what works."""

    def __init__(self, report: HealthReport, server_version: str) -> None:
        self._report = report
        self._server_version = server_version

    @override
    async def GetHealth(
        self, request: health_pb2.GetHealthRequest, context: aio.ServicerContext[Any, Any]
    ) -> health_pb2.GetHealthResponse:
        """Return the state of the server and of each store."""
        return health_pb2.GetHealthResponse(
            status=health_pb2.HealthStatus.ValueType(self._report.status),
            stores=[_store(store) for store in self._report.stores],
            catalog_version=self._report.catalog_version,
            server_version=self._server_version,
        )


def _store(store: StoreHealth) -> health_pb2.StoreHealth:
    return health_pb2.StoreHealth(
        store=types_pb2.Store.ValueType(store.store),
        adapter=store.adapter,
        status=health_pb2.HealthStatus.ValueType(store.status),
        breaker=health_pb2.BreakerState.ValueType(store.breaker),
        reason=store.reason,
        since=timestamp(store.since),
        latency_ms=store.latency_ms,
    )
