"""`ecp-server` with a bug, which MUTATION names: ``python -m tests.faults.mutated serve``.

Tests of whole processes show by it that they would find the bug.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypedDict

from ecp_server.__main__ import main
from ecp_server.domain.errors import StoreError
from ecp_server.interceptors.request_id import CallsInFlight
from ecp_server.stores.state.embedded import EmbeddedState
from ecp_server.telemetry.log_stream import GatheringStream

VARIABLE: Final = "MUTATION"
LATER_SECONDS: Final = 0.5


class Mutated(TypedDict):
    """What `tests.processes.serving` is given for a server with a bug."""

    module: str
    environment: dict[str, str]


CORRECT: Final = Mutated(module="ecp_server", environment={})


def mutated(mutation: Callable[[], None]) -> Mutated:
    """Return what starts a server with one of the bugs below."""
    return Mutated(module="tests.faults.mutated", environment={VARIABLE: mutation.__name__})


def record_later() -> None:
    """Acknowledge what is recorded half a second later."""
    later: set[asyncio.Task[None]] = set()

    def scheduled(record: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def after_a_while(self: EmbeddedState, *records: Any) -> None:
            await asyncio.sleep(LATER_SECONDS)
            await record(self, *records)

        async def at_once(self: EmbeddedState, *records: Any) -> None:
            later.add(asyncio.create_task(after_a_while(self, *records)))

        return at_once

    EmbeddedState.record = scheduled(EmbeddedState.record)  # type: ignore[method-assign, assignment]


def record_if_possible() -> None:
    """Acknowledge what could not be recorded."""

    def forgiving(record: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def recorded(self: EmbeddedState, *records: Any) -> None:
            with contextlib.suppress(StoreError):
                await record(self, *records)

        return recorded

    EmbeddedState.record = forgiving(EmbeddedState.record)  # type: ignore[method-assign, assignment]


def wait_for_nobody() -> None:
    """Stop amid the calls in flight."""

    async def not_drained(self: CallsInFlight, _timeout_seconds: float) -> bool:
        await asyncio.sleep(0)
        return not len(self)

    CallsInFlight.drained = not_drained  # type: ignore[method-assign, assignment]


def log_or_fail() -> None:
    """Write each line of the log at once, or raise."""

    def write(self: GatheringStream, text: str) -> int:
        self._target.write(text)
        self._target.flush()
        return len(text)

    GatheringStream.write = write  # type: ignore[method-assign]


_BUGS: Final = (record_later, record_if_possible, wait_for_nobody, log_or_fail)


if __name__ == "__main__":
    {bug.__name__: bug for bug in _BUGS}[os.environ[VARIABLE]]()
    main()
