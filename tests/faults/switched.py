"""The whole server over stores that a test can switch off: the embedded ones, guarded as if they were servers.

It shows what the server makes of a failure, whatever the engine; what engines make of a fault of the network is for the
tests with real ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar
from unittest import mock

from ecp_server.domain.errors import StoreQueryFailed, StoreThrottled, StoreTimeout, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.wrap import around
from ecp_server.wiring import application
from tests.running import Running, running

T = TypeVar("T")

RETRY_AFTER_SECONDS: Final = 0.2

FAILURES: Final[dict[str, Callable[[StoreKind], Exception]]] = {
    "refused": StoreUnavailable,
    "late": StoreTimeout,
    "wrong schema": StoreQueryFailed,
    "throttled": lambda store: StoreThrottled(store, retry_after_seconds=RETRY_AFTER_SECONDS),
    "unreadable": lambda _store: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "postgresql://ecp:hunter2@db"),
}
"""What an adapter raises, or nobody foresaw."""
HANGS: Final = "hangs"
"""The store takes the query and says nothing."""


class Switch:
    """One store's switch; ``failure`` is one of `FAILURES`, `HANGS`, or "" while it works."""

    def __init__(self, store: StoreKind) -> None:
        self.store = store
        self.failure = ""
        self.asked = 0
        self.failed = 0

    async def __call__(self, _operation: str, call: Callable[[], Awaitable[T]], /) -> T:
        """Answer, or fail."""
        self.asked += 1
        if self.failure:
            self.failed += 1
        if self.failure == HANGS:
            await asyncio.sleep(600)
        if self.failure:
            raise FAILURES[self.failure](self.store)
        return await call()


class Switched:
    """A running server with the switches of its stores."""

    def __init__(self, server: Running, switches: dict[StoreKind, Switch]) -> None:
        self.server = server
        self.switches = switches

    def fail(self, *stores: StoreKind, how: str = "refused") -> None:
        """Switch stores off, and all others on."""
        for store, switch in self.switches.items():
            switch.failure = how if store in stores else ""


@asynccontextmanager
async def switched(catalog: Path, state: Path, **settings: str) -> AsyncIterator[Switched]:
    """Serve a catalog over stores with switches; ``settings`` are ECP_* without the prefix."""
    switches: dict[StoreKind, Switch] = {}

    def with_switch(store: StoreKind) -> Callable[..., Any]:
        make = getattr(application, f"{store.name.lower()}_store")

        def made(*arguments: Any) -> Any:
            adapter = make(*arguments)
            switches[store] = switch = Switch(store)
            port = around(adapter, switch)
            # Not the application's own affairs with it, which are no calls to a store.
            for name in ("prepare", "use"):
                if hasattr(adapter, name):
                    port.__dict__[name] = getattr(adapter, name)
            port.__dict__["in_memory"] = False
            return port

        return made

    kinds = [kind for kind in StoreKind if hasattr(application, f"{kind.name.lower()}_store")]
    with ExitStack() as patches:
        for kind in kinds:
            patches.enter_context(mock.patch.object(application, f"{kind.name.lower()}_store", with_switch(kind)))
        server = running(catalog, state, **settings)
        async with server as up:
            patches.close()
            yield Switched(up, switches)
