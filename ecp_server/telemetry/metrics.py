"""Metrics: OpenTelemetry instruments, shown to Prometheus at /metrics on a port of their own.

The values of labels come from closed sets, and an instrument always has the same labels. Everything is counted in plain
numbers here and read when /metrics is: an OpenTelemetry instrument costs 10 µs and more a call, and a question makes a
dozen. OpenTelemetry has no distribution that is read, so distributions are given to Prometheus as they are. All methods
are called from the event loop's thread.
"""

from __future__ import annotations

import socket
import socketserver
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from threading import Thread
from typing import Final

import structlog
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, Gauge, MetricsHandler
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from typing_extensions import override

from ecp_server.domain.health import BreakerState

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

OTHER: Final = "other"
"""The label of what is not in a closed set, such as a method that does not exist."""

NOT_AN_ERROR: Final = frozenset(("ok", "cached", "fallback", "cancelled", "DEADLINE_EXCEEDED"))
"""Outcomes of a store call that are not the store's failure: the last two are the caller's doing."""

REQUEST_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
STORE_SECONDS: Final = (
    0.00005,
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
)
SHARES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)

_BREAKER: Final = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
"""The gauge of a breaker: the higher, the worse."""

SCRAPER_SECONDS: Final = 30.0
"""How long a connection to /metrics may be silent."""
_POLL_SECONDS: Final = 0.1
"""How often the thread that serves /metrics looks whether it is to stop."""

_Labels = tuple[str, ...]


