"""Policy fails closed: over generated decisions, with the engine failing in every way, nothing is allowed wrongly.

What may be allowed is worked out beside the engine, from what the built-in policy says in words.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import pytest
import structlog

from ecp_server.domain.errors import EcpError, PolicyUnavailable
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.decisions import DecisionCache
from ecp_server.stores.guard.deadline import Budget
from ecp_server.stores.guard.guarded import Guard, guarded
from ecp_server.stores.observe import observed
from ecp_server.stores.policy.embedded import EmbeddedPolicy
from ecp_server.stores.ports import Policy
from ecp_server.stores.standins.refusal import denying
from ecp_server.stores.wrap import around
from ecp_server.telemetry.metrics import Instruments
from tests.faults.switched import FAILURES, Switch
from tests.stores.guard.acting import Told, settings

T = TypeVar("T")

REACH: Final = {"executive": 1, "finance_analyst": 2, "analyst": 3, "explorer": 4}
ROLES: Final = (*REACH, "wizard", "")
CLASSIFICATIONS: Final = ("public", "internal", "confidential", "restricted")
MOST_PRODUCTS: Final = 24


def may(principal: Principal, action: Action, product: Product) -> bool:
    """The oracle: what the built-in policy says in words (docs/policies.md)."""
    if product.classification in {"confidential", "restricted"}:
        return False
    if action is Action.DISCOVER:
        return True
    widest = max((REACH[role] for role in principal.roles if role in REACH), default=REACH["analyst"])
    return product.certification_tier <= widest


def generated(chance: random.Random) -> PolicyQuestion:
    """Return a question as the path may ask it."""
    roles = tuple(chance.sample(ROLES, chance.randint(0, 3)))
    subject, department = chance.choice(("", "ann", "bob")), chance.choice(("", "finance", "sales"))
    principal = Principal(subject, department=department, roles=roles)
    products = tuple(
        Product(
            f"product_{number}",
            chance.choice(("metric", "term", "table")),
            chance.randint(0, 4),
            chance.choice(CLASSIFICATIONS),
        )
        for number in range(chance.randint(1, MOST_PRODUCTS))
    )
    return PolicyQuestion(chance.choice(tuple(Action)), principal, products)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Failures are what this is about: writing a line for each takes longer than all else."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


async def wrongly_allowed(decisions: int, *, protect: Callable[[Policy], Policy] = denying) -> Counter[str]:
    """Ask for so many decisions while the engine comes and goes; return what came of them."""
    chance = random.Random(20_251_127)  # noqa: S311 - the same questions every time
    engine, instruments, switch = EmbeddedPolicy(), Instruments(), Switch(StoreKind.POLICY)
    await engine.use({})
    guard = Guard(Budget(StoreKind.POLICY, 5), settings(attempts=1, failures=3, recovery_seconds=0.0001), Told())
    policy = protect(observed(guarded(around(engine, switch), guard), StoreKind.POLICY, instruments=instruments))
    cached = DecisionCache(policy, ttl_seconds=30)
    counted: Counter[str] = Counter()
    while counted["decisions"] < decisions:
        if counted["questions"] % 5 == 0:
            switch.failure = chance.choice(("", "", "", "", *FAILURES))
            guard._asked_to_wait_until = 0.0  # as if the time had passed that the engine asked for
        counted["questions"] += 1
        question = generated(chance)
        counted["decisions"] += len(question.products)
        try:
            answered = await (cached if chance.random() < 0.5 else policy).decide(question)
        except PolicyUnavailable:
            counted["refused"] += len(question.products)
            continue
        except EcpError:
            counted["another error"] += 1
            continue
        allowed = {product.id for product in question.products if _allows(answered.get(product.id))}
        permitted = {product.id for product in question.products if may(question.principal, question.action, product)}
        counted["allowed"] += len(allowed)
        counted["allowed wrongly"] += len(allowed - permitted)
        counted["denied wrongly"] += len(permitted - allowed)
    await cached.close()
    instruments.close()
    return counted


def _allows(decision: Decision | None) -> bool:
    return decision is not None and decision.allow


def assert_closed(counted: Counter[str]) -> None:
    assert 0 == counted["allowed wrongly"] == counted["denied wrongly"] == counted["another error"]
    # Else it would show nothing: both must have happened a lot.
    assert counted["refused"] > counted["decisions"] / 10
    assert counted["allowed"] > counted["decisions"] / 20


async def test_nothing_is_allowed_wrongly_in_ten_thousand_decisions() -> None:
    assert_closed(await wrongly_allowed(10_000))


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_nothing_is_allowed_wrongly_in_a_million_decisions() -> None:
    counted = await wrongly_allowed(1_000_000)
    print(dict(counted))  # noqa: T201 - the figures of the run
    assert_closed(counted)


async def test_a_policy_that_fails_open_is_found() -> None:
    def opening(policy: Policy) -> Policy:
        class FailsOpen:
            adapter = "mutant"

            async def decide(self, question: PolicyQuestion) -> dict[str, Decision]:
                try:
                    return dict(await policy.decide(question))
                except EcpError:
                    return {product.id: Decision(allow=True, policy="mutant") for product in question.products}

            async def probe(self) -> None:
                await policy.probe()

            async def close(self) -> None:
                await policy.close()

        return FailsOpen()

    assert (await wrongly_allowed(2_000, protect=opening))["allowed wrongly"] > 0


async def test_an_engine_that_answers_other_questions_is_found() -> None:
    """The oracle tells allow from deny: a policy without classifications does not pass."""

    def leaking(policy: Policy) -> Policy:
        class Leaks:
            adapter = "mutant"

            async def decide(self, question: PolicyQuestion) -> dict[str, Decision]:
                decided = await policy.decide(question)
                return {product.id: decided.get(product.id, _ALLOW) for product in question.products} | {
                    question.products[0].id: _ALLOW
                }

            async def probe(self) -> None:
                await policy.probe()

            async def close(self) -> None:
                await policy.close()

        return denying(Leaks())

    assert (await wrongly_allowed(2_000, protect=leaking))["allowed wrongly"] > 0


_ALLOW: Final = Decision(allow=True, policy="mutant")
