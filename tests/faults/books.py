"""What a server counts of itself, held against what its callers saw: a call once, a store call with one outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.wrap import around
from tests.running import Running
from tests.serving import Outcome

T = TypeVar("T")

METHODS: Final = {
    "Resolve": "/ecp.v1.ResolveService/Resolve",
    "Unknown": "/ecp.v1.ResolveService/Resolve",
    "GetResolution": "/ecp.v1.ResolveService/GetResolution",
    "SearchGlossary": "/ecp.v1.CatalogService/SearchGlossary",
    "GetLineage": "/ecp.v1.CatalogService/GetLineage",
    "ListMetrics": "/ecp.v1.CatalogService/ListMetrics",
}
NOT_ASKED: Final = frozenset({"cached", "fallback"})
"""Outcomes of what no store was asked."""


class Books:
    """The calls of one server, by those who made them."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()
        """Calls of ports, by store."""
        self.asked: Counter[StoreKind] = Counter()
        """Those of them that are no probes of health."""
        self.answered: Counter[StoreKind] = Counter()
        """Those of these that were answered."""
        self._seen: Counter[tuple[str, str]] = Counter()
        """Replies by method and code."""
        self._before: Counter[tuple[str, str]] = Counter()
        self._server: Running | None = None
        self.slowest_seconds = 0.0
        """Of all calls that the server ended, the longest."""

    def observed(self, observe: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``observe``, which puts an observation around a port, with a count of calls around that."""

        def counting(port: Any, store: StoreKind, **options: Any) -> Any:
            async def count(operation: str, call: Callable[[], Awaitable[T]], /) -> T:
                self._begun[store.name.lower()] += 1
                self.asked[store] += operation != "probe"
                answer = await call()
                self.answered[store] += operation != "probe"
                return answer

            return around(observe(port, store, **options), count)

        return counting

    def open(self, server: Running) -> None:
        """Begin with what the server has counted so far."""
        self._server = server
        self._before = self._counted()
        finished = server.instruments.request_finished

        def timed(method: str, code: str, seconds: float) -> None:
            self.slowest_seconds = max(self.slowest_seconds, seconds)
            finished(method, code, seconds)

        server.instruments.request_finished = timed  # type: ignore[method-assign] # for the life of this server

    def note(self, kind: str, reply: Outcome) -> None:
        """Note how a call of a kind in `METHODS` went."""
        self._seen[METHODS[kind], reply.code] += 1

    def gauge(self, name: str, label: str, store: StoreKind) -> float:
        """Return what a metric says of a store, which ``label`` names."""
        (value,) = [n for labels, n in self._running.sampled(name) if labels[label] == store.name.lower()]
        return value

    async def balance(self) -> None:
        """Raise `AssertionError` where a call is missing, was counted twice, or ended otherwise than its caller saw.

        To be called while nothing is asked.
        """
        await self._running.settled()
        assert self._seen == self._counted() - self._before
        # The probes of health go on: those under way have begun and not ended.
        begun = Counter(self._begun)
        ended = self._by_store("ecp_store_calls_total")
        timed = self._by_store("ecp_store_query_duration_seconds_count")
        assert timed == ended
        assert all(0 <= begun[store] - count <= 1 for store, count in ended.items()), (begun, ended)

    @property
    def _running(self) -> Running:
        assert self._server is not None
        return self._server

    def _counted(self) -> Counter[tuple[str, str]]:
        counted = self._running.counted().items()
        return Counter({key: int(value) for key, value in counted if key[0] in set(METHODS.values())})

    def _by_store(self, name: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for labels, value in self._running.sampled(name):
            if labels.get("outcome") not in NOT_ASKED:
                found[labels["store"]] += int(value)
        return found
