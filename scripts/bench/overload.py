"""Overload: what a server does with twice and five times the calls that it can serve, alone and behind the sidecar.

The knee is the most calls a second that it answers nearly all of, at whatever rate they come. Goodput is answers a
second; the knee, the loads above it and the load before and after them are those of one run of one server. The loads of
the sidecar are those of the server alone, each right after it.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import servers
from arrivals import Arrivals, Call, arrive
from http2 import Connection
from questions import Questions
from rounds import RESOLVE, Replies, resolve_round
from sidecar import behind, envoy
from watchers import Seen, watching

from ecp_server.catalog.load import load_catalog

TIMES_KNEE: Final = (2.0, 5.0)
_BASE_SHARE: Final = 0.6
"""Of the knee: the load before and after."""
_ANSWERED_AT_KNEE: Final = 0.97
"""The least share that is answered while calls come; past the knee a queue grows instead."""
_STEPS: Final = (0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05)
"""Rates to find the knee by, as shares of what the server does with 16 in flight."""
_HEADS: Final = (
    "load",
    "calls/s",
    "goodput, of the knee",
    "p50, p99 ms",
    "refused",
    "refusal p50, p99, most ms",
    "back after",
    "core",
)
_IN_FLIGHT: Final = 16
_QUESTIONS: Final = 2000
_MILLISECONDS: Final = 1e3


@dataclass(frozen=True, slots=True)
class _Arrived:
    """Calls that arrived, and the server meanwhile."""

    arrivals: Arrivals
    cpu_seconds: float
    proxy_cpu_seconds: float
    lasted: float
    """Seconds until the last call had ended."""
    codes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Load:
    """What became of one load. Latencies in milliseconds; those of answers and of refusals apart."""

    rate: float
    goodput: float
    answered: int
    refused: int
    p50: float
    p99: float
    refusal_p50: float
    refusal_p99: float
    refusal_most: float
    core_share: float
    """Of the server's core that it had, 0 to 1."""
    generator_share: float
    """Of the generator's core, as the next."""
    proxy_share: float
    """What Envoy had, where it was in front."""
    codes: dict[str, int]
    """How the server says that the calls ended. What is neither OK nor RESOURCE_EXHAUSTED was no refusal but failed.

    It knows nothing of those that Envoy refused.
    """
    cpu_seconds: float
    """Of the server, until the last of the calls had ended."""


@dataclass(frozen=True, slots=True)
class Over:
    """A load above the knee, what others saw meanwhile, and how long it took until it was as before."""

    times_knee: float
    load: Load
    seen: dict[str, Seen]
    recovery_seconds: float | None
    """None: not while it was looked at."""


