"""What every State must keep (ports.State; design, section 2, record; trust.md, Audit loss)."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ecp_server.domain.errors import StoreQueryFailed, StoreUnavailable
from ecp_server.stores.ports import State
from tests.conformance.states import AUDIT, EXECUTION, NOW, RESOLUTION, StateUnderTest, pair


async def test_what_was_recorded_is_read_back(state: State, store: StateUnderTest) -> None:
    await state.record(AUDIT, RESOLUTION)
    assert RESOLUTION == await state.resolution("res-1")
    assert [AUDIT] == store.audit()


@pytest.mark.parametrize("text", ["", "é 売上 😀", "'; DROP TABLE audit; --", 'a"b\\c', "line\nbreak"], ids=ascii)
async def test_text_is_kept_as_it_is(state: State, store: StateUnderTest, text: str) -> None:
    resolution = replace(RESOLUTION, id=f"id {text}", owner=text, catalog_version=text)
    audit = replace(AUDIT, subject=text, actor=text, roles=(text, text), products=(text,), policies=())
    await state.record(audit, resolution)
    assert resolution == await state.resolution(f"id {text}")
    assert [audit] == store.audit()


@pytest.mark.parametrize("size", [0, 1, 4 << 20])
async def test_bytes_of_any_size_are_kept(state: State, size: int) -> None:
    resolution = replace(RESOLUTION, request=b"\0" * size, response=b"\xff" * size, settled=False)
    await state.record(AUDIT, resolution)
    assert resolution == await state.resolution("res-1")


async def test_a_moment_of_another_zone_is_the_same_moment(state: State) -> None:
    tokyo = timezone(timedelta(hours=9))
    resolution = replace(RESOLUTION, as_of=datetime(2026, 1, 1, 8, 0, tzinfo=tokyo))
    await state.record(AUDIT, resolution)
    assert resolution == await state.resolution("res-1")


async def test_no_choices_are_kept_as_none(state: State) -> None:
    unchosen = replace(RESOLUTION, choices=())
    await state.record(AUDIT, unchosen)
    assert unchosen == await state.resolution("res-1")


async def test_an_unknown_resolution_is_none(state: State) -> None:
    assert await state.resolution("res-1") is None


async def test_an_expired_resolution_is_still_there(state: State) -> None:
    expired = replace(RESOLUTION, expire_time=NOW - timedelta(days=365))
    await state.record(AUDIT, expired)
    assert expired == await state.resolution("res-1")


async def test_an_audit_record_needs_no_resolution(state: State, store: StateUnderTest) -> None:
    refusal = replace(AUDIT, outcome="POLICY_DENIED", resolution_id="", policies=(), products=(), plan_digest="")
    await state.record(refusal)
    assert [refusal] == store.audit()


async def test_a_resolution_that_reads_nothing_is_kept(state: State) -> None:
    asked_of_the_catalog = replace(RESOLUTION, asked=(), reads=())
    await state.record(AUDIT, asked_of_the_catalog)
    assert asked_of_the_catalog == await state.resolution("res-1")


async def test_an_execution_is_read_back(state: State, store: StateUnderTest) -> None:
    await state.record(AUDIT, EXECUTION)
    assert [EXECUTION] == list(await state.executions("res-1", limit=20, tables=True))
    assert [AUDIT] == store.audit()


async def test_tables_of_executions_are_read_only_when_asked_for(state: State) -> None:
    await state.record(AUDIT, EXECUTION)
    assert [replace(EXECUTION, table=b"")] == list(await state.executions("res-1", limit=20, tables=False))


async def test_executions_come_newest_first_and_no_more_than_asked_for(state: State) -> None:
    """Two that were made at once come by id, the larger first: ids sort by time."""
    made = [("b", 1), ("a", 3), ("d", 2), ("c", 2)]
    for name, minute in made:
        execution = replace(EXECUTION, id=name, create_time=NOW + timedelta(minutes=minute))
        await state.record(replace(AUDIT, id=f"audit-{name}"), execution)
    await state.record(replace(AUDIT, id="audit-other"), replace(EXECUTION, id="e", resolution_id="res-2"))
    assert ["a", "d", "c", "b"] == [found.id for found in await state.executions("res-1", limit=20, tables=False)]
    assert ["a", "d"] == [found.id for found in await state.executions("res-1", limit=2, tables=True)]
    assert [] == list(await state.executions("res-3", limit=20, tables=False))


@pytest.mark.parametrize("size", [0, 4 << 20])
async def test_tables_of_any_size_are_kept(state: State, size: int) -> None:
    large = replace(EXECUTION, table=b"\xff" * size, response=b"\0" * size)
    await state.record(AUDIT, large)
    assert [large] == list(await state.executions("res-1", limit=1, tables=True))


async def test_an_execution_that_is_repeated_is_there_once_as_it_was_first(state: State) -> None:
    await state.record(AUDIT, EXECUTION)
    await state.record(replace(AUDIT, id="audit-2"), replace(EXECUTION, table=b"other"))
    assert [EXECUTION] == list(await state.executions("res-1", limit=20, tables=True))


async def test_an_execution_and_its_audit_record_are_written_both_or_neither(
    state: State, store: StateUnderTest
) -> None:
    with pytest.raises(StoreQueryFailed):
        await state.record(AUDIT, replace(EXECUTION, resolution_id="\ud800"))
    with pytest.raises(StoreQueryFailed):
        await state.record(replace(AUDIT, subject="\ud800"), EXECUTION)
    assert [] == list(await state.executions("res-1", limit=20, tables=False))
    assert [] == store.audit()


async def test_audit_records_keep_their_order(state: State, store: StateUnderTest) -> None:
    for number in range(10):
        await state.record(replace(AUDIT, id=f"a-{9 - number}", time=NOW - timedelta(hours=number)))
    assert [f"a-{9 - number}" for number in range(10)] == [record.id for record in store.audit()]


async def test_a_record_that_is_repeated_is_there_once_as_it_was_first(state: State, store: StateUnderTest) -> None:
    """A caller that cannot know whether a write arrived may write again."""
    await state.record(AUDIT, RESOLUTION)
    await state.record(replace(AUDIT, outcome="other"), replace(RESOLUTION, owner="mallory"))
    await asyncio.gather(*(state.record(AUDIT, RESOLUTION) for _ in range(10)))
    assert RESOLUTION == await state.resolution("res-1")
    assert [AUDIT] == store.audit()


async def test_both_are_written_or_neither(state: State, store: StateUnderTest) -> None:
    """Text that is no Unicode cannot be stored, in whichever of the two it stands."""
    with pytest.raises(StoreQueryFailed):
        await state.record(AUDIT, replace(RESOLUTION, owner="\ud800"))
    with pytest.raises(StoreQueryFailed):
        await state.record(replace(AUDIT, subject="\ud800"), RESOLUTION)
    assert await state.resolution("res-1") is None
    assert [] == store.audit()


async def test_one_that_cannot_be_stored_harms_no_other(state: State, store: StateUnderTest) -> None:
    pairs = [pair(str(number)) for number in range(20)]
    pairs[7] = (pairs[7][0], replace(pairs[7][1], owner="\ud800"))
    outcomes = await asyncio.gather(*(state.record(*each) for each in pairs), return_exceptions=True)
    assert {7} == {number for number, outcome in enumerate(outcomes) if outcome is not None}
    assert isinstance(outcomes[7], StoreQueryFailed)
    assert {f"audit-{number}" for number in range(20) if number != 7} == {record.id for record in store.audit()}


async def test_many_at_the_same_time(state: State, store: StateUnderTest) -> None:
    async def record_and_read(name: str) -> None:
        audit, resolution = pair(name)
        await state.record(audit, resolution)
        assert resolution == await state.resolution(resolution.id)

    await asyncio.gather(*(record_and_read(str(number)) for number in range(200)))
    assert {f"audit-{number}" for number in range(200)} == {record.id for record in store.audit()}


async def test_a_caller_who_goes_away_undoes_nothing(state: State, store: StateUnderTest) -> None:
    writes = [asyncio.create_task(state.record(*pair(str(number)))) for number in range(50)]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    await asyncio.gather(*writes, return_exceptions=True)
    await state.close()
    assert {f"audit-{number}" for number in range(50)} == {record.id for record in store.audit()}


async def test_one_replica_reads_what_another_recorded(state: State, store: StateUnderTest) -> None:
    other = store.open()
    assert await other.resolution("res-1") is None
    await state.record(AUDIT, RESOLUTION)
    assert RESOLUTION == await other.resolution("res-1")
    await other.record(*pair("other"))
    assert pair("other")[1] == await state.resolution("res-other")
    await other.close()


async def test_replicas_that_write_at_the_same_time_lose_nothing(state: State, store: StateUnderTest) -> None:
    replicas = [state, store.open(), store.open()]
    names = [f"{number}-{replica}" for number in range(40) for replica in range(3)]
    await asyncio.gather(*(replicas[int(name[-1])].record(*pair(name)) for name in names))
    assert {f"audit-{name}" for name in names} == {record.id for record in store.audit()}
    for replica in replicas[1:]:
        await replica.close()


async def test_what_was_recorded_outlives_the_adapter(store: StateUnderTest) -> None:
    first = store.open()
    await first.record(AUDIT, RESOLUTION)
    await first.close()
    second = store.open()
    assert RESOLUTION == await second.resolution("res-1")
    await second.record(*pair("later"))
    await second.close()
    assert ["audit-1", "audit-later"] == [record.id for record in store.audit()]


async def test_closing_stores_what_is_waiting(state: State, store: StateUnderTest) -> None:
    writes = [asyncio.create_task(state.record(*pair(str(number)))) for number in range(100)]
    await asyncio.sleep(0)
    await state.close()
    await asyncio.gather(*writes)
    assert 100 == len(store.audit())


async def test_closed_it_answers_nothing(state: State) -> None:
    await state.record(AUDIT, RESOLUTION)
    await state.close()
    await state.close()
    reading = state.executions("res-1", limit=1, tables=False)
    for call in (state.record(AUDIT), state.resolution("res-1"), reading, state.probe()):
        with pytest.raises(StoreUnavailable):
            await call


async def test_closing_what_was_never_used_is_fine(store: StateUnderTest) -> None:
    unused = store.open()
    await unused.close()
    await unused.close()


async def test_a_probe_adds_nothing(state: State, store: StateUnderTest) -> None:
    await state.probe()
    await state.probe()
    assert [] == store.audit()


async def test_it_names_its_engine(state: State, store: StateUnderTest) -> None:
    assert store.adapter == state.adapter


async def test_what_was_acknowledged_survives_kill_9(store: StateUnderTest) -> None:
    """Twenty processes, four at a time on one store, are killed while they record; every id that they told of is there.

    It shows that nothing is told before it is committed. That a commit reaches the disk is the engine's own setting.
    """
    chance = random.Random(20)  # noqa: S311 - when to kill
    told: list[str] = []
    for _ in range(5):
        processes = [_recorder(store) for _ in range(4)]
        try:
            for process in processes:
                assert process.stdout is not None
                told.append(await asyncio.to_thread(process.stdout.readline))
            await asyncio.sleep(chance.uniform(0, 0.1))
        finally:
            for process in processes:
                process.kill()
            for process in processes:
                told += (await asyncio.to_thread(process.communicate))[0].splitlines(keepends=True)
        assert [-signal.SIGKILL] * 4 == [process.returncode for process in processes]
    names = {line.strip() for line in told if line.endswith("\n")}
    assert len(names) >= 20

    recorded = {record.id: record for record in store.audit()}
    state = store.open()
    for name in sorted(names):
        audit, resolution = pair(name)
        assert audit == recorded.get(audit.id)
        assert resolution == await state.resolution(resolution.id)
    await state.close()


def _recorder(store: StateUnderTest) -> subprocess.Popen[str]:
    program = [sys.executable, "-m", "tests.conformance.states", store.adapter, store.location]
    return subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
