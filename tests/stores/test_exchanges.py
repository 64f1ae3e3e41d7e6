"""Callers who give up an HTTP exchange, by whichever way and however often, leave its client as good as new."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import pytest

from ecp_server.domain.errors import PolicyUnavailable
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.exchanges import Exchanges
from ecp_server.stores.policy.opa_client import OpaClient
from ecp_server.stores.semantic.cube import CubeSemantic
from ecp_server.stores.vector.endpoint_embeddings import EndpointEmbeddings

ANSWER: Final = b'{"data": [{"index": 0, "embedding": [1.0, 0.0]}]}'
HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
REPLY: Final = HEAD % len(ANSWER) + ANSWER


Ask = Callable[[], Awaitable[object]]
Client = Callable[[int], AbstractAsyncContextManager[Ask]]


class Silent:
    """A server that takes requests, and answers those that come, or wait, while it may speak."""

    def __init__(self) -> None:
        self.speaks = asyncio.Event()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                await self.speaks.wait()
                writer.write(REPLY)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def silent() -> AsyncIterator[Silent]:
    found = Silent()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        found.speaks.set()
        server.close()


@asynccontextmanager
async def opa(port: int) -> AsyncIterator[Ask]:
    client = OpaClient(Endpoint(f"http://:token@127.0.0.1:{port}"), pool_size=4, timeout_seconds=5)
    yield lambda: client.request("GET", "/v1/policies")
    await client.close()


@asynccontextmanager
async def cube(port: int) -> AsyncIterator[Ask]:
    client = CubeSemantic(Endpoint(f"cube+http://:{'secret' * 6}@127.0.0.1:{port}"))
    yield client.probe
    await client.close()


@asynccontextmanager
async def embeddings(port: int) -> AsyncIterator[Ask]:
    client = EndpointEmbeddings(
        Endpoint(f"http://:key@127.0.0.1:{port}"), model="small", dimensions=2, timeout_seconds=5
    )
    yield lambda: client.embed(["revenue"])
    await client.close()


@pytest.mark.parametrize("client", [opa, cube, embeddings])
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_calls_that_are_given_up_leave_no_connection_behind(client: Client, times: int) -> None:
    chance = random.Random(times)  # noqa: S311 - the same moments every time
    async with silent() as server, client(server.port) as ask:
        for _ in range(80):
            call = asyncio.ensure_future(ask())
            await asyncio.sleep(chance.uniform(0, 0.01))
            for _ in range(times):
                call.cancel()
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
            await asyncio.wait((call,))
            assert call.cancelled()
        server.speaks.set()
        await asyncio.gather(*(ask() for _ in range(4)))


async def test_a_call_that_is_late_and_given_up_leaves_no_connection_behind() -> None:
    async with silent() as server:
        client = OpaClient(Endpoint(f"http://:token@127.0.0.1:{server.port}"), pool_size=2, timeout_seconds=0.05)
        for number in range(30):
            call = asyncio.ensure_future(client.request("GET", "/v1/policies"))
            await asyncio.sleep(0.05 if number % 2 else 0.06)
            call.cancel()
            await asyncio.wait((call,))
            assert call.cancelled() or isinstance(call.exception(), PolicyUnavailable)
        server.speaks.set()
        for _ in range(4):
            assert (await client.request("GET", "/v1/policies")).status_code == 200
        await client.close()


async def test_an_exchange_ends_with_its_answer_its_error_or_its_time() -> None:
    exchanges = Exchanges()

    async def answer() -> int:
        return 3

    async def fail() -> int:
        raise ValueError("no")

    assert 3 == await exchanges.run(answer)
    with pytest.raises(ValueError, match="no"):
        await exchanges.run(fail)
    with pytest.raises(TimeoutError):
        await exchanges.run(asyncio.Event().wait, 0.01)
    await exchanges.close()
