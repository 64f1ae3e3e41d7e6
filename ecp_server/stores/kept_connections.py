"""HTTP connections that are kept between requests, and may be closed by the server just when they are used again."""

from __future__ import annotations

from typing import Any, Final

import httpx
from typing_extensions import override

_ENDED: Final = ("Server disconnected", "peer closed connection")
"""How httpx's words begin where a connection ended amid an answer. Its other protocol errors are about what came."""
_CLOSED: Final = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


def is_garbled(error: Exception) -> bool:
    """Tell whether an answer came that is no HTTP. Asking the same again will not help then."""
    return isinstance(error, httpx.RemoteProtocolError) and not str(error).startswith(_ENDED)


class KeptConnections(httpx.AsyncBaseTransport):
    """Makes a request once more, on a new connection, where a kept one ended before the head of an answer came.

    The server had closed it meanwhile, which says nothing of the server. Of a new connection it does: there the error
    is the caller's. Only for requests that may be made twice.
    """

    def __init__(self, limits: httpx.Limits, *, verify: bool = True) -> None:
        """Make connections as ``limits`` say; without ``verify`` no certificate is checked, nor one loaded."""
        context = httpx.create_ssl_context(verify=verify, trust_env=False)
        self._kept = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits)
        # Of those that are kept any may be closed: none is taken twice.
        once = httpx.Limits(max_connections=limits.max_connections, max_keepalive_connections=0)
        self._new = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=once)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises what httpx raises."""
        seen = _Seen()
        request.extensions = {**request.extensions, "trace": seen}
        try:
            return await self._kept.handle_async_request(request)
        except _CLOSED as error:
            if seen.connecting or is_garbled(error):
                raise
        return await self._new.handle_async_request(request)

    @override
    async def aclose(self) -> None:
        """Close the connections."""
        await self._kept.aclose()
        await self._new.aclose()


class _Seen:
    """Sees what httpcore does for a request, by the names of the events that it documents."""

    def __init__(self) -> None:
        self.connecting = False

    async def __call__(self, event: str, _details: Any) -> None:
        self.connecting = self.connecting or event.startswith("connection.connect")
