"""A load generator: unary calls over one HTTP/2 connection, a fixed number of them in flight."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from http2 import Connection


@dataclass(frozen=True, slots=True)
class Traffic:
    """What became of the calls of one round."""

    seconds: float
    latencies: list[float]
    """Of each call that was answered, in seconds."""
    replies: list[bytes]
    """Messages, in the order in which they came."""
    failed: int
    """Calls that ended with a status instead of a message."""
    generator_share: float
    """Of its core, 0 to 1: near 1 the generator is what was measured."""


def drive(port: int, method: str, requests: Iterator[bytes], *, in_flight: int, seconds: float) -> Traffic:
    """Call a method for so many seconds, or until the requests run out. Raises `CallsFailed`."""
    with closing(Connection(port, method)) as connection, without_collections():
        return _run(connection, requests, in_flight, seconds)


@contextmanager
def without_collections() -> Iterator[None]:
    """Collect no garbage inside the block: it would look as if the server paused."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu_seconds() -> float:
    """Return the user and system time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _run(connection: Connection, requests: Iterator[bytes], in_flight: int, seconds: float) -> Traffic:
    """Keep so many calls in flight, then wait for the last of them."""
    latencies: list[float] = []
    replies: list[bytes] = []
    failed = 0
    used, begun = cpu_seconds(), time.perf_counter()
    end = begun + seconds
    due = in_flight
    while True:
        for request in _first(requests, due):
            connection.begin(request, time.perf_counter())
        connection.flush()
        if not connection.in_flight:
            break
        ended = connection.receive()
        for call in ended:
            if call.message:
                latencies.append(call.at - call.since)
                replies.append(call.message)
            else:
                failed += 1
        due = len(ended) if time.perf_counter() < end else 0
    lasted = time.perf_counter() - begun
    return Traffic(lasted, latencies, replies, failed, (cpu_seconds() - used) / lasted)


def _first(requests: Iterator[bytes], count: int) -> Sequence[bytes]:
    return [request for _, request in zip(range(count), requests, strict=False)]
