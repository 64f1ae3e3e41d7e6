"""Envoy in front of a server, by deploy/envoy.yaml but for its ports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from grpc import aio

from tests.conftest import ROOT
from tests.running import TIMEOUT_SECONDS
from tests.serving import SERVICE, Serving
from tests.serving import serving as serving_handlers

CONFIGURATION: Final = ROOT / "deploy" / "envoy.yaml"
PORT: Final = "port_value: 50050"
UPSTREAM: Final = "port_value: 50051"
LIMIT: Final = 32
"""Calls in flight to the server; more are refused."""
RETRY_SECONDS: Final = 1.0
"""After which who was refused is to come back."""
WAIT: Final = f"/{SERVICE}/Wait"
"""The method of `holding`."""
ALONE: Final = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
"""Options of a channel that has a connection of its own and repeats nothing."""
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 10.0


def free_port() -> int:
    """Return a port of this machine that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def same(text: str) -> str:
    """Leave the configuration as it is."""
    return text


@asynccontextmanager
async def sidecar(
    program: Path, folder: Path, upstream: int, changed: Callable[[str], str] = same
) -> AsyncIterator[str]:
    """Run Envoy before the server at port ``upstream``, which need not be there; gives the address to call.

    ``changed`` makes of the configuration's text what is run instead.
    """
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert (text.count(PORT), text.count(UPSTREAM)) == (1, 1)
    port = free_port()
    text = text.replace(PORT, f"port_value: {port}").replace(UPSTREAM, f"port_value: {upstream}")
    configuration = folder / f"envoy-{port}.yaml"
    configuration.write_text(changed(text), encoding="utf-8")
    log = folder / f"envoy-{port}.log"
    with log.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *(program, "-c", configuration, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"),
            stdout=stream,
            stderr=stream,
        )
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not await _listens(port):
                assert process.returncode is None, log.read_text(encoding="utf-8")
                await asyncio.sleep(0.02)
        yield f"127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()


class Held:
    """A behaviour that waits, and what it was given."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.remaining: list[float] = []

    async def __call__(self, request: Any, context: Any) -> Any:
        self.remaining.append(context.time_remaining())
        await self.let_go.wait()
        return request

    async def reached(self, count: int) -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(self.remaining) < count:  # noqa: ASYNC110 - counted by the calls
                await asyncio.sleep(0.005)


@asynccontextmanager
async def holding(
    envoy: Path, folder: Path, changed: Callable[[str], str] = same
) -> AsyncIterator[tuple[Held, Serving, Any]]:
    """Give the behaviour of the method Wait, its server, and a channel by way of Envoy (untyped, as what is sent)."""
    held = Held()
    async with (
        serving_handlers({"Wait": held}) as server,
        sidecar(envoy, folder, server.address.port, changed) as address,
        aio.insecure_channel(address, options=ALONE) as channel,
    ):
        yield held, server, channel


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
