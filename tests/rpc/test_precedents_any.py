"""Whatever was taught, every question has an answer or a refusal that a caller can make something of."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecp.v1 import provenance_pb2, types_pb2
from ecp_server.catalog.load import load_catalog
from tests.rpc.reporting import correction, id_of, options, report
from tests.rpc.test_determinism import AS_OF, comparable
from tests.rpc.test_nothing_denied import questions
from tests.running import Running, user

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL = provenance_pb2.PROVENANCE_VIEW_FULL
CATALOG = load_catalog(Path(__file__).parents[2] / "catalogs" / "meridian")
WORDS = [
    "blorb",
    "far east",
    "takings",
    "the big number",
    "revenue",
    "margin",
    "APAC",
    "region",
    "budget",
    "Sarah Chen",
    "gross margin",
    "churn",
    "customer",
]
MEANINGS = sorted(
    {
        *CATALOG.metrics,
        *CATALOG.terms,
        *CATALOG.members,
        *CATALOG.dimensions,
        *CATALOG.entities,
        *[f"target.{target.name}" for metric in CATALOG.metrics.values() for target in metric.targets],
        *[f"{m.id}@{v.context}" for m in CATALOG.members.values() for v in m.variations if v.context],
        "region@finance",
        "region@sales",
    }
)
KINDS = [
    types_pb2.CONCEPT_KIND_METRIC,
    types_pb2.CONCEPT_KIND_MEMBER,
    types_pb2.CONCEPT_KIND_DIMENSION,
    types_pb2.CONCEPT_KIND_COMPARISON,
    types_pb2.CONCEPT_KIND_TERM,
    types_pb2.CONCEPT_KIND_ENTITY,
]
ANSWERS = {"OK", "NOT_FOUND", "FAILED_PRECONDITION", "PERMISSION_DENIED"}

_departments = count()


LESSONS: Final = given(
    taught=st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(MEANINGS)), min_size=1, max_size=4),
    asked=st.lists(questions(WORDS), min_size=1, max_size=3),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@LESSONS
async def test_any_lessons_leave_an_answer(server: Running, taught: list[tuple[str, str]], asked: list[str]) -> None:
    await leave_an_answer(server, taught, asked)


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@LESSONS
async def test_many_lessons_leave_an_answer(server: Running, taught: list[tuple[str, str]], asked: list[str]) -> None:
    await leave_an_answer(server, taught, asked)


async def leave_an_answer(server: Running, taught: list[tuple[str, str]], asked: list[str]) -> None:
    """It is the same each time; what it asks back can be answered, whichever option is chosen."""
    department = f"any {next(_departments)}"
    who = user("ann", "executive", "finance_analyst", "explorer", department=department)
    for words, meaning in taught:
        resolution_id = id_of(await server.resolve(f"blorb {words}", user_context=who))
        reported = await report(server, resolution_id, correction(mention=words, option_id=meaning))
        for kind in KINDS if reported.code != "OK" else ():  # an id of several kinds
            await report(server, resolution_id, correction(mention=words, option_id=meaning, kind=kind))
    for question in asked:
        first, again = [
            await server.resolve(question, user_context=who, as_of=AS_OF, provenance_view=FULL) for _ in range(2)
        ]
        assert first.code in ANSWERS, (question, first)
        assert comparable(first) == comparable(again)
        if first.code != "OK":
            continue
        assert all(concept.reason for concept in first.response.concepts)
        for subject, offered in options(first).items():
            for option in offered:
                chosen = await server.resolve(
                    question,
                    user_context=who,
                    choices=[types_pb2.Choice(subject_id=subject, option_id=option)],
                    resume_resolution_id=first.response.resolution_id,
                )
                assert chosen.code in ANSWERS, (question, subject, option, chosen)
