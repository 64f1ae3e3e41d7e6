"""The servers under measurement: each a process on a core of its own, its CPU time read from the kernel."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

SERVER_CORE: Final = 0
GENERATOR_CORE: Final = 1
ALL_CORES: Final = frozenset({SERVER_CORE, GENERATOR_CORE})
_HERE: Final = Path(__file__).resolve().parent
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_START_SECONDS: Final = 120.0
_ENDED: Final = "rpc_server_call_duration_seconds_count"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that serves."""

    process: subprocess.Popen[bytes]
    port: int
    seconds_to_serving: float = 0.0
    state: Path = Path()
    """The SQLite file of an ECP server."""
    metrics_port: int = 0
    proxy: Running | None = None
    """What stands before it at ``port``."""

    def cpu_seconds(self) -> float:
        """Return user and system time of all its threads so far (proc_pid_stat(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def memory_mib(self) -> float:
        """Return its resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def ended(self, method: str) -> Counter[str]:
        """Return how many calls of a method have ended with each status so far, by the server's own metrics."""
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as response:
            families = text_string_to_metric_families(response.read().decode())
        samples = (sample for family in families for sample in family.samples)
        counted: Counter[str] = Counter()
        for sample in samples:
            if sample.name == _ENDED and sample.labels["rpc_method"] == method:
                counted[sample.labels["rpc_response_status_code"]] += int(sample.value)
        return counted

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and wait for that."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(60)


def use_generator_core() -> None:
    """Keep this process off the servers' core."""
    os.sched_setaffinity(0, {GENERATOR_CORE})


@contextmanager
def echo(reply_bytes: int) -> Iterator[Running]:
    """Serve a bare echo inside the block."""
    program = [sys.executable, str(_HERE / "echo.py"), "--reply-bytes", str(reply_bytes)]
    process = subprocess.Popen(program, stdout=subprocess.PIPE)  # noqa: S603 - ours
    os.sched_setaffinity(process.pid, {SERVER_CORE})
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    running = Running(process, int(process.stdout.readline()))
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def ecp(
    catalog: Path,
    folder: Path,
    *,
    program: tuple[str, ...] = ("-m", "ecp_server"),
    cores: frozenset[int] = frozenset({SERVER_CORE}),
    **settings: str,
) -> Iterator[Running]:
    """Serve a catalog inside the block, state and log in a folder; ``settings`` are ECP_* without the prefix."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.db"
    for old in folder.glob("state.db*"):
        old.unlink()
    port, metrics_port = free_port(), free_port()
    chosen = {
        "catalog": str(catalog),
        "listen": f"127.0.0.1:{port}",
        "metrics_listen": f"127.0.0.1:{metrics_port}",
        "state_url": f"sqlite:///{state}",
        "drain_delay_seconds": "0",
        "log_format": "json",
    } | settings
    with (folder / "server.log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - ours
            [sys.executable, *program, "serve"],
            env=_environment(chosen),
            stdout=log,
            stderr=log,
        )
        os.sched_setaffinity(process.pid, cores)  # before it has threads, which inherit it
        try:
            _wait_until_serving(process, port)
            yield Running(process, port, time.perf_counter() - started, state, metrics_port)
        finally:
            Running(process, port).stop()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    # An installed server has its bytecode; one that may not keep it compiles three hundred files at each start.
    left_out = ("ECP_", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}  # noqa: TID251 - a child's
    return inherited | {f"ECP_{name.upper()}": value for name, value in settings.items()}


def free_port() -> int:
    """Return a port of this machine that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_until_serving(process: subprocess.Popen[bytes], port: int) -> None:
    """Ask for health as a probe does, every 20 ms from the moment that the port takes connections."""
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0 and _serves(port):
                return
        time.sleep(0.02)
    raise RuntimeError("the server did not start; its log says why")


def _serves(port: int) -> bool:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            response = stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.RpcError:
            return False
        return bool(response.status == health_pb2.HealthCheckResponse.SERVING)
