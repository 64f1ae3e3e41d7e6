"""What a type checker makes of the client. `make check` runs mypy --strict over this; nothing runs it."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import assert_type

from ecp.v1 import resolve_pb2
from ecp_client import (
    Answer,
    AsyncClient,
    Client,
    ColumnType,
    Denied,
    ExecutionPlan,
    ExecutionResult,
    FeedbackReceipt,
    FeedbackVerdict,
    GlossaryPage,
    Health,
    InvalidRequest,
    LineageResult,
    Metric,
    NotFound,
    Option,
    ProvenanceView,
    Reason,
    Resolution,
    ResolutionRecord,
    ResultTable,
    Store,
    TimeRange,
    Unavailable,
    Value,
)


async def asynchronous() -> None:
    async with AsyncClient.connect("localhost:50051", insecure=True, department="finance", roles="analyst") as ecp:
        assert_type(ecp, AsyncClient)
        assert_type(await ecp.ask("revenue", filters={"region": "region.apac"}), Answer)
        answer = await ecp.resolve("revenue", as_of=date(2024, 11, 5), provenance=ProvenanceView.FULL)
        assert_type(answer, Resolution)
        assert_type(await ecp.execute(answer.resolution_id, filters={"region": ["region.apac"]}), ExecutionResult)
        assert_type(await ecp.get_resolution(answer.resolution_id), ResolutionRecord)
        assert_type(await ecp.report_feedback("id", FeedbackVerdict.ACCEPTED), FeedbackReceipt)
        assert_type(await ecp.search_glossary("revenue"), GlossaryPage)
        assert_type(ecp.list_metrics(domain="finance"), AsyncIterator[Metric])
        assert_type([metric async for metric in ecp.list_metrics()], list[Metric])
        assert_type(await ecp.get_lineage("net_revenue"), LineageResult)
        assert_type(await ecp.health(timeout_seconds=1), Health)

        await ecp.resolve("revenue", departement="finance")  # type: ignore[call-arg]  # misspelt
        await ecp.resolve(7)  # type: ignore[arg-type]
        await ecp.resolve("revenue", "finance")  # type: ignore[call-arg]  # everything else goes by name


def blocking() -> None:
    with Client.connect("dns:///ecp.example.com:443", user_id="ana", timeout_seconds=2.5) as ecp:
        assert_type(ecp, Client)
        assert_type(ecp.ask("revenue").table, ResultTable | None)
        answer = ecp.resolve("revenue", as_of=datetime.now(UTC), choices={"revenue": "net_revenue"}, resume="id")
        assert_type(answer, Resolution)
        assert_type(ecp.list_metrics("money"), Iterator[Metric])
        assert_type(ecp.health(), Health)

        ecp.resolve("revenue", departement="finance")  # type: ignore[call-arg]  # misspelt


def results(answer: Resolution, executed: ExecutionResult) -> None:
    assert_type(answer.plan, ExecutionPlan | None)
    assert_type(answer.time_range, TimeRange | None)
    assert_type(answer.confidence.data_quality, float | None)
    assert_type(answer.expire_time, datetime)
    assert_type(answer.principal.allowed_members, Mapping[str, tuple[str, ...]])
    assert_type(answer.proto, resolve_pb2.ResolveResponse)
    assert_type([row["actual"] for row in executed.table.rows()], list[Value])
    assert_type(executed.table.columns[0].type, ColumnType)
    answer.status = answer.status  # type: ignore[misc]  # frozen


def errors(ecp: Client) -> None:
    try:
        ecp.resolve("revenue")
    except InvalidRequest as error:
        assert_type([violation.field for violation in error.violations], list[str])
    except NotFound as error:
        assert_type(error.suggestions, tuple[Option, ...])
    except Denied as error:
        assert_type((error.policy, error.may), tuple[str, tuple[str, ...]])
    except Unavailable as error:
        assert_type((error.store, error.retry_after_seconds, error.reason), tuple[Store, float | None, Reason])
