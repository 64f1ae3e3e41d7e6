"""Keeps what departments have taught for some seconds, so that a question need not ask the state store for it."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ecp_server.domain.feedback import NO_PRECEDENTS, DepartmentPrecedents
from ecp_server.stores.ports import State

FRESH_SECONDS: Final = 2.0
"""A copy that is older is read anew in the background, while questions go on with it."""
USABLE_SECONDS: Final = 10.0
"""A copy that is older is not used: what another server took, or an operator revoked, holds by then."""
MAX_OF_DEPARTMENT: Final = 1000
"""The newest count."""
MAX_DEPARTMENTS: Final = 1000
MAX_PRECEDENTS: Final = 20_000
"""Of all departments together."""


@dataclass(frozen=True, slots=True)
class _Copy:
    precedents: DepartmentPrecedents
    count: int
    asked_at: float
    """When it was asked for, on the clock."""


class KeptPrecedents:
    """The precedents in force, by department; to be used from one event loop."""

    def __init__(self, state: State, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._state = state
        self._clock = clock
        self._kept: OrderedDict[str, _Copy] = OrderedDict()
        """The one that was used last comes last."""
        self._count = 0
        self._generation = 0
        self._reading: dict[str, asyncio.Task[DepartmentPrecedents]] = {}
        """The reading that whoever asks for a department may wait for."""
        self._tasks: set[asyncio.Task[DepartmentPrecedents]] = set()

    async def of(self, department: str) -> DepartmentPrecedents:
        """Return what a department has taught; nothing where it is "".

        It is at most `USABLE_SECONDS` old, and what this server took is in it. Raises `StoreError`.
        """
        if not department:
            return NO_PRECEDENTS
        kept = self._kept.get(department)
        if kept is None or (age := self._clock() - kept.asked_at) > USABLE_SECONDS:
            # One reading for all who ask: a burst would take every connection to the store.
            self._read_once(department)
            return await asyncio.shield(self._reading[department])
        if age > FRESH_SECONDS:
            self._read_once(department)
        self._kept.move_to_end(department)
        return kept.precedents

    def forget(self, department: str) -> None:
        """Read anew what a department has taught: it has changed. What is being read now is not kept."""
        self._generation += 1
        self._reading.pop(department, None)
        self._drop(department)

    async def close(self) -> None:
        """Stop reading."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _read(self, department: str) -> DepartmentPrecedents:
        generation, asked_at = self._generation, self._clock()
        found = await self._state.precedents(departments=[department], limit=MAX_OF_DEPARTMENT)
        read = DepartmentPrecedents.of([precedent.record for precedent in found]) if found else NO_PRECEDENTS
        if generation == self._generation:
            self._keep(department, _Copy(read, len(found), asked_at))
        return read

    def _read_once(self, department: str) -> None:
        """Begin to read what a department has taught, unless that is being read."""
        if department in self._reading:
            return
        # In a context of its own: the deadline and the provenance of whoever asks first are not the others'.
        task = asyncio.create_task(self._read(department), context=contextvars.Context(), name="precedents")
        self._reading[department] = task
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(department, done))

    def _ended(self, department: str, task: asyncio.Task[DepartmentPrecedents]) -> None:
        self._tasks.discard(task)
        if self._reading.get(department) is task:
            del self._reading[department]
        if not task.cancelled():
            # Retrieved: perhaps nobody waits. A failure is told where every store call is; once the copy is too old, a
            # question will say so too.
            task.exception()

    def _keep(self, department: str, copy: _Copy) -> None:
        self._drop(department)
        self._kept[department] = copy
        self._count += copy.count
        while len(self._kept) > MAX_DEPARTMENTS or (self._count > MAX_PRECEDENTS and len(self._kept) > 1):
            self._drop(next(iter(self._kept)))

    def _drop(self, department: str) -> None:
        dropped = self._kept.pop(department, None)
        self._count -= 0 if dropped is None else dropped.count


class UnheededPrecedents:
    """Takes the place of `KeptPrecedents` where questions are to be answered as if nobody had taught anything."""

    async def of(self, department: str) -> DepartmentPrecedents:  # noqa: ARG002 - as its model
        """Return nothing, whatever is recorded."""
        return NO_PRECEDENTS
