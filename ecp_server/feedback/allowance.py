"""How much one person may teach: whoever reports without end would drown out what everybody else has taught."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from ecp_server.domain.errors import RateLimited
from ecp_server.stores.ports import State

PERIOD: Final = timedelta(days=1)


class Allowance:
    """What everybody may teach in a day, counted in the state store, so that it holds over all servers.

    Reports under way on other servers are not seen: by as many it can be overdrawn.
    """

    def __init__(self, state: State, *, per_day: int) -> None:
        """``per_day`` is the number of precedents that one reporter's corrections may make in `PERIOD`."""
        self._state = state
        self._per_day = per_day
        self._under_way: Counter[str] = Counter()
        """Precedents by reporter that are being recorded, or asked about, by this server."""

    @asynccontextmanager
    async def of(self, reporter: str, precedents: int) -> AsyncIterator[None]:
        """Let the block record so many precedents of a reporter. Raises `RateLimited` and `StoreError`."""
        room = self._per_day - precedents - self._under_way[reporter]
        self._under_way[reporter] += precedents
        try:
            await self._require(reporter, room)
            yield
        finally:
            self._under_way[reporter] -= precedents
            if not self._under_way[reporter]:
                del self._under_way[reporter]

    async def _require(self, reporter: str, room: int) -> None:
        """Raise `RateLimited` where the reporter has made more than ``room`` in the period that ends now."""
        if room < 0:  # for those under way; they are recorded or refused in a moment
            raise RateLimited("corrections", retry_after_seconds=1.0)
        # Revoked ones count: revoking is not to make room for the same again.
        for oldest in await self._state.precedents(reporters=[reporter], revoked=True, skip=room, limit=1):
            left = oldest.record.create_time + PERIOD - datetime.now(UTC)
            if left > timedelta():
                raise RateLimited("corrections", retry_after_seconds=left.total_seconds())
