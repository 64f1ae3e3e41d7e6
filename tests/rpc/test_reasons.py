"""Every reason that a caller can be refused for, reached the way it is reached in life, with all that it tells.

INVALID_QUERY and INVALID_CHOICE have a table of their own in test_bad_input.py.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ecp.v1 import catalog_pb2, types_pb2
from tests.logs import Lines
from tests.rpc.refusals import refused
from tests.running import Running, running, user
from tests.serving import Outcome

pytestmark = pytest.mark.asyncio(loop_scope="module")

REVENUE = "net revenue last quarter"
FINANCE = user("ann", "finance_analyst", department="finance")


def told(outcome: Outcome) -> Any:
    """All that a refusal says but its request id."""
    details = {kind: detail for kind, detail in outcome.details.items() if kind != "RequestInfo"}
    return outcome.code, outcome.message, details


async def test_concept_not_found_tells_what_did_not_match_and_what_is_near(server: Running) -> None:
    outcome = await server.resolve("non-GAAP gross margin for EMEA")
    assert {} == refused(outcome, "NOT_FOUND", "CONCEPT_NOT_FOUND")
    detail = outcome.details["ConceptNotFoundDetail"]
    assert [types_pb2.Mention(text="non-GAAP", start=0, end=8)] == list(detail.unmatched)
    assert "gross_margin" in [option.id for option in detail.suggestions]
    assert len(detail.suggestions) <= 5
    assert all(option.name and option.definition and option.kind for option in detail.suggestions)


async def test_concept_not_found_is_recorded(server: Running) -> None:
    outcome = await server.resolve("flux capacitance", user_context=FINANCE)
    refused(outcome, "NOT_FOUND", "CONCEPT_NOT_FOUND")
    detail = outcome.details["ConceptNotFoundDetail"]
    kept = await server.recorded(detail.resolution_id, user_ids=["ann"])
    assert kept.code == "OK"
    assert "flux capacitance" == kept.response.request.concept
    response = kept.response.response
    assert (detail.resolution_id, 0) == (response.resolution_id, response.status)
    assert list(detail.unmatched) == list(response.unmatched)
    assert "suggest" == response.provenance.steps[-1].id
    assert outcome.request_id == response.provenance.request_id


@pytest.mark.parametrize("target", ["no_such_metric", "table:no.such.table", "system:Nobody"])
async def test_lineage_of_what_does_not_exist_is_not_found(server: Running, target: str) -> None:
    outcome = await server.ask(server.catalog.GetLineage, catalog_pb2.GetLineageRequest(target=target))
    refused(outcome, "NOT_FOUND", "CONCEPT_NOT_FOUND")
    assert "" == outcome.details["ConceptNotFoundDetail"].resolution_id


async def test_incompatible_concepts_tell_what_would_fit(server: Running) -> None:
    outcome = await server.resolve("gross revenue last quarter vs budget", user_context=FINANCE)
    metadata = refused(outcome, "FAILED_PRECONDITION", "INCOMPATIBLE_CONCEPTS")
    assert {"fits", "resolution_id"} == set(metadata)
    assert "net_revenue" in metadata["fits"].split(",")
    assert "Net revenue" in outcome.message
    assert "OK" == (await server.recorded(metadata["resolution_id"], user_ids=["ann"])).code


async def test_metric_sliced_by_what_it_lacks_is_incompatible_with_what_it_has(server: Running) -> None:
    outcome = await server.resolve("headcount by product")
    metadata = refused(outcome, "FAILED_PRECONDITION", "INCOMPATIBLE_CONCEPTS")
    assert ["region", "function"] == metadata["fits"].split(",")


async def test_unknown_and_somebody_elses_resolution_look_the_same(server: Running) -> None:
    resolution_id = (await server.resolve(REVENUE, user_context=FINANCE)).response.resolution_id
    assert "OK" == (await server.recorded(resolution_id, user_ids=["ann"])).code
    unknown = await server.recorded("018f0000-0000-7000-8000-000000000000", user_ids=["bob"])
    assert {} == refused(unknown, "NOT_FOUND", "RESOLUTION_NOT_FOUND")
    for user_ids in (["bob"], [""], ["ann", "bob"], ["bob", "ann"]):
        assert told(unknown) == told(await server.recorded(resolution_id, user_ids=user_ids))


@pytest.mark.parametrize("name", ["bob", ""])
async def test_only_the_owner_resumes(server: Running, name: str) -> None:
    resolution_id = (await server.resolve("margin last quarter", user_context=FINANCE)).response.resolution_id
    choice = [types_pb2.Choice(subject_id="margin", option_id="gross_margin")]
    unknown = await server.resolve("margin last quarter", choices=choice, resume_resolution_id="nothing")
    refused(unknown, "NOT_FOUND", "RESOLUTION_NOT_FOUND")
    resumed = {"choices": choice, "resume_resolution_id": resolution_id}
    others = await server.resolve("margin last quarter", user_context=user(name, "finance_analyst"), **resumed)
    assert told(unknown) == told(others)
    own = await server.resolve("margin last quarter", user_context=FINANCE, **resumed)
    assert ["gross_margin"] == [c.id for c in own.response.concepts if c.kind == types_pb2.CONCEPT_KIND_METRIC]


async def test_expired_resolution_cannot_be_resumed_by_its_owner_and_does_not_exist_for_others(
    meridian: Path, tmp_path: Path
) -> None:
    async with running(meridian, tmp_path, resolution_ttl_hours="1e-9") as server:
        resolution_id = (await server.resolve("margin", user_context=FINANCE)).response.resolution_id
        own = await server.resolve("margin", user_context=FINANCE, resume_resolution_id=resolution_id)
        assert {} == refused(own, "FAILED_PRECONDITION", "RESOLUTION_EXPIRED")
        others = await server.resolve("margin", user_context=user("bob"), resume_resolution_id=resolution_id)
        refused(others, "NOT_FOUND", "RESOLUTION_NOT_FOUND")
        assert "OK" == (await server.recorded(resolution_id, user_ids=["ann"])).code


async def test_policy_denied_tells_the_policy_and_who_may(server: Running) -> None:
    outcome = await server.resolve("executive compensation last quarter", user_context=user("ann", "analyst"))
    assert {"policy": "executive_compensation", "may": "hr_admin,executive"} == refused(
        outcome, "PERMISSION_DENIED", "POLICY_DENIED"
    )
    assert {"ErrorInfo", "RequestInfo"} == set(outcome.details)
    may = await server.resolve("executive compensation last quarter", user_context=user("eve", "hr_admin"))
    assert may.code == "OK"


TORN = """package ecp.policy

