"""What is offered can be chosen: every option of an ambiguity, every alternative of an assumption, resumed or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from ecp.v1 import resolve_pb2, types_pb2
from ecp_server.evaluation.golden import load_golden
from tests.rpc.refusals import fields, refused
from tests.rpc.reporting import id_of
from tests.running import Running, user

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADMITTED = {"OK", "NOT_FOUND", "FAILED_PRECONDITION", "PERMISSION_DENIED"}
"""A choice can lead to what is not available, does not fit or is denied: but it is understood."""


def requests(meridian: Path) -> dict[str, dict[str, Any]]:
    """Every golden question as its user asks it, each wording once."""
    found = {}
    for entry in load_golden(meridian / "golden.yaml").questions:
        who = user(
            entry.user.user_id,
            *entry.user.roles,
            department=entry.user.department,
            allowed_members=entry.user.allowed_members,
        )
        as_of = Timestamp()
        as_of.FromDatetime(entry.as_of)
        found[entry.id] = {
            "concept": entry.question,
            "user_context": who,
            "as_of": as_of,
            "definition_context": entry.definition_context,
            "time_zone": entry.time_zone,
        }
    return found


def offered(response: resolve_pb2.ResolveResponse) -> list[types_pb2.Choice]:
    """Return everything that a caller can choose."""
    options = [(a.id, option.id) for a in response.ambiguities for option in a.options]
    options += [(a.id, option.id) for a in response.assumptions for option in (a.taken, *a.alternatives)]
    return [types_pb2.Choice(subject_id=subject, option_id=option) for subject, option in options]


async def test_whatever_is_offered_can_be_chosen(server: Running, meridian: Path) -> None:
    misunderstood, chosen = {}, 0
    for name, request in requests(meridian).items():
        asked = await server.resolve(**request)
        if asked.code != "OK":
            continue
        for choice in offered(asked.response):
            for resumed in ({}, {"resume_resolution_id": asked.response.resolution_id}):
                again = await server.resolve(**request, choices=[choice], **resumed)
                chosen += 1
                if again.code not in ADMITTED:
                    misunderstood[name, choice.subject_id, choice.option_id, bool(resumed)] = (
                        again.message or again.code
                    )
                elif again.code == "OK" and choice.subject_id in [a.id for a in again.response.ambiguities]:
                    misunderstood[name, choice.subject_id, choice.option_id, bool(resumed)] = "asked again"
    assert chosen > 100
    assert {} == misunderstood


NOWHERE = user("ann", "finance_analyst", department="astrology")


async def test_department_is_chosen_where_the_users_own_is_unknown(server: Running) -> None:
    asked = (await server.resolve("revenue last quarter", user_context=NOWHERE)).response
    (told,) = [a for a in asked.assumptions if a.id == "department"]
    assert "finance" in [option.id for option in told.alternatives]
    choice = types_pb2.Choice(subject_id="department", option_id="finance")
    chosen = (await server.resolve("revenue last quarter", user_context=NOWHERE, choices=[choice])).response
    assert ["net_revenue"] == [c.id for c in chosen.concepts if c.kind == types_pb2.CONCEPT_KIND_METRIC]
    (told,) = [a for a in chosen.assumptions if a.id == "department"]
    back = types_pb2.Choice(subject_id="department", option_id=asked.assumptions[0].taken.id)
    assert back.option_id in [option.id for option in told.alternatives]
    again = await server.resolve(
        "revenue last quarter", user_context=NOWHERE, choices=[back], resume_resolution_id=chosen.resolution_id
    )
    assert ["net_revenue", "gross_revenue"] == [o.id for a in again.response.ambiguities for o in a.options]


@pytest.mark.parametrize("option_id", ["Controlling", "astrology", "FINANCE", "no such department"])
async def test_department_is_chosen_by_the_id_that_was_offered(server: Running, option_id: str) -> None:
    choice = types_pb2.Choice(subject_id="department", option_id=option_id)
    outcome = await server.resolve("revenue last quarter", user_context=NOWHERE, choices=[choice])
    refused(outcome, "INVALID_ARGUMENT", "INVALID_CHOICE")
    assert ["choices[0].option_id"] == fields(outcome)


async def test_however_often_a_question_is_resumed_its_record_does_not_grow_on(server: Running) -> None:
    """Where nothing matched nobody asks whether a choice was ever offered; the latest ones hold."""
    resumed = ""
    for number in range(5):
        choices = [types_pb2.Choice(subject_id=f"{number}.{i}", option_id="x") for i in range(50)]
        outcome = await server.resolve("zzgrumf", choices=choices, resume_resolution_id=resumed)
        resumed = id_of(outcome)
    record = await server.application._state.resolution(resumed)
    assert record is not None
    subjects = [choice.subject_id for choice in record.choices]
    assert [f"{number}.{i}" for number in (4, 3) for i in range(50)] == subjects


SUBJECTS = st.sampled_from(
    """revenue margin pay churn apac region customers calendar period time_zone department metric partial_period
    definition.churn definition.revenue all_time nothing""".split()  # noqa: SIM905 - words
)
OPTIONS = st.sampled_from(
    """net_revenue gross_margin median_salary headcount gregorian retail fiscal last_month ytd all_time to_date as_of
    UTC Mars/Olympus finance Finance sales_apac no_department region.apac region.apac@finance region.apac@ region@sales
    @finance @ region.apac@astrology revenue@finance q4_2019 99 -1 default""".split()  # noqa: SIM905 - words
)
ASKED = st.sampled_from(
    [
        "revenue for APAC by region last quarter",
        "margin vs budget this year",
        "churn",
        "show me the data",
        "pay for APAC",
        "net revenue in 2019 by month",
        "what is revenue?",
        "which metrics are available for APAC?",
        "APAC vs EMEA revenue Q4",
    ]
)


@settings(max_examples=150)
@given(
    asked=ASKED,
    pairs=st.lists(st.tuples(SUBJECTS, OPTIONS), min_size=1, max_size=4),
    department=st.sampled_from(["", "finance", "sales", "astrology"]),
    resumed=st.booleans(),
)
async def test_whatever_is_chosen_is_understood_or_refused(
    server: Running,
    asked: str,
    pairs: list[tuple[str, str]],
    department: str,
    resumed: bool,  # noqa: FBT001 - drawn
) -> None:
    who = user("ann", "analyst", department=department)
    choices = [types_pb2.Choice(subject_id=subject, option_id=option) for subject, option in pairs]
    first = await server.resolve(asked, user_context=who)
    again = {"resume_resolution_id": first.response.resolution_id} if resumed and first.code == "OK" else {}
    outcome = await server.resolve(asked, user_context=who, choices=choices, **again)
    assert outcome.code in ADMITTED | {"INVALID_ARGUMENT"}, outcome
    if outcome.code == "INVALID_ARGUMENT":
        refused(outcome, "INVALID_ARGUMENT", "INVALID_CHOICE")
        assert all(field.startswith("choices[") for field in fields(outcome))
        assert "median_salary" not in outcome.message
