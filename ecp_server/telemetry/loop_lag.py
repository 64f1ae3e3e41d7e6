"""How late the event loop runs: the time that what is ready waits for its turn."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

PERIOD_SECONDS: Final = 0.01
TICKS: Final = 3
"""One late tick is a pause (a collection of garbage, a busy neighbour); so many in a row are a queue."""


class LoopLag:
    """Watches the loop that it was started in."""

    def __init__(self) -> None:
        self._late: deque[float] = deque([0.0] * TICKS, maxlen=TICKS)
        self._timer: asyncio.TimerHandle | None = None

    def seconds(self) -> float:
        """Return by how much the last ticks were late, the least of them."""
        return min(self._late)

    def start(self) -> None:
        """Begin to watch the running loop."""
        self._set(asyncio.get_running_loop())

    def stop(self) -> None:
        """Cease to watch."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(PERIOD_SECONDS, self._tick, loop, loop.time() + PERIOD_SECONDS)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        self._late.append(max(0.0, loop.time() - due))
        self._set(loop)
