"""Figures by a Cube server, over its REST API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import httpx
import jwt
from pydantic import BaseModel, ConfigDict, Field

from ecp_server.domain.errors import StoreUnavailable, TooLarge
from ecp_server.domain.figures import FigureQuery, Figures, Value
from ecp_server.domain.identity import Principal
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.semantic import DimensionType
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.exchanges import Exchanges
from ecp_server.stores.kept_connections import KeptConnections, is_garbled
from ecp_server.stores.semantic.cube_meta import CubeMeta, MetaReply, cube_meta
from ecp_server.stores.semantic.cube_query import MAX_ROWS, CubeQuery, cube_query, executed
from ecp_server.stores.semantic.cube_replies import parsed, read, refuse, unknown_reply
from ecp_server.stores.semantic.values import by_keys, exact

MAX_REPLY_BYTES: Final = 64 * 1024 * 1024
LARGE_BYTES: Final = 256 * 1024
LARGE_ROWS: Final = 2_000
"""Larger replies are read in a thread: they would hold up the event loop."""
MAX_PARALLEL: Final = 8
"""Queries that Cube is sent at a time."""

META_SECONDS: Final = 60.0
"""How long what Cube says of its model is believed."""

TOKEN_SECONDS: Final = 300
"""How long a token holds; a query that takes longer asks on with a new one."""

_PAUSE_SECONDS: Final = 0.05
"""Before asking again for what Cube is still computing; it holds each request for some seconds itself."""

_DEFAULT_PATH: Final = "/cubejs-api"
_CONTINUE_WAIT: Final = "Continue wait"
_BOOLEANS: Final = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


class _LoadReply(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    query: dict[str, Any]
    data: list[dict[str, Any]]
    last_refresh_time: str | None = Field(default=None, alias="lastRefreshTime")


class CubeSemantic:
    """The Semantic port over Cube.

    Whoever asks is told to Cube in a token that is signed with its secret: `sub`, `actor`, `department` and `roles`
    make up its security context.
    """

    adapter = "cube"
    concurrency = MAX_PARALLEL

    def __init__(self, endpoint: Endpoint) -> None:
        """Speak to the Cube at ``endpoint``, whose password is the secret that tokens are signed with."""
        parts = endpoint.parts
        scheme = parts.scheme.removeprefix("cube+")
        netloc = parts.netloc.rpartition("@")[2]
        self._endpoint = endpoint
        self._root = f"{scheme}://{netloc}"
        self._api = f"{self._root}{parts.path.rstrip('/') or _DEFAULT_PATH}/v1"
        # No proxies or passwords from the environment, and nothing but plain replies, which cannot swell.
        self._http = httpx.AsyncClient(
            transport=KeptConnections(httpx.Limits(max_connections=2 * MAX_PARALLEL, keepalive_expiry=4.0)),
            trust_env=False,
            follow_redirects=False,
            headers={"accept-encoding": "identity"},
            timeout=httpx.Timeout(None, connect=5.0),
        )
        self._exchanges = Exchanges()
        self._places = asyncio.Semaphore(MAX_PARALLEL)
        self._meta: tuple[float, CubeMeta] | None = None
        self._closed = False

    async def run(self, queries: Sequence[FigureQuery], *, principal: Principal | None = None) -> Sequence[Figures]:
        """Run the queries side by side; see `ports.Semantic`."""
        if not queries:
            return []
        who = principal or Principal()
        meta = await self._model(who)
        jobs = [asyncio.create_task(self._figures(query, meta, who), name="cube query") for query in queries]
        try:
            return await asyncio.gather(*jobs)
        finally:
            # Whoever failed or went away takes the others along: Cube is asked no further.
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def probe(self) -> None:
        """Ask whether Cube is ready."""
        await self._exchange("GET", f"{self._root}/readyz", Principal())

    async def close(self) -> None:
        """Close the connections."""
        self._closed = True
        await self._exchanges.close()
        await self._http.aclose()

    async def _model(self, who: Principal) -> CubeMeta:
        known = self._meta
        if known is None or time.monotonic() - known[0] > META_SECONDS:
            reply = read(MetaReply, await self._exchange("GET", f"{self._api}/meta", who))
            known = self._meta = time.monotonic(), cube_meta(reply)
        return known[1]

    async def _figures(self, query: FigureQuery, meta: CubeMeta, who: Principal) -> Figures:
        sent = cube_query(query, meta)
        async with self._places:
            reply = await self._loaded(sent, who)
        rows = reply.get("data")
        if isinstance(rows, list) and len(rows) > LARGE_ROWS:
            return await asyncio.to_thread(_answer, query, sent, meta, reply)
        return _answer(query, sent, meta, reply)

    async def _loaded(self, sent: CubeQuery, who: Principal) -> Mapping[str, Any]:
        """Ask until Cube has the answer; how long is the caller's to say."""
        while True:
            reply = await self._exchange("POST", f"{self._api}/load", who, {"query": sent.body})
            if reply.get("error") != _CONTINUE_WAIT:
                return reply
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _exchange(self, method: str, url: str, who: Principal, body: object = None) -> Mapping[str, Any]:
        """Send one request and return the reply, a JSON object."""
        if self._closed:
            raise StoreUnavailable(StoreKind.SEMANTIC)
        try:
            reply, content = await self._exchanges.run(lambda: self._sent(method, url, who, body))
        except httpx.HTTPError as error:
            raise StoreUnavailable(
                StoreKind.SEMANTIC,
                retry_after_seconds=None if is_garbled(error) else 1.0,  # what is no HTTP would come again
            ) from error
        except OSError as error:  # the file with the secret
            raise StoreUnavailable(StoreKind.SEMANTIC, retry_after_seconds=None) from error
        if not reply.is_success:
            refuse(reply, content)
        return await asyncio.to_thread(parsed, content) if len(content) > LARGE_BYTES else parsed(content)

    async def _sent(self, method: str, url: str, who: Principal, body: object) -> tuple[httpx.Response, bytes]:
        async with self._http.stream(method, url, json=body, headers={"authorization": self._token(who)}) as reply:
            return reply, await _content(reply)

    def _token(self, who: Principal) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {"iat": now, "exp": now + TOKEN_SECONDS}
        named = {"sub": who.subject, "actor": who.actor, "department": who.department, "roles": list(who.roles)}
        claims |= {name: value for name, value in named.items() if value}
        return jwt.encode(claims, self._endpoint.password(), algorithm="HS256")


