"""OPA's REST API over httpx: one attempt, bounded in time and bytes; no redirects, no proxies of the environment."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import httpx
import structlog
from typing_extensions import override

from ecp_server.domain.errors import PolicyUnavailable, StoreThrottled
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.exchanges import Exchanges
from ecp_server.stores.kept_connections import KeptConnections, is_garbled
from ecp_server.stores.policy.contract import strict_json
from ecp_server.stores.retry_after import retry_after_seconds

SCHEMES: Final = ("http", "https")
MAX_REPLY_BYTES: Final = 8 * 1024 * 1024
"""A decision takes a few hundred."""

# OPA and the proxies before it keep an idle connection for longer as a rule, so that few are used that they close.
_KEPT_IDLE_SECONDS: Final = 5.0
_KEYS: Final = frozenset({"result", "decision_id", "metrics", "provenance"})
_LOG: Final = structlog.get_logger(__name__)


class OpaClient:
    """The server of a URL: ``http://HOST:PORT``, with a path before OPA's own where a gateway wants one.

    A password is sent as bearer token, or with a user as basic authentication.
    """

    def __init__(self, endpoint: Endpoint, *, pool_size: int, timeout_seconds: float) -> None:
        """No call takes longer than ``timeout_seconds``; nothing is connected before the first one."""
        self._endpoint = endpoint
        parts = endpoint.parts
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port is not None else ""
        self._base = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path.rstrip('/')}"
        self._timeout_seconds = timeout_seconds
        self.pool_size = pool_size
        self._http: httpx.AsyncClient | None = None
        self._closed = False
        self._exchanges = Exchanges()

    async def evaluate(self, path: Sequence[str], document: Mapping[str, Any]) -> object | None:
        """Return the value of the rule at a path below ``data`` for an input; None where it is undefined.

        Errors of built-in functions are errors of the evaluation, not undefined: ``not`` would turn that into true.
        Raises `PolicyUnavailable`.
        """
        reply = await self.request(
            "POST", "/v1/data/" + "/".join(path), json={"input": document}, params={"strict-builtin-errors": "true"}
        )
        if reply.status_code != HTTPStatus.OK:
            raise self._refused(reply)
        body = self.body(reply)
        if not isinstance(body, dict) or not _KEYS.issuperset(body):
            raise self._unreadable("not an evaluation's answer")
        return body.get("result")

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request and return the whole answer. Raises `PolicyUnavailable`."""
        if self._closed:
            raise PolicyUnavailable
        try:
            return await self._exchanges.run(lambda: self._send(method, path, **options), self._timeout_seconds)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            if is_garbled(error):
                raise self._unreadable("no HTTP") from error
            raise PolicyUnavailable from error

    def body(self, reply: httpx.Response) -> object:
        """Return the JSON of an answer, nothing in it ambiguous. Raises `PolicyUnavailable`."""
        try:
            return strict_json(reply.content)
        except ValueError:
            raise self._unreadable("no JSON") from None

    async def close(self) -> None:
        """Close every connection. Calling it twice does nothing more."""
        self._closed = True
        await self._exchanges.close()
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        auth = await self._auth()
        async with self._open().stream(method, self._base + path, headers=headers, auth=auth, **options) as reply:
            if "content-encoding" in reply.headers:
                raise self._unreadable("encoded, though that was not asked for")
            content = bytearray()
            async for part in reply.aiter_raw():
                content += part
                if len(content) > MAX_REPLY_BYTES:
                    raise self._unreadable("too large")
        return httpx.Response(reply.status_code, headers=reply.headers, content=bytes(content))

    async def _auth(self) -> httpx.Auth | None:
        if self._endpoint.password_file is None:
            password = self._endpoint.password()
        else:
            password = await asyncio.to_thread(self._endpoint.password)
        if self._endpoint.user:
            return httpx.BasicAuth(self._endpoint.user, password)
        return _Bearer(password) if password else None

    def _open(self) -> httpx.AsyncClient:
        if self._http is None:
            connections = KeptConnections(
                httpx.Limits(max_connections=self.pool_size, keepalive_expiry=_KEPT_IDLE_SECONDS),
                # Loading the certificates to trust takes longer than a hundred decisions.
                verify=self._base.startswith("https:"),
            )
            self._http = httpx.AsyncClient(
                transport=connections,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(None),  # that of the exchange holds for all of it, a dripping answer too
            )
        return self._http

    @staticmethod
    def _refused(reply: httpx.Response) -> PolicyUnavailable | StoreThrottled:
        wait = retry_after_seconds(reply.headers.get("retry-after", ""))
        if reply.status_code == HTTPStatus.TOO_MANY_REQUESTS and wait is not None:
            return StoreThrottled(StoreKind.POLICY, retry_after_seconds=wait)
        _LOG.error("policy_engine_refused", status=reply.status_code)
        again = reply.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        return PolicyUnavailable(retry_after_seconds=1.0 if again else None)

    @staticmethod
    def _unreadable(why: str) -> PolicyUnavailable:
        _LOG.error("policy_reply_malformed", reason=why)
        return PolicyUnavailable(retry_after_seconds=None)


class _Bearer(httpx.Auth):
    """OPA's token."""

    def __init__(self, token: str) -> None:
        self._token = token

    @override
    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header."""
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request
