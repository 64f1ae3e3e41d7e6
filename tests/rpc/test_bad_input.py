"""Requests that are wrong: each is refused with its fields named, and nothing that is right is refused with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import catalog_pb2, provenance_pb2, resolve_pb2, types_pb2
from tests.rpc.refusals import fields, refused
from tests.running import Running, user

pytestmark = pytest.mark.asyncio(loop_scope="module")

REVENUE = "net revenue last quarter"
ASKED = {
    resolve_pb2.ResolveRequest: lambda server: server.resolving.Resolve,
    resolve_pb2.GetResolutionRequest: lambda server: server.resolving.GetResolution,
    catalog_pb2.SearchGlossaryRequest: lambda server: server.catalog.SearchGlossary,
    catalog_pb2.ListMetricsRequest: lambda server: server.catalog.ListMetrics,
    catalog_pb2.GetLineageRequest: lambda server: server.catalog.GetLineage,
}


def asking(server: Running, request: Any) -> Any:
    """Send a request by the method that takes it."""
    method: Callable[[Running], Any] = ASKED[type(request)]
    return server.ask(method(server), request)


def question(**more: Any) -> resolve_pb2.ResolveRequest:
    return resolve_pb2.ResolveRequest(**{"concept": REVENUE} | more)


def search(**more: Any) -> catalog_pb2.SearchGlossaryRequest:
    return catalog_pb2.SearchGlossaryRequest(**{"query": "revenue"} | more)


def lineage(**more: Any) -> catalog_pb2.GetLineageRequest:
    return catalog_pb2.GetLineageRequest(**{"target": "net_revenue"} | more)


def record(**more: Any) -> resolve_pb2.GetResolutionRequest:
    return resolve_pb2.GetResolutionRequest(**{"resolution_id": "x"} | more)


listing = catalog_pb2.ListMetricsRequest
SECOND = 1
YEAR_1900, YEAR_2200 = -2_208_988_800, 7_258_118_400

BAD: dict[str, tuple[Any, list[str]]] = {
    "no concept": (question(concept=""), ["concept"]),
    "blank concept": (question(concept=" \t\n "), ["concept"]),
    "concept of 1001 characters": (question(concept="x" * 1001), ["concept"]),
    "concept of 1001 characters of four bytes": (question(concept="𝄞" * 1001), ["concept"]),
    "as_of before 1900": (question(as_of=Timestamp(seconds=YEAR_1900 - SECOND)), ["as_of"]),
    "as_of from 2200": (question(as_of=Timestamp(seconds=YEAR_2200)), ["as_of"]),
    "as_of beyond what a timestamp holds": (question(as_of=Timestamp(seconds=2**62)), ["as_of"]),
    "as_of with impossible nanoseconds": (question(as_of=Timestamp(nanos=-1)), ["as_of"]),
    "unknown zone": (question(time_zone="Mars/Olympus_Mons"), ["time_zone"]),
    "path as zone": (question(time_zone="../../etc/passwd"), ["time_zone"]),
    "unknown view": (question(provenance_view=99), ["provenance_view"]),
    "resume id of 201 characters": (question(resume_resolution_id="x" * 201), ["resume_resolution_id"]),
    "definition context with a bell": (question(definition_context="sales\a"), ["definition_context"]),
    "51 choices": (question(choices=[types_pb2.Choice(subject_id="s", option_id="o")] * 51), ["choices"]),
    "choice of a subject with NUL": (
        question(concept="zzgrumf", choices=[types_pb2.Choice(subject_id="revenue\0", option_id="net_revenue")]),
        ["choices[0].subject_id"],
    ),
    "choice of an option with NUL": (
        question(concept="zzgrumf", choices=[types_pb2.Choice(subject_id="revenue", option_id="net_revenue\0")]),
        ["choices[0].option_id"],
    ),
    "choice of 1001 characters": (
        question(concept="zzgrumf", choices=[types_pb2.Choice(subject_id="s" * 1001, option_id="o" * 1001)]),
        ["choices[0].subject_id", "choices[0].option_id"],
    ),
    "user id with NUL": (question(user_context=user("ann\0")), ["user_context.user_id"]),
    "department of 201 characters": (question(user_context=user(department="d" * 201)), ["user_context.department"]),
    "51 roles": (question(user_context=user("", *["analyst"] * 51)), ["user_context.roles"]),
    "role with an escape": (question(user_context=user("", "analyst", "\x1b[31m")), ["user_context.roles[1]"]),
    "1001 allowed members": (
        question(user_context=user(allowed_members={"region": ["region.apac"] * 1001})),
        ["user_context.allowed_members[region]"],
    ),
    "51 restricted dimensions": (
        question(user_context=user(allowed_members={f"d{i}": [] for i in range(51)})),
        ["user_context.allowed_members"],
    ),
    "no resolution id": (record(resolution_id=""), ["resolution_id"]),
    "resolution id of 201 characters": (record(resolution_id="x" * 201), ["resolution_id"]),
    "unknown view of a record": (record(provenance_view=99), ["provenance_view"]),
    "blank query": (search(query=" "), ["query"]),
    "query of 1001 characters": (search(query="x" * 1001), ["query"]),
    "negative page size of a search": (search(page_size=-1), ["page_size"]),
    "page size of a search over 100": (search(page_size=101), ["page_size"]),
    "page token of nobody": (search(page_token="garbage"), ["page_token"]),
    "negative page size of a list": (listing(page_size=-1), ["page_size"]),
    "page size of a list over 1000": (listing(page_size=1001), ["page_size"]),
    "tier 5": (listing(max_certification_tier=5), ["max_certification_tier"]),
    "negative tier": (listing(max_certification_tier=-1), ["max_certification_tier"]),
    "page token that is no base64": (listing(page_token="ü"), ["page_token"]),
    "blank target": (lineage(target=" "), ["target"]),
    "depth 21": (lineage(depth=21), ["depth"]),
    "negative depth": (lineage(depth=-1), ["depth"]),
    "1001 nodes": (lineage(max_nodes=1001), ["max_nodes"]),
    "several at once": (
        question(concept="", time_zone="Nowhere", as_of=Timestamp(seconds=YEAR_2200), user_context=user("\r")),
        ["concept", "user_context.user_id", "as_of", "time_zone"],
    ),
}


@pytest.mark.parametrize(("request_", "named"), BAD.values(), ids=BAD)
async def test_what_is_wrong_is_refused_with_its_fields_named(server: Running, request_: Any, named: list[str]) -> None:
    outcome = await asking(server, request_)
    assert {} == refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
    assert named == fields(outcome)
    assert all(violation.description for violation in outcome.details["BadRequest"].field_violations)


C0 = [chr(code) for code in range(0x20)]
TAB_AND_NEWLINE = {"\t", "\n"}


async def test_control_characters_other_than_tab_and_newline_are_refused(server: Running) -> None:
    refusals = {}
    for character in C0:
        outcome = await server.resolve(f"net{character}revenue last quarter")
        refusals[character] = fields(outcome)
        if outcome.code != "OK":
            refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
    assert {c: [] if c in TAB_AND_NEWLINE else ["concept"] for c in C0} == refusals


GOOD: dict[str, Any] = {
    "1000 characters": question(concept=REVENUE + " " * (1000 - len(REVENUE))),
    "1000 characters of four bytes": question(concept=f"{REVENUE} " + "𝄞" * (999 - len(REVENUE))),
    "the first moment": question(as_of=Timestamp(seconds=YEAR_1900)),
    "the last moment": question(as_of=Timestamp(seconds=YEAR_2200 - SECOND)),
    "a zone of ancient name": question(time_zone="US/Pacific"),
    "nobody": question(),
    "a user without id and roles": question(user_context=types_pb2.UserContext()),
    "an unknown department": question(user_context=user(department="no such department")),
    "unknown roles": question(user_context=user("ann", "wizard")),
    "an unknown restricted dimension": question(user_context=user(allowed_members={"no_such": ["x"]})),
    "right-to-left override": question(concept=f"\u202e{REVENUE}\u202c"),
    "zero width": question(concept="net\u200b revenue\u200d last\ufeff quarter"),
    "C1 and DEL": question(concept=f"{REVENUE} \x7f\x85\x9f"),
}


@pytest.mark.parametrize("request_", GOOD.values(), ids=GOOD)
async def test_what_is_odd_but_right_is_answered(server: Running, request_: Any) -> None:
    outcome = await asking(server, request_)
    assert outcome.code == "OK", outcome
    assert "net_revenue" in [concept.id for concept in outcome.response.concepts]


WITHOUT_SUBJECT = types_pb2.Choice(option_id="net_revenue")
NO_SUCH_SUBJECT = types_pb2.Choice(subject_id="nothing", option_id="net_revenue")
NO_SUCH_OPTION = types_pb2.Choice(subject_id="revenue", option_id="headcount")
BAD_CHOICES: dict[str, tuple[str, list[types_pb2.Choice], list[str]]] = {
    "without subject": (REVENUE, [WITHOUT_SUBJECT], ["choices[0].subject_id"]),
    "without option": (REVENUE, [types_pb2.Choice(subject_id="revenue")], ["choices[0].option_id"]),
    "of two options for one": (
        "revenue",
        [types_pb2.Choice(subject_id="revenue", option_id=option) for option in ("net_revenue", "gross_revenue")],
        ["choices[1].option_id"],
    ),
    "of what was not asked": ("revenue", [NO_SUCH_SUBJECT], ["choices[0].subject_id"]),
    "of what was not offered": ("revenue", [NO_SUCH_OPTION], ["choices[0].option_id"]),
    "where nothing was asked": (REVENUE, [NO_SUCH_OPTION], ["choices[0].subject_id"]),
}


@pytest.mark.parametrize(("concept", "choices", "named"), BAD_CHOICES.values(), ids=BAD_CHOICES)
async def test_choice_that_names_nothing_offered_is_refused(
    server: Running, concept: str, choices: list[types_pb2.Choice], named: list[str]
) -> None:
    outcome = await server.resolve(concept, choices=choices)
    refused(outcome, "INVALID_ARGUMENT", "INVALID_CHOICE")
    assert named == fields(outcome)


async def test_wrong_choice_beside_a_wrong_field_is_told_with_it(server: Running) -> None:
    outcome = await server.resolve("", choices=[WITHOUT_SUBJECT])
    refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
    assert ["concept", "choices[0].subject_id"] == fields(outcome)


async def test_page_token_is_good_for_its_own_request_alone(server: Running) -> None:
    first = await asking(server, search(page_size=1))
    token = first.response.next_page_token
    assert "OK" == (await asking(server, search(page_size=1, page_token=token))).code
    others = [
        search(query="customers", page_token=token),
        search(domain="finance", page_token=token),
        listing(page_token=token),
        search(page_token=token[:-4]),
    ]
    for other in others:
        outcome = await asking(server, other)
        refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
        assert ["page_token"] == fields(outcome)


RESOLVE = "/ecp.v1.ResolveService/Resolve"
MALFORMED = {"truncated": b"\x0a\xff", "no such wire type": b"\x0f", "bytes that are no text": b"\x0a\x02\xc3\x28"}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_protobuf_is_refused_without_a_field(server: Running, raw: bytes) -> None:
    outcome = await server.call(RESOLVE, raw)
    assert {} == refused(outcome, "INVALID_ARGUMENT", "INVALID_QUERY")
    assert "BadRequest" not in outcome.details


async def test_message_of_5_mb_is_refused_by_the_core(server: Running) -> None:
    request = resolve_pb2.ResolveRequest(concept="x" * 5_000_000)
    outcome = await server.call(RESOLVE, request.SerializeToString())
    assert ("RESOURCE_EXHAUSTED", {}) == (outcome.code, outcome.details)
    assert "OK" == (await server.resolve(REVENUE)).code


@pytest.mark.parametrize("method", ["/ecp.v1.ResolveService/Guess", "/ecp.v2.ResolveService/Resolve", "/x/y"])
async def test_unknown_method_is_refused_by_the_core(server: Running, method: str) -> None:
    outcome = await server.call(method)
    assert ("UNIMPLEMENTED", {}) == (outcome.code, outcome.details)


async def test_fields_of_a_later_contract_are_no_error(server: Running) -> None:
    later = resolve_pb2.ResolveRequest(concept=REVENUE).SerializeToString() + b"\xfa\x3f\x03new"
    outcome = await server.call(RESOLVE, later)
    assert outcome.code == "OK"


OURS = 32
HOSTILE: dict[str, tuple[str | bytes, ...]] = {
    "two": ("one", "two"),
    "the same twice": ("one", "one"),
    "empty": ("",),
    "65 characters": ("x" * 65,),
    "spaces": ("a b",),
    "a path": ("../../x",),
    "markup": ("<script>",),
    "a query": ("' OR 1=1 --",),
}


@pytest.mark.parametrize("ids", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_request_id_is_replaced_and_the_call_goes_on(server: Running, ids: tuple[str, ...]) -> None:
    outcome = await server.resolve(REVENUE, options={"metadata": tuple(("x-request-id", value) for value in ids)})
    assert outcome.code == "OK"
    assert outcome.request_id not in ids
    assert len(outcome.request_id) == OURS
    assert outcome.request_id == outcome.response.provenance.request_id
    assert [outcome.request_id] == [value for key, value in outcome.initial if key == "x-request-id"]


async def test_harmless_request_id_is_kept(server: Running) -> None:
    outcome = await server.resolve(REVENUE, options={"metadata": (("x-request-id", "run-7.q_1"),)})
    assert ("run-7.q_1", "run-7.q_1") == (outcome.request_id, outcome.response.provenance.request_id)


@pytest.mark.parametrize("context", [{}, {"user_context": types_pb2.UserContext()}], ids=["none", "empty"])
async def test_nobody_is_the_empty_subject(server: Running, context: dict[str, Any]) -> None:
    outcome = await server.resolve(REVENUE, **context)
    principal = outcome.response.principal
    assert types_pb2.Principal() == principal


async def test_nobody_has_the_rights_of_an_analyst(server: Running) -> None:
    """The ladder of policy.md: an analyst relies on tiers 1 to 3, an explorer on tier 4 too."""
    assert "OK" == (await server.resolve("new customers last quarter")).code
    outcome = await server.resolve("leads last month")
    assert {"policy": "certification_ladder", "may": "explorer"} == refused(
        outcome, "PERMISSION_DENIED", "POLICY_DENIED"
    )


async def test_unknown_department_is_told_as_an_assumption(server: Running) -> None:
    outcome = await server.resolve("net revenue last quarter", user_context=user(department="astrology"))
    (told,) = [a for a in outcome.response.assumptions if a.id == "department"]
    assert "astrology" in told.reason
    assert told.alternatives
    known = await server.resolve("net revenue last quarter", user_context=user(department="Controlling"))
    assert [] == [a for a in known.response.assumptions if a.id == "department"]


@pytest.mark.parametrize("view", provenance_pb2.ProvenanceView.values())
async def test_every_view_is_accepted(server: Running, view: provenance_pb2.ProvenanceView.ValueType) -> None:
    assert "OK" == (await server.resolve(REVENUE, provenance_view=view)).code
