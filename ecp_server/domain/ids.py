"""Ids that sort by time."""

from __future__ import annotations

import secrets
import time
from typing import Final
from uuid import UUID

_RANDOM_BYTES: Final = 10
_RESERVE_BYTES: Final = 4000


class _Reserve:
    """Random bytes from the system, fetched many at a time: each call to the system costs as much as a database row."""

    def __init__(self) -> None:
        self._bytes = b""
        self._used = 0

    def take(self) -> int:
        """Return 80 random bits that nobody gets again: workers are started anew, never forked with these."""
        if self._used + _RANDOM_BYTES > len(self._bytes):
            self._bytes, self._used = secrets.token_bytes(_RESERVE_BYTES), 0
        taken = self._bytes[self._used : self._used + _RANDOM_BYTES]
        self._used += _RANDOM_BYTES
        return int.from_bytes(taken)


_reserve: Final = _Reserve()


def uuid7() -> str:
    """Return a new UUIDv7 as text (RFC 9562, section 5.7): milliseconds since the epoch, then 74 random bits.

    Not for several threads at once: the event loop makes ids.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = _reserve.take()
    value = milliseconds << 80 | 0x7 << 76 | (random >> 68) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    return str(UUID(int=value))
