"""The adapters that the suites run against: one line each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ecp_server.stores.policy.embedded import EmbeddedPolicy
from ecp_server.stores.ports import State
from tests.conformance.policies import ChangeablePolicy
from tests.conformance.states import STATES, StateUnderTest

POLICIES = {"embedded": EmbeddedPolicy}


@pytest.fixture(params=POLICIES)
async def policy(request: pytest.FixtureRequest) -> AsyncIterator[ChangeablePolicy]:
    """Each policy engine that this environment can run, with the built-in policy in force."""
    engine = POLICIES[request.param]()
    yield engine
    await engine.close()


@pytest.fixture(params=STATES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StateUnderTest:
    """Each state store that this environment can run, empty."""
    locations = {"embedded": str(tmp_path / "state.sqlite")}
    return StateUnderTest(request.param, locations[request.param])


@pytest.fixture
async def state(store: StateUnderTest) -> AsyncIterator[State]:
    """The store, opened."""
    adapter = store.open()
    yield adapter
    await adapter.close()
