"""Policy in process: Rego run by rego-cpp, on the event loop.

An evaluation takes 0.2 to 0.4 ms for one or two products. A thread would make that worse: the engine is entered by some
sixty short native calls, and each would give up the interpreter lock. Cost grows faster than the number of products, so
a larger question is evaluated in batches, between which the loop does other work; policy.md lets a decision depend on
principal, action and product alone, so the batches decide what one evaluation would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import structlog

from ecp_server.domain.errors import PolicyUnavailable
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.stores.policy.builtin import builtin_policies
from ecp_server.stores.policy.check import check
from ecp_server.stores.policy.contract import (
    PolicyInvalid,
    batches,
    input_document,
    merged,
    product_document,
    read_answer,
)
from ecp_server.stores.policy.engine import Engine, EvaluationFailed
from ecp_server.stores.policy.native import Frame, Piece, completed, frame, piece

__all__ = ["EmbeddedPolicy", "PolicyInvalid"]

BATCH_SIZE: Final = 16
"""Products an evaluation: two to three milliseconds under the built-in policy."""

MAX_PIECES: Final = 4096
"""Products whose part of an input is kept, about 5 KB each."""

MAX_FRAMES: Final = 1024
"""Principals, by action, whose part of an input is kept, about 5 KB each."""

MAX_FRAME_MEMBERS: Final = 50
"""The part of a principal who is held to more members is not kept: callers may name tens of thousands."""

CHECK_TIMEOUT_SECONDS: Final = 30.0

_LOG: Final = structlog.get_logger(__name__)


class EmbeddedPolicy:
    """The Policy port over the Rego files of the catalog in force, or the built-in policy where it has none."""

    adapter = "embedded"
    in_memory = True

    def __init__(self) -> None:
        """Start with the built-in policy."""
        self._builtin = Engine(builtin_policies())
        self._policies: Mapping[str, str] = {}
        self._engine: Engine | None = self._builtin
        self._change = asyncio.Lock()

    async def use(self, policies: Mapping[str, str]) -> None:
        """Put Rego texts by file name in force, all at once; no texts: the built-in policy.

        Raises `PolicyInvalid` with the place named; the policy so far stays in force.
        """
        async with self._change:
            if policies == self._policies:
                return
            if policies:
                await check(policies, timeout_seconds=CHECK_TIMEOUT_SECONDS)
            self._engine = await asyncio.to_thread(Engine, policies) if policies else self._builtin
            self._policies = dict(policies)

    async def decide(self, question: PolicyQuestion) -> Mapping[str, Decision]:
        """Evaluate the policy; see `ports.Policy`."""
        engine = self._in_force()
        parts = batches(question.products, BATCH_SIZE)
        if len(parts) == 1:
            return _evaluate(engine, question.action, question.principal, parts[0])
        answers: list[tuple[list[Product], Mapping[str, Decision]]] = []
        for batch in parts:
            if answers:
                await asyncio.sleep(0)
            answers.append((batch, _evaluate(engine, question.action, question.principal, batch)))
        return merged(answers)

    async def probe(self) -> None:
        """Evaluate the policy for no product."""
        _evaluate(self._in_force(), Action.DISCOVER, Principal(), [])

    async def close(self) -> None:
        """Release the engine; nothing is decided after that."""
        self._engine = None

    def _in_force(self) -> Engine:
        if self._engine is None:
            raise PolicyUnavailable
        return self._engine


@lru_cache(maxsize=MAX_PIECES)
def _piece(product: Product) -> Piece:
    return piece(product_document(product))


def _frame(action: Action, principal: Principal) -> Frame:
    members = sum([len(members) for _, members in principal.allowed_members])
    return _kept_frame(action, principal) if members <= MAX_FRAME_MEMBERS else _new_frame(action, principal)


def _new_frame(action: Action, principal: Principal) -> Frame:
    document = input_document(action, principal, ())
    del document["products"]
    return frame(document, "products")


_kept_frame = lru_cache(maxsize=MAX_FRAMES)(_new_frame)


def _evaluate(engine: Engine, action: Action, principal: Principal, products: list[Product]) -> Mapping[str, Decision]:
    try:
        result = engine.evaluate(completed(_frame(action, principal), [_piece(product) for product in products]))
    except EvaluationFailed as error:
        _LOG.error("policy_evaluation_failed", action=action.value, error=str(error))
        raise PolicyUnavailable from error
    answer = read_answer(result, [product.id for product in products])
    if answer.malformed:
        _LOG.error("policy_decision_malformed", action=action.value, products=answer.malformed)
    return answer.decisions
