"""What the adapter of Cube does where Cube is slow, gone, wrong or large; the suite of the port asks a real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest

from ecp_server.domain.errors import (
    EcpError,
    StoreIncompatible,
    StoreQueryFailed,
    StoreThrottled,
    StoreUnavailable,
    TooLarge,
)
from ecp_server.domain.figures import FigureQuery
from ecp_server.domain.identity import Principal
from ecp_server.domain.plan import Filter, FilterOperator
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.retry_after import LONGEST_SECONDS
from ecp_server.stores.semantic import cube
from ecp_server.stores.semantic.cube import CubeSemantic

SECRET = "not known to anybody, and long enough"
META = {
    "cubes": [
        {
            "measures": [{"name": "A.total", "type": "number", "aggType": "sum", "isVisible": True}],
            "dimensions": [{"name": "A.name", "type": "string", "isVisible": True}],
        }
    ]
}
QUERY = FigureQuery(("A.total",), ("A.name",))
ECHO = {"measures": ["A.total"], "dimensions": ["A.name"], "filters": [], "timeDimensions": [], "timezone": "UTC"}
WAIT = {"error": "Continue wait"}


def loaded(**changed: Any) -> dict[str, Any]:
    return {"query": ECHO, "data": [{"A.name": "x", "A.total": "1.50"}]} | changed


class Wire:
    """A server that says what it is told to: /meta is right, and each /load gets the next of its replies."""

    def __init__(self, *replies: object) -> None:
        self.replies = list(replies)
        self.loads = 0
        self.tokens: list[str] = []
        self.asked_often = asyncio.Event()
        self.connections: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._answer(reader, writer))
        self.connections.add(connection)
        await connection

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            path, headers = head
            await reader.readexactly(int(headers.get("content-length", "0")))
            self.tokens.append(headers.get("authorization", ""))
            status, extra, body = self._reply(path)
            lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *(f"{k}: {v}" for k, v in extra.items())]
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    def _reply(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if path.endswith("/meta"):
            return 200, {}, json.dumps(META).encode()
        if path == "/readyz":
            return 200, {}, b'{"health":"HEALTH"}'
        self.loads += 1
        if self.loads > 3:
            self.asked_often.set()
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, tuple):
            return reply
        return 200, {}, reply if isinstance(reply, bytes) else json.dumps(reply).encode()


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]] | None:
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = text.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return first.split()[1], headers


@asynccontextmanager
async def speaking(wire: Wire, password_file: Path | None = None) -> AsyncIterator[CubeSemantic]:
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    secret = "" if password_file else f":{SECRET.replace(' ', '%20')}@"
    store = CubeSemantic(Endpoint(f"cube+http://{secret}127.0.0.1:{port}", password_file))
    try:
        yield store
    finally:
        await store.close()
        server.close()
        if wire.connections:
            await asyncio.wait(wire.connections)


async def test_it_asks_on_while_cube_computes() -> None:
    wire = Wire(WAIT, WAIT, loaded())
    async with speaking(wire) as store:
        (figures,) = await store.run([QUERY])
    assert wire.loads == 3
    assert [[str(value) for value in row] for row in figures.rows] == [["x", "1.5"]]


async def test_a_caller_who_goes_away_stops_the_asking() -> None:
    wire = Wire(WAIT)
    async with speaking(wire) as store:
        task = asyncio.create_task(store.run([QUERY, QUERY]))
        await wire.asked_often.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        asked = wire.loads
        await asyncio.sleep(0.3)
        assert wire.loads <= asked + 2  # what was on its way


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((400, {}, b'{"error":"no"}'), StoreQueryFailed),
        ((500, {}, b"{}"), StoreUnavailable),
        ((502, {}, b"<html>"), StoreUnavailable),
        ((400, {}, b'{"type":"UserError","error":"ETIMEDOUT is no member"}'), StoreQueryFailed),
        ((400, {}, b'{"error":"Error: connect ECONNREFUSED 127.0.0.1:5432"}'), StoreUnavailable),
        ((400, {}, b'{"error":"Error: terminating connection due to administrator command"}'), StoreUnavailable),
        ((302, {"location": "http://127.0.0.1:1/"}, b""), StoreIncompatible),
        ((404, {}, b"Cannot POST /load"), StoreIncompatible),
        ((429, {"retry-after": "7"}, b""), StoreThrottled),
        (b"{", StoreUnavailable),
        (b"[]", StoreIncompatible),
        (b'{"query": {}, "data": [{"A.total": NaN}]}', StoreUnavailable),
        (loaded(data=[{"A.name": "x"}]), StoreIncompatible),
        (loaded(data=[{"A.name": "x", "A.total": True}]), StoreIncompatible),
        (loaded(data=[{"A.name": "x", "A.total": "many"}]), StoreIncompatible),
        (loaded(data={}), StoreIncompatible),
        (loaded(query={}), StoreIncompatible),
        ({"error": "something else"}, StoreIncompatible),
        (loaded(data=[{"A.name": "x", "A.total": "1"}] * 50_000), TooLarge),
    ],
    ids=range(19),
)
async def test_replies_that_are_no_answer_are_errors(reply: object, error: type[EcpError]) -> None:
    async with speaking(Wire(reply)) as store:
        with pytest.raises(error) as caught:
            await store.run([QUERY])
    assert type(caught.value) is error
    if isinstance(caught.value, StoreThrottled):
        assert caught.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("wish", "seconds"), [("", 1), ("soon", 1), ("9" * 400, LONGEST_SECONDS), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)]
)
async def test_who_wants_to_be_left_alone_is_for_an_hour_at_most(wish: str, seconds: float) -> None:
    async with speaking(Wire((429, {"retry-after": wish}, b""))) as store:
        with pytest.raises(StoreThrottled) as caught:
            await store.run([QUERY])
    assert seconds == caught.value.retry_after_seconds


@pytest.mark.parametrize("status", [401, 403])
async def test_bad_credentials_are_not_tried_again(status: int) -> None:
    async with speaking(Wire((status, {}, b""))) as store:
        with pytest.raises(StoreUnavailable) as caught:
            await store.run([QUERY])
    assert caught.value.retry_after_seconds is None


async def test_a_reply_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cube, "MAX_REPLY_BYTES", 2000)
    async with speaking(Wire(loaded(data=[{"A.name": "x" * 3000, "A.total": "1"}]))) as store:
        with pytest.raises(StoreIncompatible):
            await store.run([QUERY])


async def test_without_a_server_it_is_unavailable() -> None:
    store = CubeSemantic(Endpoint(f"cube+http://:{'x' * 32}@127.0.0.1:1"))
    with pytest.raises(StoreUnavailable):
        await store.probe()
    with pytest.raises(StoreUnavailable):
        await store.run([QUERY])
    await store.close()


async def test_the_token_says_for_whom_and_is_signed_with_the_secret_of_the_moment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n", encoding="utf-8")
    wire = Wire(loaded())
    who = Principal(subject="ann", department="finance", roles=("analyst",))
    async with speaking(wire, secret) as store:
        await store.run([QUERY], principal=who)
        secret.write_text(SECRET * 2, encoding="utf-8")
        await store.run([QUERY], principal=who)
    claims = jwt.decode(wire.tokens[0], SECRET, algorithms=["HS256"], options={"require": ["exp", "iat"]})
    assert (claims["sub"], claims["department"], claims["roles"]) == ("ann", "finance", ["analyst"])
    assert jwt.decode(wire.tokens[-1], SECRET * 2, algorithms=["HS256"])["sub"] == "ann"


async def test_what_cube_dropped_or_added_is_in_what_it_executed() -> None:
    asked = Filter("A.name", FilterOperator.EQUALS, ("x",), "policy")
    added = {"member": "A.name", "operator": "notEquals", "values": ["y"]}
    wire = Wire(loaded(query=ECHO | {"filters": [added]}))
    async with speaking(wire) as store:
        (figures,) = await store.run([FigureQuery(("A.total",), ("A.name",), (asked,))])
    assert figures.executed.filters == (Filter("A.name", FilterOperator.NOT_EQUALS, ("y",), "cube"),)
