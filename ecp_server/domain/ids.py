"""Ids of records, which sort by time, and of requests."""

from __future__ import annotations

import secrets
import time
from typing import Final

_UUID_BYTES: Final = 10
_REQUEST_BYTES: Final = 16
_RESERVE_BYTES: Final = 4000


class _Reserve:
    """Random bytes from the system, fetched many at a time: each call to the system costs as much as a database row."""

    def __init__(self) -> None:
        self._bytes = b""
        self._used = 0

    def take(self, count: int) -> bytes:
        """Return random bytes that nobody gets again: workers are started anew, never forked with these."""
        if self._used + count > len(self._bytes):
            self._bytes, self._used = secrets.token_bytes(_RESERVE_BYTES), 0
        taken = self._bytes[self._used : self._used + count]
        self._used += count
        return taken


_reserve: Final = _Reserve()


def uuid7() -> str:
    """Return a new UUIDv7 as text (RFC 9562, section 5.7): milliseconds since the epoch, then 74 random bits.

    Not for several threads at once: the event loop makes ids.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(_reserve.take(_UUID_BYTES))
    value = milliseconds << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def request_id() -> str:
    """Return 128 random bits as hexadecimal digits. Not for several threads at once, as above."""
    return _reserve.take(_REQUEST_BYTES).hex()
