"""A port whose method does what a test says, and what a guard tells of itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from ecp_server.domain.call import CALL, Call
from ecp_server.domain.health import BreakerState
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard.breaker import BreakerSettings
from ecp_server.stores.guard.guarded import GuardSettings
from ecp_server.stores.guard.retry import RetrySettings

SECRET = "postgresql://ecp:hunter2@db"

Act = Callable[[], Awaitable[object]]


class Store:
    """A port that counts how often its adapter is asked."""

    adapter = "test"

    def __init__(self, act: Act) -> None:
        self.act = act
        self.asked = 0

    async def ask(self) -> object:
        """Do it."""
        self.asked += 1
        return await self.act()

    async def record(self) -> object:
        """Do it, as what is not to be repeated."""
        return await self.ask()

    async def probe(self) -> None:
        """Do it, too."""
        await self.ask()

    async def close(self) -> None:
        """Close nothing."""


class Told:
    """Instruments and listener that remember."""

    def __init__(self) -> None:
        self.retries = 0
        self.states: list[BreakerState] = []

    def store_retry(self, _store: str) -> None:
        self.retries += 1

    def breaker_changed(self, _store: StoreKind, state: BreakerState) -> None:
        self.states.append(state)


class Clock:
    """A monotonic clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def settings(
    *, attempts: int = 3, failures: int = 5, recovery_seconds: float = 30, concurrency: int = 64
) -> GuardSettings:
    """Settings of a guard."""
    return GuardSettings(RetrySettings(attempts), BreakerSettings(failures, recovery_seconds), concurrency)


async def answer() -> object:
    """Answer at once."""
    return "answer"


async def hang() -> object:
    """Answer never, and heed a cancellation."""
    await asyncio.sleep(600)
    return "never"


def raising(error: BaseException) -> Act:
    """Fail."""

    async def act() -> object:
        raise error

    return act


@contextmanager
def time_left(seconds: float) -> Iterator[None]:
    """Be in a call whose caller waits for so long."""
    token = CALL.set(Call("request-1", deadline=time.monotonic() + seconds))
    try:
        yield
    finally:
        CALL.reset(token)
