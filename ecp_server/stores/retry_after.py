"""For how long a store that is asked over HTTP wants to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_SECONDS: Final = 3600.0
"""Whoever says more is asked again after so long: a mistake could not be taken back, as nobody would hear of it."""


def retry_after_seconds(header: str) -> float | None:
    """Return what Retry-After says, as a number of seconds or a date (RFC 9110); None where it says neither."""
    if header.isascii() and header.isdigit():
        return min(float(header), LONGEST_SECONDS)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    if until.tzinfo is None:  # "-0000", for UTC from nowhere in particular
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - datetime.now(UTC)).total_seconds()), LONGEST_SECONDS)