@dataclass(frozen=True, slots=True)
class Overload:
    """The results."""

    knee: float
    """Calls a second."""
    base: Load
    over: tuple[Over, ...]
    behind_sidecar: tuple[Over, ...]
    """The same loads on the same server by way of Envoy; empty where there is no Envoy."""

    def as_json(self) -> str:
        """Return all of it."""
        return json.dumps(asdict(self), indent=1)

    def as_text(self) -> str:
        """Return what to read."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"Knee {self.knee:,.0f} calls/s; at {self.base.rate / self.knee:.1f} of it p99 {self.base.p99:,.0f} ms."
        yield ""
        yield from _table(self.knee, self.over)
        yield ""
        if not self.behind_sidecar:
            yield "Not measured behind the sidecar, for want of Envoy: export ECP_ENVOY=$(scripts/fetch_envoy)"
            return
        yield "Behind the sidecar (deploy/envoy.yaml), the same server and knee:"
        yield ""
        yield from _table(self.knee, self.behind_sidecar)
        for over in self.behind_sidecar:
            load = over.load
            yield (
                f"- {over.times_knee:g} ×: of the generator's core Envoy had {load.proxy_share:.2f}, "
                f"the generator {load.generator_share:.2f}."
            )


def _table(knee: float, overs: Sequence[Over]) -> Iterator[str]:
    """Yield the lines of one way to the server."""
    yield f"| {' | '.join(_HEADS)} |"
    yield "|--:" * len(_HEADS) + "|"
    for over in overs:
        load, after = over.load, over.recovery_seconds
        yield (
            f"| {over.times_knee:g} × | {load.rate:,.0f} | {load.goodput:,.0f}, **{load.goodput / knee:.2f}** "
            f"| {load.p50:,.0f}, {load.p99:,.0f} | {load.refused:,} "
            f"| {load.refusal_p50:,.1f}, {load.refusal_p99:,.1f}, {load.refusal_most:,.1f} "
            f"| {'never' if after is None else f'{after:.0f} s'} | {load.core_share:.2f} |"
        )
    yield ""
    for over in overs:
        codes = ", ".join(f"{count:,} {code}" for code, count in sorted(over.load.codes.items()))
        yield f"- {over.times_knee:g} ×: {codes} by the server; {over.load.cpu_seconds:.2f} s of CPU."
    for over in overs:
        for name, seen in over.seen.items():
            slowest = max(seen.latencies, default=0.0) * _MILLISECONDS
            refusal = max(seen.refusals, default=0.0) * _MILLISECONDS
            codes = ", ".join(f"{count} {code}" for code, count in seen.codes.items())
            yield (
                f"- {over.times_knee:g} ×, {name}: {codes}; slowest answer {slowest:,.0f} ms, slowest refusal "
                f"{refusal:,.0f} ms, {seen.without_retry_info} without RetryInfo."
            )


def measure_overload(catalog: Path, folder: Path, *, seconds: float) -> Overload:
    """Find the knee of a server, then overload it for ``seconds`` each time."""
    servers.use_generator_core()
    loaded = load_catalog(catalog)
    program = envoy()
    over: list[Over] = []
    behind_sidecar: list[Over] = []
    with (
        servers.ecp(catalog, folder / "overload") as server,
        nullcontext() if program is None else behind(server, program, folder / "overload") as proxied,
    ):
        requests = itertools.cycle(_answerable(server, Questions(loaded, users=50).requests()))
        knee = _knee(server, requests, seconds)
        base_calls = _arrive(server, requests, rate=knee * _BASE_SHARE, seconds=2 * seconds)
        worst = max(_p99(part) for part in _by_second(base_calls.arrivals))
        for times in TIMES_KNEE:
            over.append(_over(server, requests, times, knee, worst, seconds))
            if proxied is not None:
                behind_sidecar.append(_over(proxied, requests, times, knee, worst, seconds))
    return Overload(knee, _load(base_calls), tuple(over), tuple(behind_sidecar))


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


def _knee(server: servers.Running, requests: Iterator[bytes], seconds: float) -> float:
    """Return the highest rate of those tried, up to the first that is too high."""
    most = resolve_round(server, requests, Replies(), in_flight=_IN_FLIGHT, seconds=seconds).calls_a_second
    knee = most * _STEPS[0]
    for step in _STEPS:
        arrivals = _arrive(server, requests, rate=most * step, seconds=seconds).arrivals
        if arrivals.goodput < arrivals.offered_a_second * _ANSWERED_AT_KNEE:
            break
        knee = arrivals.offered_a_second
    return knee


def _over(
    server: servers.Running, requests: Iterator[bytes], times: float, knee: float, worst: float, seconds: float
) -> Over:
    with watching(server.port, next(requests)) as seen:
        load = _load(_arrive(server, requests, rate=knee * times, seconds=seconds))
    after = _arrive(server, requests, rate=knee * _BASE_SHARE, seconds=2 * seconds).arrivals
    recovery = next(
        (
            float(second)
            for second, part in enumerate(_by_second(after))
            if _p99(part) <= worst and all(call.answered for call in part)
        ),
        None,
    )
    return Over(times, load, seen, recovery)


def _arrive(server: servers.Running, requests: Iterator[bytes], *, rate: float, seconds: float) -> _Arrived:
    """Have calls arrive, and look at what the server says of itself before and after."""
    ended = server.ended(RESOLVE)
    cpu, proxy_cpu, begun = server.cpu_seconds(), _proxy_cpu_seconds(server), time.perf_counter()
    arrivals = arrive(server.port, RESOLVE, requests, rate=rate, seconds=seconds)
    cpu, proxy_cpu = server.cpu_seconds() - cpu, _proxy_cpu_seconds(server) - proxy_cpu
    lasted = time.perf_counter() - begun
    return _Arrived(arrivals, cpu, proxy_cpu, lasted, dict(server.ended(RESOLVE) - ended))


def _proxy_cpu_seconds(server: servers.Running) -> float:
    return 0.0 if server.proxy is None else server.proxy.cpu_seconds()


def _load(arrived: _Arrived) -> Load:
    arrivals = arrived.arrivals
    answered = sorted(call.latency for call in arrivals.answered)
    refused = sorted(call.latency for call in arrivals.refused)
    return Load(
        rate=arrivals.offered_a_second,
        goodput=arrivals.goodput,
        answered=len(answered),
        refused=len(refused),
        p50=_percentile(answered, 0.5),
        p99=_percentile(answered, 0.99),
        refusal_p50=_percentile(refused, 0.5),
        refusal_p99=_percentile(refused, 0.99),
        refusal_most=_percentile(refused, 1.0),
        core_share=arrived.cpu_seconds / arrived.lasted,
        generator_share=arrivals.generator_share,
        proxy_share=arrived.proxy_cpu_seconds / arrived.lasted,
        codes=arrived.codes,
        cpu_seconds=arrived.cpu_seconds,
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
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * _MILLISECONDS if ordered else 0.0
