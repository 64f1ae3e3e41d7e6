"""The gRPC server: what every call passes, what is served beside our own services, how it starts and how it drains."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Protocol, cast

import grpc
import structlog
from grpc import aio
from grpc_health.v1 import health_pb2_grpc

from ecp_server.addresses import Address
from ecp_server.interceptors.admission import (
    EXEMPT,
    Admission,
    AdmissionInterceptor,
    AdmissionLimits,
    TurnInterceptor,
)
from ecp_server.interceptors.errors import ErrorInterceptor
from ecp_server.interceptors.refusal import RefusalLines, Refusals
from ecp_server.interceptors.request_id import CallsInFlight, RequestIdInterceptor
from ecp_server.interceptors.telemetry import TelemetryInterceptor
from ecp_server.rpc import health_check, reflection
from ecp_server.settings import Settings, variable
from ecp_server.telemetry.loop_lag import LoopLag
from ecp_server.telemetry.metrics import Instruments, MetricsServer
from ecp_server.telemetry.tracing import Tracing

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

READINESS_PERIOD_SECONDS: Final = 0.5
CUT_OFF_SECONDS: Final = 1.0
"""How long a call that was cut off has to clean up."""
QUIET_SECONDS: Final = 0.1
"""No new call for so long means that callers have gone elsewhere."""
MAX_CONCURRENT_STREAMS: Final = 256
"""Calls at a time on one connection; more of them wait at the client.

