"""Page tokens: opaque to callers, good for the request that they came from."""

from __future__ import annotations

import base64
import binascii
import hashlib

from ecp_server.domain.errors import FieldViolation, InvalidQuery
from ecp_server.domain.frozen import dataclass

_DIGEST_BYTES = 8
_OFFSET_BYTES = 4


@dataclass(frozen=True, slots=True)
class Page:
    """Which page: at most ``size`` items from where ``token`` says; "" is the first."""

    size: int
    token: str = ""


def next_token(offset: int, total: int, *scope: str) -> str:
    """Return the token of the page that begins at ``offset``; "" where there is none."""
    if offset >= total:
        return ""
    return base64.urlsafe_b64encode(offset.to_bytes(_OFFSET_BYTES) + _digest(scope)).decode()


def read_token(token: str, *scope: str) -> int:
    """Return where the page begins. Raises `InvalidQuery` for a token that is not from a request of this scope."""
    if not token:
        return 0
    try:
        content = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        content = b""
    if len(content) != _OFFSET_BYTES + _DIGEST_BYTES or content[_OFFSET_BYTES:] != _digest(scope):
        violation = FieldViolation("page_token", "did not come from a response to this request")
        raise InvalidQuery("page_token did not come from a response to this request", (violation,))
    return int.from_bytes(content[:_OFFSET_BYTES])


def _digest(scope: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\0".join(scope).encode("utf-8", "surrogatepass")).digest()[:_DIGEST_BYTES]
