"""A server of a test's own, in the place of Neo4j."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(
    serve: Serve,
) -> AsyncIterator[str]:
    """A server whose connections are served by ``serve``; yields its URL."""
    tasks: set[asyncio.Task[Any]] = set()

    async def connected_to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(connected_to, "127.0.0.1", 0)
    async with server:
        yield f"bolt://neo4j:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if tasks:
        await asyncio.wait(tasks)
