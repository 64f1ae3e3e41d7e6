"""Execute over a real Cube that something stands before, and what must come of it whatever that does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlunsplit

from ecp.v1 import health_pb2, resolve_pb2, types_pb2
from ecp_server.stores.endpoint import Endpoint
from tests.faults.replies import REASONS, reason
from tests.running import Running, running, user
from tests.serving import Outcome

QUESTION: Final = "APAC revenue last quarter vs budget"
NEVER_RUN: Final = "net revenue in EMEA last quarter"
AS_OF: Final = {"seconds": 1_736_942_400}
"""15 January 2025, noon in UTC."""
FINANCE: Final = user("fay", "finance_analyst", department="finance")
JAPAN: Final = user("fumi", "finance_analyst", department="finance", allowed_members={"region": ["region.japan"]})
AN_HOUR: Final = timedelta(hours=1)

BUDGET_SECONDS: Final = 1.5
RECOVERY_SECONDS: Final = 0.5
FAILURES: Final = 5
"""After so many the breaker opens."""
BATCHES: Final = 5
"""Of failures, in which the breaker must open: it does not count what comes late because the machine is busy."""
DEADLINE_SECONDS: Final = 8.0
"""Far more than the budget, by which a call ends that gets no figures: machines are busy."""
MACHINE_SECONDS: Final = 5.0
"""How much later something may come where the machine is busy."""
WARMING_SECONDS: Final = 60.0
"""Cube compiles the model when it is first asked."""


class Executing:
    """A server whose semantic layer is Cube, with plans that were run while all was well, and one that never was."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.resolved = ""
        self.never_run = ""
        self.of_another = ""
        self.fresh: Any = None

    async def begin(self) -> None:
        """Resolve the questions, and wait until the first has figures."""
        self.resolved = await self.resolve(QUESTION)
        self.never_run = await self.resolve(NEVER_RUN)
        self.of_another = await self.resolve(QUESTION, JAPAN)
        end = time.monotonic() + WARMING_SECONDS
        while (outcome := await self.execute(within=30)).code != "OK":
            assert time.monotonic() < end, outcome
            await asyncio.sleep(0.2)
        self.fresh = outcome.response
        self._assert_fresh(outcome)
        (budget,) = [column for column in self.fresh.table.columns if column.name == "budget"]
        assert ["135000000.00"] == list(budget.values)

    async def resolve(self, question: str, who: types_pb2.UserContext = FINANCE) -> str:
        """Return the id of a settled resolution."""
        outcome = await self.server.resolve(question, user_context=who, as_of=AS_OF)
        assert types_pb2.RESOLUTION_STATUS_RESOLVED == outcome.response.status
        return str(outcome.response.resolution_id)

    async def execute(self, resolution_id: str = "", *, within: float = DEADLINE_SECONDS, **fields: Any) -> Outcome:
        """Execute the plan that was run before, or another, with a deadline of so many seconds."""
        request = resolve_pb2.ExecuteRequest(resolution_id=resolution_id or self.resolved, **fields)
        began = time.monotonic()
        outcome = await self.server.ask(self.server.resolving.Execute, request, timeout=within)
        assert time.monotonic() - began < within + MACHINE_SECONDS
        return outcome

    async def breaker(self) -> int:
        """Return the state of the semantic layer's breaker, as GetHealth has it."""
        request = health_pb2.GetHealthRequest()
        state = (await self.server.ask(self.server.state_of_health.GetHealth, request)).response
        (found,) = [store for store in state.stores if store.store == types_pb2.STORE_SEMANTIC]
        return int(found.breaker)

    async def assert_down(self, *, opens: bool, rounds: int = 1, retry_after_seconds: float = 0.0) -> None:
        """All calls come to what the design says while the semantic layer gives no figures, side by side and after.

        ``opens`` says whether the breaker is to be open in the end, ``retry_after_seconds`` what callers are told at
        least.
        """
        for _ in range(rounds):
            is_open = False
            for _ in range(BATCHES):
                for outcome in await asyncio.gather(*(self.execute() for _ in range(FAILURES))):
                    assert_refused(outcome, retry_after_seconds)
                is_open = await self.breaker() != health_pb2.BREAKER_STATE_CLOSED
                if is_open or not opens:
                    break
            assert not opens or is_open
            for kept in await asyncio.gather(*(self.execute(max_staleness=AN_HOUR) for _ in range(2))):
                self.assert_kept(kept)
            # Nothing that fits is kept: none fresh enough, none of this plan, none under this user's decision.
            assert_refused(await self.execute(max_staleness=timedelta(microseconds=1)), retry_after_seconds)
            assert_refused(await self.execute(self.never_run, max_staleness=AN_HOUR), retry_after_seconds)
            assert_refused(await self.execute(self.of_another, max_staleness=AN_HOUR), retry_after_seconds)
            assert "OK" == (await self.server.resolve(QUESTION, user_context=FINANCE, as_of=AS_OF)).code
        if not opens:
            assert health_pb2.BREAKER_STATE_CLOSED == await self.breaker()

    async def assert_whole_again(self, within_seconds: float = RECOVERY_SECONDS + 1.0) -> None:
        """Fresh figures come again, of themselves and in time."""
        end = time.monotonic() + within_seconds + MACHINE_SECONDS
        while (outcome := await self.execute(max_staleness=AN_HOUR)).code != "OK" or outcome.response.degradations:
            assert time.monotonic() < end, outcome
            await asyncio.sleep(0.05)
        self._assert_fresh(outcome)

    def assert_kept(self, outcome: Outcome) -> None:
        """The reply has the figures of before, and says so wherever it can be said."""
        assert "OK" == outcome.code, outcome
        kept = outcome.response
        assert self.fresh.table.columns == kept.table.columns
        assert self.fresh.table.row_count == kept.table.row_count
        assert [(types_pb2.STORE_SEMANTIC, "kept_result")] == [(d.store, d.fallback) for d in kept.degradations]
        assert "stale_data" in [warning.type for warning in kept.warnings]
        for source in kept.table.sources:
            age = kept.create_time.ToDatetime() - source.fresh_time.ToDatetime()
            assert timedelta() < age < AN_HOUR
        assert kept.confidence.overall < self.fresh.confidence.overall

    def _assert_fresh(self, outcome: Outcome) -> None:
        found = outcome.response
        assert ["cube", "cube"] == [source.adapter for source in found.table.sources]
        assert not any(source.HasField("fresh_time") for source in found.table.sources)
        assert not found.degradations
        assert self.fresh.table.columns == found.table.columns


