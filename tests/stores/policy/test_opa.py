"""What ECP makes of an OPA that answers oddly, of one that it may not change, and of one that lost its policies."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from ecp_server.domain.errors import PolicyUnavailable, StoreThrottled
from ecp_server.domain.policy import Decision
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.policy.opa import OpaPolicy
from ecp_server.stores.policy.opa_client import MAX_REPLY_BYTES, OpaClient
from ecp_server.stores.retry_after import LONGEST_SECONDS
from tests.conformance.policies import ALLOW_ALL, allowed, ask, deciding
from tests.servers import opa_server

__all__ = ["opa_server"]

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ALLOWED = b'{"net_revenue": {"allow": true, "policy": "p"}}'


def http(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole answer as it goes over the wire."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nContent-Type: application/json\r\n{headers}\r\n"
    return head.encode() + body


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives one answer after the other, the last one for ever, and notes the requests."""
    requests: list[bytes] = []
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
            requests.append(head + await reader.readexactly(length))
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            await writer.drain()

    async with listening(serve) as url:
        yield url, requests


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server whose connections are served by ``serve`` for as long as they last."""
    connections: set[asyncio.Task[None] | None] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    if running := {task for task in connections if task is not None}:
        await asyncio.wait(running)


def opa(url: str, *, push: bool = False, timeout_seconds: float = 30, password_file: Path | None = None) -> OpaPolicy:
    client = OpaClient(Endpoint(url, password_file), pool_size=4, timeout_seconds=timeout_seconds)
    return OpaPolicy(client, push=push)


@asynccontextmanager
async def asking(url: str, **options: object) -> AsyncIterator[OpaPolicy]:
    policy = opa(url, **options)  # type: ignore[arg-type]
    yield policy
    await policy.close()


MALFORMED = {
    "no result": http(b"{}"),
    "result null": http(b'{"result": null}'),
    "result true": http(b'{"result": true}'),
    "result in words": http(b'{"result": "true"}'),
    "result a number": http(b'{"result": 1}'),
    "result a list": http(b'{"result": [%s]}' % ALLOWED),
    "allow in words": http(b'{"result": {"net_revenue": {"allow": "true", "policy": "p"}}}'),
    "allow a number": http(b'{"result": {"net_revenue": {"allow": 1, "policy": "p"}}}'),
    "allow NaN": http(b'{"result": {"net_revenue": {"allow": NaN, "policy": "p"}}}'),
    "allow twice": http(b'{"result": {"net_revenue": {"allow": false, "allow": true, "policy": "p"}}}'),
    "a product twice": http(
        b'{"result": {"net_revenue": {"allow": false, "policy": "p"}, "net_revenue": %s}}' % ALLOWED
    ),
    "result twice": http(b'{"result": {}, "result": %s}' % ALLOWED),
    "success with an error": http(b'{"result": %s, "errors": [{"code": "eval_conflict_error"}]}' % ALLOWED),
    "success with a code": http(b'{"code": "internal_error", "result": %s}' % ALLOWED),
    "an unknown key": http(b'{"result": {"net_revenue": {"allow": true, "policy": "p", "unless": true}}}'),
    "the answer itself": http(ALLOWED),
    "a list around it": http(b'[{"result": %s}]' % ALLOWED),
    "no JSON": http(b"<html>allow: true</html>"),
    "nothing": http(b""),
    "cut short": http(b'{"result": %s' % ALLOWED),
    "more behind it": http(b'{"result": %s} {"result": %s}' % (ALLOWED, ALLOWED)),
    "no text": http(b'{"result": {"net_revenue": {"allow": true, "policy": "\xff"}}}'),
    "deep": http(b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "packed": http(gzip.compress(b'{"result": %s}' % ALLOWED), headers="Content-Encoding: gzip\r\n"),
    "a redirect": http(b"", status="307 Temporary Redirect", headers="Location: http://127.0.0.1:1/\r\n"),
    "created": http(b'{"result": %s}' % ALLOWED, status="201 Created"),
    "an error with a result": http(b'{"result": %s}' % ALLOWED, status="500 Internal Server Error"),
    "unauthorized": http(b'{"code": "unauthorized"}', status="401 Unauthorized"),
    "no such path": http(b'{"result": %s}' % ALLOWED, status="404 Not Found"),
    "not HTTP": b"allow\r\n\r\n",
}


@pytest.mark.parametrize("answer", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_answer_allows_nothing_and_is_asked_for_once(answer: bytes) -> None:
    async with answering(answer) as (url, requests), asking(url) as policy:
        assert set() == await allowed(policy, ask())
    assert len(requests) == 1


async def test_a_sound_answer_allows() -> None:
    sound = http(b'{"result": %s, "decision_id": "8a2c", "metrics": {}, "provenance": {}}' % ALLOWED)
    async with answering(sound) as (url, requests), asking(url) as policy:
        assert {"net_revenue": Decision(True, "p")} == await policy.decide(ask())
    assert requests[0].startswith(b"POST /v1/data/ecp/policy/decisions?strict-builtin-errors=true HTTP/1.1\r\n")
    assert b"authorization" not in requests[0].lower()


async def test_a_redirect_is_not_followed_and_a_proxy_of_the_environment_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with answering(http(b'{"result": %s}' % ALLOWED)) as (elsewhere, requests):
        monkeypatch.setenv("HTTP_PROXY", elsewhere)
        monkeypatch.setenv("ALL_PROXY", elsewhere)
        away = http(b"", status="302 Found", headers=f"Location: {elsewhere}/v1/data\r\n")
        async with answering(away) as (url, _), asking(url) as policy:
            assert set() == await allowed(policy, ask())
    assert requests == []


async def test_an_answer_without_end_is_cut_off() -> None:
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"100000\r\n" + b" " * 0x100000 + b"\r\n") * (
        MAX_REPLY_BYTES // 0x100000 + 2
    )
    async with answering(endless) as (url, _), asking(url) as policy:
        with pytest.raises(PolicyUnavailable):
            await policy.decide(ask())


async def test_an_answer_that_drips_is_late_as_a_whole() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with listening(drip) as url, asking(url, timeout_seconds=0.4) as policy:
        with pytest.raises(PolicyUnavailable):
            await policy.decide(ask())


async def test_one_that_does_not_listen_decides_nothing() -> None:
    async with answering(b"") as (url, _):
        pass
    async with asking(url) as policy:
        for call in (policy.decide(ask()), policy.probe()):
            with pytest.raises(PolicyUnavailable):
                await call


@pytest.mark.parametrize(
    ("wish", "seconds"), [("7", 7), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("9" * 400, LONGEST_SECONDS)]
)
async def test_one_that_wants_to_be_left_alone_says_for_how_long(wish: str, seconds: float) -> None:
    busy = http(b"", status="429 Too Many Requests", headers=f"Retry-After: {wish}\r\n")
    async with answering(busy) as (url, _), asking(url) as policy:
        with pytest.raises(StoreThrottled) as refusal:
            await policy.decide(ask())
    assert refusal.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("user", "header"),
    [("", b"authorization: Bearer s3cret\r\n"), ("ann", b"authorization: Basic YW5uOnMzY3JldA==\r\n")],
)
async def test_the_password_is_a_token_or_that_of_a_user_and_read_anew(
    tmp_path: Path, user: str, header: bytes
) -> None:
    secret = tmp_path / "token"
    secret.write_text("old")
    async with answering(http(b'{"result": {}}')) as (url, requests):
        named = url.replace("//", f"//{user}@") if user else url
        async with asking(named, password_file=secret) as policy:
            await policy.decide(ask())
            secret.write_text("s3cret\n")
            await policy.decide(ask())
    assert header.lower() in requests[1].lower()
    assert header not in requests[0]


async def test_a_path_of_a_gateway_comes_before_opas_own() -> None:
    async with answering(http(b'{"result": {}}')) as (url, requests), asking(f"{url}/opa/") as policy:
        await policy.decide(ask())
    assert requests[0].startswith(b"POST /opa/v1/data/ecp/policy/decisions?")


# --- the real one -----------------------------------------------------------------------------------------------------


async def emptied(client: httpx.AsyncClient) -> None:
    """Delete every policy but OPA's own. One that others call goes after them: OPA keeps what would not compile."""
    while left := [
        module["id"] for module in (await client.get("/v1/policies")).json()["result"] if "authz" not in module["id"]
    ]:
        gone = [(await client.delete(f"/v1/policies/{name}")).is_success for name in left]
        assert any(gone), left