gRPC's core counts a call until its handler has seen that the reply is out, and refuses streams beyond this number:
where many replies leave with one commit, callers who have 100 calls in flight have twice as many there for a moment.
"""
LEAST_PING_MILLISECONDS: Final = 10_000
"""Between pings of a proxy or a caller: gRPC closes the connection of who sends more, where nothing else is sent."""
_UNBOUNDED: Final = 2**31 - 1


class Application(Protocol):
    """The services of ours and what stands behind them."""

    @property
    def service_names(self) -> Sequence[str]:
        """Return the full names of the services, e.g. "ecp.v1.ResolveService"."""

    def register(self, server: aio.Server) -> None:
        """Add the services to a server that has not started."""

    async def start(self) -> None:
        """Get ready; a store that is down is no reason to fail."""

    async def close(self) -> None:
        """Flush records and release everything. Called once, after the last call."""

    def serving(self) -> bool:
        """Return whether calls can be answered; asked twice a second."""


class CannotListen(Exception):
    """An address cannot be had; the message names it and its setting."""


class Server:
    """Serves an application until it is told to stop."""

    def __init__(
        self, settings: Settings, application: Application, instruments: Instruments, tracing: Tracing
    ) -> None:
        """Put the server together; it must be made in the event loop that runs it."""
        self._settings = settings
        self._application = application
        self._instruments = instruments
        self._tracing = tracing
        self._calls = CallsInFlight()
        self._lag = LoopLag()
        self._health = health_check.HealthCheck(application.service_names)
        self._reflection = reflection.Reflection((*application.service_names, health_check.SERVICE))
        # Twice what one store takes at a time: one that hangs leaves as much for calls that do not need it.
        begun = 2 * settings.store_concurrency
        admission = Admission(AdmissionLimits(settings.max_calls, settings.max_queue_seconds, begun))
        lines = RefusalLines()
        self._grpc = aio.server(
            interceptors=(
                # Before anything is done for a call: to refuse one should cost next to nothing.
                AdmissionInterceptor(admission, Refusals(instruments, tracing, self._calls, lines), self._calls),
                # So that every line that follows and every status has the request's id.
                RequestIdInterceptor(self._calls),
                # Outside whatever can refuse a call, so that it counts the status that the caller saw.
                TelemetryInterceptor(instruments, tracing, self._calls, lines),
                # Outside our own code, so that nothing in there can leak or leave a call without a status.
                ErrorInterceptor(self._calls),
                # Last: what has a turn computes.
                TurnInterceptor(admission),
            ),
            options=_options(settings),
        )
        self._register()

    async def run(self) -> None:
        """Serve until SIGTERM, SIGINT or, where a terminal can go, SIGHUP; then drain. Raises `CannotListen`."""
        told_to_stop = asyncio.Event()
        stopping = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup does: it is to outlive its terminal
            stopping.append(signal.SIGHUP)
        for number in stopping:
            asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
        async with self.serving():
            await told_to_stop.wait()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[Address]:
        """Serve inside the block, then drain. Gives the address, with the port that the system chose for port 0.

        Raises `CannotListen`, and whatever the application raises as it starts.
        """
        async with contextlib.AsyncExitStack() as on_exit:
            address = self._bind()
            metrics = self._serve_metrics()
            on_exit.push_async_callback(asyncio.to_thread, self._close_telemetry, metrics)
            on_exit.push_async_callback(self._application.close)
            await self._application.start()
            self._lag.start()
            on_exit.callback(self._lag.stop)
            self._instruments.watch_loop_lag(self._lag.seconds)
            await self._grpc.start()
            on_exit.push_async_callback(self._drain)
            on_exit.push_async_callback(_end, asyncio.create_task(self._report_readiness(), name="readiness"))
            metrics_address = Address(self._settings.metrics_listen.host, metrics.port)
            _log.info("server_started", listen=str(address), metrics=f"http://{metrics_address}/metrics")
            yield address
        _log.info("server_stopped")

    def _register(self) -> None:
        self._application.register(cast("aio.Server", _OneQueue(self._grpc)))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        if self._settings.reflection:
            self._reflection.register(self._grpc)

    def _bind(self) -> Address:
        listen = self._settings.listen
        try:
            return Address(listen.host, self._grpc.add_insecure_port(str(listen)))
        except RuntimeError as error:
            raise CannotListen(f"cannot listen on {listen} ({variable('listen')}): is it in use?") from error

    def _serve_metrics(self) -> MetricsServer:
        listen = self._settings.metrics_listen
        try:
            return MetricsServer(listen.host, listen.port, self._instruments.registry)
        except (OSError, UnicodeError) as error:  # the latter for what is no name of a host at all
            reason = getattr(error, "strerror", None) or "no such host"
            raise CannotListen(f"cannot listen on {listen} ({variable('metrics_listen')}): {reason}") from error

    async def _report_readiness(self) -> None:
        while True:
            self._health.set_serving(self._application.serving())
            await asyncio.sleep(READINESS_PERIOD_SECONDS)

    async def _drain(self) -> None:
        """Be unready, refuse new calls, let those in flight finish within the grace, end what is left."""
        grace = self._settings.drain_grace_seconds
        _log.info("server_draining", in_flight=len(self._calls), grace_seconds=grace)
        self._health.set_serving(False)
        await asyncio.sleep(self._settings.drain_delay_seconds)
        # Ours to do: gRPC answers calls that come after its stop with CANCELLED, which is no reason to try again.
        self._calls.refuse()
        self._health.close()
        self._reflection.close()
        if await self._calls.drained(grace):
            await self._calls.quiet(QUIET_SECONDS, at_most_seconds=CUT_OFF_SECONDS)
            await self._grpc.stop(CUT_OFF_SECONDS)
        else:
            _log.warning("calls_cut_off", in_flight=len(self._calls))
            self._calls.cut_off()
            await self._grpc.stop(None)
        if not await self._calls.drained(CUT_OFF_SECONDS):
            _log.error("calls_abandoned", in_flight=len(self._calls))

    def _close_telemetry(self, metrics: MetricsServer) -> None:
        metrics.close()
        self._instruments.close()
        self._tracing.close()


class _OneQueue:
    """What generated code registers services with; but for health its methods share one queue in gRPC's core.

    A registered method has a queue of its own there: health is not to wait behind questions. For each of them grpc.aio
    waits anew whenever a call comes, which with all of ours is a sixth of what the least call costs.
    """

    def __init__(self, server: aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Serve methods, by their names."""
        self._server.add_generic_rpc_handlers(generic_rpc_handlers)

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        """Give the methods of a service of health queues of their own, and no others."""
        if f"/{service_name}/".startswith(EXEMPT):
            self._server.add_registered_method_handlers(service_name, dict(method_handlers))


def _options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # else a second server on the same port takes a part of its calls, silently
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_concurrent_streams", MAX_CONCURRENT_STREAMS),
        # From a thousand calls on that the loop has not seen yet, the core would refuse some, with CANCELLED.
        ("grpc.server.max_pending_requests", _UNBOUNDED),
        ("grpc.server.max_pending_requests_hard_limit", _UNBOUNDED),
        ("grpc.keepalive_time_ms", 60_000),  # finds callers that vanished, e.g. behind a load balancer
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", LEAST_PING_MILLISECONDS),
    ]


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task of ours; raise what it failed with, if it did."""
    task.cancel()
    await asyncio.wait((task,))
    if not task.cancelled():
        task.result()
