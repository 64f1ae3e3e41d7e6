"""The application: settings → catalog → guarded ports → path → services."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeVar

import structlog
from grpc import aio

from ecp.v1 import catalog_pb2, catalog_pb2_grpc, health_pb2, health_pb2_grpc, resolve_pb2, resolve_pb2_grpc
from ecp_server.catalog.errors import CatalogError, CatalogInvalid
from ecp_server.catalog.shelf import CatalogShelf
from ecp_server.domain.catalog import Catalog
from ecp_server.domain.health import HealthStatus
from ecp_server.domain.provenance import StoreKind
from ecp_server.evaluation import reply
from ecp_server.execution.execute import ExecuteStores, Executor
from ecp_server.execution.kept import KeptAnswers
from ecp_server.execution.run import Runner
from ecp_server.feedback.allowance import Allowance
from ecp_server.feedback.report import Reporter
from ecp_server.resolution.browsing.browser import Browser
from ecp_server.resolution.prepared import Preparation
from ecp_server.resolution.resolve import Resolver, Stores
from ecp_server.rpc.ask import Asking
from ecp_server.rpc.catalog_service import CatalogService
from ecp_server.rpc.health_service import HealthService
from ecp_server.rpc.resolve_service import ResolveService
from ecp_server.server import Server
from ecp_server.settings import MIB, Settings
from ecp_server.stores.decisions import DecisionCache
from ecp_server.stores.health import HealthMonitor
from ecp_server.stores.host_lookup import HostLookup
from ecp_server.stores.policy.embedded import PolicyInvalid
from ecp_server.stores.ports import Probed
from ecp_server.stores.precedents import KeptPrecedents, UnheededPrecedents
from ecp_server.stores.read_cache import ReadCache
from ecp_server.stores.standins.refusal import denying, refusing
from ecp_server.telemetry.metrics import Instruments
from ecp_server.telemetry.tracing import Propagated
from ecp_server.wiring.catalogs import Beginning, beginning, from_folder, kept_in_step
from ecp_server.wiring.graph import graph_store
from ecp_server.wiring.guard import guards
from ecp_server.wiring.policy import policy_store
from ecp_server.wiring.registry import registry_store
from ecp_server.wiring.semantic import measure_kinds, semantic_store
from ecp_server.wiring.stand_ins import StandIns
from ecp_server.wiring.state import state_store
from ecp_server.wiring.vector import vector_store

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

DISTRIBUTION: Final = "enterprise-context-platform"
# A question in flight holds a thousand objects, none of them garbage until it is answered: with Python's own 700,
# sixteen questions at a time are looked through again and again, a quarter of all that they cost.
_YOUNG_OBJECTS: Final = 10_000
"""How many are made between two looks for garbage."""

P = TypeVar("P", bound=Probed)


async def build(settings: Settings, instruments: Instruments) -> EcpApplication:
    """Load the catalog and put the services together.

    Raises `CatalogInvalid` where it cannot be served, `CatalogMissing` where there is none.
    """
    return EcpApplication(settings, instruments, await beginning(settings), follow=True)


@asynccontextmanager
async def asking(catalog: Path) -> AsyncIterator[reply.Resolver]:
    """Serve a catalog inside this process, its records in a folder that goes with it, and give what asks it.

    The other settings are those of the environment. Raises `SettingsError`, and `CatalogInvalid` where the catalog
    cannot be served.
    """
    with tempfile.TemporaryDirectory(prefix="ecp-") as folder:
        settings = Settings.load(
            catalog=catalog,
            listen="127.0.0.1:0",
            metrics_listen="127.0.0.1:0",
            state_url=f"sqlite:///{folder}/state.db",
            drain_delay_seconds=0,
        )
        instruments = Instruments()
        begun = await asyncio.to_thread(from_folder, settings)
        application = EcpApplication(settings, instruments, begun, follow=False)
        async with Server(settings, application, instruments, Propagated()).serving() as address:
            await application.settled()
            async with aio.insecure_channel(str(address)) as channel:
                yield Asking(resolve_pb2_grpc.ResolveServiceStub(channel))


class EcpApplication:
    """The services of ECP over the stores that the settings name."""

    def __init__(self, settings: Settings, instruments: Instruments, begun: Beginning, *, follow: bool) -> None:
        """Begin with a catalog, and ``follow`` the registry from then on where there is one."""
        self._instruments = instruments
        self._shelf = CatalogShelf(begun.catalog)
        self._preparation = Preparation()
        self._preparing: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._budget_seconds = settings.store_timeout_seconds
        self._guards = guards(settings, instruments)

        self._graph = graph_store(settings, self._shelf)
        self._vector = vector_store(settings, self._shelf)
        self._registry = registry_store(settings, self._shelf)
        published = self._registry.published if follow else None
        self._watch = kept_in_step(settings, self._shelf, begun, published)
        self._policy = policy_store(settings)
        self._state = state_store(settings)
        self._semantic = semantic_store(settings, self._shelf)

        # The cache stands outside the observation: what it answers is no call to the engine, as it tells itself.
        self._decisions = DecisionCache(
            denying(self._guarded(self._policy, StoreKind.POLICY)), ttl_seconds=settings.decision_cache_seconds
        )
        self._stand_ins = StandIns(self._shelf)
        # Inside of what stands in: that is not kept. What is kept needs no stand-in.
        reads = ReadCache(max_bytes=settings.read_cache_mib * MIB)
        stores = Stores(
            graph=self._stand_ins.graph(reads.graph(self._guarded(self._graph, StoreKind.GRAPH))),
            vector=self._guarded(self._vector, StoreKind.VECTOR),
            registry=self._stand_ins.registry(reads.registry(self._guarded(self._registry, StoreKind.REGISTRY))),
            policy=self._decisions,
            state=refusing(self._guarded(self._state, StoreKind.STATE)),
        )
        # What computes has a budget of its own: it takes as long as the data is large.
        semantic = refusing(
            self._guards.around(self._semantic, StoreKind.SEMANTIC, budget_seconds=settings.semantic_timeout_seconds)
        )
        self._health = HealthMonitor(
            {**_by_kind(stores), StoreKind.SEMANTIC: semantic},
            instruments,
            catalog_version=lambda: self._shelf.current.version,
            catalog_problem=lambda: self._watch.problem,
            breakers=lambda: self._guards.breakers,
        )
        self._guards.listen(self._health)
        self._precedents = KeptPrecedents(stores.state)
        self._resolver = Resolver(
            self._shelf,
            self._preparation,
            stores,
            self._precedents if settings.heed_precedents else UnheededPrecedents(),
            instruments,
            timedelta(hours=settings.resolution_ttl_hours),
            settings.log_questions,
        )
        self._executor = Executor(
            self._shelf,
            self._preparation,
            ExecuteStores(stores.policy, stores.registry, stores.state),
            Runner(
                semantic,
                KeptAnswers(max_bytes=settings.kept_results_mib * 1024 * 1024),
                measure_kinds(self._shelf),
                self._shelf,
            ),
            instruments,
        )
        self._reporter = Reporter(
            self._shelf,
            self._preparation,
            stores.policy,
            stores.state,
            self._precedents,
            Allowance(stores.state, per_day=settings.precedents_per_day),
            instruments,
        )
        self._browser = Browser(
            self._shelf, self._preparation, stores.graph, stores.vector, stores.registry, stores.policy, instruments
        )

    @property
    def service_names(self) -> Sequence[str]:
        """Return the full names of the services."""
        files = (resolve_pb2, catalog_pb2, health_pb2)
        return tuple(s.full_name for file in files for s in file.DESCRIPTOR.services_by_name.values())

    def register(self, server: aio.Server) -> None:
        """Add the services to a server that has not started."""
        resolve_pb2_grpc.add_ResolveServiceServicer_to_server(
            ResolveService(self._resolver, self._executor, self._reporter, self._resolver.stores.state), server
        )
        catalog_pb2_grpc.add_CatalogServiceServicer_to_server(CatalogService(self._browser), server)
        health_pb2_grpc.add_HealthServiceServicer_to_server(HealthService(self._health, version(DISTRIBUTION)), server)

    async def start(self) -> None:
        """Prepare the catalog, ask every store how it fares, watch both from then on.

        Raises `CatalogInvalid` where the catalog's policies do not parse.
        """
        loop = asyncio.get_running_loop()
        HostLookup().serve(loop)

        def prepare(catalog: Catalog) -> None:
            asyncio.run_coroutine_threadsafe(self._prepare(catalog), loop).result()

        await asyncio.to_thread(self._shelf.subscribe, prepare)
        # The catalog stays: what collects garbage need not look at its objects again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)
        gc.enable()  # `serve` starts without
        await self._health.start()
        self._watch.start()
        self._started.set()

    async def settled(self) -> None:
        """Wait for what `start` leaves to the background, so that nothing stands in for it."""
        if self._preparing is not None:
            await asyncio.wait([self._preparing])

    async def close(self) -> None:
        """Flush records and release everything: what cannot be closed keeps nothing else from it.

        Raises what the last of those raised.
        """
        async with AsyncExitStack() as closing:  # what was pushed last is closed first
            closing.push_async_callback(self._guards.close)
            closing.push_async_callback(self._stand_ins.close)
            for store in (self._semantic, self._state, self._policy, self._registry, self._vector, self._graph):
                closing.push_async_callback(store.close)
            closing.push_async_callback(self._precedents.close)
            closing.push_async_callback(self._executor.close)
            closing.push_async_callback(self._health.close)
            closing.push_async_callback(self._end_preparing)
            closing.push_async_callback(self._watch.close)

    async def _end_preparing(self) -> None:
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait([self._preparing])

    def serving(self) -> bool:
        """Return whether questions can be answered."""
        return self._health.status is not HealthStatus.UNHEALTHY

    async def _prepare(self, catalog: Catalog) -> None:
        """Make everything that depends on the catalog ready for it, its policy last."""
        await asyncio.to_thread(self._preparation.of, catalog)
        await self._graph.prepare(catalog)
        await self._registry.prepare(catalog)
        await self._stand_ins.prepare(catalog)
        await self._prepare_vectors(catalog)
        try:
            await self._policy.use(catalog.policies)
        except PolicyInvalid as invalid:
            raise CatalogInvalid((CatalogError("policies", 0, "", str(invalid)),)) from invalid
        self._decisions.invalidate()
        self._instruments.catalog(catalog.version, time.time())

    async def _prepare_vectors(self, catalog: Catalog) -> None:
        """Make the vectors; nothing waits for the first ones, for which keyword search stands in, and that is told."""
        if self._preparing is None:
            self._preparing = asyncio.create_task(self._first_vectors(catalog), name="vectors")
            self._preparing.add_done_callback(_tell_failure)
        else:
            await self._vector.prepare(catalog)

    async def _first_vectors(self, catalog: Catalog) -> None:
        """Make them when everything else has started: loading the model takes as long as a fifth of all that."""
        await self._started.wait()
        await self._vector.prepare(catalog)

    def _guarded(self, port: P, store: StoreKind) -> P:
        return self._guards.around(port, store, budget_seconds=self._budget_seconds)


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("vectors_failed", cause=type(error).__name__)


def _by_kind(stores: Stores) -> Mapping[StoreKind, Probed]:
    return {
        StoreKind.GRAPH: stores.graph,
        StoreKind.VECTOR: stores.vector,
        StoreKind.REGISTRY: stores.registry,
        StoreKind.POLICY: stores.policy,
        StoreKind.STATE: stores.state,
    }
