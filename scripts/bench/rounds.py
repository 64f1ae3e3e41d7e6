"""Interleaved rounds of Resolve and echo, and what came of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from calls import Traffic, drive
from echo import METHOD as ECHO
from servers import Running

from ecp.v1 import resolve_pb2, types_pb2

RESOLVE: Final = "/ecp.v1.ResolveService/Resolve"
MICROSECONDS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Round:
    """One server under load for a while. Latencies and CPU times in microseconds, a call."""

    calls_a_second: float
    p50: float
    p99: float
    mean: float
    cpu: float
    """User and system time of the server, all threads."""
    core_share: float
    """Of the server's core that it had, 0 to 1; less than 1 under full load means that others had the rest."""
    generator_share: float


@dataclass(slots=True)
class Replies:
    """What was replied in all rounds."""

    calls: int = 0
    failed: int = 0
    """Calls refused with a status, e.g. NOT_FOUND."""
    bytes: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    ids: set[str] = field(default_factory=set)

    def add(self, traffic: Traffic) -> None:
        """Read the replies of a round."""
        self.calls += len(traffic.replies) + traffic.failed
        self.failed += traffic.failed
        for reply in traffic.replies:
            message = resolve_pb2.ResolveResponse.FromString(reply)
            name = types_pb2.ResolutionStatus.Name(message.status)
            self.statuses[name.removeprefix("RESOLUTION_STATUS_")] += 1
            self.bytes += len(reply)
            self.ids.add(message.resolution_id)

    @property
    def mean_bytes(self) -> int:
        """Return the mean size of a reply."""
        return round(self.bytes / self.statuses.total())

    @property
    def resolved_share(self) -> float:
        """Return the share of all calls that were answered as settled."""
        return self.statuses["RESOLVED"] / self.calls


@dataclass(frozen=True, slots=True)
class Compared:
    """Rounds of two servers in turn, at a number of calls in flight; ``ratios`` are theirs, round by round."""

    in_flight: int
    one: tuple[Round, ...]
    other: tuple[Round, ...]

    def ratio(self, figure: str) -> float:
        """Return the median over the rounds of one's figure over the other's."""
        pairs = zip(self.one, self.other, strict=True)
        return median(getattr(a, figure) / getattr(b, figure) for a, b in pairs)

    @staticmethod
    def middle(rounds: Sequence[Round], figure: str) -> float:
        """Return the median of a figure."""
        return median(getattr(each, figure) for each in rounds)


def resolve_round(
    server: Running, requests: Iterator[bytes], replies: Replies, *, in_flight: int, seconds: float
) -> Round:
    """Ask questions for a while."""
    cpu = server.cpu_seconds()
    traffic = drive(server.port, RESOLVE, requests, in_flight=in_flight, seconds=seconds)
    cpu = server.cpu_seconds() - cpu
    replies.add(traffic)
    return _round(traffic, cpu)


def echo_round(server: Running, request: bytes, *, in_flight: int, seconds: float) -> Round:
    """Have a request echoed for a while."""
    cpu = server.cpu_seconds()
    traffic = drive(server.port, ECHO, itertools.repeat(request), in_flight=in_flight, seconds=seconds)
    return _round(traffic, server.cpu_seconds() - cpu)


def _round(traffic: Traffic, cpu_seconds: float) -> Round:
    latencies = sorted(traffic.latencies)
    calls = len(latencies) + traffic.failed
    return Round(
        calls_a_second=calls / traffic.seconds,
        p50=_percentile(latencies, 0.5),
        p99=_percentile(latencies, 0.99),
        mean=sum(latencies) / len(latencies) * MICROSECONDS,
        cpu=cpu_seconds / calls * MICROSECONDS,
        core_share=cpu_seconds / traffic.seconds,
        generator_share=traffic.generator_share,
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * MICROSECONDS
