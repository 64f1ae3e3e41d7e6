"""Ids that sort by time."""

from __future__ import annotations

import secrets
import time
from uuid import UUID


def uuid7() -> str:
    """Return a new UUIDv7 as text (RFC 9562, section 5.7): milliseconds since the epoch, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1)
    return str(UUID(int=value))
