"""Callers with a real gRPC client beside a load: probes of health, and a user who looks closely at refusals."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from ecp.v1 import health_pb2 as ecp_health_pb2
from ecp.v1 import health_pb2_grpc as ecp_health_pb2_grpc
from ecp.v1 import resolve_pb2, resolve_pb2_grpc

_CHECK: Final = "grpc.health.v1.Health/Check"
_GET_HEALTH: Final = "ecp.v1.HealthService/GetHealth"
_RESOLVE: Final = "ecp.v1.ResolveService/Resolve"
_WATCHERS: Final = (_CHECK, _GET_HEALTH, _RESOLVE)
_PERIOD_SECONDS: Final = 0.1
_TIMEOUT_SECONDS: Final = 5.0
_ALONE: Final = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
"""A connection of its own, and every refusal is seen."""


@dataclass
class Seen:
    """What one watcher saw."""

    codes: dict[str, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    """Of calls that were answered, in seconds."""
    refusals: list[float] = field(default_factory=list)
    """Latencies of calls that were refused, in seconds."""
    without_retry_info: int = 0
    """Refusals that do not say when to come back."""


def nothing_seen() -> dict[str, Seen]:
    """Return what there is for each watcher to add to."""
    return {name: Seen() for name in _WATCHERS}


@contextmanager
def watching(port: int, question: bytes, seen: dict[str, Seen]) -> Iterator[None]:
    """Probe health in both ways and ask a question ten times a second inside the block; add what was seen."""
    calls: dict[str, Callable[[Any], Any]] = {
        _CHECK: lambda channel: health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_SECONDS
        ),
        _GET_HEALTH: lambda channel: ecp_health_pb2_grpc.HealthServiceStub(channel).GetHealth(
            ecp_health_pb2.GetHealthRequest(), timeout=_TIMEOUT_SECONDS
        ),
        _RESOLVE: lambda channel: resolve_pb2_grpc.ResolveServiceStub(channel).Resolve(
            resolve_pb2.ResolveRequest.FromString(question), timeout=_TIMEOUT_SECONDS
        ),
    }
    over = threading.Event()
    threads = [
        threading.Thread(target=_watch, args=(port, call, seen[name], over), name=name) for name, call in calls.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _watch(port: int, call: Callable[[Any], Any], seen: Seen, over: threading.Event) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{port}", _ALONE) as channel:
        grpc.channel_ready_future(channel).result(_TIMEOUT_SECONDS)
        while not over.wait(_PERIOD_SECONDS):
            started = time.perf_counter()
            try:
                call(channel)
            except grpc.RpcError as error:
                seen.refusals.append(time.perf_counter() - started)
                _look_at(error, seen)
            else:
                seen.latencies.append(time.perf_counter() - started)
                seen.codes["OK"] = seen.codes.get("OK", 0) + 1


def _look_at(error: Any, seen: Seen) -> None:
    code = error.code().name
    seen.codes[code] = seen.codes.get(code, 0) + 1
    status = rpc_status.from_call(error)
    kinds = error_details_pb2.RetryInfo.DESCRIPTOR
    if status is None or not any(detail.Is(kinds) for detail in status.details):
        seen.without_retry_info += 1