@pytest.fixture
async def api(opa_server: str) -> AsyncIterator[Callable[..., Awaitable[httpx.Response]]]:
    """OPA as its administrator reaches it, without any policy of a catalog."""
    parts = urlsplit(opa_server)
    headers = {"authorization": f"Bearer {parts.password}"}
    async with httpx.AsyncClient(
        base_url=f"http://{parts.hostname}:{parts.port}", headers=headers, trust_env=False
    ) as client:
        await emptied(client)
        yield client.request
        await emptied(client)


Api = Callable[..., Awaitable[httpx.Response]]


async def test_an_opa_of_somebody_else_decides_by_its_own_policies_and_is_not_changed(
    api: Api, opa_server: str
) -> None:
    async with asking(opa_server) as policy:
        with pytest.raises(PolicyUnavailable):
            await policy.probe()
        await api("PUT", "/v1/policies/theirs", content=ALLOW_ALL)
        await policy.use(deciding('{"allow": false, "policy": "of the catalog"}'))
        await policy.probe()
        assert {"net_revenue": Decision(True, "allow_all")} == await policy.decide(ask())
    ids = {module["id"] for module in (await api("GET", "/v1/policies")).json()["result"]}
    assert {name for name in ids if "authz" not in name} == {"theirs"}


async def test_an_opa_that_lost_its_policies_decides_nothing_until_they_are_back(api: Api, opa_server: str) -> None:
    async with asking(opa_server, push=True) as policy:
        await policy.use({"a.rego": ALLOW_ALL})
        assert {"net_revenue"} == await allowed(policy, ask())
        await api("DELETE", "/v1/policies/ecp-catalog-gate.rego")
        await api("DELETE", "/v1/policies/ecp-catalog/a.rego")
        with pytest.raises(PolicyUnavailable):
            await policy.decide(ask())
        await policy.probe()
        assert {"net_revenue"} == await allowed(policy, ask())


