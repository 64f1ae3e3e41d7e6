"""The open model: calls arrive at a rate, whatever became of those before, as those of many callers do."""

from __future__ import annotations

import random
import selectors
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Final

from calls import cpu_seconds, without_collections
from http2 import MOST_STREAMS, Connection

CONNECTIONS: Final = 16
_GIVE_UP_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """What became of one call."""

    due: float
    """When it arrived, in seconds since the first could; it was sent then, unless every connection was full."""
    latency: float
    """Seconds from then to its end."""
    answered: bool
    """Whether it had a reply; else it ended with a status."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What became of the calls that came at one rate."""

    seconds: float
    """In which they came."""
    calls: list[Call]
    replies: list[bytes]
    generator_share: float
    """Of its core, 0 to 1: near 1 the generator is what was measured."""

    @property
    def answered(self) -> list[Call]:
        """Return those with a reply."""
        return [call for call in self.calls if call.answered]

    @property
    def refused(self) -> list[Call]:
        """Return those that ended with a status."""
        return [call for call in self.calls if not call.answered]

    @property
    def offered_a_second(self) -> float:
        """Return how many came."""
        return len(self.calls) / self.seconds

    @property
    def goodput(self) -> float:
        """Return how many a second were answered while calls came."""
        return sum(call.due + call.latency <= self.seconds for call in self.answered) / self.seconds


def arrive(
    port: int, method: str, requests: Iterator[bytes], *, rate: float, seconds: float, seed: int = 1
) -> Arrivals:
    """Call a method at ``rate`` calls a second on average, at random moments that are always the same.

    Raises `CallsFailed`.
    """
    due = deque(_moments(rate, seconds, seed))
    prepared = deque(request for request, _ in zip(requests, due, strict=False))
    calls: list[Call] = []
    replies: list[bytes] = []
    with ExitStack() as stack, without_collections():
        connections = [stack.enter_context(closing(Connection(port, method))) for _ in range(CONNECTIONS)]
        selector = stack.enter_context(selectors.DefaultSelector())
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        used, begun = cpu_seconds(), time.perf_counter()
        while due or any(connection.in_flight for connection in connections):
            now = time.perf_counter() - begun
            if now > seconds + _GIVE_UP_SECONDS:
                raise TimeoutError(f"{sum(c.in_flight for c in connections)} calls never ended")
            while due and due[0] <= now and (free := _freest(connections)) is not None:
                free.begin(prepared.popleft(), due.popleft())
            for connection in connections:
                connection.flush()
            wait = max(0.0, begun + due[0] - time.perf_counter()) if due else 1.0
            for key, _ in selector.select(wait if _freest(connections) is not None else 1.0):
                for ended in key.data.receive():
                    calls.append(Call(ended.since, ended.at - begun - ended.since, bool(ended.message)))
                    replies.append(ended.message)
        share = (cpu_seconds() - used) / (time.perf_counter() - begun)
    return Arrivals(seconds, calls, [reply for reply in replies if reply], share)


def _moments(rate: float, seconds: float, seed: int) -> Iterator[float]:
    """Yield the moments of a Poisson process."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    at = chance.expovariate(rate)
    while at < seconds:
        yield at
        at += chance.expovariate(rate)


def _freest(connections: list[Connection]) -> Connection | None:
    """Return the connection with the fewest calls; None where all are full."""
    found = min(connections, key=lambda connection: connection.in_flight)
    return found if found.in_flight < MOST_STREAMS else None