def assert_refused(outcome: Outcome, retry_after_seconds: float = 0.0) -> None:
    """There is no figure, and the caller is told in fixed words, and when to come back."""
    assert "UNAVAILABLE" == outcome.code, outcome
    assert reason(outcome) in REASONS
    assert "the semantic store does not answer" == outcome.message
    assert {"store": "semantic"} == dict(outcome.details["ErrorInfo"].metadata)
    wait = outcome.details["RetryInfo"].retry_delay.ToTimedelta().total_seconds()
    assert max(retry_after_seconds, 1e-9) <= wait


@asynccontextmanager
async def executing(
    catalog: Path, folder: Path, cube: Endpoint, port: int, **settings: str
) -> AsyncIterator[Executing]:
    """Serve the catalog with Cube behind what listens at the port, until it has figures."""
    parts = cube.parts
    user_info = parts.netloc.rpartition("@")[0]
    chosen = {
        "semantic_url": urlunsplit(parts._replace(netloc=f"{user_info}@127.0.0.1:{port}")),
        "semantic_timeout_seconds": str(BUDGET_SECONDS),
        "breaker_failures": str(FAILURES),
        "breaker_recovery_seconds": str(RECOVERY_SECONDS),
    }
    async with running(catalog, folder, **(chosen | settings)) as server:
        plans = Executing(server)
        await plans.begin()
        yield plans
