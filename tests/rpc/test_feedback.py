"""ReportFeedback: recorded once, shown to the one whose answer it judges, refused with its fields named."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import resolve_pb2, types_pb2
from tests.rpc.refusals import fields, refused
from tests.rpc.reporting import ACCEPTED, CORRECTED, REJECTED, correction, id_of, report
from tests.rpc.test_reasons import locked
from tests.running import Running, running, user

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANN = user("ann", "finance_analyst", department="finance")
QUESTION = "takings in APAC last quarter"
"""Of which the catalog knows no takings."""
KEY = "0b5a7c6e-6d1c-4a37-9a52-3f0a5f0f8a11"
Choice = types_pb2.Choice


async def asked(server: Running, question: str = QUESTION) -> str:
    return id_of(await server.resolve(question, user_context=ANN))


async def shown(server: Running, resolution_id: str) -> list[types_pb2.Feedback]:
    return list((await server.recorded(resolution_id, user_ids=["ann"])).response.feedback)


async def test_feedback_is_recorded_and_shown_as_it_was_said(server: Running) -> None:
    resolution_id = await asked(server)
    said = correction(mention="takings", option_id="net_revenue")
    said.comment = "we call it so\nsince 2019"
    reported = await report(server, resolution_id, said, user_id="ann")
    recorded = reported.response.feedback
    assert (CORRECTED, "we call it so\nsince 2019", "ann") == (recorded.verdict, recorded.comment, recorded.user_id)
    of = Choice(mention="takings", option_id="net_revenue", kind=types_pb2.CONCEPT_KIND_METRIC)
    assert [of] == list(recorded.corrections)
    assert recorded.HasField("create_time")
    assert [recorded] == await shown(server, resolution_id)


async def test_newest_feedback_comes_first_and_no_more_than_20(server: Running) -> None:
    resolution_id = await asked(server)
    for number in range(22):
        await report(server, resolution_id, types_pb2.Feedback(verdict=REJECTED, comment=str(number)))
    assert [str(number) for number in range(21, 1, -1)] == [one.comment for one in await shown(server, resolution_id)]


async def test_what_the_server_sets_is_not_the_callers_to_say(server: Running) -> None:
    said = types_pb2.Feedback(verdict=ACCEPTED, user_id="root", create_time=Timestamp(seconds=1))
    recorded = (await report(server, await asked(server), said)).response.feedback
    assert "ann" == recorded.user_id
    assert recorded.create_time.seconds > 1_700_000_000


async def test_same_request_twice_is_recorded_once(server: Running) -> None:
    """However the id is written, and whatever the caller says of what the server sets."""
    resolution_id, key = await asked(server), str(uuid.uuid4())
    said = types_pb2.Feedback(verdict=ACCEPTED, comment="fine")
    first = await report(server, resolution_id, said, key=key)
    again = await report(server, resolution_id, types_pb2.Feedback(verdict=ACCEPTED, comment="fine"), key=key.upper())
    assert "OK" == first.code
    assert first.response == again.response
    assert [first.response.feedback] == await shown(server, resolution_id)


async def test_many_at_once_under_one_id_are_recorded_once(server: Running) -> None:
    resolution_id, key = await asked(server), str(uuid.uuid4())
    said = types_pb2.Feedback(verdict=REJECTED)
    outcomes = await asyncio.gather(*(report(server, resolution_id, said, key=key) for _ in range(20)))
    assert {"OK"} == {outcome.code for outcome in outcomes}
    (recorded,) = await shown(server, resolution_id)
    assert [recorded] * 20 == [outcome.response.feedback for outcome in outcomes]


async def test_of_different_ones_under_one_id_one_is_taken_and_the_others_are_told(server: Running) -> None:
    resolution_id, key = await asked(server), str(uuid.uuid4())
    said = [types_pb2.Feedback(verdict=REJECTED, comment=str(number)) for number in range(10)]
    outcomes = await asyncio.gather(*(report(server, resolution_id, one, key=key) for one in said))
    (recorded,) = await shown(server, resolution_id)
    taken = [outcome for outcome in outcomes if outcome.code == "OK"]
    assert [recorded] == [outcome.response.feedback for outcome in taken]
    for outcome in outcomes:
        if outcome.code != "OK":
            refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
            assert ["request_id"] == fields(outcome)


async def test_an_id_is_used_for_one_resolution_and_by_one_user(server: Running) -> None:
    key, said = str(uuid.uuid4()), types_pb2.Feedback(verdict=ACCEPTED)
    first, second = await asked(server), await asked(server)
    assert "OK" == (await report(server, first, said, key=key)).code
    assert ["request_id"] == fields(await report(server, second, said, key=key))
    bobs = id_of(await server.resolve(QUESTION, user_context=user("bob")))
    assert "OK" == (await report(server, bobs, said, key=key, user_id="bob")).code


async def test_others_resolution_is_not_found_like_an_unknown_one(server: Running) -> None:
    resolution_id, said = await asked(server), correction(mention="takings", option_id="no_such_thing")
    theirs = await report(server, resolution_id, said, user_id="mallory")
    unknown = await report(server, "019f0000-0000-7000-8000-000000000000", said, user_id="mallory")
    for outcome in (theirs, unknown):
        assert {} == refused(outcome, "NOT_FOUND", "RESOLUTION_NOT_FOUND")
        assert [] == fields(outcome)
    assert theirs.message == unknown.message
    assert [] == await shown(server, resolution_id)


async def test_an_expired_resolution_can_be_judged(meridian: Path, tmp_path: Path) -> None:
    async with running(meridian, tmp_path, resolution_ttl_hours="1e-9") as server:
        said = correction(mention="takings", option_id="net_revenue")
        assert "OK" == (await report(server, await asked(server), said)).code


async def test_feedback_outlives_the_server(meridian: Path, tmp_path: Path) -> None:
    async with running(meridian, tmp_path) as server:
        resolution_id = await asked(server)
        first = await report(server, resolution_id, types_pb2.Feedback(verdict=ACCEPTED), key=KEY)
    async with running(meridian, tmp_path) as server:
        assert [first.response.feedback] == await shown(server, resolution_id)
        again = await report(server, resolution_id, types_pb2.Feedback(verdict=ACCEPTED), key=KEY)
        assert first.response == again.response


async def test_without_its_record_nothing_is_taken(meridian: Path, tmp_path: Path) -> None:
    async with running(meridian, tmp_path, store_timeout_seconds="0.5") as server:
        resolution_id = await asked(server)
        with locked(tmp_path):
            outcome = await report(server, resolution_id, types_pb2.Feedback(verdict=ACCEPTED))
        assert "state" == refused(outcome, "UNAVAILABLE", "STORE_UNAVAILABLE")["store"]


async def test_it_is_audited_and_counted(meridian: Path, tmp_path: Path) -> None:
    async with running(meridian, tmp_path) as server:
        resolution_id = await asked(server)
        for _ in range(2):
            await report(server, resolution_id, correction(mention="takings", option_id="net_revenue"), key=KEY)
        await report(server, resolution_id, types_pb2.Feedback(verdict=REJECTED, comment="quite wrong"))
        await report(server, "unknown", types_pb2.Feedback(verdict=ACCEPTED))
        counted = {labels["status"]: value for labels, value in server.sampled("ecp_feedback_reports_total")}
        assert {"CORRECTED": 2.0, "REJECTED": 1.0, "RESOLUTION_NOT_FOUND": 1.0} == counted
        assert [1.0] == [value for _, value in server.sampled("ecp_precedents_recorded_total")]
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        columns = "subject, department, outcome, resolution_id, products"
        rows = connection.execute(f"SELECT {columns} FROM audit WHERE method = 'ReportFeedback'").fetchall()  # noqa: S608 - a constant
        everything = " ".join(map(str, connection.execute("SELECT * FROM audit").fetchall()))
    assert [
        ("ann", "finance", "CORRECTED", resolution_id, '["net_revenue"]'),
        ("ann", "finance", "REJECTED", resolution_id, "[]"),
    ] == rows
    assert "quite wrong" not in everything


NET_REVENUE = {"option_id": "net_revenue", "mention": "takings"}
ONE = "feedback.corrections[0]"


def feedback(*corrections: dict[str, Any], verdict: Any = CORRECTED, comment: str = "") -> types_pb2.Feedback:
    return types_pb2.Feedback(verdict=verdict, corrections=[Choice(**one) for one in corrections], comment=comment)


BAD: dict[str, tuple[types_pb2.Feedback, list[str]]] = {
    "no verdict": (feedback(verdict=0), ["feedback.verdict"]),
    "unknown verdict": (feedback(verdict=9), ["feedback.verdict"]),
    "corrected without corrections": (feedback(), ["feedback.corrections"]),
    "accepted with corrections": (feedback(NET_REVENUE, verdict=ACCEPTED), ["feedback.corrections"]),
    "rejected with corrections": (feedback(NET_REVENUE, verdict=REJECTED), ["feedback.corrections"]),
    "comment of 2001 characters": (feedback(verdict=ACCEPTED, comment="é" * 2001), ["feedback.comment"]),
    "comment with an escape": (feedback(verdict=ACCEPTED, comment="\x1b[31m"), ["feedback.comment"]),
    "21 corrections": (feedback(*[NET_REVENUE] * 21), ["feedback.corrections"]),
    "neither subject nor mention": (feedback({"option_id": "net_revenue"}), [f"{ONE}.mention"]),
    "blank mention": (feedback({**NET_REVENUE, "mention": " \t"}), [f"{ONE}.mention"]),
    "both subject and mention": (feedback({**NET_REVENUE, "subject_id": "margin"}), [f"{ONE}.subject_id"]),
    "unknown subject": (feedback({"subject_id": "takings", "option_id": "net_revenue"}), [f"{ONE}.subject_id"]),
    "option of another subject": (feedback({"subject_id": "margin", "option_id": "net_revenue"}), [f"{ONE}.option_id"]),
    "no option": (feedback({"mention": "margin"}), [f"{ONE}.option_id"]),
    "option that does not exist": (feedback({"mention": "margin", "option_id": "x"}), [f"{ONE}.option_id"]),
    "option with another context": (feedback({"mention": "margin", "option_id": "revenue@x"}), [f"{ONE}.option_id"]),
    "mention that is not in the question": (feedback({**NET_REVENUE, "mention": "sales"}), [f"{ONE}.mention"]),
    "half a word": (feedback({**NET_REVENUE, "mention": "margi"}), [f"{ONE}.mention"]),
    "words that do not stand together": (feedback({**NET_REVENUE, "mention": "margin quarter"}), [f"{ONE}.mention"]),
    "mention of signs": (feedback({**NET_REVENUE, "mention": "?"}), [f"{ONE}.mention"]),
    "mention of a period": (feedback({**NET_REVENUE, "mention": "last quarter"}), [f"{ONE}.mention"]),
    "mention of function words": (feedback({**NET_REVENUE, "mention": "what is the"}), [f"{ONE}.mention"]),
    "mention of 201 characters": (feedback({**NET_REVENUE, "mention": "m" * 201}), [f"{ONE}.mention"]),
    "kind of something else": (
        feedback({"mention": "margin", "option_id": "net_revenue", "kind": types_pb2.CONCEPT_KIND_MEMBER}),
        [f"{ONE}.kind"],
    ),
    "kind of another option": (
        feedback({"subject_id": "margin", "option_id": "gross_margin", "kind": types_pb2.CONCEPT_KIND_TERM}),
        [f"{ONE}.kind"],
    ),
    "unknown kind": (feedback({"mention": "margin", "option_id": "net_revenue", "kind": 99}), [f"{ONE}.kind"]),
    "period as a meaning": (
        feedback({"mention": "margin", "option_id": "last_quarter", "kind": types_pb2.CONCEPT_KIND_TIME}),
        [f"{ONE}.option_id"],
    ),
    "same words twice": (
        feedback({"mention": "margin", "option_id": "net_revenue"}, {"mention": "Margins", "option_id": "arr"}),
        ["feedback.corrections[1].mention"],
    ),
    "same subject twice": (
        feedback(*[{"subject_id": "margin", "option_id": each} for each in ("gross_margin", "operating_margin")]),
        ["feedback.corrections[1].subject_id"],
    ),
    "several at once": (
        feedback({"mention": "sales", "option_id": "arr"}, {"mention": "margin", "option_id": "x"}),
        [f"{ONE}.mention", "feedback.corrections[1].option_id"],
    ),
}


@pytest.mark.parametrize(("said", "named"), BAD.values(), ids=BAD)
async def test_what_is_wrong_is_named(server: Running, said: types_pb2.Feedback, named: list[str]) -> None:
    question = await server.resolve("what is the margin last quarter?", user_context=ANN)
    outcome = await report(server, id_of(question), said)
    choices = all(field.startswith("feedback.corrections[") and "201" not in field for field in named)
    assert "INVALID_ARGUMENT" == outcome.code, outcome
    assert named == fields(outcome)
    if choices and len(said.corrections[0].mention) <= 200:
        refused(outcome, "INVALID_ARGUMENT", "INVALID_CHOICE")
    else:
        refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
    assert [] == await shown(server, id_of(question))


NO_UUIDS = ["", "1", "no-uuid", f"{{{KEY}}}", f"urn:uuid:{KEY}", KEY.replace("-", ""), KEY + "0", str(uuid.UUID(int=0))]


@pytest.mark.parametrize("key", NO_UUIDS)
async def test_request_id_must_be_a_uuid(server: Running, key: str) -> None:
    request = resolve_pb2.ReportFeedbackRequest(
        resolution_id=await asked(server), feedback=types_pb2.Feedback(verdict=ACCEPTED), request_id=key
    )
    outcome = await server.ask(server.resolving.ReportFeedback, request)
    refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
    assert ["request_id"] == fields(outcome)


async def test_everything_that_is_missing_is_named_at_once(server: Running) -> None:
    outcome = await server.ask(server.resolving.ReportFeedback, resolve_pb2.ReportFeedbackRequest())
    refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
    assert ["resolution_id", "request_id", "feedback.verdict"] == fields(outcome)


async def test_longest_that_is_allowed_is_taken(server: Running) -> None:
    said = types_pb2.Feedback(verdict=ACCEPTED, comment="é" * 2000)
    assert said.comment == (await report(server, await asked(server), said)).response.feedback.comment


async def test_options_of_assumptions_can_be_corrected_to(server: Running) -> None:
    """That of a calendar is about no words: it is recorded and teaches nothing."""
    answer = await server.resolve("net revenue in 2023", user_context=ANN)
    assert "calendar" in [assumption.id for assumption in answer.response.assumptions]
    said = correction(subject_id="calendar", option_id="gregorian")
    recorded = await report(server, id_of(answer), said)
    assert "OK" == recorded.code
    again = await server.resolve("net revenue in 2023", user_context=ANN)
    assert list(answer.response.assumptions) == list(again.response.assumptions)
