"""What resolve sends, and what it makes of the answer: the same with either client."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import provenance_pb2, resolve_pb2, types_pb2
from ecp_client import (
    ConceptKind,
    ConfidenceLevel,
    Grain,
    Intent,
    Mention,
    ProvenanceView,
    ResolutionStatus,
    Severity,
    StepType,
    Store,
)
from tests.client.conftest import Asking, Connect
from tests.client.messages import RESOLUTION_ID, resolved
from tests.client.server import ScriptedServer


async def test_resolve_returns_the_whole_meaning_in_python_types(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolved())

    answer = await ask("resolve", "APAC revenue last quarter vs budget")

    assert ResolutionStatus.RESOLVED is answer.status
    assert Intent.COMPARISON is answer.intent
    [metric, period] = answer.concepts
    assert ("net_revenue", ConceptKind.METRIC, "finance", 1) == (
        metric.id,
        metric.kind,
        metric.variation,
        metric.certification_tier,
    )
    assert Mention("revenue", 5, 12) == metric.mention
    assert ["gross_revenue"] == [option.id for option in metric.alternatives]
    assert None is metric.time_range
    assert (date(2024, 7, 1), date(2024, 10, 1), Grain.UNSPECIFIED, ()) == (
        period.time_range.start_date,
        period.time_range.end_date,
        period.time_range.grain,
        period.time_range.buckets,
    )
    assert period.time_range == answer.time_range
    [query] = answer.plan.queries
    assert (("JP", "SG"), "Revenue.countryCode") == (query.filters[0].values, query.filters[0].ref)
    assert ConfidenceLevel.HIGH is answer.confidence.level
    assert (None, 0.0) == (answer.confidence.data_quality, answer.confidence.freshness)
    assert [Severity.HIGH] == [warning.severity for warning in answer.warnings]
    assert "fiscal" == answer.assumptions[0].alternatives[0].id
    assert () == answer.ambiguities
    assert (None, None, None) == (answer.definition, answer.lineage, answer.metrics)
    [step] = answer.provenance.steps
    assert (StepType.SELECT, ("parse",), Store.GRAPH) == (step.type, step.depends_on, step.store_calls[0].store)
    assert {"chosen": "net_revenue", "among": ["net_revenue", "gross_revenue"]} == step.output
    assert datetime.fromtimestamp(1_730_000_000, UTC) == step.start_time
    assert (Store.VECTOR, None) == (answer.degradations[0].store, answer.degradations[0].since)
    assert {"region": ()} == answer.principal.allowed_members
    assert datetime.fromtimestamp(1_730_003_600, UTC) == answer.expire_time
    assert resolved() == answer.proto
    assert RESOLUTION_ID == answer.resolution_id


async def test_an_unbounded_period_has_no_date_at_that_end(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolve_pb2.ResolveResponse(time_range=types_pb2.TimeRange(start_date="2024-07-01")))

    answer = await ask("resolve", "revenue since July")

    assert (date(2024, 7, 1), None) == (answer.time_range.start_date, answer.time_range.end_date)


async def test_a_value_newer_than_the_client_reads_as_unspecified(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolve_pb2.ResolveResponse(intent=99))  # type: ignore[arg-type]  # proto3 enums are open

    answer = await ask("resolve", "revenue")

    assert Intent.UNSPECIFIED is answer.intent
    assert not answer.intent
    assert 99 == answer.proto.intent


@pytest.mark.parametrize(
    ("answer", "field", "id_"),
    [
        ({"definition": types_pb2.GlossaryTerm(id="arr")}, "definition", lambda one: one.id),
        ({"lineage": types_pb2.Lineage(target="arr")}, "lineage", lambda one: one.target),
        (
            {"metrics": types_pb2.MetricList(metrics=[types_pb2.Metric(id="arr")])},
            "metrics",
            lambda one: one.metrics[0].id,
        ),
    ],
)
async def test_a_question_about_the_catalog_is_answered_directly(
    answer: dict[str, Any], field: str, id_: Any, ask: Asking, server: ScriptedServer
) -> None:
    server.script(resolve_pb2.ResolveResponse(**answer))

    resolution = await ask("resolve", "what is ARR?")

    assert "arr" == id_(getattr(resolution, field))
    assert [field] == [name for name in ("definition", "lineage", "metrics") if getattr(resolution, name) is not None]


async def test_resolve_sends_what_it_is_given(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolved())

    await ask(
        "resolve",
        "revenue",
        department="finance",
        roles=["analyst", "manager"],
        user_id="ana",
        allowed_members={"region": ["region.apac"], "product": []},
        as_of=datetime(2024, 11, 5, 12, tzinfo=ZoneInfo("America/New_York")),
        time_zone="America/New_York",
        choices={"revenue": "net_revenue"},
        resume=RESOLUTION_ID,
        definition_context="sales",
        provenance=ProvenanceView.FULL,
    )

    assert (
        resolve_pb2.ResolveRequest(
            concept="revenue",
            user_context=types_pb2.UserContext(
                user_id="ana",
                department="finance",
                roles=["analyst", "manager"],
                allowed_members={
                    "region": types_pb2.ValueList(values=["region.apac"]),
                    "product": types_pb2.ValueList(),
                },
            ),
            as_of=Timestamp(seconds=int(datetime(2024, 11, 5, 17, tzinfo=UTC).timestamp())),
            time_zone="America/New_York",
            choices=[types_pb2.Choice(subject_id="revenue", option_id="net_revenue")],
            resume_resolution_id=RESOLUTION_ID,
            definition_context="sales",
            provenance_view=provenance_pb2.PROVENANCE_VIEW_FULL,
        )
        == server.received[0].request
    )


async def test_what_is_not_given_is_not_sent(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolved())

    await ask("resolve", "revenue")

    assert (
        resolve_pb2.ResolveRequest(
            concept="revenue",
            user_context=types_pb2.UserContext(),
            provenance_view=provenance_pb2.PROVENANCE_VIEW_BASIC,
        )
        == server.received[0].request
    )


@pytest.mark.parametrize(
    ("time_zone", "moment"),
    [
        ("", datetime(2024, 11, 5, 11, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2024, 11, 4, 22, tzinfo=UTC)),
        ("Pacific/Niue", datetime(2024, 11, 5, 23, tzinfo=UTC)),
    ],
)
async def test_a_date_is_a_moment_of_that_day_in_the_zone(
    time_zone: str, moment: datetime, ask: Asking, server: ScriptedServer
) -> None:
    server.script(resolved())

    await ask("resolve", "revenue", as_of=date(2024, 11, 5), time_zone=time_zone)

    assert moment == server.received[0].request.as_of.ToDatetime(tzinfo=UTC)


@pytest.mark.parametrize("time_zone", ["Nowhere", "America", "../../etc/passwd", "\ud800"])
async def test_a_date_in_a_zone_that_there_is_not_is_refused(
    time_zone: str, ask: Asking, server: ScriptedServer
) -> None:
    with pytest.raises(ValueError, match="time_zone must be an IANA time zone"):
        await ask("resolve", "revenue", as_of=date(2024, 11, 5), time_zone=time_zone)

    assert [] == server.received


async def test_a_moment_beyond_all_calendars_is_refused(ask: Asking, server: ScriptedServer) -> None:
    west = timezone(timedelta(hours=-12))
    with pytest.raises(ValueError, match="years 1 to 9999"):
        await ask("resolve", "revenue", as_of=datetime.max.replace(tzinfo=west))

    assert [] == server.received


async def test_a_datetime_without_a_zone_is_refused(ask: Asking, server: ScriptedServer) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        await ask("resolve", "revenue", as_of=datetime(2024, 11, 5))  # noqa: DTZ001 - what is refused

    assert [] == server.received


async def test_the_clients_user_applies_to_every_call_and_each_part_can_be_said_otherwise(
    connect: Connect, server: ScriptedServer
) -> None:
    server.script(resolved())
    ask = connect(
        server.target,
        insecure=True,
        user_id="ana",
        department="finance",
        roles="analyst",
        allowed_members={"region": "region.apac"},
    )

    await ask("resolve", "revenue")
    await ask("resolve", "revenue", department="sales", roles=(), user_id="bob", allowed_members={})

    apac = types_pb2.ValueList(values=["region.apac"])
    assert [
        types_pb2.UserContext(user_id="ana", department="finance", roles=["analyst"], allowed_members={"region": apac}),
        types_pb2.UserContext(user_id="bob", department="sales"),
    ] == [received.request.user_context for received in server.received]
