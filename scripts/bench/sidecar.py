"""Envoy in front of a server under measurement, by deploy/envoy.yaml, on the core of the generator."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from servers import GENERATOR_CORE, Running, free_port

_CONFIGURATION: Final = Path(__file__).resolve().parents[2] / "deploy" / "envoy.yaml"
_START_SECONDS: Final = 30.0


def envoy() -> str | None:
    """Return the program: ECP_ENVOY, else the one on PATH; None where there is none."""
    return shutil.which(os.environ.get("ECP_ENVOY", "envoy"))  # noqa: TID251 - a tool's


@contextmanager
def behind(server: Running, program: str, folder: Path) -> Iterator[Running]:
    """Give the server as it is called by way of Envoy, inside the block."""
    port = free_port()
    text = _CONFIGURATION.read_text(encoding="utf-8")
    for configured, chosen in ((50050, port), (50051, server.port)):
        text = text.replace(f"port_value: {configured}", f"port_value: {chosen}")
    configuration = folder / "envoy.yaml"
    configuration.write_text(text, encoding="utf-8")
    arguments = ("-c", str(configuration), "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen([program, *arguments], stdout=log, stderr=log)  # noqa: S603 - ours
    os.sched_setaffinity(process.pid, {GENERATOR_CORE})
    proxy = Running(process, port)
    try:
        _wait_until_listening(proxy)
        yield replace(server, port=port, proxy=proxy)
    finally:
        proxy.stop()


def _wait_until_listening(proxy: Running) -> None:
    end = time.monotonic() + _START_SECONDS
    while proxy.process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", proxy.port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("Envoy did not start; its log says why")