async def test_policies_are_brought_once_opa_answers(api: Api, opa_server: str) -> None:
    """A start while it is down does not fail; nothing is decided meanwhile."""
    async with answering(b"") as (url, _):
        pass
    async with asking(url, push=True) as policy:
        await policy.use({"a.rego": ALLOW_ALL})
        with pytest.raises(PolicyUnavailable):
            await policy.decide(ask())
        policy._client._base = opa(opa_server)._client._base
        policy._client._endpoint = Endpoint(opa_server)
        await policy.probe()
        assert {"net_revenue"} == await allowed(policy, ask())


async def test_what_another_server_brought_is_not_decided_by(api: Api, opa_server: str) -> None:
    async with asking(opa_server, push=True) as one, asking(opa_server, push=True) as other:
        await one.use({"a.rego": ALLOW_ALL})
        await other.use(deciding('{"allow": false, "policy": "p"}'))
        with pytest.raises(PolicyUnavailable):
            await one.decide(ask())
        assert {"net_revenue": Decision(False, "p")} == await other.decide(ask())


async def test_files_that_call_each_other_are_brought_in_any_order(api: Api, opa_server: str) -> None:
    files = {
        "a.rego": "package ecp.policy\n\nimport data.b\n\n"
        'decisions[p.id] := {"allow": b.yes(p), "policy": "p"} if some p in input.products\n',
        "b.rego": "package b\n\nimport data.c\n\nyes(p) := c.same(p.id)\n",
        "c.rego": "package c\n\nsame(x) := x == x\n",
    }
    async with asking(opa_server, push=True) as policy:
        await policy.use(files)
        assert {"net_revenue"} == await allowed(policy, ask())


async def test_a_built_in_that_fails_is_no_absence(api: Api, opa_server: str) -> None:
    """Else ``not`` would allow."""
    rule = """
package ecp.policy

decisions[product.id] := {"allow": true, "policy": "p"} if {
    some product in input.products
    not to_number(product.id) > 5
}
"""
    await api("PUT", "/v1/policies/theirs", content=rule)
    async with asking(opa_server) as policy:
        with pytest.raises(PolicyUnavailable):
            await policy.decide(ask())
