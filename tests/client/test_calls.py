"""What each of the other calls sends, and what it makes of the answer: the same with either client."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import catalog_pb2, health_pb2, plan_pb2, provenance_pb2, resolve_pb2, types_pb2
from ecp_client import (
    Choice,
    ConceptKind,
    FeedbackVerdict,
    HealthStatus,
    LineageNodeType,
    NullReason,
    Store,
)
from tests.client.conftest import Asking, Connect
from tests.client.messages import RESOLUTION_ID, resolved
from tests.client.server import ScriptedServer


async def test_get_resolution_says_who_asks_in_metadata_and_returns_the_record(
    connect: Connect, server: ScriptedServer
) -> None:
    executed = resolve_pb2.ExecuteResponse(execution_id="e-1", create_time=Timestamp(seconds=1_730_000_100))
    server.script(
        resolve_pb2.GetResolutionResponse(
            request=resolve_pb2.ResolveRequest(concept="revenue", choices=[types_pb2.Choice(subject_id="calendar")]),
            response=resolved(),
            create_time=Timestamp(seconds=1_730_000_000),
            executions=[
                resolve_pb2.Execution(
                    request=resolve_pb2.ExecuteRequest(max_staleness=Duration(seconds=60)), response=executed
                )
            ],
            feedback=[types_pb2.Feedback(verdict=types_pb2.FEEDBACK_VERDICT_ACCEPTED, user_id="ana")],
        )
    )
    ask = connect(server.target, insecure=True, user_id="ana")

    record = await ask("get_resolution", RESOLUTION_ID, include_tables=True, request_id="now")

    assert (
        resolve_pb2.GetResolutionRequest(
            resolution_id=RESOLUTION_ID,
            provenance_view=provenance_pb2.PROVENANCE_VIEW_BASIC,
            include_tables=True,
        )
        == server.received[0].request
    )
    assert "ana" == server.received[0].metadata["x-ecp-user-id"]
    assert ("revenue", (Choice(subject_id="calendar"),), None) == (
        record.request.concept,
        record.request.choices,
        record.request.as_of,
    )
    assert ("now", "r-1") == (record.request_id, record.response.request_id)
    assert timedelta(minutes=1) == record.executions[0].request.max_staleness
    assert "e-1" == record.executions[0].response.execution_id
    assert [FeedbackVerdict.ACCEPTED] == [one.verdict for one in record.feedback]
    assert datetime.fromtimestamp(1_730_000_000, UTC) == record.create_time


async def test_execute_returns_a_table_of_typed_values(ask: Asking, server: ScriptedServer) -> None:
    columns = [
        plan_pb2.Column(name="region", type=plan_pb2.COLUMN_TYPE_TEXT, values=["region.apac", "region.emea"]),
        plan_pb2.Column(name="period", type=plan_pb2.COLUMN_TYPE_DATE, values=["2024-07-01", "2024-07-01"]),
        plan_pb2.Column(name="actual", type=plan_pb2.COLUMN_TYPE_NUMBER, unit="USD", values=["1234.50", "0.10"]),
        plan_pb2.Column(
            name="variance",
            type=plan_pb2.COLUMN_TYPE_NUMBER,
            values=["-3", ""],
            null_rows=[1],
            null_reasons=[plan_pb2.NULL_REASON_NO_PARTNER],
        ),
        plan_pb2.Column(name="final", type=plan_pb2.COLUMN_TYPE_BOOLEAN, values=["true", "false"]),
    ]
    server.script(resolve_pb2.ExecuteResponse(table=plan_pb2.ResultTable(columns=columns, row_count=2)))

    result = await ask(
        "execute", RESOLUTION_ID, filters={"region": ["region.apac"]}, row_limit=10, max_staleness=timedelta(hours=1)
    )

    assert [
        {
            "region": "region.apac",
            "period": date(2024, 7, 1),
            "actual": Decimal("1234.50"),
            "variance": Decimal(-3),
            "final": True,
        },
        {
            "region": "region.emea",
            "period": date(2024, 7, 1),
            "actual": Decimal("0.10"),
            "variance": None,
            "final": False,
        },
    ] == list(result.table.rows())
    assert {1: NullReason.NO_PARTNER} == result.table.columns[3].nulls
    request = server.received[0].request
    assert (["region.apac"], 10, 3600) == (
        request.filters["region"].values,
        request.row_limit,
        request.max_staleness.seconds,
    )


async def test_feedback_carries_corrections_and_a_key_of_its_own(ask: Asking, server: ScriptedServer) -> None:
    server.script(
        resolve_pb2.ReportFeedbackResponse(feedback=types_pb2.Feedback(user_id="ana", comment="close, but no"))
    )
    correction = Choice(mention="revenue", option_id="gross_revenue", kind=ConceptKind.METRIC)

    receipt = await ask("report_feedback", RESOLUTION_ID, FeedbackVerdict.CORRECTED, corrections=[correction])
    await ask("report_feedback", RESOLUTION_ID, FeedbackVerdict.ACCEPTED, idempotency_key="k-1")

    assert ("ana", "close, but no") == (receipt.feedback.user_id, receipt.feedback.comment)
    first, second = (received.request for received in server.received)
    assert types_pb2.FEEDBACK_VERDICT_CORRECTED == first.feedback.verdict
    assert [types_pb2.Choice(option_id="gross_revenue", mention="revenue", kind=types_pb2.CONCEPT_KIND_METRIC)] == list(
        first.feedback.corrections
    )
    assert 36 == len(first.request_id)
    assert "k-1" == second.request_id


async def test_search_glossary_returns_a_page(ask: Asking, server: ScriptedServer) -> None:
    term = types_pb2.GlossaryTerm(
        id="revenue",
        synonyms=["turnover", "sales"],
        variations=[types_pb2.Variation(context="sales", metric_id="gross_revenue")],
        score=0.8,
    )
    server.script(catalog_pb2.SearchGlossaryResponse(terms=[term], next_page_token="p2"))

    page = await ask("search_glossary", "turnover", domain="finance", page_size=1, page_token="p1", department="sales")

    assert [("revenue", ("turnover", "sales"), "gross_revenue")] == [
        (one.id, one.synonyms, one.variations[0].metric_id) for one in page.terms
    ]
    assert "p2" == page.next_page_token
    assert (
        catalog_pb2.SearchGlossaryRequest(
            query="turnover",
            domain="finance",
            page_size=1,
            page_token="p1",
            user_context=types_pb2.UserContext(department="sales"),
        )
        == server.received[0].request
    )


async def test_list_metrics_goes_through_all_pages(ask: Asking, server: ScriptedServer) -> None:
    server.script(
        catalog_pb2.ListMetricsResponse(
            metrics=[types_pb2.Metric(id="arr", dimensions=["region"]), types_pb2.Metric(id="churn")],
            next_page_token="p2",
        ),
        catalog_pb2.ListMetricsResponse(next_page_token="p3"),
        catalog_pb2.ListMetricsResponse(metrics=[types_pb2.Metric(id="net_revenue")]),
    )

    metrics = await ask(
        "list_metrics", "money", dimension="region", domain="finance", max_certification_tier=2, page_size=2
    )

    assert ["arr", "churn", "net_revenue"] == [metric.id for metric in metrics]
    assert ("region",) == metrics[0].dimensions
    assert ["", "p2", "p3"] == [received.request.page_token for received in server.received]
    assert [("money", "region", "finance", 2, 2)] * 3 == [
        (sent.query, sent.dimension, sent.domain, sent.max_certification_tier, sent.page_size)
        for sent in (received.request for received in server.received)
    ]
    assert 1 == len({received.metadata["x-request-id"] for received in server.received})


async def test_get_lineage_returns_the_graph(ask: Asking, server: ScriptedServer) -> None:
    server.script(
        catalog_pb2.GetLineageResponse(
            lineage=types_pb2.Lineage(
                target="net_revenue",
                nodes=[types_pb2.LineageNode(id="t", type=types_pb2.LINEAGE_NODE_TYPE_TABLE, depth=1)],
                edges=[types_pb2.LineageEdge(from_id="t", to_id="net_revenue")],
                truncated=True,
            )
        )
    )

    result = await ask("get_lineage", "net_revenue", depth=5, downstream=True, max_nodes=50)

    assert [("t", LineageNodeType.TABLE, 1)] == [(one.id, one.type, one.depth) for one in result.lineage.nodes]
    assert [("t", "net_revenue")] == [(one.from_id, one.to_id) for one in result.lineage.edges]
    assert result.lineage.truncated
    assert (
        catalog_pb2.GetLineageRequest(
            target="net_revenue", depth=5, downstream=True, max_nodes=50, user_context=types_pb2.UserContext()
        )
        == server.received[0].request
    )


async def test_health_tells_of_each_store(ask: Asking, server: ScriptedServer) -> None:
    server.script(
        health_pb2.GetHealthResponse(
            status=health_pb2.HEALTH_STATUS_DEGRADED,
            stores=[
                health_pb2.StoreHealth(
                    store=types_pb2.STORE_VECTOR,
                    adapter="pgvector",
                    status=health_pb2.HEALTH_STATUS_UNHEALTHY,
                    since=Timestamp(seconds=1_730_000_000),
                    latency_ms=1.5,
                )
            ],
            server_version="0.1.0",
        )
    )

    health = await ask("health")

    assert HealthStatus.DEGRADED is health.status
    [store] = health.stores
    assert (Store.VECTOR, HealthStatus.UNHEALTHY, "", 1.5) == (
        store.store,
        store.status,
        store.breaker,
        store.latency_ms,
    )
    assert datetime.fromtimestamp(1_730_000_000, UTC) == store.since
    assert "0.1.0" == health.server_version
