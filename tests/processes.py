"""The server as its operator runs it: a process of its own, with signals, an exit code and a log on standard error."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

STARTED = "server_started"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
WAITING_SECONDS = 30.0


@dataclass(frozen=True)
class ServerProcess:
    """A server that has started. All its records are in ``state``."""

    process: asyncio.subprocess.Process
    address: str
    metrics: str
    """URL of its metrics."""
    log: Path

    @property
    def log_lines(self) -> list[str]:
        """What it has logged, line by line."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event."""
        return [line for text in self.log_lines if (line := json.loads(text))["event"] == event]

    async def until_logged(self, event: str, times: int = 1) -> None:
        """Wait until it has logged an event so often."""
        async with asyncio.timeout(WAITING_SECONDS):
            while self.log.read_text(encoding="utf-8").count(f'"event": "{event}"') < times:  # noqa: ASYNC110 - of a file
                await asyncio.sleep(0.02)

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def stopped(self) -> int:
        """Tell it to stop and wait for its end: after that its log is complete."""
        self.tell(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end and return its exit code; minus the signal's number where that killed it."""
        async with asyncio.timeout(STOP_SECONDS):
            return await self.process.wait()

    async def measured(self, name: str) -> list[tuple[dict[str, str], float]]:
        """Return the samples of one metric as a scrape sees them."""
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(self.metrics, timeout=10).read())  # noqa: S310 - its own
        families = text_string_to_metric_families(text.decode())
        return [(s.labels, s.value) for family in families for s in family.samples if s.name == name]


@asynccontextmanager
async def serving(
    catalog: Path,
    folder: Path,
    *,
    name: str = "server",
    module: str = "ecp_server",
    environment: dict[str, str] | None = None,
    **settings: str,
) -> AsyncIterator[ServerProcess]:
    """Start a server with its records and its log in ``folder``; kill it at the end if it still runs.

    ``settings`` are ECP_* without the prefix. Servers that run at a time in one folder have names of their own; the log
    of an earlier one of that name goes on. ``module`` is what is run.
    """
    chosen = {
        "catalog": str(catalog),
        "listen": "127.0.0.1:0",
        "metrics_listen": "127.0.0.1:0",
        "state_url": f"sqlite:///{folder / 'state.db'}",
        "drain_delay_seconds": "0",
        "max_queue_seconds": "60",  # a busy machine is no overload of the server, unless a test says so
    } | settings
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ECP_")}
    variables = inherited | (environment or {}) | {f"ECP_{name.upper()}": value for name, value in chosen.items()}
    log = folder / f"{name}.log"
    before = log.stat().st_size if log.exists() else 0
    with log.open("ab") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, "serve"), env=variables, stdout=stream, stderr=stream
        )
    try:
        started = await _started(process, log, before)
        yield ServerProcess(process, started["listen"], started["metrics"], log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _started(process: asyncio.subprocess.Process, log: Path, offset: int) -> dict[str, Any]:
    """Wait for the line that says so, past what earlier processes wrote."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            *lines, _rest = log.read_bytes()[offset:].decode().split("\n")  # noqa: ASYNC240 - a small file
            for line in lines:
                if (entry := json.loads(line))["event"] == STARTED:
                    return dict(entry)
            assert process.returncode is None, "\n".join(lines)
            await asyncio.sleep(0.02)
