"""The adapters that the suites run against: one line each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.policy.embedded import EmbeddedPolicy
from ecp_server.stores.policy.opa import OpaPolicy
from ecp_server.stores.policy.opa_client import OpaClient
from ecp_server.stores.ports import State
from ecp_server.stores.state.postgres import SCHEMA as STATE_SCHEMA
from tests.conformance.policies import ChangeablePolicy
from tests.conformance.states import STATES, StateUnderTest
from tests.servers import migrated, neo4j_server, opa_server, postgres, postgres_database, postgres_server

__all__ = ["neo4j_server", "opa_server", "postgres", "postgres_database", "postgres_server"]

POLICIES: Mapping[str, Callable[[str], ChangeablePolicy]] = {
    "embedded": lambda _: EmbeddedPolicy(),
    "opa": lambda url: OpaPolicy(OpaClient(Endpoint(url), pool_size=8, timeout_seconds=30), push=True),
}


@pytest.fixture(params=POLICIES)
async def policy(request: pytest.FixtureRequest) -> AsyncIterator[ChangeablePolicy]:
    """Each policy engine that this environment can run, with the built-in policy in force."""
    url = "" if request.param == "embedded" else request.getfixturevalue("opa_server")
    engine = POLICIES[request.param](url)
    await engine.use({})
    yield engine
    await engine.close()


@pytest.fixture(params=STATES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> StateUnderTest:
    """Each state store that this environment can run, empty."""
    if request.param == "embedded":
        return StateUnderTest(request.param, str(tmp_path / "state.sqlite"))
    url: str = request.getfixturevalue("postgres")
    await migrated(url, STATE_SCHEMA)
    return StateUnderTest(request.param, url)


@pytest.fixture
async def state(store: StateUnderTest) -> AsyncIterator[State]:
    """The store, opened."""
    adapter = store.open()
    yield adapter
    await adapter.close()
