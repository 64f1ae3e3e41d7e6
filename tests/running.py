"""The whole server over a catalog: started as in production but for its ports, and asked through generated stubs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from grpc import aio

from ecp.v1 import catalog_pb2_grpc, health_pb2_grpc, resolve_pb2, resolve_pb2_grpc, types_pb2
from ecp_server import wiring
from ecp_server.server import Server
from ecp_server.settings import Settings
from ecp_server.telemetry.metrics import Instruments
from ecp_server.telemetry.tracing import Propagated
from tests.serving import Outcome, Serving, outcome

TIMEOUT_SECONDS: Final = 30.0
"""A bound for calls that are not about time: machines differ."""


class Asker:
    """Stubs of the services; a call that fails is an outcome like any other."""

    def __init__(self, channel: aio.Channel) -> None:
        # Untyped: the stubs are declared for the synchronous API.
        stub_channel: Any = channel
        self.resolving: Any = resolve_pb2_grpc.ResolveServiceStub(stub_channel)
        self.catalog: Any = catalog_pb2_grpc.CatalogServiceStub(stub_channel)
        self.state_of_health: Any = health_pb2_grpc.HealthServiceStub(stub_channel)

    async def ask(self, method: Any, request: Any, **options: Any) -> Outcome:
        """Call a stub's method."""
        return await outcome(method(request, **{"timeout": TIMEOUT_SECONDS} | options))

    async def resolve(self, concept: str, *, options: Mapping[str, Any] | None = None, **fields: Any) -> Outcome:
        """Resolve a question; ``fields`` are further fields of the request, ``options`` those of the call."""
        request = resolve_pb2.ResolveRequest(concept=concept, **fields)
        return await self.ask(self.resolving.Resolve, request, **(options or {}))

    async def recorded(self, resolution_id: str, *, user_ids: Sequence[str] = (), **fields: Any) -> Outcome:
        """Get a recorded resolution, as whoever the metadata say."""
        request = resolve_pb2.GetResolutionRequest(resolution_id=resolution_id, **fields)
        metadata = tuple(("x-ecp-user-id", user_id) for user_id in user_ids)
        return await self.ask(self.resolving.GetResolution, request, metadata=metadata)


class Running(Serving[wiring.EcpApplication], Asker):
    """The server in this process, and who asks it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        Asker.__init__(self, self.channel)


def user(
    user_id: str = "",
    *roles: str,
    department: str = "",
    allowed_members: Mapping[str, Sequence[str]] | None = None,
) -> types_pb2.UserContext:
    """Who asks."""
    members = {dimension: types_pb2.ValueList(values=values) for dimension, values in (allowed_members or {}).items()}
    return types_pb2.UserContext(user_id=user_id, roles=roles, department=department, allowed_members=members)


@asynccontextmanager
async def running(catalog: Path | None, state: Path, **settings: str) -> AsyncIterator[Running]:
    """Serve the catalog, None for what the settings say, with its records in the folder ``state``.

    ``settings`` are ECP_* without the prefix.
    """
    chosen = {
        "catalog": "" if catalog is None else str(catalog),
        "listen": "127.0.0.1:0",
        "metrics_listen": "127.0.0.1:0",
        "state_url": f"sqlite:///{state / 'state.db'}",
        "drain_delay_seconds": "0",
        "max_queue_seconds": "60",  # as in tests.processes
        "precedents_per_day": "1000000",  # one user of a test teaches for many
    } | settings
    loaded = Settings.load({f"ECP_{name.upper()}": value for name, value in chosen.items()})
    instruments = Instruments()
    application = await wiring.build(loaded, instruments)
    server = Server(loaded, application, instruments, Propagated())
    async with AsyncExitStack() as exits:
        address = await exits.enter_async_context(server.serving())
        await application.settled()
        async with aio.insecure_channel(str(address)) as channel:
            yield Running(address, application, instruments, channel, exits.aclose)
