"""Group commit on the event loop (tests/conformance/test_state.py has what holds for every state)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from ecp_server.domain.errors import StoreQueryFailed, StoreTimeout, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.state.group import GroupCommit


class Store:
    """Remembers batches; holds them back while the gate is shut."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, batch: Sequence[str]) -> None:
        self.batches.append(list(batch))
        await self.gate.wait()
        if "bad" in batch:
            raise StoreQueryFailed(StoreKind.STATE)


def group(store: Store, *, max_waiting: int = 100, seconds: float = 5) -> GroupCommit[str]:
    return GroupCommit(store, max_waiting=max_waiting, timeout_seconds=seconds)


async def test_what_gathers_meanwhile_is_stored_as_one_batch() -> None:
    store = Store()
    writer = group(store)
    store.gate.clear()
    writes = [asyncio.create_task(writer.write("first"))]
    await asyncio.sleep(0.01)
    writes += [asyncio.create_task(writer.write(str(number))) for number in range(50)]
    await asyncio.sleep(0.01)
    store.gate.set()
    await asyncio.gather(*writes)
    assert store.batches == [["first"], [str(number) for number in range(50)]]
    await writer.close()


async def test_one_that_cannot_be_stored_is_stored_apart_from_the_others() -> None:
    store = Store()
    writer = group(store)
    outcomes = await asyncio.gather(*(writer.write(item) for item in ("a", "bad", "b")), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), StoreQueryFailed, type(None)]
    await writer.close()


async def test_more_than_may_wait_are_refused() -> None:
    store = Store()
    store.gate.clear()
    writer = group(store, max_waiting=2)
    writes = [asyncio.create_task(writer.write(item)) for item in ("a", "b")]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable):
        await writer.write("c")
    store.gate.set()
    await asyncio.gather(*writes)
    await writer.write("d")
    await writer.close()


async def test_a_batch_that_hangs_is_given_up_and_the_next_one_is_stored() -> None:
    hanging = asyncio.Event()

    async def store(batch: Sequence[str]) -> None:
        while "hangs" in batch and not hanging.is_set():
            try:
                await hanging.wait()
            except asyncio.CancelledError:
                continue  # as a driver does that waits for a silent server

    writer: GroupCommit[str] = GroupCommit(store, max_waiting=10, timeout_seconds=0.05)
    with pytest.raises(StoreTimeout):
        await writer.write("hangs")
    await writer.write("next")
    hanging.set()
    await writer.close()


@pytest.mark.parametrize("unforeseen", [ValueError("a bug"), asyncio.CancelledError()])
async def test_what_nobody_foresaw_fails_the_write_and_not_those_after_it(unforeseen: BaseException) -> None:
    async def store(batch: Sequence[str]) -> None:
        if "bad" in batch:
            raise unforeseen

    writer: GroupCommit[str] = GroupCommit(store, max_waiting=100, timeout_seconds=5)
    async with asyncio.timeout(10):
        with pytest.raises(StoreQueryFailed):
            await writer.write("bad")
        await writer.write("good")
        await writer.close()