class _Numbers:
    """A number for each combination of labels, read by OpenTelemetry when it is asked."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self.values: defaultdict[_Labels, float] = defaultdict(int)
        """Where a question counts a dozen, it saves the calls of `add`."""

    def add(self, labels: _Labels, amount: int = 1) -> None:
        self.values[labels] += amount

    def set(self, labels: _Labels, value: float) -> None:
        self.values[labels] = value

    def observe(self, _options: CallbackOptions) -> Iterable[Observation]:
        # The thread that serves /metrics reads a copy: the event loop goes on writing.
        for labels, value in self.values.copy().items():
            yield Observation(value, dict(zip(self._names, labels, strict=True)))


class _Distribution(Collector):
    """How often a value fell between two bounds, for each combination of labels, and the sum of the values."""

    def __init__(self, name: str, description: str, bounds: tuple[float, ...], names: tuple[str, ...]) -> None:
        self._name = name
        self._description = description
        self._bounds = bounds
        self._names = names
        self._counts: dict[_Labels, list[float]] = {}
        """A count for each bound, one for what lies above them all, and the sum."""

    def record(self, value: float, labels: _Labels = ()) -> None:
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(self._bounds) + 2)
        counts[bisect_left(self._bounds, value)] += 1
        counts[-1] += value

    @override
    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._description, labels=self._names)
        limits = [*map(str, self._bounds), "+Inf"]
        for labels, recorded in self._counts.copy().items():
            *counts, total = recorded.copy()  # the event loop goes on counting
            buckets = zip(limits, accumulate(counts), strict=True)
            family.add_metric(labels, list(buckets), total)
        yield family


class Instruments:
    """Everything that is counted and timed. Durations are in seconds."""

    def __init__(self, *, version: str = "") -> None:
        self.registry = CollectorRegistry()
        self._provider = MeterProvider(
            [PrometheusMetricReader(registry=self.registry, scope_info_enabled=False)],
            resource=Resource({"service.name": "ecp-server", "service.version": version}),
            exemplar_filter=AlwaysOffExemplarFilter(),
            shutdown_on_exit=False,
        )
        self._meter = self._provider.get_meter("ecp_server")
        self._catalog_loaded_at: float | None = None

        self._requests = self._distribution(
            "rpc_server_call_duration_seconds",
            "Time to serve a request.",
            REQUEST_SECONDS,
            "rpc_method",
            "rpc_response_status_code",
        )
        self._active_requests = self._state("rpc.server.active_requests", "Requests being served.", "rpc.method")
        self._resolves = self._count("ecp.resolve.requests", "Questions resolved or refused.", "status", "intent")
        self._resolve_seconds = self._distribution(
            "ecp_resolve_duration_seconds", "Time to resolve a question.", REQUEST_SECONDS
        )
        self._confidence = self._distribution("ecp_resolve_confidence", "Confidence of resolutions.", SHARES)
        self._executes = self._count("ecp.execute.requests", "Plans run or refused.", "status")
        self._execute_seconds = self._distribution(
            "ecp_execute_duration_seconds", "Time to run a plan.", REQUEST_SECONDS
        )
        self._validations = self._count("ecp.execute.validations", "Rules checked on figures.", "severity", "outcome")
        self._feedback = self._count("ecp.feedback.reports", "Judgements of answers taken or refused.", "status")
        self._precedents = self._count("ecp.precedents.recorded", "Corrections that hold for a department.")
        self._precedents_applied = self._count("ecp.precedents.applied", "Mentions that precedents decided.")
        # rate() sees no increase in a series that starts at one.
        self._feedback.add(("CORRECTED",), 0)
        self._precedents.add((), 0)
        self._precedents_applied.add((), 0)
        self._executes.add(("EXECUTED",), 0)
        self._validations.add(("critical", "broken"), 0)
        self._store_seconds = self._distribution(
            "ecp_store_query_duration_seconds",
            "Time of a store call, retries included.",
            STORE_SECONDS,
            "store",
            "adapter",
            "operation",
        )
        self._store_errors = self._count("ecp.store.query.errors", "Store calls that failed.", "store", "operation")
        self._decisions = self._count(
            "ecp.policy.decisions", "Policy decisions on data products.", "action", "decision"
        )
        self._store_calls = self._count("ecp.store.calls", "Store calls by how they ended.", "store", "outcome")
        self._retries = self._count("ecp.store.retries", "Attempts after the first of a store call.", "store")
        self._breakers = self._state(
            "ecp.breaker.state", "The breaker of a store: 0 closed, 1 half open, 2 open.", "store"
        )
        self._degraded_replies = self._count(
            "ecp.degraded.replies", "Replies in which something stood in for a store.", "store"
        )
        self._degraded = self._state("ecp.degraded.components", "1 while something stands in for it.", "component")
        self._meter.create_observable_gauge(
            "ecp.catalog.age", [self._catalog_age], "s", "Time since the catalog was loaded."
        )
        # OpenTelemetry keeps every set of labels for ever, also those of catalogs that are gone.
        self._catalog_info = Gauge("ecp_catalog_info", "The catalog in force.", ["version"], registry=self.registry)

    def request_started(self, method: str) -> None:
        """Count a request that came in; ``method`` is "/package.Service/Method" where it exists, else `OTHER`."""
        self._active_requests.values[method,] += 1

    def request_finished(self, method: str, code: str, seconds: float) -> None:
        """Count a request that is over; ``code`` is the name of the gRPC status that the caller saw."""
        self._active_requests.values[method,] -= 1
        self._requests.record(seconds, (method, code))

    def resolve(self, status: str, intent: str, seconds: float, confidence: float | None) -> None:
        """Count a question; ``status`` is how it ended, ``confidence`` 0 to 1 or None where there is no answer."""
        self._resolves.values[status, intent] += 1
        self._resolve_seconds.record(seconds)
        if confidence is not None:
            self._confidence.record(confidence)

    def execute(self, status: str, seconds: float) -> None:
        """Count an execution; ``status`` is how it ended."""
        self._executes.add((status,))
        self._execute_seconds.record(seconds)

    def validation(self, severity: str, passed: bool) -> None:  # noqa: FBT001 - the two outcomes of a rule
        """Count a rule that was checked on figures."""
        self._validations.add((severity, "held" if passed else "broken"))

    def feedback(self, status: str) -> None:
        """Count a judgement of an answer; ``status`` is its verdict or the reason why it was not taken."""
        self._feedback.add((status,))

    def precedents_recorded(self, count: int) -> None:
        """Count corrections that hold for a department from now on."""
        self._precedents.add((), count)

    def precedents_applied(self, count: int) -> None:
        """Count mentions that precedents decided."""
        self._precedents_applied.add((), count)

    def store_call(self, store: str, adapter: str, operation: str, outcome: str, seconds: float) -> None:
        """Count a call to a store; an ``outcome`` that is not in `NOT_AN_ERROR` is an error.

        A cached answer is not timed: no store was asked.
        """
        if outcome != "cached":
            self._store_seconds.record(seconds, (store, adapter, operation))
        # Zero is there from the first call on: rate() sees no increase in a series that starts at one.
        self._store_errors.values[store, operation] += outcome not in NOT_AN_ERROR
        self._store_calls.values[store, outcome] += 1

    def store_retry(self, store: str) -> None:
        """Count an attempt after the first."""
        self._retries.add((store,))

    def breaker(self, store: str, state: BreakerState) -> None:
        """Tell the state of a store's breaker."""
        self._retries.add((store,), 0)
        self._breakers.set((store,), _BREAKER[state])

    def policy_decision(self, action: str, allowed: bool) -> None:  # noqa: FBT001 - the two outcomes of a decision
        """Count a decision on one data product."""
        self._decisions.add((action, "allow" if allowed else "deny"))

    def degraded_reply(self, store: str) -> None:
        """Count a reply in which something stood in for the store."""
        self._degraded_replies.add((store,))

    def degraded(self, component: str, on: bool) -> None:  # noqa: FBT001 - a state with two values
        """Say whether something stands in for the component."""
        self._degraded.set((component,), int(on))
        self._degraded_replies.add((component,), 0)

    def catalog(self, version: str, loaded_at: float) -> None:
        """Say which catalog is in force and since when, in seconds since the epoch."""
        self._catalog_loaded_at = loaded_at
        self._catalog_info.clear()
        self._catalog_info.labels(version).set(1)

    def watch_loop_lag(self, lag_seconds: Callable[[], float]) -> None:
        """Show how late the event loop runs, as ``lag_seconds`` tells."""
        self._meter.create_observable_gauge(
            "ecp.event_loop.lag", [lambda _options: [Observation(lag_seconds())]], "s", "How late the event loop runs."
        )

    def close(self) -> None:
        """Stop counting."""
        self._provider.shutdown()

    def _count(self, name: str, description: str, *labels: str) -> _Numbers:
        numbers = _Numbers(*labels)
        self._meter.create_observable_counter(name, [numbers.observe], description=description)
        return numbers

    def _state(self, name: str, description: str, *labels: str) -> _Numbers:
        numbers = _Numbers(*labels)
        self._meter.create_observable_gauge(name, [numbers.observe], description=description)
        return numbers

    def _distribution(self, name: str, description: str, bounds: tuple[float, ...], *labels: str) -> _Distribution:
        distribution = _Distribution(name, description, bounds, labels)
        self.registry.register(distribution)
        return distribution

    def _catalog_age(self, _options: CallbackOptions) -> Iterable[Observation]:
        if self._catalog_loaded_at is not None:
            yield Observation(max(0.0, time.time() - self._catalog_loaded_at))


class MetricsServer:
    """Serves /metrics from threads of its own, so that a scrape does not wait for the event loop."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        """Bind and serve. Raises `OSError` where the address cannot be had."""
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        server_class = _HttpServer6 if family is socket.AF_INET6 else _HttpServer
        handler = MetricsHandler.factory(registry)
        handler.timeout = SCRAPER_SECONDS  # type: ignore[attr-defined]  # it returns a MetricsHandler
        self._server = server_class((host, port), handler)
        self.port: int = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Free the port. Blocks for a moment."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _HttpServer(socketserver.ThreadingTCPServer):
    """Not `http.server.HTTPServer`, which asks the resolver for its own name before it serves."""

    allow_reuse_address = True
    daemon_threads = True

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        _log.warning("scrape_failed", exc_info=True)


class _HttpServer6(_HttpServer):
    address_family = socket.AF_INET6
