"""Resolution and audit are recorded before the reply leaves; a resumed one pins what it was about."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecp_server.domain.call import CALL, Call
from ecp_server.domain.catalog import Catalog, Context, Target, TermVariation
from ecp_server.domain.errors import (
    InvalidChoice,
    PolicyDenied,
    ResolutionExpired,
    ResolutionNotFound,
    StoreUnavailable,
)
from ecp_server.domain.identity import Principal
from ecp_server.domain.records import QueryReads
from ecp_server.domain.resolution import Resolution
from tests.resolution.desk import Desk
from tests.resolution.reading import assumptions, concepts, days, measures, options, plan_of
from tests.resolution.samples import ANALYST, NOW, catalog, dimension, member, metric, term

USER = Principal("ann", "agent", "fin", ("explorer", "analyst"), verified=True)


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        Context("fin", "Finance"),
        metric("sales", dimensions=("region",), targets=(Target("budget", "planned"),)),
        metric("planned", dimensions=("region",)),
        metric("rough", certification_tier=4),
        term("income", TermVariation("a", metric="sales"), TermVariation("b", metric="planned")),
        dimension("region"),
        member("region.japan", "JP"),
        member("region.twin", "1"),
        dimension("product"),
    )


def audits(folder: Path) -> list[dict[str, Any]]:
    """What the state file's audit holds, oldest first."""
    with closing(sqlite3.connect(folder / "state.db")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM audit ORDER BY time")]


async def recorded(desk: Desk, found: Resolution) -> Any:
    record = await desk.state.resolution(found.id)
    assert record is not None
    return record


async def test_a_resolution_is_there_when_the_answer_is(desk: Desk) -> None:
    found = await desk.ask("sales last month", principal=USER)
    record = await recorded(desk, found)

    assert (record.owner, record.request, record.response) == ("ann", b"sales last month", found.id.encode())
    assert (record.settled, record.catalog_version, record.as_of) == (True, "v1", NOW)
    assert record.expire_time - record.create_time == desk.expire_after
    assert (found.create_time, found.expire_time) == (record.create_time, record.expire_time)


@pytest.mark.parametrize(
    ("question", "outcome", "settled"),
    [
        ("sales last month", "RESOLVED", True),
        ("income last month", "DISAMBIGUATION_REQUIRED", False),
        ("bitcoin last month", "CONCEPT_NOT_FOUND", False),
        ("sales by product", "INCOMPATIBLE_CONCEPTS", False),
        ("what is sales?", "RESOLVED", True),
    ],
)
async def test_every_outcome_is_recorded_and_audited(
    desk: Desk, tmp_path: Path, question: str, outcome: str, *, settled: bool
) -> None:
    found = await desk.ask(question)
    (audit,) = audits(tmp_path)

    assert (await recorded(desk, found)).settled is settled
    assert (audit["outcome"], audit["resolution_id"]) == (outcome, found.id)


async def test_the_audit_says_who_asked_and_by_what_right_and_never_what(desk: Desk, tmp_path: Path) -> None:
    token = CALL.set(Call("request-1"))
    found = await desk.ask("sales in japan last month vs budget", principal=USER)
    CALL.reset(token)
    (audit,) = audits(tmp_path)

    text = str(audit)
    for part in ("request-1", "Resolve", "ann", "agent", "fin", "explorer", plan_of(found).digest, "v1"):
        assert part in text, part
    assert "builtin.certification" in text
    assert "japan" not in text
    assert found.provenance.request_id == "request-1"


async def test_a_denial_is_audited_with_the_policy_and_leaves_no_resolution(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(PolicyDenied):
        await desk.ask("rough last month", principal=replace(USER, roles=("analyst",)))
    (audit,) = audits(tmp_path)

    assert (audit["outcome"], audit["resolution_id"] or "") == ("POLICY_DENIED", "")
    assert "builtin.certification" in str(audit)


async def test_no_answer_leaves_without_its_record(desk: Desk) -> None:
    await desk.state.close()

    with pytest.raises(StoreUnavailable):
        await desk.ask("sales last month")


async def test_a_resumed_question_keeps_its_moment_its_catalog_and_what_was_chosen(desk: Desk) -> None:
    first = await desk.ask("income of the last month", as_of=datetime(2024, 3, 10, tzinfo=UTC))
    desk.held.add(replace(desk.held.current, version="v2"))
    second = await desk.ask("income of the last month", ("income", "planned"), resume_resolution_id=first.id)
    third = await desk.ask("income of the last month", resume_resolution_id=second.id)

    assert (options(first), measures(second)) == ({"income": ["planned", "sales"]}, {"actual": "planned"})
    assert days(second.time_range) == "2024-02-01/2024-03-01"
    assert [r.provenance.catalog_version for r in (first, second, third)] == ["v1", "v1", "v1"]
    assert measures(third) == {"actual": "planned"}
    changed = await desk.ask("income of the last month", ("income", "sales"), resume_resolution_id=third.id)
    assert measures(changed) == {"actual": "sales"}


async def test_once_a_catalog_is_held_no_more_the_one_in_force_answers(desk: Desk) -> None:
    first = await desk.ask("sales last month")
    desk.held.add(replace(desk.held.current, version="v2"))
    desk.held.drop("v1")

    again = await desk.ask("sales last month", resume_resolution_id=first.id)
    assert again.provenance.catalog_version == "v2"


async def test_choices_carried_over_may_have_lost_their_subject_and_new_ones_may_not(desk: Desk) -> None:
    first = await desk.ask("income last month", ("income", "sales"))

    assert measures(await desk.ask("sales last month", resume_resolution_id=first.id)) == {"actual": "sales"}
    with pytest.raises(InvalidChoice) as caught:
        await desk.ask("sales last month", ("income", "sales"), resume_resolution_id=first.id)
    assert [v.field for v in caught.value.violations] == ["choices[0].subject_id"]


async def test_an_unknown_and_anothers_resolution_look_the_same_and_the_owners_may_expire(desk: Desk) -> None:
    first = await desk.ask("sales last month")
    bob = replace(ANALYST, subject="bob")
    for resumed, principal in (("nothing", ANALYST), (first.id, bob)):
        with pytest.raises(ResolutionNotFound):
            await desk.ask("sales last month", resume_resolution_id=resumed, principal=principal)
    desk.expire_after = timedelta(microseconds=1)
    expired = await desk.ask("sales last month")
    await asyncio.sleep(0.001)
    with pytest.raises(ResolutionExpired):
        await desk.ask("sales last month", resume_resolution_id=expired.id)


async def test_an_unknown_department_is_told_and_another_can_be_chosen(desk: Desk) -> None:
    stranger = replace(ANALYST, department="astronomy")
    found = await desk.ask("income last month", principal=stranger)
    chosen = await desk.ask("income last month", ("department", "b"), principal=stranger)

    assert (list(options(found)), assumptions(found)["department"]) == (["income"], "no_department")
    assert (concepts(chosen)[0], assumptions(chosen)["department"]) == ("planned", "b")
    with pytest.raises(InvalidChoice):
        await desk.ask("income last month", ("department", "nowhere"), principal=stranger)


async def test_what_each_query_reads_is_recorded_for_when_it_is_run(desk: Desk) -> None:
    """The metric that it serves first; what the main figure is compared with may be left out later."""
    found = await desk.ask("sales vs budget by region", principal=USER)
    record = await recorded(desk, found)
    assert ("sales",) == record.asked
    assert (QueryReads("actual", ("sales",)), QueryReads("budget", ("planned",), essential=False)) == record.reads
    definition = await recorded(desk, await desk.ask("what is the definition of sales", principal=USER))
    assert () == definition.reads
