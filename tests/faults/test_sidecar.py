"""Envoy in front of the server, as deploy/envoy.yaml has it: what is refused there, and that nothing else changes."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # it ships no types
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

import ecp_client
from ecp.v1 import health_pb2 as ecp_health_pb2
from ecp_server.domain import errors
from ecp_server.domain.provenance import StoreKind
from tests.faults.callers import Callers, calling
from tests.processes import ServerProcess, serving
from tests.rpc.test_determinism import ready, timeless
from tests.running import TIMEOUT_SECONDS, Asker
from tests.serving import Outcome, outcome
from tests.serving import serving as serving_handlers
from tests.sidecar import ALONE, LIMIT, RETRY_SECONDS, WAIT, free_port, holding, sidecar

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION: Final = "revenue of Snowflake in fiscal 2024"
FLOOD: Final = 400


@pytest.fixture(scope="module")
def sec_saas(project_root: Path) -> Path:
    return project_root / "catalogs" / "sec_saas"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(sec_saas: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """A server that queues whatever reaches it: who is refused was refused by Envoy."""
    async with serving(sec_saas, tmp_path_factory.mktemp("server")) as server:
        async with aio.insecure_channel(server.address) as channel:
            await ready(Asker(channel))
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(envoy: Path, server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of an Envoy in front of it."""
    async with sidecar(envoy, tmp_path_factory.mktemp("envoy"), port_of(server.address)) as address:
        yield address


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def details(outcome: Outcome) -> dict[str, Message]:
    """What travels with a refusal, but for the request's id, which Envoy cannot put in."""
    return {name: detail for name, detail in outcome.details.items() if name != "RequestInfo"}


def undated(metadata: tuple[tuple[str, str | bytes], ...]) -> list[tuple[str, str | bytes]]:
    """Metadata without the time, which Envoy adds and cannot be told to leave out."""
    return sorted(item for item in metadata if item[0] != "date")


@asynccontextmanager
async def asking(address: str) -> AsyncIterator[Asker]:
    """Connect a caller who has a connection of its own and does not repeat what fails."""
    async with aio.insecure_channel(address, options=ALONE) as channel:
        yield Asker(channel)


async def flooded(callers: Callers) -> list[Outcome]:
    """Ask so much at once, and see what came of it."""
    return await asyncio.gather(*(callers.begin(QUESTION) for _ in range(FLOOD)))


# --- what passes it ---------------------------------------------------------------------------------------------------


async def test_an_answer_is_the_same_as_without_it(server: ServerProcess, address: str) -> None:
    named = {"metadata": (("x-request-id", "the-same"),)}
    async with asking(server.address) as straight, asking(address) as through:
        expected, found = [await asker.resolve(QUESTION, options=named) for asker in (straight, through)]
        assert ("OK", "OK") == (expected.code, found.code)
        assert timeless(expected.response) == timeless(found.response)
        assert undated(expected.initial) == undated(found.initial) == [("x-request-id", "the-same")]
        assert undated(expected.trailing) == undated(found.trailing) == [("x-request-id", "the-same")]
        # What is recorded is read to the byte.
        again = [await asker.recorded(expected.response.resolution_id) for asker in (straight, through)]
        assert ["OK", "OK"] == [outcome.code for outcome in again]
        assert again[0].response == again[1].response
        unnamed = await through.resolve(QUESTION)
        assert [("x-request-id", unnamed.request_id)] == undated(unnamed.initial)


@pytest.mark.parametrize(
    ("concept", "fields", "code"),
    [
        ("", {"time_zone": "Nowhere"}, "INVALID_ARGUMENT"),
        ("flux capacitance", {}, "NOT_FOUND"),
        ("x" * 1_100_000, {}, "RESOURCE_EXHAUSTED"),
    ],
)
async def test_the_servers_errors_come_through_as_they_are(
    server: ServerProcess, address: str, concept: str, fields: dict[str, str], code: str
) -> None:
    named = {"metadata": (("x-request-id", "the-same"),)}
    async with asking(server.address) as straight, asking(address) as through:
        expected, found = [await asker.resolve(concept, options=named, **fields) for asker in (straight, through)]
    for ended in (expected, found):
        if "ErrorInfo" in ended.details:
            ended.details["ErrorInfo"].metadata.pop("resolution_id", None)
        if "ConceptNotFoundDetail" in ended.details:
            ended.details["ConceptNotFoundDetail"].ClearField("resolution_id")
    assert (code, expected.message, expected.details) == (found.code, found.message, found.details)
    if code == "INVALID_ARGUMENT":
        violations = found.details["BadRequest"].field_violations
        assert ["concept", "time_zone"] == [violation.field for violation in violations]


