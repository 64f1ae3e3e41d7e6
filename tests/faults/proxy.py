"""A TCP proxy between an adapter and its server, which brings about what networks and dying servers do."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Final

CHUNK: Final = 65_536
DRIP_SECONDS: Final = 0.2
_ABORT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing resets the connection."""


class Fault(Enum):
    """What the proxy does to connections, those that are open included."""

    NONE = "none"
    REFUSE = "refuse"
    """Nobody listens; what was open is reset, as where a process died."""
    BLACKHOLE = "blackhole"
    """Connecting works and nothing goes through, in either direction: a dead switch, a frozen process."""
    DELAY = "delay"
    """Every answer comes `Proxy.delay_seconds` later."""
    DRIP = "drip"
    """Answers come byte by byte, 0.2 s apart."""
    RESET = "reset"
    """The connection is reset in the middle of an answer."""
    HALF_OPEN = "half open"
    """Questions arrive, answers get lost."""
    GARBAGE = "garbage"
    """Answers are random bytes, as long as the real ones."""
    STALE = "stale"
    """A connection that was idle for `Proxy.idle_seconds` is closed just when the next question is on its way."""
    HTTP_503 = "503"
    HTTP_429 = "429"
    """With `Proxy.retry_after_seconds`."""


class Proxy:
    """Listens on a port of its own and forwards to a server."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = host, port
        self._listener: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._random = random.Random(0)  # noqa: S311 - the same garbage every time
        self.port = 0
        self.fault = Fault.NONE
        self.delay_seconds = 0.0
        self.retry_after_seconds = 1
        self.idle_seconds = 0.1
        self.words = b""
        """What garbage and HTTP errors say, if anything: a store that talks."""
        self.accepted = 0
        """Connections that were made."""
        self.carried = 0
        """Chunks that came from clients, whatever became of them."""
        self.questions = 0
        """Those of them that came while the proxy refused to be a network."""
        self.closed_idle = 0
        """Connections that were closed by `Fault.STALE`."""

    async def start(self) -> None:
        """Listen; on the same port as before where it listened before."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def turn(self, fault: Fault) -> None:
        """Bring a fault about, or heal it: then connections that it spoilt are reset, as they would be in time."""
        healed = self.fault
        self.fault = fault
        if fault is Fault.REFUSE:
            await self._stop_listening()
        elif self._listener is None:
            await self.start()
        if fault is Fault.REFUSE or (fault is Fault.NONE and healed is not Fault.NONE):
            await self.cut()

    async def cut(self) -> None:
        """Reset every connection."""
        open_ = dict(self._connections)
        for task, writers in open_.items():
            for writer in writers:
                _reset(writer)
            task.cancel()
        if open_:
            await asyncio.wait(open_)

    async def close(self) -> None:
        """Stop listening and reset what is open."""
        await self._stop_listening()
        await self.cut()

    async def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        writers = self._connections[task] = [writer]
        self.accepted += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._connect(reader, writer, writers)
        finally:
            for each in writers:
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()
            del self._connections[task]

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, writers: list[asyncio.StreamWriter]
    ) -> None:
        if self.fault in {Fault.HTTP_503, Fault.HTTP_429}:
            await self._answer_http(reader, writer)
            return
        while self.fault is Fault.BLACKHOLE:
            if await reader.read(CHUNK):  # taken by the kernel of a machine that does nothing more
                self._count()
            await asyncio.sleep(0.01)
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        writers.append(up_writer)
        last = _LastAnswer()
        pumps = [
            asyncio.create_task(self._ask(reader, up_writer, writer, last)),
            asyncio.create_task(self._answer(up_reader, writer, last)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        last: _LastAnswer,
    ) -> None:
        """Forward questions."""
        while chunk := await reader.read(CHUNK):
            self._count()
            if self.fault is Fault.STALE and last.is_older_than(self.idle_seconds):
                self.closed_idle += 1
                return
            if self.fault in {Fault.HTTP_503, Fault.HTTP_429}:
                writer.write(self._http())
                await writer.drain()
                return
            if self.fault is not Fault.BLACKHOLE:
                up_writer.write(chunk)
                await up_writer.drain()

    async def _answer(self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, last: _LastAnswer) -> None:
        """Forward answers, or what the fault makes of them."""
        while chunk := await up_reader.read(CHUNK):
            last.at = time.monotonic()
            match self.fault:
                case Fault.NONE | Fault.STALE:
                    writer.write(chunk)
                case Fault.DELAY:
                    await asyncio.sleep(self.delay_seconds)
                    writer.write(chunk)
                case Fault.DRIP:
                    for byte in chunk:
                        writer.write(bytes((byte,)))
                        await asyncio.sleep(DRIP_SECONDS)
                case Fault.RESET:
                    writer.write(chunk[: len(chunk) // 2])
                    await writer.drain()
                    _reset(writer)
                    return
                case Fault.GARBAGE:
                    writer.write(self._garbage(len(chunk)))
                case _:
                    continue
            await writer.drain()

    async def _answer_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(CHUNK):
            self._count()
            writer.write(self._http())
            await writer.drain()
            if self.fault not in {Fault.HTTP_503, Fault.HTTP_429}:
                return

    def _count(self) -> None:
        self.carried += 1
        self.questions += self.fault is not Fault.NONE

    def _http(self) -> bytes:
        if self.fault is Fault.HTTP_429:
            head = f"HTTP/1.1 429 Too Many Requests\r\nRetry-After: {self.retry_after_seconds}\r\n"
        else:
            head = "HTTP/1.1 503 Service Unavailable\r\n"
        body = self.words or b"busy.\n"
        said = f"X-Said: {self.words.decode()}\r\n" if self.words else ""
        return f"{head}{said}Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def _garbage(self, length: int) -> bytes:
        if not self.words:
            return self._random.randbytes(length)
        return (self.words * (length // len(self.words) + 1))[:length]


class _LastAnswer:
    """When the last answer went through a connection."""

    def __init__(self) -> None:
        self.at: float | None = None

    def is_older_than(self, seconds: float) -> bool:
        """Whether there was one, and so long ago."""
        return self.at is not None and time.monotonic() - self.at > seconds


@asynccontextmanager
async def proxied(host: str, port: int) -> AsyncIterator[Proxy]:
    """Start a proxy in front of a server."""
    proxy = Proxy(host, port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and not writer.transport.is_closing():
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        writer.transport.abort()
