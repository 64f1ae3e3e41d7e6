"""A wrapper around any port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import pytest

from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.stores.policy.embedded import EmbeddedPolicy
from ecp_server.stores.ports import Policy
from ecp_server.stores.wrap import around

T = TypeVar("T")
QUESTION = PolicyQuestion(Action.DISCOVER, Principal(), (Product("m", "metric"),))


class Recorder:
    """Notes the operations that pass, and lets each through ``times`` times."""

    def __init__(self, times: int = 1) -> None:
        self.operations: list[str] = []
        self._times = times

    async def __call__(self, operation: str, call: Callable[[], Awaitable[T]], /) -> T:
        self.operations.append(operation)
        for _ in range(self._times - 1):
            await call()
        return await call()


async def test_every_method_but_close_goes_through() -> None:
    recorder = Recorder()
    policy: Policy = around(EmbeddedPolicy(), recorder)
    assert {"m": Decision(True, "builtin.discovery")} == await policy.decide(QUESTION)
    await policy.probe()
    await policy.decide(question=QUESTION)
    await policy.close()
    assert ["decide", "probe", "decide"] == recorder.operations


async def test_what_is_no_method_passes_as_it_is() -> None:
    policy = around(EmbeddedPolicy(), Recorder())
    assert "embedded" == policy.adapter
    with pytest.raises(AttributeError):
        policy.no_such_method  # type: ignore[attr-defined]  # noqa: B018 - that is the point
    await policy.close()


async def test_the_call_may_be_made_again() -> None:
    """As a retry does."""
    inner, outer = Recorder(), Recorder(times=3)
    policy = around(around(EmbeddedPolicy(), inner), outer)
    decisions: Mapping[str, Decision] = await policy.decide(QUESTION)
    assert decisions["m"].allow
    assert (["decide"], ["decide"] * 3) == (outer.operations, inner.operations)
    await policy.close()


async def test_a_method_is_made_once() -> None:
    policy = around(EmbeddedPolicy(), Recorder())
    assert policy.decide is policy.decide
    await policy.close()
