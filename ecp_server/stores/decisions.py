"""Keeps policy decisions for a while (policy.md: per whole principal, action and product; execute always asks anew)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.domain.provenance import STORE_CALLS, StoreCall, StoreKind
from ecp_server.stores.ports import Policy

MAX_DECISIONS: Final = 50_000
"""About 30 MB with ordinary principals and products."""

_Key = tuple[Principal, Action, Product]


class DecisionCache:
    """A Policy that asks the one behind it only for what it does not know."""

    def __init__(
        self,
        policy: Policy,
        *,
        ttl_seconds: float,
        max_decisions: int = MAX_DECISIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep each decision for ``ttl_seconds``; 0 keeps none."""
        self._policy = policy
        self._ttl_seconds = ttl_seconds
        self._max_decisions = max_decisions
        self._clock = clock
        self._kept: OrderedDict[_Key, tuple[Decision, float]] = OrderedDict()
        self._generation = 0

    @property
    def adapter(self) -> str:
        """Return the name of the engine behind."""
        return self._policy.adapter

    def invalidate(self) -> None:
        """Forget everything: another policy or catalog is in force. What is being evaluated now is not kept either."""
        self._generation += 1
        self._kept.clear()

    async def decide(self, question: PolicyQuestion) -> Mapping[str, Decision]:
        """Answer from what is kept, and ask once for the rest; see `ports.Policy`."""
        if not self._may_keep(question):
            return await self._policy.decide(question)
        started = time.perf_counter()
        known: dict[str, Decision] = {}
        unknown: list[Product] = []
        for product in question.products:
            decision = self._recall((question.principal, question.action, product))
            if decision is None:
                unknown.append(product)
            else:
                known[product.id] = decision
        if unknown:
            return {**known, **await self._ask(replace(question, products=tuple(unknown)))}
        self._report((time.perf_counter() - started) * 1e3)
        return known

    async def probe(self) -> None:
        """Probe the policy behind."""
        await self._policy.probe()

    async def close(self) -> None:
        """Close the policy behind, and forget everything."""
        self.invalidate()
        await self._policy.close()

    def _may_keep(self, question: PolicyQuestion) -> bool:
        """Tell whether the answer may be kept.

        Not where a product's id occurs twice: the one decision for it is then about both products.
        """
        if question.action is Action.EXECUTE or self._ttl_seconds <= 0 or not question.products:
            return False
        return len({product.id for product in question.products}) == len(question.products)

    async def _ask(self, question: PolicyQuestion) -> Mapping[str, Decision]:
        generation, asked_at = self._generation, self._clock()
        decisions = await self._policy.decide(question)
        if generation == self._generation:
            for product in question.products:
                if (decision := decisions.get(product.id)) is not None:
                    self._keep((question.principal, question.action, product), decision, asked_at + self._ttl_seconds)
        return decisions

    def _recall(self, key: _Key) -> Decision | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        decision, expires_at = kept
        if self._clock() >= expires_at:
            del self._kept[key]
            return None
        self._kept.move_to_end(key)
        return decision

    def _keep(self, key: _Key, decision: Decision, expires_at: float) -> None:
        self._kept[key] = (decision, expires_at)
        self._kept.move_to_end(key)
        if len(self._kept) > self._max_decisions:
            self._kept.popitem(last=False)

    def _report(self, duration_ms: float) -> None:
        calls = STORE_CALLS.get()
        if calls is not None:
            calls.append(StoreCall(StoreKind.POLICY, self.adapter, "decide", duration_ms, outcome="cached"))
