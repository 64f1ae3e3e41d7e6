"""A semantic layer whose engine is loaded when it is first asked: no question about meaning needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.figures import FigureQuery, Figures
from ecp_server.domain.identity import Principal
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.ports import Semantic


class DeferredSemantic:
    """The Semantic port, in front of an adapter that takes long to import."""

    def __init__(self, adapter: str, make: Callable[[], Semantic]) -> None:
        """``make`` imports and returns the adapter with this name; it is called once, in a thread."""
        self.adapter = adapter
        self._make = make
        self._making: asyncio.Task[Semantic] | None = None
        self._closed = False

    async def run(self, queries: Sequence[FigureQuery], *, principal: Principal | None = None) -> Sequence[Figures]:
        """Run the queries; see `ports.Semantic`."""
        return await (await self._made()).run(queries, principal=principal)

    async def probe(self) -> None:
        """Probe the adapter."""
        await (await self._made()).probe()

    async def close(self) -> None:
        """Close the adapter, if there is one."""
        self._closed = True
        if self._making is not None:
            await (await asyncio.shield(self._making)).close()

    async def _made(self) -> Semantic:
        """Return the adapter. Whoever goes away while it is being made does not stop that: others wait for it too."""
        if self._closed:
            raise StoreUnavailable(StoreKind.SEMANTIC)
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(self._make), name="semantic engine")
        return await asyncio.shield(self._making)
