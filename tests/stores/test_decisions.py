"""Kept decisions (policy.md: per whole principal, action and product; bounded; execute always asks anew)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ecp_server.domain.errors import PolicyUnavailable
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.domain.provenance import STORE_CALLS, StoreCall, StoreKind
from ecp_server.stores.decisions import DecisionCache
from ecp_server.stores.policy.embedded import EmbeddedPolicy

PRINCIPAL = Principal("ann", "", "finance", ("analyst",), (("region", ("region.apac",)),), verified=True, scopes=("s",))
PRODUCT = Product("m", "metric", 2, "internal", "finance", "ops", ("region",), ("email",))


class Clock:
    """Time that a test sets, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Engine:
    """The embedded engine, which notes what it is asked and waits where a test says so."""

    adapter = "embedded"

    def __init__(self) -> None:
        self._policy = EmbeddedPolicy()
        self.asked: list[tuple[str, ...]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.use = self._policy.use
        self.probe = self._policy.probe
        self.close = self._policy.close

    async def decide(self, question: PolicyQuestion) -> Mapping[str, Decision]:
        self.asked.append(tuple(product.id for product in question.products))
        await self.gate.wait()
        return await self._policy.decide(question)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def cache(engine: Engine, clock: Clock) -> DecisionCache:
    return DecisionCache(engine, ttl_seconds=30, max_decisions=100, clock=clock)


def _question(*products: Product, action: Action = Action.RESOLVE, principal: Principal = PRINCIPAL) -> PolicyQuestion:
    return PolicyQuestion(action, principal, products or (PRODUCT,))


def _metric(product: str) -> Product:
    return Product(product, "metric", 1)


@contextmanager
def _collected() -> Iterator[list[StoreCall]]:
    calls: list[StoreCall] = []
    token = STORE_CALLS.set(calls)
    yield calls
    STORE_CALLS.reset(token)


async def test_a_kept_decision_is_what_the_engine_said(cache: DecisionCache, engine: Engine) -> None:
    first = await cache.decide(_question())
    assert first == await cache.decide(_question())
    assert [("m",)] == engine.asked


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "bob"},
        {"actor": "agent"},
        {"department": "sales"},
        {"roles": ("executive",)},
        {"roles": ("analyst", "executive")},
        {"allowed_members": ()},
        {"allowed_members": (("region", ()),)},
        {"verified": False},
        {"scopes": ()},
    ],
)
async def test_another_principal_is_asked_for_anew(
    cache: DecisionCache, engine: Engine, change: dict[str, Any]
) -> None:
    """The key is the whole principal."""
    await cache.decide(_question())
    await cache.decide(_question(principal=replace(PRINCIPAL, **change)))
    assert 2 == len(engine.asked)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "n"},
        {"kind": "term"},
        {"certification_tier": 1},
        {"classification": "restricted"},
        {"domain": "sales"},
        {"owner": "x"},
        {"dimensions": ()},
        {"pii_columns": ()},
    ],
)
async def test_another_product_is_asked_for_anew(cache: DecisionCache, engine: Engine, change: dict[str, Any]) -> None:
    """The key is the whole product, as policy sees it."""
    await cache.decide(_question())
    await cache.decide(_question(replace(PRODUCT, **change)))
    assert 2 == len(engine.asked)


async def test_another_action_is_asked_for_anew(cache: DecisionCache, engine: Engine) -> None:
    await cache.decide(_question(action=Action.DISCOVER))
    await cache.decide(_question(action=Action.RESOLVE))
    assert 2 == len(engine.asked)


async def test_execute_always_asks_anew_and_keeps_nothing(cache: DecisionCache, engine: Engine) -> None:
    for action in (Action.RESOLVE, Action.EXECUTE, Action.EXECUTE, Action.RESOLVE):
        await cache.decide(_question(action=action))
    assert 3 == len(engine.asked)


async def test_only_what_is_not_known_is_asked_for_in_one_evaluation(cache: DecisionCache, engine: Engine) -> None:
    await cache.decide(_question(_metric("a"), _metric("b")))
    decisions = await cache.decide(_question(_metric("c"), _metric("a"), _metric("d"), _metric("b")))
    assert {"a", "b", "c", "d"} == set(decisions)
    assert [("a", "b"), ("c", "d")] == engine.asked


async def test_a_decision_is_kept_no_longer_than_the_ttl(cache: DecisionCache, engine: Engine, clock: Clock) -> None:
    await cache.decide(_question())
    clock.now += 29.9
    await cache.decide(_question())
    clock.now += 0.1
    await cache.decide(_question())
    assert 2 == len(engine.asked)


async def test_the_ttl_starts_when_the_engine_is_asked(cache: DecisionCache, engine: Engine, clock: Clock) -> None:
    engine.gate.clear()
    asking = asyncio.create_task(cache.decide(_question()))
    await asyncio.sleep(0)
    clock.now += 30
    engine.gate.set()
    await asking
    await cache.decide(_question())
    assert 2 == len(engine.asked)


