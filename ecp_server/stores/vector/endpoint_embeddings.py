"""Embeddings from any endpoint that speaks the protocol of OpenAI's: a hosted model, or one in the same cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

import httpx
import numpy as np
import structlog

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.exchanges import Exchanges
from ecp_server.stores.kept_connections import KeptConnections, is_garbled
from ecp_server.stores.vector.embeddings import Matrix, normalized

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

_PATH: Final = "/embeddings"
_KEPT_IDLE_SECONDS: Final = 5.0
_MOST_TEXTS: Final = 64
"""In one request; endpoints commonly take 100 at least."""
_MOST_CHARACTERS: Final = 2000
"""Of one text: some 500 tokens, which every model takes. What an asset means is said by then."""
_BYTES_A_NUMBER: Final = 32
_BYTES_ASIDE: Final = 65_536
"""What a reply may hold beside its numbers."""
_INLINE_BYTES: Final = 32_768
"""Larger replies are read in a thread: parsing them would keep the event loop waiting."""


class _Unfit(Exception):
    """The reply is not one of the protocol; the message says why and is for the log."""


class EndpointEmbeddings:
    """`Embeddings` of a model behind ``endpoint.url``, which ends before or with ``/embeddings``.

    Every reply is checked: as many vectors as texts, each of ``dimensions`` finite numbers. A request takes
    ``timeout_seconds`` at most, from connecting to the last byte. Without a password no key is sent.
    """

    def __init__(self, endpoint: Endpoint, *, model: str, dimensions: int, timeout_seconds: float) -> None:
        parts = endpoint.parts
        path = parts.path.rstrip("/")
        # Without user and password, which are no part of an address to show.
        host = parts.netloc.rpartition("@")[2]
        self._url = f"{parts.scheme}://{host}{path if path.endswith(_PATH) else path + _PATH}"
        self._endpoint = endpoint
        self._model = model
        self._dimensions = dimensions
        self._timeout_seconds = timeout_seconds
        self._exchanges = Exchanges()
        # The deadline is `_embedded`'s: httpx's hold for each read, and a dripping reply would never meet one.
        self._client = httpx.AsyncClient(
            transport=KeptConnections(httpx.Limits(keepalive_expiry=_KEPT_IDLE_SECONDS)),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(None),
            headers={"accept-encoding": "identity"},
        )

    @property
    def model(self) -> str:
        """Return the model's name."""
        return self._model

    @property
    def dimensions(self) -> int:
        """Return the length of a vector."""
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """See `Embeddings`."""
        vectors = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        # Endpoints refuse empty texts; those say nothing, which is a row of zeros.
        said = [row for row, text in enumerate(texts) if text.strip()]
        for start in range(0, len(said), _MOST_TEXTS):
            rows = said[start : start + _MOST_TEXTS]
            vectors[rows] = await self._embedded([texts[row][:_MOST_CHARACTERS] for row in rows])
        return vectors

    async def close(self) -> None:
        """Close the connections."""
        await self._exchanges.close()
        await self._client.aclose()

    async def _embedded(self, texts: Sequence[str]) -> Matrix:
        try:
            body = await self._exchanges.run(lambda: self._sent(texts), self._timeout_seconds)
            if len(body) <= _INLINE_BYTES:
                return _read(body, len(texts), self._dimensions)
            return await asyncio.to_thread(_read, body, len(texts), self._dimensions)
        except (httpx.HTTPError, OSError, TimeoutError, _Unfit) as error:
            cause = str(error) if isinstance(error, _Unfit) else type(error).__name__
            _log.warning("embeddings_failed", cause=cause)
            again = None if is_garbled(error) else 1.0
            raise StoreUnavailable(StoreKind.VECTOR, retry_after_seconds=again) from None

    async def _sent(self, texts: Sequence[str]) -> bytes:
        request = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        most = len(texts) * self._dimensions * _BYTES_A_NUMBER + _BYTES_ASIDE
        key = self._endpoint.password()
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with self._client.stream("POST", self._url, json=request, headers=headers) as reply:
            if reply.status_code != httpx.codes.OK:
                raise _Unfit(f"status {reply.status_code}")
            if "content-encoding" in reply.headers:
                raise _Unfit("an encoding that was not asked for")
            body = bytearray()
            async for chunk in reply.aiter_raw():
                body += chunk
                if len(body) > most:
                    raise _Unfit(f"more than {most} bytes")
            return bytes(body)


def _read(body: bytes, count: int, dimensions: int) -> Matrix:
    """Return the vectors of a reply in the order of the texts. Raises `_Unfit` for what is none of the protocol."""
    try:
        reply: Any = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise _Unfit("no JSON") from None
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise _Unfit("no list of embeddings")
    if sorted(_index(each) for each in data) != list(range(count)):
        raise _Unfit(f"not one embedding for each of {count} texts")
    vectors = np.zeros((count, dimensions), dtype=np.float64)
    for each in data:
        vectors[each["index"]] = _numbers(each.get("embedding"), dimensions)
    if not np.isfinite(vectors).all():
        raise _Unfit("numbers that are not finite")
    return normalized(vectors.astype(np.float32))


def _index(embedding: Mapping[str, object]) -> int:
    index = embedding.get("index")
    return index if isinstance(index, int) and not isinstance(index, bool) else -1


def _numbers(values: object, dimensions: int) -> list[float]:
    if not isinstance(values, list) or len(values) != dimensions:
        raise _Unfit(f"an embedding that has not {dimensions} numbers")
    if not all(isinstance(value, float | int) and not isinstance(value, bool) for value in values):
        raise _Unfit("an embedding with something else than numbers")
    try:
        return [float(value) for value in values]
    except OverflowError:
        raise _Unfit("numbers that are not finite") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
