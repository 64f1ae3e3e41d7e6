"""A kept connection that the server closed costs a request nothing; whatever says something of the server does."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import httpx
import pytest

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.kept_connections import KeptConnections, is_garbled
from ecp_server.stores.policy.opa_client import OpaClient
from ecp_server.stores.semantic.cube import CubeSemantic
from ecp_server.stores.vector.endpoint_embeddings import EndpointEmbeddings

REPLY: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
GARBLED: Final = (
    b"\x00\xff\xfe no HTTP\r\n\r\n",
    b"HTTP/1.1 two hundred\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
)
CUT: Final = REPLY[:-1]
"""Its body never ends."""

Behaviour = Callable[[int, int], bytes | None]
"""What to say to a request, by the numbers of its connection and of the request there; None: reset the connection."""


class Server:
    """Serves connections, which it closes after saying anything but `REPLY`."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self.connections = 0
        self.requests = 0
        self.port = 0
        self.serving: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        number, self.connections = self.connections, self.connections + 1
        here = 0
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"(?i)content-length: (\d+)", head)
                await reader.readexactly(int(length[1]) if length else 0)
                self.requests += 1
                said = self._behaviour(number, here)
                here += 1
                if said is None:
                    connected: socket.socket = writer.get_extra_info("socket")
                    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                    break
                writer.write(said)
                await writer.drain()
                if said != REPLY:
                    break
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def serving(behaviour: Behaviour) -> AsyncIterator[Server]:
    found = Server(behaviour)
    listening = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield found
    if tasks := {task for task in found.serving if task is not None}:
        await asyncio.wait(tasks)


@asynccontextmanager
async def asking(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    url = f"http://127.0.0.1:{server.port}"
    async with httpx.AsyncClient(
        transport=KeptConnections(httpx.Limits(max_connections=4)), base_url=url, trust_env=False
    ) as client:
        yield client


@pytest.mark.parametrize("end", [b"", None], ids=["closed", "reset"])
async def test_a_kept_connection_that_ends_costs_a_request_nothing(end: bytes | None) -> None:
    """Though there are more of them: the request is made anew where none was kept."""
    async with serving(lambda _, here: end if here else REPLY) as server, asking(server) as client:
        assert [200] * 3 == [reply.status_code for reply in await asyncio.gather(*(client.get("/") for _ in range(3)))]
        kept = server.connections
        for asked in range(kept):
            assert (await client.post("/", json={"a": 1})).status_code == 200
            assert server.requests == 3 + 2 * (asked + 1)
        assert server.connections == 2 * kept


@pytest.mark.parametrize("end", [b"", None], ids=["closed", "reset"])
async def test_a_new_connection_that_ends_says_something_of_the_server(end: bytes | None) -> None:
    async with serving(lambda *_: end) as server, asking(server) as client:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)) as caught:
            await client.get("/")
        assert not is_garbled(caught.value)
    assert server.requests == 1


async def test_a_request_is_made_once_more_and_not_again() -> None:
    first = (0, 0)
    async with serving(lambda *place: REPLY if place == first else b"") as server, asking(server) as client:
        await client.get("/")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/")
    assert server.requests == 3


async def test_an_answer_that_has_begun_is_not_asked_for_again() -> None:
    async with serving(lambda _, here: CUT if here else REPLY) as server, asking(server) as client:
        await client.get("/")
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await client.get("/")
        assert not is_garbled(caught.value)
    assert server.requests == 2


@pytest.mark.parametrize("garbled", GARBLED)
@pytest.mark.parametrize("kept", [0, 1])
async def test_what_is_no_http_is_told_apart_and_not_asked_for_again(garbled: bytes, kept: int) -> None:
    async with serving(lambda _, here: garbled if here == kept else REPLY) as server, asking(server) as client:
        for _ in range(kept):
            await client.get("/")
        with pytest.raises(httpx.RemoteProtocolError) as caught:
            await client.get("/")
        assert is_garbled(caught.value)
    assert server.requests == kept + 1


@pytest.mark.parametrize(("said", "again"), [*((garbled, False) for garbled in GARBLED), (b"", True), (CUT, True)])
async def test_stores_say_whether_asking_again_can_help(said: bytes, *, again: bool) -> None:
    async with serving(lambda *_: said) as server:
        opa = OpaClient(Endpoint(f"http://:token@127.0.0.1:{server.port}"), pool_size=4, timeout_seconds=5)
        cube = CubeSemantic(Endpoint(f"cube+http://:{'secret' * 6}@127.0.0.1:{server.port}"))
        model = EndpointEmbeddings(
            Endpoint(f"http://:key@127.0.0.1:{server.port}"), model="m", dimensions=2, timeout_seconds=5
        )
        for call in (opa.request("GET", "/v1/policies"), cube.probe(), model.embed(["revenue"])):
            with pytest.raises(StoreUnavailable) as caught:
                await call
            assert (caught.value.retry_after_seconds is not None) == again
        for client in (opa, cube, model):
            await client.close()
        assert server.requests == 3