async def test_a_ttl_of_0_keeps_nothing(engine: Engine) -> None:
    cache = DecisionCache(engine, ttl_seconds=0)
    await cache.decide(_question())
    await cache.decide(_question())
    assert 2 == len(engine.asked)


async def test_another_policy_or_catalog_forgets_everything(cache: DecisionCache, engine: Engine) -> None:
    restricted = _question(replace(PRODUCT, classification="restricted"))
    assert not (await cache.decide(restricted))["m"].allow
    await engine.use({"a.rego": 'package ecp.policy\n\ndecisions["m"] := {"allow": true, "policy": "new"}\n'})
    cache.invalidate()
    assert {"m": Decision(True, "new")} == await cache.decide(restricted)


async def test_what_is_evaluated_while_the_policy_changes_is_not_kept(cache: DecisionCache, engine: Engine) -> None:
    engine.gate.clear()
    asking = asyncio.create_task(cache.decide(_question()))
    await asyncio.sleep(0)
    cache.invalidate()
    engine.gate.set()
    assert "m" in await asking
    await cache.decide(_question())
    assert 2 == len(engine.asked)


async def test_nothing_is_kept_from_an_evaluation_that_failed(cache: DecisionCache, engine: Engine) -> None:
    await engine.use(
        {
            "a.rego": """
package ecp.policy

decisions[product.id] := {"allow": true, "policy": "p"} if some product in input.products

decisions["b"] := {"allow": true, "policy": "contradicts"} if "b" in {product.id | some product in input.products}
"""
        }
    )
    with pytest.raises(PolicyUnavailable):
        await cache.decide(_question(_metric("a"), _metric("b")))
    await cache.decide(_question(_metric("a")))
    assert [("a", "b"), ("a",)] == engine.asked


async def test_a_missing_decision_is_asked_for_again(cache: DecisionCache, engine: Engine) -> None:
    await engine.use({"a.rego": 'package ecp.policy\n\ndecisions["other"] := {"allow": true, "policy": "p"}\n'})
    assert {} == await cache.decide(_question())
    assert {} == await cache.decide(_question())
    assert 2 == len(engine.asked)


async def test_the_least_recently_used_decision_makes_room(engine: Engine) -> None:
    cache = DecisionCache(engine, ttl_seconds=30, max_decisions=2)
    for product in ("a", "b", "a", "c", "a", "b"):
        await cache.decide(_question(_metric(product)))
    assert [("a",), ("b",), ("c",), ("b",)] == engine.asked
    assert 2 == cache.size


async def test_two_products_with_one_id_are_not_kept(cache: DecisionCache, engine: Engine) -> None:
    """The engine's one decision is about both; either alone may be judged otherwise."""
    metric, term = Product("x", "metric", 4), Product("x", "term")
    assert not (await cache.decide(_question(metric, term)))["x"].allow
    assert (await cache.decide(_question(term)))["x"].allow
    assert not (await cache.decide(_question(metric)))["x"].allow
    assert not (await cache.decide(_question(term, metric)))["x"].allow
    assert 4 == len(engine.asked)


async def test_a_question_about_nothing_asks_for_nothing_to_keep(cache: DecisionCache) -> None:
    assert {} == await cache.decide(PolicyQuestion(Action.RESOLVE, PRINCIPAL, ()))
    assert 0 == cache.size


async def test_who_has_not_asked_for_longest_makes_room(engine: Engine) -> None:
    cache = DecisionCache(engine, ttl_seconds=30, max_decisions=3)
    bob = replace(PRINCIPAL, subject="bob")
    await cache.decide(_question(_metric("a"), _metric("b"), principal=bob))
    await cache.decide(_question(_metric("a"), _metric("b")))
    assert 3 == cache.size
    await cache.decide(_question(_metric("b"), principal=bob))
    await cache.decide(_question(_metric("a"), _metric("b")))
    assert [("a", "b"), ("a", "b")] == engine.asked
    await cache.decide(_question(_metric("a"), principal=bob))
    assert 3 == cache.size
    assert ("a",) == engine.asked[-1]


async def test_an_answer_all_from_the_cache_is_told_to_provenance(cache: DecisionCache) -> None:
    with _collected() as calls:
        await cache.decide(_question(_metric("a")))
        await cache.decide(_question(_metric("a"), _metric("b")))
        assert [] == calls
        await cache.decide(_question(_metric("a"), _metric("b")))
    (call,) = calls
    assert (StoreKind.POLICY, "embedded", "decide", "cached", 1) == (
        call.store,
        call.adapter,
        call.operation,
        call.outcome,
        call.attempts,
    )
    assert call.duration_ms >= 0
    await cache.decide(_question(_metric("a")))  # outside a step nobody collects


async def test_it_stands_for_the_engine(cache: DecisionCache, engine: Engine) -> None:
    assert engine.adapter == cache.adapter
    await cache.probe()
    await cache.close()
    with pytest.raises(PolicyUnavailable):
        await cache.probe()
