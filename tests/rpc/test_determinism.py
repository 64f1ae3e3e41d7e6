"""The same request twice gives the same bytes, ids and timings aside (design, section 6)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import aio

from ecp.v1 import catalog_pb2, provenance_pb2
from ecp_server.evaluation.golden import load_golden
from tests.processes import serving
from tests.rpc.test_recorded import FINANCE, QUESTIONS
from tests.running import Asker, Running
from tests.serving import Outcome

pytestmark = pytest.mark.asyncio(loop_scope="module")

AS_OF = Timestamp(seconds=1_736_942_400)  # 15 January 2025
FULL = provenance_pb2.PROVENANCE_VIEW_FULL


def timeless(response: Any) -> bytes:
    """Return a response's bytes without its ids and timings, and without how a store came by an answer."""
    copy = type(response)()
    copy.CopyFrom(response)
    copy.ClearField("resolution_id")
    copy.ClearField("expire_time")
    copy.provenance.ClearField("request_id")
    for step in copy.provenance.steps:
        step.ClearField("start_time")
        step.ClearField("duration_ms")
        for call in step.store_calls:
            call.ClearField("duration_ms")
            call.ClearField("outcome")  # the second time a decision is remembered: "cached", not "ok"
    return bytes(copy.SerializeToString(deterministic=True))


def comparable(outcome: Outcome) -> Any:
    if outcome.code == "OK":
        return timeless(outcome.response)
    details = {k: v.SerializeToString(deterministic=True) for k, v in outcome.details.items() if k != "RequestInfo"}
    info = outcome.details["ErrorInfo"]
    info.metadata.pop("resolution_id", None)
    details["ErrorInfo"] = info.SerializeToString(deterministic=True)
    if (detail := outcome.details.get("ConceptNotFoundDetail")) is not None:
        detail.ClearField("resolution_id")
        details["ConceptNotFoundDetail"] = detail.SerializeToString(deterministic=True)
    return outcome.code, outcome.message, details


async def ready(server: Asker) -> None:
    """Wait until nothing stands in for anything: a server that has just started may still embed its terms."""
    request = catalog_pb2.SearchGlossaryRequest(query="revenue")
    async with asyncio.timeout(60):
        while (await server.ask(server.catalog.SearchGlossary, request)).response.degradations:  # noqa: ASYNC110 - it is far
            await asyncio.sleep(0.05)


async def answers(server: Asker, questions: dict[str, str]) -> dict[str, Any]:
    return {
        name: comparable(await server.resolve(concept, user_context=FINANCE, as_of=AS_OF, provenance_view=FULL))
        for name, concept in questions.items()
    }


@pytest.fixture(scope="module")
def questions(meridian: Path) -> dict[str, str]:
    golden = load_golden(meridian / "golden.yaml")
    return QUESTIONS | {entry.id: entry.question for entry in golden.questions}


async def test_same_request_twice_gives_the_same_bytes(server: Running, questions: dict[str, str]) -> None:
    assert await answers(server, questions) == await answers(server, questions)


async def test_servers_that_hash_differently_give_the_same_bytes(
    questions: dict[str, str], meridian: Path, tmp_path: Path
) -> None:
    """Python orders sets of strings by a seed that each process draws anew."""
    replies = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        async with (
            serving(meridian, folder, environment={"PYTHONHASHSEED": seed}) as process,
            aio.insecure_channel(process.address) as channel,
        ):
            await ready(Asker(channel))
            replies.append(await answers(Asker(channel), questions))
    assert replies[0] == replies[1]


@pytest.mark.parametrize("view", ["SearchGlossary", "ListMetrics", "GetLineage"])
async def test_questions_about_the_catalog_give_the_same_bytes(server: Running, view: str) -> None:
    requests: dict[str, Message] = {
        "SearchGlossary": catalog_pb2.SearchGlossaryRequest(query="how much do customers pay", page_size=50),
        "ListMetrics": catalog_pb2.ListMetricsRequest(page_size=5),
        "GetLineage": catalog_pb2.GetLineageRequest(target="gross_margin", depth=20),
    }
    method = getattr(server.catalog, view)
    replies = [(await server.ask(method, requests[view])).response.SerializeToString(deterministic=True) for _ in "ab"]
    assert replies[0] == replies[1]
    assert replies[0]
