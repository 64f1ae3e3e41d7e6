"""The adapters that the suites run against: one line each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ecp_server.stores.policy.embedded import EmbeddedPolicy
from tests.conformance.policies import ChangeablePolicy

POLICIES = {"embedded": EmbeddedPolicy}


@pytest.fixture(params=POLICIES)
async def policy(request: pytest.FixtureRequest) -> AsyncIterator[ChangeablePolicy]:
    """Each policy engine that this environment can run, with the built-in policy in force."""
    engine = POLICIES[request.param]()
    yield engine
    await engine.close()
