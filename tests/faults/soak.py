"""A server on real stores under load for a long time, with a fault now and then: what it holds, before and after."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.mixed_calls import Mix
from tests.faults.proxy import Fault, Proxy
from tests.processes import ServerProcess

FAULTS: Final = (Fault.REFUSE, Fault.BLACKHOLE, Fault.RESET, Fault.DELAY, Fault.HALF_OPEN, Fault.DRIP)
FAULT_SECONDS: Final = 5.0
DELAYS_SECONDS: Final = (0.1, 5.0)
"""One that is no fault, and one that is."""
SETTLING_SECONDS: Final = 90.0


@dataclass(frozen=True)
class Held:
    """What a server process holds."""

    resident_bytes: int
    tasks: Counter[str]
    threads: Counter[str]
    descriptors: Counter[str]
    """By what they are, but for connections to stores."""
    connections: Counter[str]
    """To each store."""


@dataclass
class Soak:
    """A server under load; ``proxies`` stand in front of its stores, by name."""

    server: ServerProcess
    inspection: Path
    proxies: Mapping[str, Proxy]
    mix: Mix
    callers: int = 16
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Faults that were brought about, by store and kind."""
    memory: list[tuple[int, int]] = field(default_factory=list)
    """Resident bytes by the number of calls so far."""

    async def load(self, calls: int, *, look_every: int) -> None:
        """Make so many calls, `callers` at a time; look at memory now and then."""
        end = self.mix.made + calls

        async def keep_calling() -> None:
            while self.mix.made < end:
                await self.mix.call()
                if self.mix.made // look_every > len(self.memory):
                    self.memory.append((self.mix.made, self.resident_bytes()))

        async with asyncio.TaskGroup() as callers:
            for _ in range(self.callers):
                callers.create_task(keep_calling())

    async def trouble(self, period_seconds: float) -> None:
        """Bring about a fault of a store every so often, for a while, until cancelled; all are healed then."""
        chance = random.Random(60)  # noqa: S311 - the same faults every time
        try:
            while True:
                await asyncio.sleep(max(0.0, period_seconds - FAULT_SECONDS))
                store, fault = chance.choice(sorted(self.proxies)), chance.choice(FAULTS)
                self.proxies[store].delay_seconds = chance.choice(DELAYS_SECONDS)
                await self.proxies[store].turn(fault)
                self.faults[store, fault.value] += 1
                await asyncio.sleep(FAULT_SECONDS)
                await self.proxies[store].turn(Fault.NONE)
        finally:
            for proxy in self.proxies.values():
                if proxy.fault is not Fault.NONE:
                    await proxy.turn(Fault.NONE)

    async def settled(self) -> Held:
        """Wait until the server holds the same twice in a row, and return that."""
        before = await self.held()
        while True:
            await asyncio.sleep(1)
            held = await self.held()
            if (held.tasks, held.threads, held.descriptors) == (before.tasks, before.threads, before.descriptors):
                return held
            before = held

    async def recovers(self) -> None:
        """Wait until every store is healthy; raise `AssertionError` with those that are not."""
        end = time.monotonic() + SETTLING_SECONDS
        while unhealthy := await self.mix.unhealthy():
            assert time.monotonic() < end, unhealthy
            await asyncio.sleep(0.5)

    async def comes_back_to(self, base: Held) -> Held:
        """Wait until the server holds no more than it did; raise `AssertionError` with what it still holds."""
        end = time.monotonic() + SETTLING_SECONDS
        while True:
            held = await self.held()
            more = {
                "tasks": held.tasks - base.tasks,
                "threads": held.threads - base.threads,
                "descriptors": held.descriptors - base.descriptors,
            }
            if not any(more.values()):
                return held
            assert time.monotonic() < end, more
            await asyncio.sleep(1)

    async def held(self) -> Held:
        """Return what the server holds now."""
        self.inspection.unlink(missing_ok=True)
        self.server.tell(signal.SIGUSR2)
        async with asyncio.timeout(30):
            while not self.inspection.exists():  # noqa: ASYNC110 - of a file
                await asyncio.sleep(0.02)
        report = json.loads(self.inspection.read_text(encoding="utf-8"))
        descriptors, connections = self._descriptors()
        return Held(
            self.resident_bytes(), Counter(report["tasks"]), Counter(report["threads"]), descriptors, connections
        )

    def resident_bytes(self) -> int:
        """Return the memory that the server has."""
        status = self._process.joinpath("status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def _descriptors(self) -> tuple[Counter[str], Counter[str]]:
        """Count what the server has open by what it is, and its connections to each store (proc_pid_net(5))."""
        ports = {proxy.port: name for name, proxy in self.proxies.items()}
        stores = {
            columns[9]: ports[port]
            for line in self._process.joinpath("net/tcp").read_text(encoding="ascii").splitlines()[1:]
            if (port := int((columns := line.split())[2].rpartition(":")[2], 16)) in ports
        }
        descriptors: Counter[str] = Counter()
        connections: Counter[str] = Counter()
        for link in self._process.joinpath("fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                kind, _, number = link.readlink().as_posix().partition(":[")
                if store := stores.get(number.rstrip("]")):
                    connections[store] += 1
                else:
                    descriptors[kind] += 1
        return descriptors, connections

    @property
    def _process(self) -> Path:
        return Path("/proc") / str(self.server.process.pid)