privacy_officer := "yes" if input.principal.department == "marketing"
privacy_officer := "no" if input.principal.department == "marketing"
"""
"""Two rules that contradict each other for one department: an evaluation for it has no result."""


async def test_policy_that_cannot_be_had_allows_nothing(meridian: Path, tmp_path: Path) -> None:
    """The policy parses and serves others; for one department its evaluation fails."""
    catalog = shutil.copytree(meridian, tmp_path / "catalog")
    (catalog / "policies" / "torn.rego").write_text(TORN, encoding="utf-8")
    async with running(catalog, tmp_path) as server:
        torn = user("ann", "finance_analyst", department="marketing")
        for asked in (REVENUE, "what is net revenue?", "show me the data", "takings"):
            outcome = await server.resolve(asked, user_context=torn)
            assert {"store": "policy"} == refused(outcome, "UNAVAILABLE", "POLICY_UNAVAILABLE")
            assert {"ErrorInfo", "RequestInfo", "RetryInfo"} == set(outcome.details)
            assert "revenue" not in f"{outcome.message} {outcome.details}"
        requests: list[tuple[Any, Any]] = [
            (server.catalog.ListMetrics, catalog_pb2.ListMetricsRequest(user_context=torn)),
            (server.catalog.SearchGlossary, catalog_pb2.SearchGlossaryRequest(query="revenue", user_context=torn)),
            (server.catalog.GetLineage, catalog_pb2.GetLineageRequest(target="net_revenue", user_context=torn)),
        ]
        for method, request in requests:
            refused(await server.ask(method, request), "UNAVAILABLE", "POLICY_UNAVAILABLE")
        assert "OK" == (await server.resolve(REVENUE, user_context=FINANCE)).code


async def test_no_answer_leaves_without_its_record(meridian: Path, tmp_path: Path) -> None:
    """The state file lies on a path that cannot be: what should be a folder is a file."""
    blocker = tmp_path / "blocker"
    blocker.touch()
    # So many failures would open the breaker, which has a reason of its own.
    async with running(meridian, blocker, breaker_failures="100") as server:
        for asked in (REVENUE, "flux capacitance", "gross revenue vs budget"):
            outcome = await server.resolve(asked)
            assert {"store": "state"} == refused(outcome, "UNAVAILABLE", "STORE_UNAVAILABLE")
            assert outcome.details["RetryInfo"].retry_delay.ToNanoseconds() > 0
            assert "blocker" not in f"{outcome.message} {outcome.details} {outcome.trailing}"
        refused(await server.recorded("anything"), "UNAVAILABLE", "STORE_UNAVAILABLE")
        denied = await server.resolve("executive compensation last quarter")
        refused(denied, "UNAVAILABLE", "STORE_UNAVAILABLE")  # a denial is a decision to be recorded too
        listed = await server.ask(server.catalog.ListMetrics, catalog_pb2.ListMetricsRequest())
        assert listed.code == "OK"  # nothing to record


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the state file as a program other than the server would, so that nothing can be written."""
    with closing(sqlite3.connect(folder / "state.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def test_store_that_does_not_answer_in_time_is_named(meridian: Path, tmp_path: Path) -> None:
    """Nothing stands in for the state: too late is as bad as not at all (design, "When things break")."""
    async with running(meridian, tmp_path, store_timeout_seconds="0.2") as server:
        with locked(tmp_path):
            outcome = await server.resolve(REVENUE)
        assert {"store": "state"} == refused(outcome, "UNAVAILABLE", "STORE_UNAVAILABLE")
        assert "OK" == (await server.resolve(REVENUE)).code


async def test_callers_deadline_ends_the_call_with_their_own_status(meridian: Path, tmp_path: Path) -> None:
    async with running(meridian, tmp_path, store_timeout_seconds="20") as server:
        with locked(tmp_path):
            outcome = await server.resolve(REVENUE, options={"timeout": 0.3})
        assert outcome.code == "DEADLINE_EXCEEDED"
        if "ErrorInfo" in outcome.details:  # the server may have been the first to notice
            refused(outcome, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        await server.settled()
        assert 1.0 == server.counted()["/ecp.v1.ResolveService/Resolve", "DEADLINE_EXCEEDED"]
        assert "OK" == (await server.resolve(REVENUE)).code


CANARY = "hunter2"


@asynccontextmanager
async def damaged(catalog: Path, state: Path, damage: str) -> AsyncIterator[tuple[Running, str]]:
    """A server, and the id of a resolution whose record was damaged on the disk."""
    async with running(catalog, state) as server:
        resolution_id = (await server.resolve(REVENUE, user_context=FINANCE)).response.resolution_id
        with closing(sqlite3.connect(state / "state.db")) as connection, connection:
            connection.execute(f"UPDATE resolution SET {damage}")  # noqa: S608 - a constant of the test
        yield server, resolution_id


DAMAGE = {
    "the driver's reading of it fails": f"as_of = '{CANARY}'",
    "the message in it cannot be parsed": f"response = CAST('{CANARY}' AS BLOB)",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
async def test_what_is_unforeseen_is_opaque(meridian: Path, tmp_path: Path, log: Lines, damage: str) -> None:
    async with damaged(meridian, tmp_path, damage) as (server, resolution_id):
        outcome = await server.recorded(resolution_id)
        assert {} == refused(outcome, "INTERNAL", "INTERNAL")
        assert "internal error" == outcome.message
        assert {"ErrorInfo", "RequestInfo"} == set(outcome.details)
        assert CANARY not in f"{outcome.message} {outcome.details} {outcome.initial} {outcome.trailing}"
        assert log("request_failed", request_id=outcome.request_id)
        assert "OK" == (await server.resolve(REVENUE)).code


async def test_failure_inside_the_path_is_opaque(meridian: Path, tmp_path: Path) -> None:
    async with damaged(meridian, tmp_path, f"as_of = '{CANARY}'") as (server, resolution_id):
        outcome = await server.resolve(REVENUE, user_context=FINANCE, resume_resolution_id=resolution_id)
        assert {} == refused(outcome, "INTERNAL", "INTERNAL")
        assert CANARY not in f"{outcome.message} {outcome.details} {outcome.initial} {outcome.trailing}"
