"""Hosts are looked up in threads of their own, one a name."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ecp_server.stores.host_lookup import MAX_LOOKUPS, HostLookup


class Slow:
    """A resolver that says nothing until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: list[object] = []
        self.failure: Exception | None = None

    def __call__(self, host: object, *_: object) -> list[Any]:
        self.asked.append(host)
        assert self.let_go.wait(30)
        if self.failure is not None:
            raise self.failure
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))]


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    found = Slow()
    yield found
    found.let_go.set()


async def test_it_finds_what_the_loop_would_find() -> None:
    asked: dict[str, Any] = {"type": socket.SOCK_STREAM}
    expected = await asyncio.get_running_loop().getaddrinfo("localhost", 80, **asked)
    assert expected == await HostLookup().getaddrinfo("localhost", 80, **asked)


async def test_a_name_takes_one_thread_however_many_ask(slow: Slow) -> None:
    lookup = HostLookup(slow)
    threads = threading.active_count()
    asking = [asyncio.create_task(lookup.getaddrinfo("db", 1)) for _ in range(100)]
    await asyncio.sleep(0.05)
    assert 1 == threading.active_count() - threads
    slow.let_go.set()
    assert 100 == len(await asyncio.gather(*asking))
    assert ["db"] == slow.asked


async def test_who_goes_away_stops_nobody_else(slow: Slow) -> None:
    lookup = HostLookup(slow)
    left, right = (asyncio.create_task(lookup.getaddrinfo("db", 1)) for _ in range(2))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait((left,))
    slow.let_go.set()
    assert left.cancelled()
    assert 1 == len(await right)


async def test_a_failure_is_everybodys_and_the_next_one_asks_anew(slow: Slow) -> None:
    lookup = HostLookup(slow)
    slow.failure = socket.gaierror(socket.EAI_NONAME, "no such name")
    slow.let_go.set()
    failures = await asyncio.gather(*(lookup.getaddrinfo("db", 1) for _ in range(2)), return_exceptions=True)
    assert [slow.failure] * 2 == failures
    slow.failure = None
    assert 1 == len(await lookup.getaddrinfo("db", 1))


async def test_no_more_names_than_so_many_at_a_time(slow: Slow) -> None:
    lookup = HostLookup(slow)
    asking = [asyncio.create_task(lookup.getaddrinfo(f"db{number}", 1)) for number in range(MAX_LOOKUPS)]
    await asyncio.sleep(0.05)
    with pytest.raises(socket.gaierror):
        await lookup.getaddrinfo("one more", 1)
    slow.let_go.set()
    await asyncio.gather(*asking)


async def test_the_threads_of_the_loop_stay_free(slow: Slow) -> None:
    """Else a resolver that hangs would hold up whoever reads a file."""
    loop = asyncio.get_running_loop()
    HostLookup(slow).serve(loop)
    asking = [asyncio.create_task(loop.getaddrinfo("db", 1)) for _ in range(100)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert "read" == await asyncio.to_thread(lambda: "read")
    slow.let_go.set()
    await asyncio.gather(*asking)


async def test_where_no_thread_can_be_had_it_fails_and_the_next_one_asks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a limit on processes, say: nobody must wait for a thread that never began."""
    lookup = HostLookup(lambda *_: ["found"])
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", _refuses)
        with pytest.raises(OSError, match="no thread"):
            await lookup.getaddrinfo("db", 1)
    async with asyncio.timeout(10):
        assert ["found"] == await lookup.getaddrinfo("db", 1)


def _refuses(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
