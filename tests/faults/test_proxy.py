"""The proxy does what its faults say: else the tests that use it would show nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.faults.proxy import DRIP_SECONDS, Fault, Proxy, proxied

ANSWER = b"the answer, forty-two bytes long in total\n"


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """In front of a server that answers each line with `ANSWER`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readline():
                writer.write(ANSWER)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, proxied("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        yield proxy


class Client:
    """A connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, *, seconds: float = 5, line: bytes = b"what?\n") -> bytes:
        """Ask; return the answer, or what has come of it when the connection ends or the time is over."""
        self._writer.write(line)
        found = b""
        try:
            async with asyncio.timeout(seconds):
                while len(found) < len(ANSWER) and (chunk := await self._reader.read(1000)):
                    found += chunk
        except TimeoutError:
            pass
        return found

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


Connect = Callable[[], Awaitable[Client]]


@pytest.fixture
async def connect(proxy: Proxy) -> AsyncIterator[Connect]:
    """Makes clients, which are closed in the end."""
    clients: list[Client] = []

    async def connected() -> Client:
        clients.append(Client(*await asyncio.open_connection("127.0.0.1", proxy.port)))
        return clients[-1]

    yield connected
    for client in clients:
        await client.close()


async def test_it_forwards(connect: Connect) -> None:
    client = await connect()
    assert [ANSWER, ANSWER] == [await client.ask(), await client.ask()]


async def test_refuse_ends_what_is_open_and_takes_nothing_new(proxy: Proxy, connect: Connect) -> None:
    client = await connect()
    await client.ask()
    await proxy.turn(Fault.REFUSE)
    with pytest.raises(ConnectionError):
        await client.ask()
    with pytest.raises(ConnectionRefusedError):
        await connect()
    await proxy.turn(Fault.NONE)
    assert ANSWER == await (await connect()).ask()


@pytest.mark.parametrize("fault", [Fault.BLACKHOLE, Fault.HALF_OPEN], ids=lambda fault: fault.value)
async def test_a_hole_swallows_and_the_connection_stays(proxy: Proxy, connect: Connect, fault: Fault) -> None:
    before = await connect()
    await before.ask()
    await proxy.turn(fault)
    after = await connect()
    assert [b"", b""] == [await before.ask(seconds=0.3), await after.ask(seconds=0.3)]


async def test_delay_and_drip_take_their_time(proxy: Proxy, connect: Connect) -> None:
    proxy.delay_seconds = 0.3
    await proxy.turn(Fault.DELAY)
    started = time.monotonic()
    assert ANSWER == await (await connect()).ask()
    assert time.monotonic() - started >= 0.3
    await proxy.turn(Fault.DRIP)
    dripped = await (await connect()).ask(seconds=DRIP_SECONDS * 3.5)
    assert 1 <= len(dripped) <= 5
    assert ANSWER.startswith(dripped)


async def test_stale_ends_what_was_idle_at_its_next_question(proxy: Proxy, connect: Connect) -> None:
    idle, busy = await connect(), await connect()
    await proxy.turn(Fault.STALE)
    assert [ANSWER] * 3 == [await idle.ask(), await busy.ask(), await busy.ask()]
    await asyncio.sleep(proxy.idle_seconds * 2)
    assert [b"", ANSWER] == [await idle.ask(), await (await connect()).ask()]
    assert proxy.closed_idle == 1


async def test_reset_comes_in_the_middle_of_an_answer(proxy: Proxy, connect: Connect) -> None:
    await proxy.turn(Fault.RESET)
    client = await connect()
    with pytest.raises(ConnectionError):
        await client.ask()


async def test_garbage_is_as_long_as_the_answer(proxy: Proxy, connect: Connect) -> None:
    await proxy.turn(Fault.GARBAGE)
    garbage = await (await connect()).ask()
    assert len(ANSWER) == len(garbage)
    assert garbage != ANSWER


@pytest.mark.parametrize(("fault", "head"), [(Fault.HTTP_503, b"HTTP/1.1 503"), (Fault.HTTP_429, b"HTTP/1.1 429")])
async def test_http_is_answered_by_the_proxy(proxy: Proxy, connect: Connect, fault: Fault, head: bytes) -> None:
    before = await connect()
    await before.ask()
    proxy.retry_after_seconds = 7
    await proxy.turn(fault)
    for client in (before, await connect()):
        answer = await client.ask(line=b"GET / HTTP/1.1\r\n\r\n")
        assert answer.startswith(head)
        assert (b"Retry-After: 7" in answer) == (fault is Fault.HTTP_429)
