"""One store behind the proxy, one fault after another: every kind of call comes to what the design says, in time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from ecp.v1 import health_pb2
from ecp_server.domain.provenance import StoreKind
from tests.faults.proxy import Fault
from tests.faults.replies import USED, ask, assert_as_designed
from tests.faults.sites import BUDGET_SECONDS, RECOVERY_SECONDS, Estate
from tests.serving import Outcome

DEADLINE_SECONDS: Final = 5.0
"""Of callers: more than the budget of the store, by what else there is to do."""
LATE_SECONDS: Final = 0.05
"""So long after its deadline a reply may come, at the latest."""
HEALING_SECONDS: Final = RECOVERY_SECONDS + 1.0
"""After that much a store that works again is used again (trust.md: cool-down and a second)."""
SETTLING_SECONDS: Final = 2.0
"""So long after it a write may meet a connection that the fault broke (trust.md: none after two seconds)."""
WARMING_SECONDS: Final = 20.0
"""A server that has just started plans its first queries for longer than their budget."""
MACHINE_SECONDS: Final = 5.0
"""How much later that may be seen where the machine is busy."""
AT_A_TIME: Final = 4
BREAKER: Final = {
    health_pb2.BREAKER_STATE_CLOSED: 0.0,
    health_pb2.BREAKER_STATE_HALF_OPEN: 1.0,
    health_pb2.BREAKER_STATE_OPEN: 2.0,
}
"""The gauge of a breaker by its state."""


class Void(Exception):
    """The test shows nothing: what it is about did not work, or was not asked, before the fault."""


@dataclass(frozen=True)
class Trouble:
    """A fault with its measures, and what it means for the breaker."""

    fault: Fault
    delay_seconds: float = 0.0
    retry_after_seconds: int = 0
    harmless: bool = False
    """The store answers within its budget: nothing is to be seen."""

    @property
    def opens(self) -> bool:
        """Whether it opens the breaker of a store that is asked: a wish to be left alone does not."""
        return not (self.harmless or self.fault is Fault.HTTP_429)

    @override
    def __str__(self) -> str:
        measure = self.delay_seconds or self.retry_after_seconds
        return f"{self.fault.value} {measure} s" if measure else self.fault.value


def troubles(fault: Fault) -> Iterator[Trouble]:
    """Yield the forms of a fault: a delay shorter and one longer than the budget, a short wish and a long one."""
    if fault is Fault.DELAY:
        # A record is four rounds to PostgreSQL, and may have to wait for as many of the batch before it.
        yield Trouble(fault, delay_seconds=BUDGET_SECONDS / 16, harmless=True)
        yield Trouble(fault, delay_seconds=BUDGET_SECONDS * 2)
    elif fault is Fault.HTTP_429:
        yield from (Trouble(fault, retry_after_seconds=seconds) for seconds in (1, 60))
    else:
        yield Trouble(fault)


class Matrix:
    """A server one of whose stores has faults."""

    def __init__(self, estate: Estate, store: StoreKind, *, rounds: int = 2) -> None:
        """Make each kind of call ``rounds`` times, `AT_A_TIME` at a time, before, in and after each fault."""
        self.server = estate.server
        self.proxy = estate.proxies[store]
        self.store = store
        self.rounds = rounds
        self.books = estate.books
        self.recorded = ""
        self.counted: Counter[tuple[str, str, str]] = Counter()
        """Replies by trouble, kind and code."""
        self.longest: dict[str, float] = {}
        """The seconds that the slowest reply took, by trouble."""

    @property
    def is_asked(self) -> bool:
        """Whether any kind of call asks the store."""
        return any(self.store in stores for stores in USED.values())

    async def survives(self, *faults: Fault) -> None:
        """Bring each fault about, and heal it.

        Raises `AssertionError` at the first reply that is not as designed, `Void` where they are not so before, or
        where the store was not asked then as often as it had to be.
        """
        await self.begin()
        for fault in faults:
            for trouble in troubles(fault):
                await self._survives(trouble)
        await self.books.balance()

    async def begin(self) -> None:
        """Make the load before the fault. Raises `Void` where it is not as designed, or too small."""
        answered = self.books.answered[self.store]
        # What no call asks is asked by health's probes alone, which may all have come before.
        carried = self.proxy.carried if self.is_asked else 0
        try:
            await self.warm_up()
            await self._load(())
        except AssertionError as failure:
            raise Void from failure
        minimum = self.rounds * AT_A_TIME * sum(self.store in stores for stores in USED.values())
        if self.books.answered[self.store] - answered < minimum or self.proxy.carried == carried:
            raise Void(f"the {self.store.name.lower()} store was not asked through the proxy as often as the calls ask")

    async def _survives(self, trouble: Trouble) -> None:
        self.proxy.delay_seconds = trouble.delay_seconds
        self.proxy.retry_after_seconds = trouble.retry_after_seconds
        questions, began = self.proxy.questions, time.monotonic()
        await self.proxy.turn(trouble.fault)
        await self.endures(str(trouble), harmless=trouble.harmless, opens=trouble.opens)
        if trouble.fault is Fault.HTTP_429:
            turns = 1 + (time.monotonic() - began) // trouble.retry_after_seconds
            assert self.proxy.questions - questions <= AT_A_TIME * turns, "it was asked before it wanted to be"
        await self.proxy.turn(Fault.NONE)
        await self.recovers(str(trouble), HEALING_SECONDS + trouble.retry_after_seconds)

    async def endures(self, trouble: str, *, harmless: bool = False, opens: bool = True) -> None:
        """Make the load while there is trouble; ``opens`` is whether that is to open the breaker of a store."""
        asked = self.books.asked[self.store]
        opened = await self._load(() if harmless else (self.store,), trouble)
        if self.is_asked:
            assert opened == opens, f"the breaker {'opened' if opened else 'did not open'}: {trouble}"
        else:
            assert self.books.asked[self.store] == asked, "a store was asked that the calls do not need"
        await self._is_told(impaired=not harmless)

    async def recovers(self, trouble: str, within_seconds: float = HEALING_SECONDS) -> None:
        """Make the load after trouble, once everything works again."""
        await self.is_whole_again(within_seconds)
        await asyncio.sleep(SETTLING_SECONDS)
        await self._load((), f"after {trouble}")

    async def warm_up(self) -> None:
        """Wait until everything works. Raises `AssertionError` where it does not."""
        end = time.monotonic() + WARMING_SECONDS
        while (answered := await self._ask("Resolve")).code != "OK":
            assert time.monotonic() < end
            await asyncio.sleep(0.1)
        self.recorded = answered.response.resolution_id
        await self.is_whole_again(WARMING_SECONDS)

    async def _load(self, down: tuple[StoreKind, ...], trouble: str = "before") -> bool:
        """Make the calls of some rounds; return whether the breaker was seen open meanwhile."""
        opened = False
        for _ in range(self.rounds):
            for kind in USED:
                started = time.monotonic()
                replies = await asyncio.gather(*(self._ask(kind) for _ in range(AT_A_TIME)))
                took = time.monotonic() - started
                self.longest[trouble] = max(self.longest.get(trouble, 0.0), took)
                for reply in replies:
                    self.counted[trouble, kind, reply.code] += 1
                    assert_as_designed(kind, down, reply)
                assert self.books.slowest_seconds <= DEADLINE_SECONDS + LATE_SECONDS
                opened = opened or await self.breaker() != health_pb2.BREAKER_STATE_CLOSED
        return opened

    async def _ask(self, kind: str) -> Outcome:
        reply = await ask(self.server, kind, self.recorded, timeout=DEADLINE_SECONDS)
        self.books.note(kind, reply)
        return reply

    async def is_whole_again(self, within_seconds: float = HEALING_SECONDS) -> None:
        """Wait until every kind of call is answered in full, and the store is said to be well.

        Raises `AssertionError` where that is not so in time.
        """
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
        await self._is_told(impaired=False, end=end)

    async def _is_told(self, *, impaired: bool, end: float = 0.0) -> None:
        """Wait until health and metrics say of the store what is so, and the same as each other."""
        end = max(end, time.monotonic() + MACHINE_SECONDS)
        status = health_pb2.HEALTH_STATUS_UNHEALTHY if impaired else health_pb2.HEALTH_STATUS_HEALTHY
        while True:
            found = await self._health()
            degraded = self.books.gauge("ecp_degraded_components", "component", self.store)
            gauge = self.books.gauge("ecp_breaker_state", "store", self.store)
            said = (found.status, degraded, gauge, gauge == 0 or impaired)
            if said == (status, float(impaired), BREAKER[found.breaker], True):
                return
            assert time.monotonic() < end, f"health and metrics say {said} of a store that is impaired: {impaired}"
            await asyncio.sleep(0.05)

    async def breaker(self) -> int:
        """Return the state of the store's breaker, as GetHealth has it."""
        return int((await self._health()).breaker)

    async def _health(self) -> Any:
        request = health_pb2.GetHealthRequest()
        state = (await self.server.ask(self.server.state_of_health.GetHealth, request)).response
        (found,) = [store for store in state.stores if store.store == self.store]
        return found
