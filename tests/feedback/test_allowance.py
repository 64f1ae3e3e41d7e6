"""How much one person may teach in a day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ecp_server.domain.errors import RateLimited
from ecp_server.feedback.allowance import PERIOD, Allowance
from ecp_server.stores.state.embedded import EmbeddedState
from tests.conformance.states import AUDIT, FEEDBACK, PRECEDENT

PER_DAY = 5


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[EmbeddedState]:
    state = EmbeddedState(tmp_path / "state.db")
    yield state
    await state.close()


@pytest.fixture
def allowance(state: EmbeddedState) -> Allowance:
    return Allowance(state, per_day=PER_DAY)


async def _record(state: EmbeddedState, name: str, ago: timedelta, *, reporter: str = "ann") -> None:
    moment = datetime.now(UTC) - ago
    feedback = replace(FEEDBACK, id=f"fee-{name}", create_time=moment)
    precedent = replace(PRECEDENT, id=f"pre-{name}", feedback_id=feedback.id, reporter=reporter, create_time=moment)
    await state.record(replace(AUDIT, id=f"audit-{name}"), feedback, precedent)


async def _refused(allowance: Allowance, precedents: int = 1, reporter: str = "ann") -> float:
    """Return after how many seconds to come back; 0 where it is let in."""
    try:
        async with allowance.of(reporter, precedents):
            return 0.0
    except RateLimited as error:
        return error.retry_after_seconds or -1.0


async def test_so_many_may_be_made_and_no_more(state: EmbeddedState, allowance: Allowance) -> None:
    assert 0 == await _refused(allowance, PER_DAY)
    for number in range(3):
        await _record(state, str(number), timedelta(hours=number))
    assert 0 == await _refused(allowance, 2)
    assert 0 < await _refused(allowance, 3)
    assert 0 == await _refused(allowance, PER_DAY, reporter="bob")


async def test_one_may_come_back_when_enough_of_them_are_a_day_old(state: EmbeddedState, allowance: Allowance) -> None:
    for hours in (1, 2, 20, 22, 23):
        await _record(state, str(hours), timedelta(hours=hours))
    for precedents, hours in ((1, 1), (2, 2), (3, 4), (4, 22), (5, 23)):
        wait = timedelta(hours=hours).total_seconds()
        assert wait - 60 < await _refused(allowance, precedents) <= wait


async def test_what_is_a_day_old_does_not_count(state: EmbeddedState, allowance: Allowance) -> None:
    for number in range(PER_DAY):
        await _record(state, str(number), PERIOD)
    assert 0 == await _refused(allowance, PER_DAY)


async def test_those_under_way_count_and_let_go(state: EmbeddedState, allowance: Allowance) -> None:
    """However many come at once, each is recorded or refused."""
    let_go = asyncio.Event()

    async def report(number: int) -> bool:
        try:
            async with allowance.of("ann", 1):
                await let_go.wait()
                await _record(state, str(number), timedelta())
        except RateLimited:
            return False
        return True

    reports = [asyncio.create_task(report(number)) for number in range(20)]
    while sum(task.done() for task in reports) < 20 - PER_DAY:  # noqa: ASYNC110 - the store answers in a thread
        await asyncio.sleep(0.001)
    assert 1.0 == await _refused(allowance)
    assert 0 == await _refused(allowance, PER_DAY, reporter="bob")
    reports[0].cancel()  # a caller who goes away takes nothing
    await asyncio.wait(reports[:1])
    assert 0 == await _refused(allowance)
    let_go.set()
    assert PER_DAY - 1 == sum(await asyncio.gather(*reports[1:]))
    assert 0 == await _refused(allowance)
    await _record(state, "last", timedelta())
    assert 0 < await _refused(allowance)
