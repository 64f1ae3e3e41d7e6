"""Keeps policy decisions for a while (policy.md: per whole principal, action and product; execute always asks anew)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ecp_server.domain.frozen import replace
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.domain.provenance import STORE_CALLS, StoreCall, StoreKind
from ecp_server.stores.ports import Policy

MAX_DECISIONS: Final = 50_000
"""About 30 MB with ordinary principals and products."""

_Asker = tuple[Principal, Action]
_Kept = dict[Product, tuple[Decision, float]]
"""Decisions by product, each with the moment from which it is too old; the last one asked for comes last."""


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
        self._adapter = policy.adapter
        self._ttl_seconds = ttl_seconds
        self._max_decisions = max_decisions
        self._clock = clock
        self._kept: OrderedDict[_Asker, _Kept] = OrderedDict()
        self._count = 0
        self._generation = 0

    @property
    def adapter(self) -> str:
        """Return the name of the engine behind."""
        return self._adapter

    def invalidate(self) -> None:
        """Forget everything: another policy or catalog is in force. What is being evaluated now is not kept either."""
        self._generation += 1
        self._kept.clear()
        self._count = 0

    async def decide(self, question: PolicyQuestion) -> Mapping[str, Decision]:
        """Answer from what is kept, and ask once for the rest; see `ports.Policy`."""
        if not self._may_keep(question):
            return await self._policy.decide(question)
        started = time.perf_counter()
        known = self._recall((question.principal, question.action), question.products)
        if len(known) < len(question.products):
            unknown = tuple([product for product in question.products if product.id not in known])
            return {**known, **await self._ask(replace(question, products=unknown))}
        self._report((time.perf_counter() - started) * 1e3)
        return known

    @property
    def size(self) -> int:
        """Return how many decisions are kept."""
        return self._count

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
            found = {p: d for p in question.products if (d := decisions.get(p.id)) is not None}
            self._keep((question.principal, question.action), found, asked_at + self._ttl_seconds)
        return decisions

    def _recall(self, asker: _Asker, products: Sequence[Product]) -> dict[str, Decision]:
        """Return what is kept for a principal and action, by product id."""
        kept = self._kept.get(asker)
        if kept is None:
            return {}
        self._kept.move_to_end(asker)
        now = self._clock()
        known: dict[str, Decision] = {}
        for product in products:
            found = kept.pop(product, None)
            if found is None:
                continue
            if now < found[1]:
                kept[product] = found
                known[product.id] = found[0]
            else:
                self._count -= 1
        if not kept:
            del self._kept[asker]
        return known

    def _keep(self, asker: _Asker, decisions: Mapping[Product, Decision], expires_at: float) -> None:
        """Keep decisions; where they are too many, the oldest of who has not asked for longest make room."""
        if not decisions:
            return
        kept = self._kept.setdefault(asker, {})
        self._kept.move_to_end(asker)
        for product, decision in decisions.items():
            self._count += kept.pop(product, None) is None
            kept[product] = (decision, expires_at)
        while self._count > self._max_decisions:
            first, oldest = next(iter(self._kept.items()))
            del oldest[next(iter(oldest))]
            self._count -= 1
            if not oldest:
                del self._kept[first]

    def _report(self, duration_ms: float) -> None:
        calls = STORE_CALLS.get()
        if calls is not None:
            calls.append(StoreCall(StoreKind.POLICY, self._adapter, "decide", duration_ms, outcome="cached"))
