"""How each store fares, found out by asking it now and then."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog

from ecp_server.domain.errors import EcpError, StoreUnavailable
from ecp_server.domain.health import BreakerState, HealthStatus, StoreHealth
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard.guards import NO_STAND_IN
from ecp_server.stores.ports import Probed

PROBE_PERIOD_SECONDS: Final = 5.0
RECOVERY_PERIOD_SECONDS: Final = 1.0
"""While something is impaired, so that recovery is noticed soon."""

_ASKED_LATER: Final = frozenset({StoreKind.SEMANTIC})
"""What no question about meaning needs: nobody waits for its first probe, which loads an engine and its data."""
_NOT_ASKED: Final = "has not been asked yet"

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class HealthInstruments(Protocol):
    """The metrics of health."""

    def degraded(self, component: str, on: bool) -> None:  # noqa: FBT001 - a state with two values
        """Tell whether a component is impaired."""


class HealthMonitor:
    """Probes every store at once, periodically, and keeps what it found."""

    def __init__(
        self,
        stores: Mapping[StoreKind, Probed],
        instruments: HealthInstruments,
        *,
        catalog_version: Callable[[], str],
        catalog_problem: Callable[[], str],
        breakers: Callable[[], Mapping[StoreKind, BreakerState]],
    ) -> None:
        """``catalog_problem`` says what is wrong with the catalog on disk, "" where nothing is."""
        self._stores = stores
        self._instruments = instruments
        self._catalog_version = catalog_version
        self._catalog_problem = catalog_problem
        self._breakers = breakers
        self._health: dict[StoreKind, StoreHealth] = {}
        """What is known of those that have been asked."""
        self._began = datetime.now(UTC)
        self._catalog_broken_since: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> HealthStatus:
        """Return the worst that affects answers."""
        by_status: dict[HealthStatus, set[StoreKind]] = {}
        for health in self.stores:
            by_status.setdefault(health.status, set()).add(health.store)
        failed, unknown = by_status.get(HealthStatus.UNHEALTHY, set()), by_status.get(HealthStatus.UNKNOWN, set())
        if failed & NO_STAND_IN or unknown - _ASKED_LATER:
            return HealthStatus.UNHEALTHY
        return HealthStatus.DEGRADED if by_status.keys() - {HealthStatus.HEALTHY} else HealthStatus.HEALTHY

    @property
    def stores(self) -> tuple[StoreHealth, ...]:
        """Return one entry a store, in the order of their kinds; one that was not asked yet is unknown."""
        breakers = self._breakers()
        return tuple(
            replace(self._with_catalog(self._known(store)), breaker=breakers.get(store, BreakerState.NONE))
            for store in sorted(self._stores)
        )

    @property
    def catalog_version(self) -> str:
        """Return the version of the catalog in force."""
        return self._catalog_version()

    async def start(self) -> None:
        """Probe what questions need, then go on in a task until `close`, which begins with the rest."""
        await self._probe_all(self._stores.keys() - _ASKED_LATER)
        self._task = asyncio.create_task(self._watch(), name="health monitor")

    async def close(self) -> None:
        """Stop probing."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def breaker_changed(self, store: StoreKind, state: BreakerState) -> None:
        """Take note at once of what a breaker found out; the next probe is up to `PROBE_PERIOD_SECONDS` away."""
        known = self._health.get(store)
        if known is None or state is BreakerState.HALF_OPEN:
            return
        reason = StoreUnavailable(store).message if state is BreakerState.OPEN else ""
        self._take(store, reason, known.latency_ms)

    async def _watch(self) -> None:
        await self._probe_all(_ASKED_LATER)
        while True:
            healthy = all(store.status is HealthStatus.HEALTHY for store in self._health.values())
            await asyncio.sleep(PROBE_PERIOD_SECONDS if healthy else RECOVERY_PERIOD_SECONDS)
            await self._probe_all(self._stores.keys())

    async def _probe_all(self, stores: AbstractSet[StoreKind]) -> None:
        await asyncio.gather(*(self._probe(store, port) for store, port in self._stores.items() if store in stores))

    async def _probe(self, store: StoreKind, port: Probed) -> None:
        started = time.perf_counter()
        reason = ""
        try:
            await port.probe()
        except EcpError as error:
            reason = error.message
        self._take(store, reason, (time.perf_counter() - started) * 1e3)

    def _take(self, store: StoreKind, reason: str, latency_ms: float) -> None:
        """Keep what was found of a store; ``reason`` is "" where nothing is wrong."""
        status = HealthStatus.UNHEALTHY if reason else HealthStatus.HEALTHY
        before = self._health.get(store)
        changed = before is None or before.status is not status
        since = datetime.now(UTC) if before is None or changed else before.since
        self._health[store] = StoreHealth(store, self._stores[store].adapter, status, reason, since, latency_ms)
        if changed:
            self._instruments.degraded(store.name.lower(), bool(reason))
            self._tell(store, reason, first=before is None)

    def _tell(self, store: StoreKind, reason: str, *, first: bool) -> None:
        if reason:
            _log.warning("service_degraded", store=store.name.lower(), reason=reason)
        elif not first:
            _log.info("service_recovered", store=store.name.lower())

    def _known(self, store: StoreKind) -> StoreHealth:
        unknown = StoreHealth(store, self._stores[store].adapter, HealthStatus.UNKNOWN, _NOT_ASKED, self._began, 0.0)
        return self._health.get(store, unknown)

    def _with_catalog(self, health: StoreHealth) -> StoreHealth:
        """Tell with the registry that the catalog on disk is broken and an older one is in force."""
        problem = self._catalog_problem()
        self._catalog_broken_since = (self._catalog_broken_since or datetime.now(UTC)) if problem else None
        if health.store is not StoreKind.REGISTRY or health.status is HealthStatus.UNHEALTHY or not problem:
            return health
        since = self._catalog_broken_since or health.since
        return StoreHealth(health.store, health.adapter, HealthStatus.DEGRADED, problem, since, health.latency_ms)
