"""Lets calls begin one after another, so that what has come meanwhile is seen before the next one begins.

A call that begins computes for milliseconds, and grpc.aio takes in one new call at a time, over several rounds of the
event loop. With many calls computing at once a round takes as long as all of them: new calls wait where nobody can
refuse them, and probes of health with them. So a call begins once the loop has gone round often enough without a new
one, or has spent three times as long on others as on the call that began before: whoever comes is seen first, and
however many come, a quarter of the time goes into answers. And while calls under way keep the loop from going round,
none begins.

Where a crowd waits, as many begin together as the loop computes within `TOGETHER_SECONDS`. All that comes meanwhile is
then seen in one go: what answers need and what refusals need take turns in the processor's caches less often, and both
are cheaper. That nobody else comes then takes a moment to tell, not rounds alone: rounds of a loop that has nothing to
do are quicker than gRPC's threads, and each time that one is taken to be the last, another dozen begin before it.

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
CROWD: Final = 32
"""So many wait where several begin together."""
TOGETHER_SECONDS: Final = 0.012
"""In which those compute that begin together: with what those need that came meanwhile, most of whom are refused, it
must stay well within the 50 ms in which refusals come."""
MOST_TOGETHER: Final = 16
"""Calls that begin together, however quick they are."""
QUIET_SHARE: Final = 0.1
"""Of the time that they took at once: how long none must have come before the next begin, where a crowd waits."""
_WEIGHT: Final = 0.05
"""Of the newest value in a mean."""


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
        self._came_at = 0.0
        self._together = 1
        """How many were given their turn last."""
        self._seconds_each: float | None = None
        """Mean of what a call takes of the loop at once, when it has its turn."""
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
        self._came_at = time.monotonic()

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
            self._computed(now)
        self._rounds += 1
        self._quiet_rounds += 1
        if self._give_way is not None and self._quiet_rounds == 1:
            self._give_way()
        if self._are_next(now):
            self._begin_next(now)
        self._look_on(loop)

    def _computed(self, now: float) -> None:
        """Note that the loop came back from those that were given their turn."""
        self._seen_at = now
        each = (now - self._given_at) / self._together
        self._seconds_each = each if self._seconds_each is None else _mean(self._seconds_each, each)

    def _are_next(self, now: float) -> bool:
        """Return whether those who wait are next: nobody else comes, or others have had their share."""
        if self._rounds < QUIET_ROUNDS:
            return False
        took = self._seen_at - self._given_at
        if now - self._seen_at >= OTHERS_SHARE * took:
            return True
        if self._quiet_rounds < QUIET_ROUNDS:
            return False
        return len(self._waiting) < CROWD or now - max(self._came_at, self._seen_at) >= QUIET_SHARE * took

    def _begin_next(self, now: float) -> None:
        most = min(self._many(), self._max_begun - self._begun)
        began = 0
        while self._waiting and began < most:
            turn = self._waiting.popleft()
            if not turn.done():  # else its caller is gone
                turn.set_result(None)
                began += 1
        if not began:
            return
        if self._began_at is not None:
            self._interval = _mean(self._interval, (now - self._began_at) / began)
        self._together = began
        self._began_at = self._given_at = now
        self._rounds = self._quiet_rounds = 0

    def _many(self) -> int:
        """Return how many may begin together."""
        if len(self._waiting) < CROWD:
            return 1
        each = self._seconds_each
        return max(1, min(MOST_TOGETHER, int(TOGETHER_SECONDS / each))) if each else 1


def _mean(mean: float, newest: float) -> float:
    return mean + _WEIGHT * (newest - mean)
