"""What departments have taught is kept for some seconds, and read anew in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.feedback import DepartmentPrecedents
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.records import Precedent
from ecp_server.stores import precedents as kept
from ecp_server.stores.precedents import FRESH_SECONDS, USABLE_SECONDS, KeptPrecedents
from ecp_server.stores.state.embedded import EmbeddedState
from tests.conformance.states import AUDIT, FEEDBACK, NOW, PRECEDENT, REVOCATION


class Watched:
    """A state store that counts what is read, and can be down or slow."""

    def __init__(self, state: EmbeddedState) -> None:
        self.state = state
        self.read: list[str] = []
        self.down = False
        self.gate: asyncio.Event | None = None

    async def precedents(self, *, departments: Sequence[str], **more: Any) -> Sequence[Precedent]:
        self.read += departments
        if self.down:
            raise StoreUnavailable(StoreKind.STATE)
        found = await self.state.precedents(departments=departments, **more)
        if self.gate is not None:
            await self.gate.wait()
        return found


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


CLOCK: Final = Clock()


def over(state: Watched) -> KeptPrecedents:
    """Keep what a store has, of whose port nothing else is asked."""
    port: Any = state
    return KeptPrecedents(port, clock=CLOCK)


@pytest.fixture
async def state(tmp_path: Path) -> AsyncIterator[Watched]:
    embedded = EmbeddedState(tmp_path / "state.db")
    yield Watched(embedded)
    await embedded.close()


@pytest.fixture
async def copies(state: Watched) -> AsyncIterator[KeptPrecedents]:
    copies = over(state)
    yield copies
    await copies.close()


async def taught(state: Watched, name: str, words: str = "top line") -> None:
    feedback = replace(FEEDBACK, id=f"fee-{name}")
    precedent = replace(PRECEDENT, id=f"pre-{name}", words=words, feedback_id=feedback.id)
    await state.state.record(replace(AUDIT, id=f"audit-{name}"), feedback, precedent)


def ids(found: DepartmentPrecedents) -> list[str]:
    return [one.id for each in found.by_words.values() for one in each]


async def settled() -> None:
    while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - the tasks in the background are not ours to await
        await asyncio.sleep(0.001)


async def test_nobody_in_particular_asks_for_nothing(copies: KeptPrecedents, state: Watched) -> None:
    assert {} == (await copies.of("")).by_words
    assert [] == state.read


async def test_a_fresh_copy_is_used_without_asking(copies: KeptPrecedents, state: Watched) -> None:
    await taught(state, "1", "takings")
    await taught(state, "2")
    for _ in range(5):
        found = await copies.of("finance")
        assert (["pre-2", "pre-1"], 2) == (ids(found), found.longest)
        CLOCK.now += FRESH_SECONDS / 5
    assert ["finance"] == state.read


async def test_none_are_kept_too(copies: KeptPrecedents, state: Watched) -> None:
    for _ in range(5):
        assert {} == (await copies.of("finance")).by_words
    assert ["finance"] == state.read


async def test_an_older_copy_goes_on_while_it_is_read_anew_once(copies: KeptPrecedents, state: Watched) -> None:
    await copies.of("finance")
    await taught(state, "1")
    CLOCK.now += FRESH_SECONDS + 0.1
    assert [[]] * 3 == [ids(await copies.of("finance")) for _ in range(3)]
    await settled()
    assert ["pre-1"] == ids(await copies.of("finance"))
    assert ["finance"] * 2 == state.read


async def test_a_copy_that_is_too_old_is_not_used(copies: KeptPrecedents, state: Watched) -> None:
    await taught(state, "1")
    assert ["pre-1"] == ids(await copies.of("finance"))
    await state.state.record(replace(AUDIT, id="audit-9"), replace(REVOCATION, id="pre-1"))
    CLOCK.now += USABLE_SECONDS + 0.1
    assert [] == ids(await copies.of("finance"))


async def test_while_the_store_is_down_a_copy_is_used_until_it_is_too_old(
    copies: KeptPrecedents, state: Watched
) -> None:
    await taught(state, "1")
    await copies.of("finance")
    state.down = True
    CLOCK.now += USABLE_SECONDS - 0.1
    assert ["pre-1"] == ids(await copies.of("finance"))
    await settled()
    CLOCK.now += 0.2
    with pytest.raises(StoreUnavailable):
        await copies.of("finance")
    state.down = False
    assert ["pre-1"] == ids(await copies.of("finance"))


async def test_what_this_server_took_is_there_at_once(copies: KeptPrecedents, state: Watched) -> None:
    await copies.of("finance")
    await taught(state, "1")
    copies.forget("finance")
    assert ["pre-1"] == ids(await copies.of("finance"))


async def test_what_was_being_read_when_it_changed_is_not_kept(copies: KeptPrecedents, state: Watched) -> None:
    state.gate = asyncio.Event()
    reading = asyncio.create_task(copies.of("finance"))
    while not state.read:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    await taught(state, "1")
    copies.forget("finance")
    state.gate.set()
    assert [] == ids(await reading)
    assert ["pre-1"] == ids(await copies.of("finance"))


async def test_all_who_wait_for_a_department_wait_for_one_reading(copies: KeptPrecedents, state: Watched) -> None:
    """Else a burst takes all connections to the store, and the rest of it is refused."""
    await taught(state, "1")
    state.gate = asyncio.Event()
    waiting = [asyncio.create_task(copies.of("finance")) for _ in range(50)]
    while not state.read:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)
    waiting[0].cancel()  # who asked first may go away
    await asyncio.wait(waiting[:1])
    state.gate.set()
    assert [["pre-1"]] * 49 == [ids(found) for found in await asyncio.gather(*waiting[1:])]
    assert ["finance"] == state.read


async def test_who_asks_after_a_change_does_not_wait_for_what_was_read_before(
    copies: KeptPrecedents, state: Watched
) -> None:
    state.gate = asyncio.Event()
    before = asyncio.create_task(copies.of("finance"))
    while not state.read:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    await taught(state, "1")
    copies.forget("finance")
    after = asyncio.create_task(copies.of("finance"))
    await asyncio.sleep(0.05)
    state.gate.set()
    assert ([], ["pre-1"]) == (ids(await before), ids(await after))


async def test_all_who_wait_hear_of_a_failure_and_the_next_one_asks_anew(
    copies: KeptPrecedents, state: Watched
) -> None:
    await taught(state, "1")
    state.down = True
    outcomes = await asyncio.gather(*(copies.of("finance") for _ in range(5)), return_exceptions=True)
    assert [StoreUnavailable] * 5 == [type(outcome) for outcome in outcomes]
    state.down = False
    assert ["pre-1"] == ids(await copies.of("finance"))
    assert ["finance"] * 2 == state.read


async def test_departments_that_nobody_asks_for_give_way(
    copies: KeptPrecedents, state: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_DEPARTMENTS", 3)
    for department in ("a", "b", "c", "a", "d"):
        await copies.of(department)
    state.read.clear()
    for department in ("a", "c", "d", "b"):
        await copies.of(department)
    assert ["b"] == state.read


async def test_many_precedents_give_way_by_department(
    copies: KeptPrecedents, state: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_PRECEDENTS", 2)
    for number in range(3):
        await taught(state, str(number), f"word {number}")
    assert 3 == len(ids(await copies.of("finance")))
    await copies.of("sales")
    state.read.clear()
    await copies.of("finance")
    assert ["finance"] == state.read


async def test_of_too_many_the_newest_count(
    copies: KeptPrecedents, state: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAX_OF_DEPARTMENT", 2)
    for number in range(3):
        await taught(state, str(number), f"word {number}")
    assert NOW < FEEDBACK.create_time
    assert ["pre-2", "pre-1"] == ids(await copies.of("finance"))


async def test_closing_ends_what_is_being_read(state: Watched) -> None:
    copies = over(state)
    await copies.of("finance")
    state.gate = asyncio.Event()
    CLOCK.now += FRESH_SECONDS + 0.1
    await copies.of("finance")
    await copies.close()
    assert 1 == len(asyncio.all_tasks())
