"""Work over many rows, out of the event loop's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

MANY_ROWS: Final = 2_000
"""With more the loop would be held up for longer than a thread costs, by a hundred times and more."""


async def worked_out(work: Callable[[], T], *, rows: int) -> T:
    """Return what ``work`` over so many ``rows`` returns; in a thread where they are many, so that others go on."""
    return await asyncio.to_thread(work) if rows > MANY_ROWS else work()
