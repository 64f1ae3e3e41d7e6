"""What every State must keep of feedback and precedents (ports.State)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.errors import StoreQueryFailed, StoreUnavailable
from ecp_server.domain.records import FeedbackRecord, Precedent, PrecedentRecord
from ecp_server.stores.ports import State
from tests.conformance.states import AUDIT, FEEDBACK, NOW, PRECEDENT, REVOCATION, StateUnderTest


def _taught(name: str, minute: int = 2, department: str = "finance") -> tuple[FeedbackRecord, PrecedentRecord]:
    moment = NOW + timedelta(minutes=minute)
    feedback = replace(FEEDBACK, id=f"fee-{name}", create_time=moment)
    return feedback, replace(
        PRECEDENT, id=f"pre-{name}", department=department, feedback_id=feedback.id, create_time=moment
    )


async def _ids(state: State, *, departments: Sequence[str] | None = None, revoked: bool = False) -> list[str]:
    found = await state.precedents(departments=departments, revoked=revoked, limit=100)
    return [precedent.record.id for precedent in found]


async def test_feedback_and_its_precedents_are_read_back(state: State, store: StateUnderTest) -> None:
    await state.record(AUDIT, FEEDBACK, PRECEDENT)
    assert [FEEDBACK] == list(await state.feedback(ids=["fee-1"], limit=1))
    assert [FEEDBACK] == list(await state.feedback(resolution_ids=["res-1"], limit=20))
    assert [Precedent(PRECEDENT)] == list(await state.precedents(limit=20))
    assert [AUDIT] == store.audit()


@pytest.mark.parametrize("kind", ConceptKind)
@pytest.mark.parametrize("text", ["", "é 売上 😀", "'; DROP TABLE audit; --", 'a"b\\c', "line\nbreak"], ids=ascii)
async def test_text_and_kind_are_kept_as_they_are(state: State, text: str, kind: ConceptKind) -> None:
    feedback = replace(FEEDBACK, reporter=text, resolution_id=text)
    precedent = replace(PRECEDENT, department=text, words=text, mention=text, option_id=text, reporter=text, kind=kind)
    revocation = replace(REVOCATION, revoker=text, reason=text)
    await state.record(AUDIT, feedback, precedent, revocation)
    assert [feedback] == list(await state.feedback(resolution_ids=[text], limit=1))
    revoked = await state.precedents(departments=[text], revoked=True, limit=1)
    assert [Precedent(precedent, revocation)] == list(revoked)


async def test_feedback_comes_newest_first_and_no_more_than_asked_for(state: State) -> None:
    made = [("b", 1, "res-1"), ("a", 3, "res-1"), ("d", 2, "res-1"), ("c", 2, "res-1"), ("e", 9, "res-2")]
    for name, minute, resolution in made:
        one = replace(FEEDBACK, id=name, resolution_id=resolution, create_time=NOW + timedelta(minutes=minute))
        await state.record(replace(AUDIT, id=f"audit-{name}"), one)
    assert ["a", "d", "c", "b"] == [one.id for one in await state.feedback(resolution_ids=["res-1"], limit=20)]
    assert ["a", "d"] == [one.id for one in await state.feedback(resolution_ids=["res-1"], limit=2)]
    both = await state.feedback(ids=["b", "e", "unknown"], resolution_ids=["res-3"], limit=20)
    assert ["e", "b"] == [one.id for one in both]
    assert [] == list(await state.feedback(limit=20))


async def test_feedback_that_is_repeated_is_there_once_as_it_was_first(state: State, store: StateUnderTest) -> None:
    """Of many who report under one id at the same time one comes first, and all of it is kept."""
    moments = [NOW + timedelta(seconds=number) for number in range(20)]
    others = [replace(FEEDBACK, digest=str(i), create_time=moment) for i, moment in enumerate(moments)]
    await asyncio.gather(*(state.record(AUDIT, one, *_of(one)) for one in others))
    await _keeps_one(state, others)
    assert [AUDIT] == store.audit()


def _of(feedback: FeedbackRecord) -> list[PrecedentRecord]:
    """Return what feedback teaches, here as many things as its digest says, each under an id of its place."""
    taught = replace(PRECEDENT, option_id=feedback.digest, create_time=feedback.create_time)
    return [replace(taught, id=f"pre-{place}") for place in range(int(feedback.digest) % 3)]


async def _keeps_one(state: State, others: Sequence[FeedbackRecord]) -> None:
    (kept,) = await state.feedback(ids=["fee-1"], limit=20)
    assert kept in others
    found = await state.precedents(limit=100)
    assert {one.id for one in _of(kept)} == {one.record.id for one in found}
    assert {one.option_id for one in _of(kept)} == {one.record.option_id for one in found}


async def test_replicas_that_report_under_one_id_keep_one(state: State, store: StateUnderTest) -> None:
    replicas = [state, store.open(), store.open()]
    moments = [NOW + timedelta(seconds=number) for number in range(30)]
    others = [replace(FEEDBACK, digest=str(29 - i), create_time=moment) for i, moment in enumerate(moments)]
    await asyncio.gather(*(replicas[i % 3].record(AUDIT, one, *_of(one)) for i, one in enumerate(others)))
    for replica in replicas:
        await _keeps_one(replica, others)
    assert [AUDIT] == store.audit()
    for replica in replicas[1:]:
        await replica.close()


async def test_precedents_come_by_department_newest_first(state: State) -> None:
    made = [("b", 1, "finance"), ("a", 3, "finance"), ("d", 2, "finance"), ("c", 2, "finance"), ("e", 9, "sales")]
    for name, minute, department in made:
        await state.record(replace(AUDIT, id=f"audit-{name}"), *_taught(name, minute, department))
    of_finance = ["pre-a", "pre-d", "pre-c", "pre-b"]
    assert of_finance == await _ids(state, departments=["finance"])
    assert ["pre-e", *of_finance] == await _ids(state, departments=["sales", "finance"])
    assert ["pre-e", *of_finance] == await _ids(state)
    assert [] == await _ids(state, departments=[])
    assert [] == await _ids(state, departments=["Finance"])
    newest = await state.precedents(departments=["finance"], limit=2)
    assert ["pre-a", "pre-d"] == [precedent.record.id for precedent in newest]
    found = await state.precedents(ids=["pre-b", "pre-e", "unknown"], departments=["finance"], limit=20)
    assert ["pre-b"] == [precedent.record.id for precedent in found]


async def test_precedents_come_by_reporter_and_without_the_newest(state: State) -> None:
    """As an allowance asks: when was the third newest made?"""
    made = [("b", 1, "ann"), ("a", 3, "ann"), ("c", 2, "ann"), ("d", 4, "bob"), ("e", 5, "")]
    for name, minute, reporter in made:
        feedback, precedent = _taught(name, minute)
        await state.record(replace(AUDIT, id=f"audit-{name}"), feedback, replace(precedent, reporter=reporter))
    for reporters, skip, expected in (
        (["ann"], 0, ["pre-a", "pre-c", "pre-b"]),
        (["ann"], 1, ["pre-c", "pre-b"]),
        (["ann"], 3, []),
        (["ann", "bob"], 1, ["pre-a", "pre-c", "pre-b"]),
        ([""], 0, ["pre-e"]),
        ([], 0, []),
        (None, 2, ["pre-a", "pre-c", "pre-b"]),
    ):
        found = await state.precedents(reporters=reporters, skip=skip, limit=20)
        assert expected == [one.record.id for one in found]
    (second,) = await state.precedents(reporters=["ann"], departments=["finance"], skip=1, limit=1)
    assert "pre-c" == second.record.id


async def test_a_revoked_precedent_is_read_where_it_is_asked_for(state: State) -> None:
    await state.record(AUDIT, FEEDBACK, PRECEDENT, replace(PRECEDENT, id="pre-2"))
    await state.record(replace(AUDIT, id="audit-2"), REVOCATION)
    assert ["pre-2"] == await _ids(state)
    assert ["pre-2", "pre-1"] == await _ids(state, revoked=True)
    found = await state.precedents(ids=["pre-1"], revoked=True, limit=1)
    assert [Precedent(PRECEDENT, REVOCATION)] == list(found)
    assert [] == list(await state.precedents(ids=["pre-1"], limit=1))


async def test_the_first_revocation_stays(state: State) -> None:
    await state.record(AUDIT, FEEDBACK, PRECEDENT)
    await state.record(replace(AUDIT, id="audit-2"), REVOCATION)
    await state.record(replace(AUDIT, id="audit-3"), replace(REVOCATION, revoker="mallory", reason=""))
    assert [Precedent(PRECEDENT, REVOCATION)] == list(await state.precedents(revoked=True, limit=20))


async def test_another_replica_sees_a_precedent_and_its_revocation(state: State, store: StateUnderTest) -> None:
    other = store.open()
    assert [] == await _ids(other)
    await state.record(AUDIT, FEEDBACK, PRECEDENT)
    assert ["pre-1"] == await _ids(other)
    await other.record(replace(AUDIT, id="audit-2"), REVOCATION)
    assert [] == await _ids(state)
    await other.close()


async def test_all_are_written_or_none(state: State, store: StateUnderTest) -> None:
    with pytest.raises(StoreQueryFailed):
        await state.record(AUDIT, FEEDBACK, replace(PRECEDENT, mention="\ud800"))
    with pytest.raises(StoreQueryFailed):
        await state.record(replace(AUDIT, subject="\ud800"), FEEDBACK, PRECEDENT)
    assert [] == list(await state.feedback(ids=["fee-1"], limit=1))
    assert [] == await _ids(state)
    assert [] == store.audit()


async def test_closed_it_answers_nothing(state: State) -> None:
    await state.close()
    for call in (state.feedback(ids=["fee-1"], limit=1), state.precedents(limit=1)):
        with pytest.raises(StoreUnavailable):
            await call