async def _content(reply: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in reply.aiter_bytes():
        content += chunk
        if len(content) > MAX_REPLY_BYTES:
            raise unknown_reply()
    return bytes(content)


def _answer(query: FigureQuery, sent: CubeQuery, meta: CubeMeta, reply: Mapping[str, Any]) -> Figures:
    """Return what a reply says. Raises `StoreIncompatible` where it is none of this query's, and `TooLarge`."""
    try:
        return _figures(query, sent, meta, read(_LoadReply, reply))
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise unknown_reply() from error


def _figures(query: FigureQuery, sent: CubeQuery, meta: CubeMeta, reply: _LoadReply) -> Figures:
    """Return the rows of a reply. Raises `KeyError`, `TypeError` or `ValueError` where it is none of this query's."""
    if len(reply.data) >= MAX_ROWS:
        raise TooLarge(f"the answer has more than {MAX_ROWS - 1:,} rows")
    addresses = [*query.dimensions, *([query.time_ref] if len(sent.keys) > len(query.dimensions) else [])]
    kinds = [meta.dimension(address).type for address in addresses]
    rows = [
        (
            *(_key(row[name], kind) for name, kind in zip(sent.keys, kinds, strict=True)),
            *(_measure(row[name], meta, name) for name in query.measures),
        )
        for row in reply.data
    ]
    if not rows and not sent.keys:
        rows = [tuple(_measure(None, meta, name) for name in query.measures)]
    ordered = by_keys(rows, len(addresses))
    refreshed = reply.last_refresh_time
    return Figures(
        columns=(*addresses, *query.measures),
        rows=ordered[: query.limit] if query.limit else ordered,
        executed=executed(sent, query, reply.query),
        refresh_time=datetime.fromisoformat(refreshed) if refreshed is not None else None,
    )


def _measure(value: object, meta: CubeMeta, address: str) -> Value:
    measure = meta.measure(address)
    if value is None:
        return Decimal(0) if measure.counts else None
    return _number(value) if measure.is_number else _text(value)


def _key(value: object, kind: DimensionType) -> Value:
    if value is None:
        return None
    match kind:
        case DimensionType.STRING:
            return _text(value)
        case DimensionType.NUMBER:
            return _number(value)
        case DimensionType.BOOLEAN:
            return _BOOLEANS[_text(value)]
        case DimensionType.TIME:
            return date.fromisoformat(_text(value)[:10])


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError("no number")
    return exact(Decimal(value))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | Decimal):
        raise TypeError("no text")
    return str(value)