async def test_more_than_it_holds_for_a_call_is_too_large_as_for_the_server(address: str) -> None:
    async with asking(address) as through:
        assert "RESOURCE_EXHAUSTED" == (await through.resolve("x" * 3_000_000)).code
        assert "OK" == (await through.resolve(QUESTION)).code


async def test_a_caller_cannot_set_its_time_outs(address: str) -> None:
    async with asking(address) as through:
        for header in ("x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-rq-per-try-timeout-ms"):
            assert "OK" == (await through.resolve(QUESTION, options={"metadata": ((header, "1"),)})).code


async def test_a_caller_cannot_have_it_repeat(envoy: Path, tmp_path: Path) -> None:
    called = 0

    async def fails(request: Any, context: Any) -> Any:
        nonlocal called
        called += 1
        raise errors.StoreUnavailable(StoreKind.GRAPH)

    wanted = (
        ("x-envoy-retry-on", "5xx,reset"),
        ("x-envoy-retry-grpc-on", "unavailable"),
        ("x-envoy-max-retries", "3"),
    )
    async with (
        serving_handlers({"Wait": fails}) as server,
        sidecar(envoy, tmp_path, server.address.port) as address,
        aio.insecure_channel(address, options=ALONE) as channel,
    ):
        wait: Any = channel.unary_unary(WAIT)
        assert "UNAVAILABLE" == (await outcome(wait(b"", metadata=wanted, timeout=TIMEOUT_SECONDS))).code
    assert 1 == called


# --- a flood ----------------------------------------------------------------------------------------------------------


async def test_a_flood_is_answered_or_refused_as_the_server_would_and_health_answers(address: str) -> None:
    async with calling(address) as callers, asking(address) as probe:
        flood = asyncio.create_task(flooded(callers))
        health: Any = health_pb2_grpc.HealthStub(callers.channels[0])
        probed = []
        while not flood.done():
            check = health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
            probed.append(await outcome(check))
            probed.append(await probe.ask(probe.state_of_health.GetHealth, ecp_health_pb2.GetHealthRequest()))
        codes = Counter(ended.code for ended in await flood)
        assert {"OK", "RESOURCE_EXHAUSTED"} == set(codes)
        assert LIMIT <= codes["OK"]
        assert {"OK"} == {ended.code for ended in probed}
        for request_id, ended in callers.outcomes.items():
            assert request_id == ended.request_id
            if ended.code != "OK":
                assert_refused(ended)


async def test_without_the_limit_the_same_flood_is_all_answered(
    envoy: Path, server: ServerProcess, tmp_path: Path
) -> None:
    """So it is the limit that refuses, and it is the one in the file."""

    def unlimited(text: str) -> str:
        assert text.count(f": {LIMIT}\n") == 2
        return text.replace(f": {LIMIT}\n", ": 100000\n")

    async with sidecar(envoy, tmp_path, port_of(server.address), unlimited) as address, calling(address) as callers:
        assert {"OK": FLOOD} == Counter(ended.code for ended in await flooded(callers))


async def test_the_client_knows_when_to_come_back(address: str) -> None:
    async with ecp_client.AsyncClient.connect(address, insecure=True) as client:
        asked = await asyncio.gather(*(client.resolve(QUESTION) for _ in range(3 * LIMIT)), return_exceptions=True)
    refused = [ended for ended in asked if isinstance(ended, BaseException)]
    assert refused
    for error in refused:
        assert isinstance(error, ecp_client.ResourceExhausted)
        assert (ecp_client.Reason.OVERLOADED, RETRY_SECONDS) == (error.reason, error.retry_after_seconds)
        assert error.request_id


def assert_refused(ended: Outcome) -> None:
    """As the server refuses for overload, and in one frame, so that the caller's gRPC could repeat it."""
    own = error_details_pb2.ErrorInfo(reason="ERROR_REASON_OVERLOADED", domain="ecp")
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(int(RETRY_SECONDS * 1000))
    assert ("RESOURCE_EXHAUSTED", "the server is overloaded") == (ended.code, ended.message)
    assert {"ErrorInfo": own, "RetryInfo": retry} == details(ended)
    assert () == ended.initial


# --- a server of the test's own, whose calls wait until they are told ------------------------------------------------


