"""Many callers at once, who remember what each call came to."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from grpc import aio

from ecp.v1 import provenance_pb2, resolve_pb2, resolve_pb2_grpc
from tests.running import TIMEOUT_SECONDS, user
from tests.serving import Outcome, outcome

CONNECTIONS: Final = 4
"""A server takes no more than MAX_CONCURRENT_STREAMS calls at a time on one of them."""
FULL: Final = provenance_pb2.PROVENANCE_VIEW_FULL
OWNER: Final = "ann"


@dataclass
class Callers:
    """Callers of one server over several connections; ``outcomes`` are by request id."""

    channels: list[aio.Channel]
    name: str = "call"
    """What request ids begin with."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    _sent: int = 0

    def begin(self, concept: str, **options: Any) -> asyncio.Task[Outcome]:
        """Send a question under a request id of its own; the task remembers what came of it."""
        self._sent += 1
        return asyncio.create_task(self._ask(concept, self._sent, options))

    async def keep_asking(self, concept: str) -> None:
        """Ask again and again until a call fails."""
        while (await self.begin(concept)).code == "OK":
            pass

    @property
    def attempted(self) -> set[str]:
        """Return the ids of the requests that were sent."""
        return {f"{self.name}-{number}" for number in range(1, self._sent + 1)}

    @property
    def answered(self) -> dict[str, resolve_pb2.ResolveResponse]:
        """Return the acknowledged resolutions by their ids."""
        answers = [outcome.response for outcome in self.outcomes.values() if outcome.code == "OK"]
        return {answer.resolution_id: answer for answer in answers}

    async def _ask(self, concept: str, number: int, options: dict[str, Any]) -> Outcome:
        stub: Any = resolve_pb2_grpc.ResolveServiceStub(self.channels[number % len(self.channels)])
        request_id = f"{self.name}-{number}"
        request = resolve_pb2.ResolveRequest(concept=concept, user_context=user(OWNER), provenance_view=FULL)
        metadata = (("x-request-id", request_id),)
        ended = await outcome(stub.Resolve(request, metadata=metadata, **{"timeout": TIMEOUT_SECONDS} | options))
        self.outcomes[request_id] = ended
        return ended


@asynccontextmanager
async def calling(address: str, name: str = "call") -> AsyncIterator[Callers]:
    """Connect callers; ``name`` is what their request ids begin with."""
    alone = (("grpc.use_local_subchannel_pool", 1),)  # else equal channels share one connection
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(aio.insecure_channel(address, options=alone)) for _ in range(CONNECTIONS)
        ]
        yield Callers(channels, name)


@contextmanager
def turn_held(folder: Path) -> Iterator[None]:
    """Hold the turn at the state file, as a process that writes would: records have to wait."""
    with (folder / "state.db-lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def read_back(address: str, resolution_ids: set[str]) -> dict[str, resolve_pb2.ResolveResponse]:
    """Return those of the resolutions that a server has, as their owner reads them."""
    found = {}
    async with aio.insecure_channel(address) as channel:
        stub: Any = resolve_pb2_grpc.ResolveServiceStub(channel)
        for resolution_id in sorted(resolution_ids):
            request = resolve_pb2.GetResolutionRequest(resolution_id=resolution_id, provenance_view=FULL)
            read = await outcome(
                stub.GetResolution(request, metadata=(("x-ecp-user-id", OWNER),), timeout=TIMEOUT_SECONDS)
            )
            if read.code == "OK":
                found[resolution_id] = read.response.response
    return found
