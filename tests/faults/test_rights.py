"""Whatever is down, nothing is shown that a healthy server would not show: every set of stores that fail."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import TypeVar

import pytest
import structlog

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.errors import EcpError
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Decision, PolicyQuestion
from ecp_server.stores.policy.embedded import EmbeddedPolicy
from ecp_server.stores.ports import Policy
from ecp_server.stores.wrap import around
from ecp_server.wiring import application
from tests.faults.switched import FAILURES, switched
from tests.rpc.concealed import concealed
from tests.rpc.test_nothing_denied import GLUE, GUARDED, SENTENCES, everything_said, leaks, names

T = TypeVar("T")

DEPARTMENTS = ("", "finance", "sales", "audit", "people", "unheard of")
ROLES = ("executive", "finance_analyst", "analyst", "explorer", "hr_admin", "insider", "wizard")
NO_DELAY = [how for how in FAILURES if how != "throttled"]


def asked_by(chance: random.Random) -> Principal:
    roles = tuple(chance.sample(ROLES, chance.randint(0, 3)))
    return Principal(chance.choice(("", "ann")), department=chance.choice(DEPARTMENTS), roles=roles)


def question(chance: random.Random, words: list[str]) -> str:
    if chance.random() < 0.5:
        sentence = chance.choice(SENTENCES)
        return sentence.format(*(chance.choice(words) for _ in range(sentence.count("{}"))))[:1000]
    return " ".join(chance.choice(words + GLUE) for _ in range(chance.randint(1, 6)))[:1000]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Failures are what this is about: writing them down takes longer than all else."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


async def nothing_more_is_shown(folder: Path, each: int) -> tuple[int, int]:
    """Ask ``each`` questions in every outage; return how many replies there were, and how many of them answers."""
    chance = random.Random(64)  # noqa: S311 - the same questions every time
    catalog, policy = load_catalog(GUARDED), EmbeddedPolicy()
    await policy.use(catalog.policies)
    words = names(catalog)
    calm = {"breaker_failures": "1000000", "decision_cache_seconds": "0", "read_cache_mib": "0", "store_attempts": "1"}
    replies = answers = 0
    async with switched(GUARDED, folder, **calm) as stores:
        kinds = sorted(stores.switches)
        for size in range(len(kinds) + 1):
            for down in combinations(kinds, size):
                for _ in range(each):
                    stores.fail(*down, how=chance.choice(NO_DELAY))
                    principal, asked = asked_by(chance), question(chance, words)
                    said = await everything_said(stores.server, asked, principal, chance.choice(DEPARTMENTS))
                    assert {} == leaks(said, await concealed(catalog, policy, principal))
                    replies += len(said)
                    answers += sum(outcome.code == "OK" for _, outcome in said.values())
    await policy.close()
    return replies, answers


async def test_every_outage_shows_no_more_than_is_permitted(tmp_path: Path) -> None:
    replies, answers = await nothing_more_is_shown(tmp_path, 1)
    assert answers > replies / 10  # else it would show nothing


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_every_outage_shows_no_more_than_is_permitted_in_ten_thousand_questions(tmp_path: Path) -> None:
    replies, answers = await nothing_more_is_shown(tmp_path, 160)
    print(f"{replies} replies, {answers} of them answers")  # noqa: T201 - the figures of the run
    assert answers > replies / 10


async def test_a_policy_that_fails_open_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opening(policy: Policy) -> Policy:
        async def allow(question: PolicyQuestion) -> dict[str, Decision]:
            try:
                return dict(await policy.decide(question))
            except EcpError:
                return {product.id: Decision(allow=True, policy="mutant") for product in question.products}

        port = around(policy, _as_it_is)
        vars(port)["decide"] = allow
        return port

    monkeypatch.setattr(application, "denying", opening)
    with pytest.raises(AssertionError):
        await nothing_more_is_shown(tmp_path, 2)


async def _as_it_is(_operation: str, call: Callable[[], Awaitable[T]], /) -> T:
    return await call()
