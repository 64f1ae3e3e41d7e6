"""Isolation: what a store that has become a black hole does to calls that do not need it, and to those that do.

Two kinds of calls arrive beside each other, below the knee: one that needs the store and one that does not. Rounds in
which the store works and rounds in which it takes everything and says nothing alternate on one server, whose other
stores are embedded.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import real_stores
import servers
from arrivals import Call, arrive
from http2 import Connection
from questions import AS_OF

from ecp.v1 import catalog_pb2, resolve_pb2, types_pb2
from tests.faults.proxy import Fault, Proxy

_NEEDING_A_SECOND: Final = 8.0
_OTHERS_A_SECOND: Final = 15.0
"""Calls that need the store and calls that do not: together below the knee of a server with nothing kept. A 99th
percentile takes hundreds of the latter."""
_RATES: Final = (_NEEDING_A_SECOND, _OTHERS_A_SECOND)
_HEAL_SECONDS: Final = 4.0
"""After which a healed store is used again: more than the recovery time of its breaker and a probe."""
_OPEN_SECONDS: Final = 2.5
"""After which the breaker of a black hole is open: more than the budget of a call."""
_MILLISECONDS: Final = 1e3
_SETTINGS: Final = {
    "read_cache_mib": "0",  # what is kept would hide that its store is gone
    "decision_cache_seconds": "0",
    "breaker_recovery_seconds": "2",
    "store_timeout_seconds": "1",
}
_RESOLVE: Final = "/ecp.v1.ResolveService/Resolve"
_GET_RESOLUTION: Final = "/ecp.v1.ResolveService/GetResolution"
_SEARCH: Final = "/ecp.v1.CatalogService/SearchGlossary"
_LIST: Final = "/ecp.v1.CatalogService/ListMetrics"
KINDS: Final = {
    # By store: a call that needs it, and one that does not.
    "graph": (_RESOLVE, _SEARCH),
    "vector": (_SEARCH, _RESOLVE),
    "registry": (_SEARCH, _LIST),
    "policy": (_RESOLVE, _GET_RESOLUTION),
    "state": (_RESOLVE, _SEARCH),
}


@dataclass
class Isolation:
    """What became of the calls, with the store (True) and without."""

    store: str
    needing: dict[bool, list[Call]] = field(default_factory=lambda: {True: [], False: []})
    """Without: those that came once the breaker was open."""
    others: dict[bool, list[Call]] = field(default_factory=lambda: {True: [], False: []})
    p99_ratios: list[float] = field(default_factory=list)
    """Of the others, round by round."""

    def line(self) -> str:
        """Return a row of the table."""
        p99, p99_without = (_percentile(self.others[there], 0.99) for there in (True, False))
        p50, p50_without = (_percentile(self.needing[there], 0.5) for there in (True, False))
        lost = sum(not call.answered for call in self.others[False])
        answered = sum(call.answered for call in self.needing[False])
        cells = (
            self.store,
            f"{p99:,.1f}, {p99_without:,.1f}, **{p99_without / p99:.2f}**",
            f"{median(self.p99_ratios):.2f}",
            f"{lost} of {len(self.others[False])}",
            f"{p50:,.1f}, {p50_without:,.1f}, **{p50_without - p50:+,.1f}**",
            f"{answered} of {len(self.needing[False])}",
        )
        return f"| {' | '.join(cells)} |"


_HEADS: Final = (
    "black hole",
    "others' p99 ms: with the store, without, ratio",
    "median of the rounds' ratios",
    "others refused",
    "p50 ms of calls that need it: with it, without once its breaker is open, difference",
    "of them answered",
)
HEAD: Final = f"| {' | '.join(_HEADS)} |\n|---" + "|--:" * (len(_HEADS) - 1) + "|"


def measure_isolation(catalog: Path, folder: Path, *, rounds: int, seconds: float) -> Iterator[Isolation]:
    """Black-hole one store after another; needs the servers of `scripts/servers`."""
    servers.use_generator_core()
    urls = real_stores.published(catalog, folder)
    with _proxies(urls) as proxies:
        for store, proxy in proxies.items():
            settings = _SETTINGS | real_stores.settings_of({store: proxy.url}, folder)
            with servers.ecp(catalog, folder / store, **settings) as server:
                yield _isolation(server, _requests(server), proxy, store, rounds, seconds)


def _isolation(
    server: servers.Running,
    requests: Mapping[str, bytes],
    proxy: _Through,
    store: str,
    rounds: int,
    seconds: float,
) -> Isolation:
    found = Isolation(store)
    _round(server, requests, store, seconds)  # the warm-up
    for _ in range(rounds):
        needing, others = _round(server, requests, store, seconds)
        proxy.turn(Fault.BLACKHOLE)
        needing_without, others_without = _round(server, requests, store, seconds)
        proxy.turn(Fault.NONE)
        time.sleep(_HEAL_SECONDS)
        found.needing[True] += needing
        found.needing[False] += [call for call in needing_without if call.due > _OPEN_SECONDS]
        found.others[True] += others
        found.others[False] += others_without
        found.p99_ratios.append(_percentile(others_without, 0.99) / _percentile(others, 0.99))
    return found


def _round(
    server: servers.Running, requests: Mapping[str, bytes], store: str, seconds: float
) -> tuple[list[Call], list[Call]]:
    """Have calls of both kinds arrive; return those that need the store, and the others."""
    with ThreadPoolExecutor(2) as threads:
        jobs = [
            threads.submit(arrive, server.port, method, repeat(requests[method]), rate=rate, seconds=seconds, seed=seed)
            for seed, (method, rate) in enumerate(zip(KINDS[store], _RATES, strict=True), 1)
        ]
        needing, others = (job.result() for job in jobs)
    return needing.calls, others.calls


def _requests(server: servers.Running) -> dict[str, bytes]:
    """Return a request of each method; that for a resolution is for one that nobody owns."""
    who = types_pb2.UserContext(department="finance", roles=["explorer"])
    question = resolve_pb2.ResolveRequest(concept="net revenue for APAC in Q4 FY2023 vs budget", user_context=who)
    question.as_of.FromDatetime(AS_OF)
    reply = _answer(server.port, _RESOLVE, question.SerializeToString())
    resolution_id = resolve_pb2.ResolveResponse.FromString(reply).resolution_id
    return {
        _RESOLVE: question.SerializeToString(),
        _SEARCH: catalog_pb2.SearchGlossaryRequest(query="revenue").SerializeToString(),
        _LIST: catalog_pb2.ListMetricsRequest(page_size=10).SerializeToString(),
        _GET_RESOLUTION: resolve_pb2.GetResolutionRequest(resolution_id=resolution_id).SerializeToString(),
    }


def _answer(port: int, method: str, request: bytes) -> bytes:
    with closing(Connection(port, method)) as connection:
        connection.begin(request, 0.0)
        while True:
            connection.flush()
            if ended := connection.receive():
                return ended[0].message


class _Through:
    """A proxy in front of a store, on an event loop of another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, url: str) -> None:
        self._loop = loop
        parts = urlsplit(url)
        self._proxy = Proxy(parts.hostname or "", parts.port or 0)
        self.run(self._proxy.start())
        user = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{self._proxy.port}"))

    def turn(self, fault: Fault) -> None:
        """Bring a fault about, or heal it."""
        self.run(self._proxy.turn(fault))

    def close(self) -> None:
        """Close the proxy."""
        self.run(self._proxy.close())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it on the loop of the proxies."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


@contextmanager
def _proxies(urls: Mapping[str, str]) -> Iterator[dict[str, _Through]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxies")
    thread.start()
    proxies = {store: _Through(loop, url) for store, url in urls.items()}
    try:
        yield proxies
    finally:
        for proxy in proxies.values():
            proxy.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _percentile(calls: Sequence[Call], share: float) -> float:
    ordered = sorted(call.latency for call in calls)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * _MILLISECONDS
