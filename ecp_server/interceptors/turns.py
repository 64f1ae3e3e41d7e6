"""Lets calls begin one after another, so that what has come meanwhile is seen before the next one begins.

A call that begins computes for milliseconds, and grpc.aio takes in one new call at a time, over several rounds of the
event loop. With many calls computing at once a round takes as long as all of them: new calls wait where nobody can
refuse them, and probes of health with them. So a call begins once the loop has gone round often enough without a new
one, or has spent three times as long on others as on the call that began before: whoever comes is seen first, and
however many come, a quarter of the time goes into answers. And while calls under way keep the loop from going round,
none begins.

Nor does one while many have begun and not ended. Those wait for stores, for their records at the least, and the thread
that writes records gets little of a core on which calls begin without end: then all would wait until none is in time.

On one core gRPC's threads do not run before the loop's waits, gives way or has had its slice (`threads.share`): it
gives way after each call that began and each that came, so that what they hold is seen. More often would cost what
sharing so saves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

QUIET_ROUNDS: Final = 8
"""As many rounds of the loop as it takes to take a call in, one more where it gave way first, and one to be sure."""
OTHERS_SHARE: Final = 3.0
"""Time for those that come, most of them to be refused, for each second of answering, where both want all of it. A
refusal that comes late is worth nothing, so they get what they need up to where answers would cease."""
_WEIGHT: Final = 0.05
"""Of the newest interval in the mean."""


class Turns:
    """Calls that wait; to be used from one event loop."""

    def __init__(self, max_begun: int, give_way: Callable[[], None] | None = None) -> None:
        """Let none begin while ``max_begun`` have begun and not ended; ``give_way`` lets gRPC's threads run."""
        self._max_begun = max_begun
        self._give_way = give_way
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._rounds = 0
        """Since a call began."""
        self._given_at = self._seen_at = 0.0
        """When a call was given its turn, and when the loop came back from what it then did."""
        self._quiet_rounds = 0
        """Since one came."""
        self._began_at: float | None = None
        """When a call began last; None where nobody waited then."""
        self._interval = 0.0
        self._begun = 0
        """Calls that have begun and not ended."""
        self._looks = False
        """Whether `_look` is to be called in the next round."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def wait_seconds(self) -> float:
        """Return about how long a call that came now would wait, by how fast calls have begun of late."""
        return len(self._waiting) * self._interval

    def came(self) -> None:
        """Note that a call was taken in, whatever becomes of it."""
        self._quiet_rounds = 0

    async def wait(self) -> None:
        """Wait for a turn."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        if not self._waiting:
            self._began_at = None
            self._given_at = self._seen_at = time.monotonic()
            self._rounds = 1
        self._waiting.append(turn)
        self._look_on(loop)
        await turn

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Count a call as one that has begun."""
        self._begun += 1
        try:
            yield
        finally:
            self._begun -= 1
            self._look_on(asyncio.get_running_loop())

    def _look_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """See to it that `_look` is called while a call waits that may begin."""
        if self._waiting and not self._looks and self._begun < self._max_begun:
            self._looks = True
            loop.call_soon(self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Be called once a round while calls wait that may begin."""
        self._looks = False
        now = time.monotonic()
        if self._rounds == 0:
            self._seen_at = now
        self._rounds += 1
        self._quiet_rounds += 1
        if self._give_way is not None and self._quiet_rounds == 1:
            self._give_way()
        due = OTHERS_SHARE * (self._seen_at - self._given_at)
        if self._quiet_rounds >= QUIET_ROUNDS or (self._rounds >= QUIET_ROUNDS and now - self._seen_at >= due):
            self._begin_next(now)
        self._look_on(loop)

    def _begin_next(self, now: float) -> None:
        turn = self._waiting.popleft()
        if turn.done():  # its caller is gone
            return
        turn.set_result(None)
        if self._began_at is not None:
            self._interval += _WEIGHT * (now - self._began_at - self._interval)
        self._began_at = self._given_at = now
        self._rounds = self._quiet_rounds = 0
