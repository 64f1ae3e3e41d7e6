"""Both clients behind one face, so that each test of a call runs with either."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from ecp_client import AsyncClient, Client
from tests.client.server import ScriptedServer, serving


class Asking:
    """Calls a method of a client by name: awaits the one's, runs the other's in a thread; lists what it iterates."""

    def __init__(self, client: AsyncClient | Client) -> None:
        self.client = client

    async def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        method = getattr(self.client, name)
        if isinstance(self.client, Client):
            return await asyncio.to_thread(_listed, method, *args, **kwargs)
        answer = method(*args, **kwargs)
        return [one async for one in answer] if inspect.isasyncgen(answer) else await answer


def _listed(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    answer = method(*args, **kwargs)
    return list(answer) if isinstance(answer, Iterator) else answer


Connect = Callable[..., Asking]


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with serving() as scripted:
        yield scripted


@pytest.fixture(params=[AsyncClient, Client])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Connects a client of either kind, and closes it after the test."""
    async with AsyncExitStack() as stack:

        async def closed(client: AsyncClient | Client) -> None:
            await Asking(client)("close")

        def connected(target: str, **options: Any) -> Asking:
            client = request.param.connect(target, **options)
            stack.push_async_callback(closed, client)
            return Asking(client)

        yield connected


@pytest.fixture
def ask(connect: Connect, server: ScriptedServer) -> Asking:
    """A client of either kind, connected to the server as nobody in particular."""
    return connect(server.target, insecure=True)
