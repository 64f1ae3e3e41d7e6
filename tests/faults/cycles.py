"""Servers that start, are put under load and end, again and again, several at a time over one state store."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ecp.v1 import resolve_pb2
from tests.faults.callers import Callers, calling, read_back
from tests.faults.mutated import CORRECT, Mutated
from tests.faults.trail import Trail, assert_recorded_once, trail
from tests.processes import ServerProcess, serving

QUESTION: Final = "revenue of Snowflake in fiscal 2024"
SERVERS: Final = 2
"""At a time, so that one ends while the other writes."""
CALLERS: Final = 50
ANSWERS: Final = 40
"""So many answers, at least, before a server ends: else its end shows nothing."""


@dataclass
class Cycles:
    """What callers of all servers so far know; ``settings`` of the servers are ECP_* without the prefix."""

    catalog: Path
    folder: Path
    state_url: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    bug: Mutated = field(default_factory=lambda: CORRECT)
    ends: int = 0
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Resolution ids by request id."""
    answers: dict[str, resolve_pb2.ResolveResponse] = field(default_factory=dict)
    """As they were sent, by resolution id."""
    attempted: set[str] = field(default_factory=set)
    told: Counter[str] = field(default_factory=Counter)
    """What callers were told that were not answered."""

    async def run(self, rounds: int, end: Callable[[ServerProcess, Callers], Awaitable[None]]) -> None:
        """End so many times `SERVERS` servers amid their load; ``end`` does it, and says what must come of it."""
        for number in range(rounds):
            await asyncio.gather(*(self._cycle(f"server-{i}", f"{number}.{i}", end) for i in range(SERVERS)))

    async def assert_recorded_once(self) -> Trail:
        """Acknowledged ⊆ recorded ⊆ attempted; what was acknowledged reads as it was sent. Return what is recorded."""
        assert len(self.acknowledged) >= self.ends * ANSWERS
        held = trail(self.state_url)
        assert_recorded_once(held, self.acknowledged, self.attempted)
        async with serving(self.catalog, self.folder, state_url=self.state_url, **self.settings) as server:
            assert self.answers == await read_back(server.address, set(self.answers))
        return held

    async def _cycle(
        self, server_name: str, callers_name: str, end: Callable[[ServerProcess, Callers], Awaitable[None]]
    ) -> None:
        async with (
            serving(
                self.catalog,
                self.folder,
                name=server_name,
                state_url=self.state_url,
                **self.bug,
                **self.settings,
            ) as server,
            calling(server.address, callers_name) as callers,
        ):
            load = [asyncio.create_task(callers.keep_asking(QUESTION)) for _ in range(CALLERS)]
            while len(callers.outcomes) < ANSWERS:  # noqa: ASYNC110 - counted by the callers themselves
                await asyncio.sleep(0.001)
            await end(server, callers)
            await asyncio.gather(*load)
        # One failure a caller, which may be tried again elsewhere.
        failed = [outcome for outcome in callers.outcomes.values() if outcome.code != "OK"]
        told = Counter(outcome.message.partition(";")[0] for outcome in failed)
        # gRPC itself so ends what comes after its stop, before any code of ours; it is neither begun nor recorded.
        unseen = [outcome for outcome in failed if outcome.code == "CANCELLED" and not outcome.trailing]
        assert {"UNAVAILABLE"} == {outcome.code for outcome in failed if outcome not in unseen}, told
        self.told += told
        self.ends += 1
        self.answers |= callers.answered
        self.attempted |= callers.attempted
        self.acknowledged |= {
            request_id: outcome.response.resolution_id
            for request_id, outcome in callers.outcomes.items()
            if outcome.code == "OK"
        }
