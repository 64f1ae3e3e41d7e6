"""Calls of every kind, drawn at random, some of which their callers give up."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from ecp.v1 import catalog_pb2, health_pb2, provenance_pb2, resolve_pb2, types_pb2
from tests.running import Asker, user
from tests.serving import Outcome

AS_OF: Final = datetime(2025, 1, 15, 12, tzinfo=UTC)
"""The day that the catalog's history is written around."""
LIMIT: Final[dict[str, Any]] = {"timeout": 10.0}
CANCELLED_SHARE: Final = 0.1
LATEST_CANCEL_SECONDS: Final = 0.03
"""Later than most answers."""
REMEMBERED: Final = 200
"""Resolutions that are asked for again."""
PERMITTED: Final = frozenset(
    {"OK", "CANCELLED", "NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"}
    | {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
)
"""Codes that a caller may see; UNKNOWN, INTERNAL and the rest are bugs."""
METRICS: Final = ("net revenue", "gross revenue", "revenue", "bookings", "win rate", "active customers", "headcount")
MEMBERS: Final = ("APAC", "EMEA", "Japan", "Germany", "Enterprise")
PERIODS: Final = (
    *(f"in Q{quarter} FY{year}" for year in range(2019, 2025) for quarter in range(1, 5)),
    *(f"in FY{year}" for year in range(2019, 2025)),
    "last quarter",
    "last month",
    "this year",
)
TERMS: Final = ("revenue", "margin", "customer", "non-GAAP gross margin", "churn", "panel", "budget", "zirkon")
TARGETS: Final = ("net_revenue", "gross_revenue", "win_rate", "nothing")
DEPARTMENTS: Final = ("finance", "sales", "")
PEOPLE: Final = 50


class Mix:
    """Draws calls, always in the same order, and makes them."""

    def __init__(self, askers: list[Asker], seed: int) -> None:
        self._askers = askers
        self._chance = random.Random(seed)  # noqa: S311 - the same calls every time
        self._recorded: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        """Resolutions and their owners."""
        self._kinds: dict[Callable[[Asker], Any], int] = {
            self._resolve: 25,
            self._execute: 5,
            self._get_resolution: 20,
            self._search_glossary: 15,
            self._list_metrics: 10,
            self._get_lineage: 10,
            self._get_health: 5,
            self._ask_the_unknown: 5,
            self._ask_nonsense: 5,
        }
        self.made = 0
        self.counted: Counter[tuple[str, str]] = Counter()
        """Calls by kind and code."""

    async def call(self) -> None:
        """Make one call; some are cancelled at some time. Raises `AssertionError` for a code that none should have."""
        (kind,) = self._chance.choices(list(self._kinds), list(self._kinds.values()))
        self.made += 1
        making = asyncio.ensure_future(kind(self._askers[self.made % len(self._askers)]))
        if self._chance.random() < CANCELLED_SHARE:
            await asyncio.wait((making,), timeout=self._chance.uniform(0, LATEST_CANCEL_SECONDS))
            making.cancel()
            await asyncio.wait((making,))
        code = "CANCELLED" if making.cancelled() else (await making).code
        name = kind.__name__.strip("_")
        self.counted[name, code] += 1
        assert code in PERMITTED, (name, code)

    async def burst(self, calls: int) -> None:
        """Have so many executions at once: threads and connections that are made when needed are there afterwards."""
        asker = self._askers[0]
        while not self._recorded:
            await self._resolve(asker)
        await asyncio.gather(*(self._execute(asker) for _ in range(calls)))

    async def unhealthy(self) -> set[str]:
        """Return the stores that are not healthy, by their names."""
        health = (await self._get_health(self._askers[0])).response
        healthy = health_pb2.HEALTH_STATUS_HEALTHY
        return {types_pb2.Store.Name(store.store) for store in health.stores if store.status != healthy}

    async def _resolve(self, asker: Asker) -> Outcome:
        pick = self._chance.choice
        member = f" for {pick(MEMBERS)}" if self._chance.random() < 0.7 else ""
        concept = f"{pick(METRICS)}{member} {pick(PERIODS)}"
        person = f"person-{self._chance.randrange(PEOPLE)}"
        who = user(person, "finance_analyst", "explorer", department=pick(DEPARTMENTS))
        ended = await asker.resolve(concept, user_context=who, as_of=AS_OF, provenance_view=self._view(), options=LIMIT)
        if ended.code == "OK" and ended.response.status == types_pb2.RESOLUTION_STATUS_RESOLVED:
            self._recorded.append((ended.response.resolution_id, person))
        return ended

    async def _ask_the_unknown(self, asker: Asker) -> Outcome:
        return await asker.resolve(
            f"{self._chance.choice(TERMS)} coefficient of {self._chance.random()}", options=LIMIT
        )

    async def _ask_nonsense(self, asker: Asker) -> Outcome:
        return await asker.resolve("", options=LIMIT)

    async def _execute(self, asker: Asker) -> Outcome:
        resolution_id, person = self._resolution()
        request = resolve_pb2.ExecuteRequest(resolution_id=resolution_id, provenance_view=self._view())
        if self._chance.random() < 0.5:
            request.max_staleness.FromSeconds(3600)
        return await asker.ask(asker.resolving.Execute, request, metadata=_as(person), **LIMIT)

    async def _get_resolution(self, asker: Asker) -> Outcome:
        resolution_id, person = self._resolution()
        request = resolve_pb2.GetResolutionRequest(resolution_id=resolution_id, provenance_view=self._view())
        return await asker.ask(asker.resolving.GetResolution, request, metadata=_as(person), **LIMIT)

    async def _search_glossary(self, asker: Asker) -> Outcome:
        request = catalog_pb2.SearchGlossaryRequest(query=self._chance.choice(TERMS))
        return await asker.ask(asker.catalog.SearchGlossary, request, **LIMIT)

    async def _list_metrics(self, asker: Asker) -> Outcome:
        return await asker.ask(asker.catalog.ListMetrics, catalog_pb2.ListMetricsRequest(page_size=10), **LIMIT)

    async def _get_lineage(self, asker: Asker) -> Outcome:
        target = self._chance.choice(TARGETS)
        return await asker.ask(asker.catalog.GetLineage, catalog_pb2.GetLineageRequest(target=target), **LIMIT)

    async def _get_health(self, asker: Asker) -> Outcome:
        return await asker.ask(asker.state_of_health.GetHealth, health_pb2.GetHealthRequest(), **LIMIT)

    def _resolution(self) -> tuple[str, str]:
        return self._chance.choice(self._recorded) if self._recorded else ("no such one", "")

    def _view(self) -> provenance_pb2.ProvenanceView.ValueType:
        return self._chance.choice((provenance_pb2.PROVENANCE_VIEW_FULL, provenance_pb2.PROVENANCE_VIEW_BASIC))


def _as(person: str) -> tuple[tuple[str, str], ...]:
    return (("x-ecp-user-id", person),)
