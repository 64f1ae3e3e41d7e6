"""Overload: what a server does with twice and five times the calls that it can serve, alone and behind the sidecar.

Alone it is measured on one core and on all of them; there the generator has its part of one. Behind the sidecar it has
one core, and the sidecar shares the other with the generator.

The knee is the most calls a second that it answers nearly all of, at whatever rate they come; goodput is answers a
second. A machine that others use does twice as much in one minute as in the next. So the knee is found as a share of
what the server answers with 16 calls in flight, and that is measured again right before each round: the load is a
multiple of the knee of that moment, and goodput a share of it.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import servers
from arrivals import Arrivals, Call, arrive
from http2 import Connection
from overload_report import BASE_SHARE, MILLISECONDS, Load, Over, Overload, Overloaded
from questions import Questions
from rounds import RESOLVE, Replies, resolve_round
from sidecar import behind, envoy
from watchers import nothing_seen, watching

from ecp_server.catalog.load import load_catalog

TIMES_KNEE: Final = (2.0, 5.0)
_ANSWERED_AT_KNEE: Final = 0.97
"""The least share that is answered while calls come; past the knee a queue grows instead."""
_STEPS: Final = (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5)
"""Rates to find the knee by, as shares of what the server does with 16 in flight."""
_IN_FLIGHT: Final = 16
_IN_FLIGHT_SECONDS: Final = 1.0
_QUESTIONS: Final = 2000


@dataclass(frozen=True, slots=True)
class _Arrived:
    """Calls that arrived, and the server meanwhile."""

    arrivals: Arrivals
    cpu_seconds: float
    proxy_cpu_seconds: float
    lasted: float
    """Seconds until the last call had ended."""
    codes: Counter[str]


def measure_overload(catalog: Path, folder: Path, *, rounds: int, seconds: float) -> Overload:
    """Find the knee of a server, then overload it, each load in so many rounds of ``seconds``."""
    servers.use_generator_core()
    questions = Questions(load_catalog(catalog), users=50)
    program = envoy()
    with (
        servers.ecp(catalog, folder / "overload") as server,
        nullcontext() if program is None else behind(server, program, folder / "overload") as proxied,
    ):
        one_core = _server(server, [server] if proxied is None else [server, proxied], questions, rounds, seconds)
    with servers.ecp(catalog, folder / "overload_all_cores", cores=servers.ALL_CORES) as server:
        all_cores = _server(server, [server], questions, rounds, seconds)
    return Overload(one_core, all_cores)


def _server(
    server: servers.Running, ways: Sequence[servers.Running], questions: Questions, rounds: int, seconds: float
) -> Overloaded:
    """Overload one server by each of the ways to it."""
    requests = itertools.cycle(_answerable(server, questions.requests()))
    share = _knee_share(server, requests, seconds)
    knee = share * _answers(server, requests)
    base = _arrive(server, requests, rate=knee * BASE_SHARE, seconds=2 * seconds).arrivals
    worst = max(_p99(part) for part in _by_second(base))
    over: tuple[list[Over], ...] = tuple([] for _ in ways)
    for times in TIMES_KNEE:
        for way, overs in zip(ways, over, strict=True):
            overs.append(_over(server, way, requests, times, share, worst, rounds, seconds))
    return Overloaded(knee, share, share == _STEPS[-1], _p99(base.calls), tuple(map(tuple, over)))


def _answerable(server: servers.Running, requests: Iterator[bytes]) -> list[bytes]:
    """Return questions that have an answer: what then has none was refused. It warms the server up, too."""
    asked: list[bytes] = []
    answered: list[bytes] = []
    with closing(Connection(server.port, RESOLVE)) as connection:
        while len(answered) < _QUESTIONS:
            while connection.in_flight < _IN_FLIGHT:
                asked.append(next(requests))
                connection.begin(asked[-1], since=len(asked) - 1)
            connection.flush()
            answered += [asked[int(ended.since)] for ended in connection.receive() if ended.message]
    return answered


def _answers(server: servers.Running, requests: Iterator[bytes]) -> float:
    """Return how many calls a second the server answers just now with 16 in flight."""
    seconds = _IN_FLIGHT_SECONDS
    return resolve_round(server, requests, Replies(), in_flight=_IN_FLIGHT, seconds=seconds).calls_a_second


def _knee_share(server: servers.Running, requests: Iterator[bytes], seconds: float) -> float:
    """Return the highest of the steps up to the first at which too many calls are left, twice running.

    Raises `RuntimeError` where that is the first of all.
    """

    def holds(step: float) -> bool:
        arrivals = _arrive(server, requests, rate=_answers(server, requests) * step, seconds=seconds).arrivals
        return arrivals.goodput >= arrivals.offered_a_second * _ANSWERED_AT_KNEE

    share = 0.0
    for step in _STEPS:
        if not (holds(step) or holds(step)):  # once may be others' doing
            break
        share = step
    if not share:
        raise RuntimeError("the server holds no rate at all: the machine is too busy to measure")
    return share


def _over(
    server: servers.Running,
    way: servers.Running,
    requests: Iterator[bytes],
    times: float,
    share: float,
    worst: float,
    rounds: int,
    seconds: float,
) -> Over:
    """Overload a server by one way to it."""
    seen = nothing_seen()
    arrived: list[_Arrived] = []
    knees: list[float] = []
    for _ in range(rounds):
        knees.append(share * _answers(server, requests))
        with watching(way.port, next(requests), seen):
            arrived.append(_arrive(way, requests, rate=knees[-1] * times, seconds=seconds))
    after = _arrive(way, requests, rate=knees[-1] * BASE_SHARE, seconds=2 * seconds).arrivals
    recovery = next(
        (
            float(second)
            for second, part in enumerate(_by_second(after))
            if _p99(part) <= worst and all(call.answered for call in part)
        ),
        None,
    )
    return Over(times, _load(arrived, knees), seen, recovery)


def _arrive(way: servers.Running, requests: Iterator[bytes], *, rate: float, seconds: float) -> _Arrived:
    """Have calls arrive, and look at what the server says of itself before and after."""
    ended = way.ended(RESOLVE)
    cpu, proxy_cpu, begun = way.cpu_seconds(), _proxy_cpu_seconds(way), time.perf_counter()
    arrivals = arrive(way.port, RESOLVE, requests, rate=rate, seconds=seconds)
    cpu, proxy_cpu = way.cpu_seconds() - cpu, _proxy_cpu_seconds(way) - proxy_cpu
    return _Arrived(arrivals, cpu, proxy_cpu, time.perf_counter() - begun, way.ended(RESOLVE) - ended)


def _proxy_cpu_seconds(way: servers.Running) -> float:
    return 0.0 if way.proxy is None else way.proxy.cpu_seconds()


def _load(arrived: Sequence[_Arrived], knees: Sequence[float]) -> Load:
    arrivals = [each.arrivals for each in arrived]
    answered = sorted(call.latency for each in arrivals for call in each.answered)
    refused = sorted(call.latency for each in arrivals for call in each.refused)
    lasted = sum(each.lasted for each in arrived)
    cpu = sum(each.cpu_seconds for each in arrived)
    return Load(
        rates=tuple(each.offered_a_second for each in arrivals),
        goodputs=tuple(each.goodput for each in arrivals),
        knees=tuple(knees),
        answered=len(answered),
        refused=len(refused),
        p50=_percentile(answered, 0.5),
        p99=_percentile(answered, 0.99),
        refusal_p50=_percentile(refused, 0.5),
        refusal_p99=_percentile(refused, 0.99),
        refusal_most=_percentile(refused, 1.0),
        core_share=cpu / lasted,
        generator_share=max(each.generator_share for each in arrivals),
        proxy_share=sum(each.proxy_cpu_seconds for each in arrived) / lasted,
        codes=dict(sum((each.codes for each in arrived), Counter[str]())),
        cpu_seconds=cpu,
    )


def _by_second(arrivals: Arrivals) -> list[list[Call]]:
    parts: list[list[Call]] = [[] for _ in range(int(arrivals.seconds))]
    for call in arrivals.calls:
        if call.due < len(parts):
            parts[int(call.due)].append(call)
    return parts


def _p99(calls: Sequence[Call]) -> float:
    return _percentile(sorted(call.latency for call in calls), 0.99)


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Return it in milliseconds; 0 where there is nothing."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * MILLISECONDS if ordered else 0.0
