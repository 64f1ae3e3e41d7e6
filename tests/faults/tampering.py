"""An HTTP server in front of another that changes what it replies: statuses and bodies that a network cannot make."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

Tampered = tuple[int, Mapping[str, str], bytes]
"""Status, further headers, body."""
Change = Callable[[bytes], Tampered]
"""Makes a reply of the body of the real one."""


def saying(status: int, body: bytes = b"{}", **headers: str) -> Change:
    """Reply so, whatever the real reply is."""
    return lambda _: (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def changed(change: Callable[[Any], Any]) -> Change:
    """Reply the real JSON as ``change`` leaves it."""
    return lambda body: (200, {}, json.dumps(change(json.loads(body))).encode())


class Tampering:
    """Passes requests on, and tampers with the replies to those whose path ends as told."""

    def __init__(self, host: str, port: int, path: str) -> None:
        self._upstream = host, port
        self._path = path
        self._connections: set[asyncio.Task[Any]] = set()
        self.change: Change | None = None
        self.asked = 0
        """Requests for the path."""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._upstream)
            with contextlib.closing(up_writer), contextlib.closing(writer):
                while request := await _message(reader):
                    head, body = request
                    # As things stand when it comes: what is asked side by side is counted before any of it is replied.
                    ours = head.split(b" ", 2)[1].endswith(self._path.encode())
                    self.asked += ours
                    change = self.change if ours else None
                    up_writer.write(head + body)
                    replied = await _message(up_reader)
                    if replied is None:
                        return
                    writer.write(_tampered(replied[1], change) if change else b"".join(replied))
                    await writer.drain()
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass  # one side or the test is gone
        finally:
            self._connections.discard(task)

    async def close(self) -> None:
        """Cut all connections."""
        open_ = list(self._connections)
        for task in open_:
            task.cancel()
        if open_:
            await asyncio.wait(open_)


@asynccontextmanager
async def tampering(host: str, port: int, path: str) -> AsyncIterator[Tampering]:
    """Stand before a server, changing nothing yet."""
    tamperer = Tampering(host, port, path)
    server = await asyncio.start_server(tamperer.serve, "127.0.0.1", 0)
    tamperer.port = server.sockets[0].getsockname()[1]
    try:
        yield tamperer
    finally:
        server.close()
        await tamperer.close()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes] | None:
    """Return head and body of one request or reply; None where the connection ends."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    assert b"transfer-encoding" not in fields
    return head, await reader.readexactly(int(fields.get(b"content-length", b"0")))


def _tampered(body: bytes, change: Change) -> bytes:
    status, headers, new = change(body)
    fields = {"content-type": "application/json", "content-length": str(len(new)), **headers}
    lines = [f"HTTP/1.1 {status} Tampered", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode() + new
