"""One store behind the proxy, one fault after another: every kind of call comes to what the design says, in time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Final

from ecp.v1 import health_pb2
from ecp_server.domain.provenance import StoreKind
from tests.faults.proxy import Fault, Proxy
from tests.faults.replies import USED, ask, assert_as_designed
from tests.running import Running
from tests.serving import Outcome

BUDGET_SECONDS: Final = 1.0
RECOVERY_SECONDS: Final = 0.5
DEADLINE_SECONDS: Final = 4.0
"""Of callers: more than the budget of the store, by what else there is to do."""
HEALING_SECONDS: Final = RECOVERY_SECONDS + 1.0
"""After that much a store that works again is used again (trust.md: cool-down and a second)."""
SETTLING_SECONDS: Final = 2.0
"""So long after it a write may meet a connection that the fault broke (trust.md: none after two seconds)."""
WARMING_SECONDS: Final = 20.0
"""A server that has just started plans its first queries for longer than their budget."""
MACHINE_SECONDS: Final = 5.0
"""How much later that may be seen where the machine is busy."""
SETTINGS: Final = {
    "store_timeout_seconds": str(BUDGET_SECONDS),
    "breaker_recovery_seconds": str(RECOVERY_SECONDS),
    "decision_cache_seconds": "0",
    "read_cache_mib": "0",  # what is kept would hide that its store fails
}
NETWORK: Final = (
    Fault.REFUSE,
    Fault.BLACKHOLE,
    Fault.HALF_OPEN,
    Fault.DELAY,
    Fault.DRIP,
    Fault.RESET,
    Fault.GARBAGE,
)
HTTP: Final = (*NETWORK, Fault.HTTP_503)
AT_A_TIME: Final = 4


class Void(Exception):
    """The test shows nothing: what it is about did not work before the fault."""


class Matrix:
    """A server one of whose stores stands behind a proxy."""

    def __init__(
        self,
        server: Running,
        proxy: Proxy,
        store: StoreKind,
        *,
        budget_seconds: float = BUDGET_SECONDS,
        rounds: int = 2,
    ) -> None:
        """Make each kind of call ``rounds`` times, `AT_A_TIME` at a time, before, in and after each fault."""
        self.server = server
        self.proxy = proxy
        self.store = store
        self.budget_seconds = budget_seconds
        self.rounds = rounds
        self.recorded = ""
        self.counted: Counter[tuple[str, str]] = Counter()
        """Replies by fault and code."""

    async def survives(self, *faults: Fault) -> None:
        """Bring each fault about, and heal it.

        Raises `AssertionError` at the first reply that is not as designed, `Void` where they are not so before.
        """
        try:
            await self.warm_up()
            await self._load(())
        except AssertionError as failure:
            raise Void from failure
        for fault in faults:
            # Shorter than the budget a delay is no fault, longer it is one.
            delays = (self.budget_seconds / 8, self.budget_seconds * 2) if fault is Fault.DELAY else (0.0,)
            for delay_seconds in delays:
                self.proxy.delay_seconds = delay_seconds
                harmless = 0 < delay_seconds < self.budget_seconds
                await self.proxy.turn(fault)
                opened = await self._load(() if harmless else (self.store,), fault.value)
                assert harmless or opened, f"the breaker did not open: {fault.value}"
                await self.proxy.turn(Fault.NONE)
                await self.is_whole_again()
                await asyncio.sleep(SETTLING_SECONDS)
                await self._load(())

    async def warm_up(self) -> None:
        """Wait until everything works. Raises `AssertionError` where it does not."""
        end = time.monotonic() + WARMING_SECONDS
        while (answered := await ask(self.server, "Resolve")).code != "OK":
            assert time.monotonic() < end
            await asyncio.sleep(0.1)
        self.recorded = answered.response.resolution_id
        await self.is_whole_again(WARMING_SECONDS)

    async def _load(self, down: tuple[StoreKind, ...], fault: str = "") -> bool:
        """Make the calls of some rounds; return whether the breaker was seen open meanwhile."""
        opened = False
        for _ in range(self.rounds):
            for kind in USED:
                replies = await asyncio.gather(*(self._ask(kind) for _ in range(AT_A_TIME)))
                for reply in replies:
                    self.counted[fault, reply.code] += 1
                    assert_as_designed(kind, down, reply)
                opened = opened or await self.breaker() != health_pb2.BREAKER_STATE_CLOSED
        return opened

    async def _ask(self, kind: str) -> Outcome:
        return await ask(self.server, kind, self.recorded, timeout=DEADLINE_SECONDS)

    async def is_whole_again(self, within_seconds: float = HEALING_SECONDS) -> None:
        """Wait until every kind of call is answered in full. Raises `AssertionError` where one is not in time."""
        end = time.monotonic() + within_seconds + MACHINE_SECONDS
        for kind in USED:
            while True:
                reply = await self._ask(kind)
                try:
                    assert_as_designed(kind, (), reply)
                except AssertionError:
                    if time.monotonic() > end:
                        raise
                    await asyncio.sleep(0.05)
                else:
                    break

    async def breaker(self) -> int:
        """Return the state of the store's breaker, as GetHealth has it."""
        request = health_pb2.GetHealthRequest()
        state = (await self.server.ask(self.server.state_of_health.GetHealth, request)).response
        (found,) = [store for store in state.stores if store.store == self.store]
        return int(found.breaker)
