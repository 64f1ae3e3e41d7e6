"""GetResolution: the record holds what was sent, to the byte, with the whole provenance beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import provenance_pb2, resolve_pb2, types_pb2
from tests.rpc.refusals import refused
from tests.running import Running, running, user

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASIC, FULL, NONE = (
    provenance_pb2.PROVENANCE_VIEW_BASIC,
    provenance_pb2.PROVENANCE_VIEW_FULL,
    provenance_pb2.PROVENANCE_VIEW_NONE,
)
UNSPECIFIED = provenance_pb2.PROVENANCE_VIEW_UNSPECIFIED
VIEWS = {"unset": UNSPECIFIED, "basic": BASIC, "full": FULL, "none": NONE}
FINANCE = user("ann", "finance_analyst", "explorer", department="finance")
QUESTIONS = {
    "comparison": "net revenue for APAC last quarter vs budget by region",
    "question back": "margin last quarter",
    "known issue": "APAC net revenue in Q4 FY2019",
    "definition": "what is the definition of ARR?",
    "lineage": "where does net revenue come from?",
    "catalog": "which metrics are available for APAC?",
    "multi-hop": "net revenue for products owned by teams reporting to Sarah Chen last quarter",
    "trend": "monthly leads last year",
}


def as_bytes(message: Any, *, without_provenance: bool = False) -> bytes:
    """Return a message as deterministic serialisation writes it."""
    copy = type(message)()
    copy.CopyFrom(message)
    if without_provenance:
        copy.ClearField("provenance")
    return bytes(copy.SerializeToString(deterministic=True))


def seen(response: resolve_pb2.ResolveResponse, view: provenance_pb2.ProvenanceView.ValueType) -> None:
    """Look whether a response carries exactly the provenance of a view."""
    steps = response.provenance.steps
    assert response.provenance.catalog_version
    assert response.provenance.request_id
    if view == NONE:
        assert [] == list(steps)
        return
    assert ["parse", "discover", "select"] == [step.id for step in steps[:3]]
    assert all(step.type and step.status and step.reasoning and step.HasField("start_time") for step in steps)
    everything = view == FULL
    assert everything == any(step.store_calls for step in steps)
    assert everything == any(step.HasField("output") for step in steps)


@pytest.mark.parametrize("concept", QUESTIONS.values(), ids=QUESTIONS)
async def test_record_is_the_response_to_the_byte(server: Running, concept: str) -> None:
    request: dict[str, Any] = {"user_context": FINANCE, "definition_context": "sales", "provenance_view": FULL}
    sent = (await server.resolve(concept, **request)).response
    kept = (await server.recorded(sent.resolution_id, user_ids=["ann"], provenance_view=FULL)).response
    assert as_bytes(sent) == as_bytes(kept.response)
    assert as_bytes(resolve_pb2.ResolveRequest(concept=concept, **request)) == as_bytes(kept.request)
    assert kept.HasField("create_time")
    assert ([], []) == (list(kept.executions), list(kept.feedback))


@pytest.mark.parametrize("asked_with", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("read_with", VIEWS.values(), ids=VIEWS)
async def test_view_cuts_provenance_and_nothing_else(
    server: Running,
    asked_with: provenance_pb2.ProvenanceView.ValueType,
    read_with: provenance_pb2.ProvenanceView.ValueType,
) -> None:
    """Whatever the view of the question, all of its provenance is recorded."""
    sent = (await server.resolve(QUESTIONS["comparison"], user_context=FINANCE, provenance_view=asked_with)).response
    seen(sent, asked_with or BASIC)
    kept = (await server.recorded(sent.resolution_id, provenance_view=read_with)).response
    seen(kept.response, read_with or BASIC)
    assert as_bytes(sent, without_provenance=True) == as_bytes(kept.response, without_provenance=True)
    if read_with == asked_with:
        assert as_bytes(sent) == as_bytes(kept.response)


async def test_steps_are_a_graph_in_order_that_names_the_stores_it_asked(server: Running) -> None:
    sent = (await server.resolve(QUESTIONS["comparison"], user_context=FINANCE, provenance_view=FULL)).response
    before: set[str] = set()
    for step in sent.provenance.steps:
        assert step.id not in before
        assert set(step.depends_on) <= before
        before.add(step.id)
    assert ["parse", "discover", "select", "know", "plan", "authorize", "weigh"] == [
        step.id for step in sent.provenance.steps
    ]
    asked = {types_pb2.Store.Name(call.store) for step in sent.provenance.steps for call in step.store_calls}
    assert {"STORE_GRAPH", "STORE_POLICY", "STORE_REGISTRY"} == asked
    calls = [call for step in sent.provenance.steps for call in step.store_calls]
    assert all(call.adapter == "embedded" and call.operation and call.attempts == 1 for call in calls)
    assert {"ok", "cached"} >= {call.outcome for call in calls}
    assert list(sent.provenance.policies_evaluated) == ["certification_ladder"]


async def test_expired_resolution_is_still_read_as_it_was_sent(meridian: Path, tmp_path: Path) -> None:
    async with running(meridian, tmp_path, resolution_ttl_hours="1e-9") as server:
        sent = (await server.resolve(QUESTIONS["comparison"], user_context=FINANCE, provenance_view=FULL)).response
        kept = (await server.recorded(sent.resolution_id, provenance_view=FULL)).response
        assert kept.response.expire_time.ToNanoseconds() <= kept.create_time.ToNanoseconds() + 1_000_000
        assert as_bytes(sent) == as_bytes(kept.response)


async def test_record_outlives_the_server(meridian: Path, tmp_path: Path) -> None:
    async with running(meridian, tmp_path) as server:
        sent = (await server.resolve(QUESTIONS["known issue"], user_context=FINANCE, provenance_view=FULL)).response
    async with running(meridian, tmp_path) as server:
        kept = (await server.recorded(sent.resolution_id, user_ids=["ann"], provenance_view=FULL)).response
    assert as_bytes(sent) == as_bytes(kept.response)


async def test_resolution_expires_a_day_after_it_was_made(server: Running) -> None:
    sent = (await server.resolve(QUESTIONS["comparison"])).response
    kept = (await server.recorded(sent.resolution_id)).response
    day = 24 * 3600
    assert kept.create_time.seconds + day == sent.expire_time.seconds


async def test_resuming_takes_the_moment_of_what_is_resumed(server: Running) -> None:
    as_of = Timestamp(seconds=1_577_836_800)  # 1 January 2020
    asked = (await server.resolve("margin last quarter", user_context=FINANCE, as_of=as_of)).response
    assert [["gross_margin", "operating_margin"]] == [[o.id for o in a.options] for a in asked.ambiguities]
    choice = types_pb2.Choice(subject_id=asked.ambiguities[0].id, option_id="operating_margin")
    settled = await server.resolve(
        "margin last quarter", user_context=FINANCE, choices=[choice], resume_resolution_id=asked.resolution_id
    )
    assert types_pb2.RESOLUTION_STATUS_RESOLVED == settled.response.status
    assert ("2019-10-01", "2020-01-01") == (
        settled.response.time_range.start_date,
        settled.response.time_range.end_date,
    )


@pytest.mark.parametrize("resolution_id", ["x", "018f0000-0000-7000-8000-000000000000", "' OR 1=1 --"])
async def test_unknown_id_is_not_found(server: Running, resolution_id: str) -> None:
    refused(await server.recorded(resolution_id), "NOT_FOUND", "RESOLUTION_NOT_FOUND")