async def test_so_many_are_in_flight_and_who_ends_makes_room(envoy: Path, tmp_path: Path) -> None:
    async with holding(envoy, tmp_path) as (held, _, channel):
        wait = channel.unary_unary(WAIT)
        calls = [wait(b"", timeout=TIMEOUT_SECONDS) for _ in range(LIMIT)]
        await held.reached(LIMIT)
        assert_refused(await outcome(wait(b"", timeout=TIMEOUT_SECONDS)))
        calls.pop().cancel()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(held.remaining) == LIMIT:  # until Envoy knows of it
                calls.append(wait(b"", timeout=TIMEOUT_SECONDS))
                await asyncio.sleep(0.05)
        held.let_go.set()
        ended = await asyncio.gather(*(outcome(call) for call in calls))
        assert LIMIT == Counter(one.code for one in ended)["OK"]


async def test_the_server_is_told_the_callers_deadline(envoy: Path, tmp_path: Path) -> None:
    async with holding(envoy, tmp_path) as (held, _, channel):
        wait = channel.unary_unary(WAIT)
        held.let_go.set()
        await outcome(wait(b"", timeout=7))
    assert 6 < held.remaining[0] <= 7.01


async def test_a_deadline_that_passes_is_no_refusal_and_makes_room(envoy: Path, tmp_path: Path) -> None:
    async with holding(envoy, tmp_path) as (_, _, channel):
        wait = channel.unary_unary(WAIT)
        for _ in range(2):
            ended = await asyncio.gather(*(outcome(wait(b"", timeout=0.2)) for _ in range(LIMIT)))
            assert {"DEADLINE_EXCEEDED": LIMIT} == Counter(one.code for one in ended)
            await asyncio.sleep(0.1)  # until Envoy has heard of the last


async def test_who_sends_half_a_request_takes_no_place(envoy: Path, tmp_path: Path) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b""
        await asyncio.Event().wait()

    async with holding(envoy, tmp_path) as (held, server, channel):
        halves = [channel.stream_unary(WAIT)(half(), timeout=TIMEOUT_SECONDS) for _ in range(2 * LIMIT)]
        await asyncio.sleep(0.3)
        held.let_go.set()
        assert "OK" == (await outcome(channel.unary_unary(WAIT)(b"", timeout=TIMEOUT_SECONDS))).code
        assert {("Wait", "OK"): 1} == (await server.settled()).counted()
        for call in halves:
            call.cancel()


# --- the server is gone -----------------------------------------------------------------------------------------------


async def test_without_a_server_it_is_unavailable_until_there_is_one(
    envoy: Path, sec_saas: Path, tmp_path: Path
) -> None:
    port = free_port()
    listen = f"127.0.0.1:{port}"
    async with sidecar(envoy, tmp_path, port) as address, asking(address) as through:
        assert "UNAVAILABLE" == (await through.resolve(QUESTION)).code
        async with serving(sec_saas, tmp_path, listen=listen) as server:
            assert "OK" == (await through.resolve(QUESTION)).code
            server.tell(signal.SIGSTOP)
            frozen = [asyncio.create_task(through.resolve(QUESTION, options={"timeout": 0.5})) for _ in range(LIMIT)]
            assert {"DEADLINE_EXCEEDED"} == {(await call).code for call in frozen}
            # Those have their places no longer; and who dies with the server is told that it is gone, not to wait.
            dying = [asyncio.create_task(through.resolve(QUESTION)) for _ in range(LIMIT // 2)]
            await asyncio.sleep(0.2)
            server.tell(signal.SIGKILL)
            assert {"UNAVAILABLE"} == {(await call).code for call in dying}
        gone = await through.resolve(QUESTION)
        assert ("UNAVAILABLE", {}, ()) == (gone.code, gone.details, gone.initial)
        async with serving(sec_saas, tmp_path, listen=listen, name="again"):
            assert "OK" == (await through.resolve(QUESTION)).code


async def test_a_server_that_stops_is_heard(envoy: Path, tmp_path: Path) -> None:
    """What drains refuses for itself; Envoy passes that on, and connects anew afterwards."""
    async with holding(envoy, tmp_path) as (held, server, channel):
        wait = channel.unary_unary(WAIT)
        call = wait(b"", timeout=TIMEOUT_SECONDS)
        await held.reached(1)
        drained = asyncio.ensure_future(server.drain())
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while (refused := await outcome(wait(b"", timeout=0.2))).code == "DEADLINE_EXCEEDED":
                pass
        assert ("UNAVAILABLE", "the server is stopping") == (refused.code, refused.message)
        held.let_go.set()
        assert "OK" == (await outcome(call)).code
        await drained
