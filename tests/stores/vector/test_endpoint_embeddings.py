"""Embeddings of an endpoint, against a real HTTP server: what is asked, what is taken, and what is refused."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.vector.endpoint_embeddings import EndpointEmbeddings
from tests.logs import logged


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


def vectors(request: dict[str, Any]) -> list[dict[str, Any]]:
    """One for each text: its length and 1; the last first, as an endpoint may answer."""
    rows = [{"object": "embedding", "index": i, "embedding": [len(t), 1.0]} for i, t in enumerate(request["input"])]
    return rows[::-1]


def answer(data: object) -> bytes:
    return http(json.dumps({"object": "list", "data": data, "model": "m", "usage": {}}).encode())


class Server:
    """Answers each POST with what ``reply`` makes of its JSON; keeps what was asked."""

    def __init__(self) -> None:
        self.reply: Callable[[dict[str, Any]], list[bytes]] = lambda request: [answer(vectors(request))]
        self.asked: list[dict[str, Any]] = []
        self.heads: list[str] = []
        self.pause_seconds = 0.0
        self.close_after = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode() if not reader.at_eof() else "":
            length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:"))
            self.asked.append(json.loads(await reader.readexactly(length)))
            self.heads.append(head)
            for part in self.reply(self.asked[-1]):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(self.pause_seconds)
            if self.close_after:
                break


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    served = Server()
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await served.serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    yield served, f"http://127.0.0.1:{port}/v1"
    listening.close()
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


@pytest.fixture
async def opened() -> AsyncIterator[Callable[..., EndpointEmbeddings]]:
    async with AsyncExitStack() as stack:

        def opener(url: str, key_file: Path | None = None, timeout_seconds: float = 5.0) -> EndpointEmbeddings:
            found = EndpointEmbeddings(
                Endpoint(url, key_file), model="m", dimensions=2, timeout_seconds=timeout_seconds
            )
            stack.push_async_callback(found.close)
            return found

        yield opener


Opener = Callable[..., EndpointEmbeddings]


async def test_rows_stand_in_the_order_of_the_texts_and_have_length_1(
    server: tuple[Server, str], opened: Opener
) -> None:
    served, url = server
    found = await opened(url).embed(["a", "", "abc"])

    assert found.shape == (3, 2)
    assert np.allclose(found, np.array([[0.5**0.5, 0.5**0.5], [0, 0], [0.9**0.5, 0.1**0.5]]))
    assert served.asked == [{"model": "m", "input": ["a", "abc"], "encoding_format": "float"}]
    assert served.heads[0].startswith("POST /v1/embeddings HTTP/1.1")
    assert "authorization" not in served.heads[0].lower()
    assert (await opened(url).embed([])).shape == (0, 2)


async def test_many_texts_are_asked_in_batches_and_long_ones_are_cut(
    server: tuple[Server, str], opened: Opener
) -> None:
    served, url = server
    found = await opened(url + "/embeddings").embed(["x" * 5000, *(["a"] * 99)])

    assert [len(request["input"]) for request in served.asked] == [64, 36]
    assert len(served.asked[0]["input"][0]) == 2000
    assert found.shape == (100, 2)


async def test_the_key_of_url_or_file_is_sent_and_never_shown(
    server: tuple[Server, str], opened: Opener, tmp_path: Path
) -> None:
    served, url = server
    await opened(url.replace("http://", "http://:sesame@")).embed(["a"])
    mounted = tmp_path / "key"
    mounted.write_text("open\n")
    embeddings = opened(url, mounted)
    await embeddings.embed(["a"])
    mounted.write_text("rotated")
    await embeddings.embed(["a"])
    served.reply = lambda _: [http(b"sesame", "401 Unauthorized")]
    with logged() as lines, pytest.raises(StoreUnavailable) as failed:
        await embeddings.embed(["a"])

    assert lines("embeddings_failed", cause="status 401")
    keys = [
        line[22:] for head in served.heads for line in head.splitlines() if line.lower().startswith("authorization")
    ]
    assert keys == ["sesame", "open", "rotated", "rotated"]
    assert all(secret not in f"{failed.value}{lines.text}" for secret in ("sesame", "open", "rotated"))


@pytest.mark.parametrize(
    "reply",
    [
        http(b"", "500 Internal Server Error"),
        http(b"", "429 Too Many Requests"),
        http(b"", "302 Found", "location: http://127.0.0.1:1/\r\n"),
        http(b"{"),
        http(b"[]"),
        http(b"[" * 100_000),
        http(b'{"data": [{"index": 0, "embedding": [NaN, 1]}]}'),
        http(b'{"data": [{"index": 0, "embedding": [1e999, 1]}]}'),
        http(b'{"data": [{"index": 0, "embedding": [1%s, 1]}]}' % (b"0" * 400)),
        answer(None),
        answer([1]),
        answer([]),
        answer([{"index": 0, "embedding": [1.0]}]),
        answer([{"index": 0, "embedding": [1.0, 2.0, 3.0]}]),
        answer([{"index": 0, "embedding": ["1", 2]}]),
        answer([{"index": 0, "embedding": [True, 2]}]),
        answer([{"index": 0, "embedding": "AACAPwAAAEA="}]),
        answer([{"index": 0}]),
        answer([{"index": 1, "embedding": [1, 2]}]),
        answer([{"index": True, "embedding": [1, 2]}]),
        answer([{"index": 0, "embedding": [1, 2]}] * 2),
        answer([{"embedding": [1, 2]}]),
        http(b"x" * 1_000_000),
        http(b"\x1f\x8b", headers="content-encoding: gzip\r\n"),
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{",
    ],
)
async def test_what_is_no_reply_of_the_protocol_is_no_embedding(
    server: tuple[Server, str], opened: Opener, reply: bytes
) -> None:
    served, url = server
    served.reply, served.close_after = (lambda _: [reply]), True

    with pytest.raises(StoreUnavailable):
        await opened(url).embed(["a"])


async def test_a_dripping_reply_meets_the_deadline(server: tuple[Server, str], opened: Opener) -> None:
    served, url = server
    served.reply = lambda request: [bytes([byte]) for byte in answer(vectors(request))]
    served.pause_seconds = 0.05
    started = time.monotonic()

    with pytest.raises(StoreUnavailable):
        await opened(url, timeout_seconds=0.2).embed(["a"])
    assert time.monotonic() - started < 2


async def test_a_connection_that_was_closed_meanwhile_is_replaced(server: tuple[Server, str], opened: Opener) -> None:
    served, url = server
    served.close_after = True
    embeddings = opened(url)

    for _ in range(3):
        assert (await embeddings.embed(["a"])).any()


async def test_nobody_listening_is_told_as_a_store_that_does_not_answer(opened: Opener) -> None:
    with pytest.raises(StoreUnavailable):
        await opened("http://127.0.0.1:9/v1").embed(["a"])


async def test_proxies_of_the_environment_are_not_asked(
    server: tuple[Server, str], opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert (await opened(server[1]).embed(["a"])).any()


async def test_cancelling_is_not_swallowed(server: tuple[Server, str], opened: Opener) -> None:
    served, url = server
    served.pause_seconds = 5
    served.reply = lambda _: [b"HTTP/1.1 200 OK\r\n"]
    asking = asyncio.create_task(opened(url).embed(["a"]))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
