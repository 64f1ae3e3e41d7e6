"""How calls travel: request ids, retries, spreading over servers, TLS."""

import asyncio
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

import ecp_client
from ecp.v1 import catalog_pb2, health_pb2, resolve_pb2
from ecp_client import AsyncClient, FeedbackVerdict
from tests.client.conftest import Asking, Connect
from tests.client.messages import RESOLUTION_ID, resolved
from tests.client.server import Failure, ScriptedServer, Wait, serving
from tests.conftest import skip_or_fail

CANCELLED = grpc.StatusCode.CANCELLED
DOWN = Failure(grpc.StatusCode.UNAVAILABLE, "restarting")

IDEMPOTENT: list[tuple[str, tuple[Any, ...], Any]] = [
    ("resolve", ("revenue",), resolved()),
    ("execute", (RESOLUTION_ID,), resolve_pb2.ExecuteResponse()),
    ("get_resolution", (RESOLUTION_ID,), resolve_pb2.GetResolutionResponse()),
    ("search_glossary", ("revenue",), catalog_pb2.SearchGlossaryResponse()),
    ("list_metrics", (), catalog_pb2.ListMetricsResponse()),
    ("get_lineage", ("net_revenue",), catalog_pb2.GetLineageResponse()),
    ("health", (), health_pb2.GetHealthResponse()),
]


@pytest.mark.parametrize(("call", "arguments", "reply"), IDEMPOTENT, ids=[call for call, *_ in IDEMPOTENT])
async def test_a_call_without_side_effects_is_tried_again_while_the_server_is_unavailable(
    call: str, arguments: tuple[Any, ...], reply: Any, ask: Asking, server: ScriptedServer
) -> None:
    server.script(DOWN, DOWN, reply)

    await ask(call, *arguments)

    assert 3 == len(server.received)
    assert 1 == len({received.metadata["x-request-id"] for received in server.received})


async def test_after_three_attempts_the_error_is_the_callers(ask: Asking, server: ScriptedServer) -> None:
    server.script(DOWN)

    with pytest.raises(ecp_client.Unavailable):
        await ask("resolve", "revenue")

    assert 3 == len(server.received)


async def test_feedback_is_tried_again_under_the_same_id(ask: Asking, server: ScriptedServer) -> None:
    """So that it is recorded once."""
    server.script(DOWN, resolve_pb2.ReportFeedbackResponse())

    await ask("report_feedback", RESOLUTION_ID, FeedbackVerdict.ACCEPTED)

    first, second = server.received
    assert first.request.request_id
    assert first.request == second.request


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.NOT_FOUND]
)
async def test_nothing_but_unavailable_is_tried_again(
    code: grpc.StatusCode, ask: Asking, server: ScriptedServer
) -> None:
    server.script(Failure(code), resolved())

    with pytest.raises(ecp_client.EcpError):
        await ask("resolve", "revenue")

    assert 1 == len(server.received)


async def test_a_given_request_id_travels_and_comes_back(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolved())

    answer = await ask("resolve", "revenue", request_id="Team.a_1-2")

    assert "Team.a_1-2" == server.received[0].metadata["x-request-id"] == answer.request_id


async def test_every_call_has_a_request_id_of_its_own_also_where_the_server_returns_none(
    ask: Asking, server: ScriptedServer
) -> None:
    server.script(resolved())
    server.names_requests = False

    first, second = await ask("resolve", "revenue"), await ask("resolve", "revenue")

    assert first.request_id != second.request_id
    assert [received.metadata["x-request-id"] for received in server.received] == [first.request_id, second.request_id]


@pytest.mark.parametrize("request_id", ["", "a b", "a\n", "ü", "a" * 65])
async def test_a_request_id_that_a_server_would_replace_is_refused(
    request_id: str, ask: Asking, server: ScriptedServer
) -> None:
    with pytest.raises(ValueError, match="request id"):
        await ask("resolve", "revenue", request_id=request_id)

    assert [] == server.received


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("execute", (RESOLUTION_ID,)),
        ("get_resolution", (RESOLUTION_ID,)),
        ("report_feedback", (RESOLUTION_ID, FeedbackVerdict.ACCEPTED)),
    ],
)
async def test_where_the_request_has_no_user_context_metadata_says_who_asks(
    call: str, arguments: tuple[Any, ...], connect: Connect, server: ScriptedServer
) -> None:
    server.script(Failure(grpc.StatusCode.NOT_FOUND))
    ask = connect(server.target, insecure=True, user_id="ana")

    for said in ({}, {"user_id": "bob"}, {"user_id": ""}):
        with pytest.raises(ecp_client.NotFound):
            await ask(call, *arguments, **said)
    with pytest.raises(ValueError, match="user id"):
        await ask(call, *arguments, user_id="jürgen")

    assert ["ana", "bob", None] == [received.metadata.get("x-ecp-user-id") for received in server.received]


async def test_where_the_request_has_a_user_context_it_alone_says_who_asks(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolved())

    await ask("resolve", "revenue", user_id="jürgen")

    assert "jürgen" == server.received[0].request.user_context.user_id
    assert "x-ecp-user-id" not in server.received[0].metadata


async def test_calls_are_spread_over_all_addresses_of_the_target(connect: Connect) -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving()) for _ in range(2)]
        for server in servers:
            server.script(resolved())
        ask = connect("ipv4:" + ",".join(f"127.0.0.1:{server.port}" for server in servers), insecure=True)

        for _ in range(20):
            await ask("resolve", "revenue")

        assert 20 == sum(len(server.received) for server in servers)
        assert all(server.received for server in servers)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A key and a certificate for the address that test servers have."""
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, *files]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        skip_or_fail("no openssl, which makes the certificate", required_by="ECP_TEST_REQUIRE_SERVERS")
    return Path(folder / "key.pem").read_bytes(), Path(folder / "cert.pem").read_bytes()


async def test_with_credentials_the_call_is_encrypted(connect: Connect, certificate: tuple[bytes, bytes]) -> None:
    async with serving(grpc.ssl_server_credentials([certificate])) as server:
        server.script(resolved())
        ask = connect(server.target, credentials=grpc.ssl_channel_credentials(certificate[1]))

        answer = await ask("resolve", "revenue")

    assert RESOLUTION_ID == answer.resolution_id


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    connect: Connect, certificate: tuple[bytes, bytes]
) -> None:
    async with serving(grpc.ssl_server_credentials([certificate])) as server:
        ask = connect(server.target)

        with pytest.raises(ecp_client.Unavailable):
            await ask("resolve", "revenue")

    assert [] == server.received


async def test_plain_text_has_to_be_asked_for(connect: Connect, server: ScriptedServer) -> None:
    ask = connect(server.target)

    with pytest.raises(ecp_client.Unavailable):
        await ask("resolve", "revenue")

    assert [] == server.received


def test_insecure_and_credentials_exclude_each_other(connect: Connect) -> None:
    with pytest.raises(ValueError, match="exclude"):
        connect("localhost:1", insecure=True, credentials=grpc.ssl_channel_credentials())


async def test_a_closed_client_says_that_it_is_closed(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolved())
    await closed(ask)
    await closed(ask)

    for call, *arguments in (("resolve", "revenue"), ("ask", "revenue"), ("list_metrics",)):
        with pytest.raises(ValueError, match="the client is closed"):
            await ask(call, *arguments)

    assert [] == server.received


async def test_a_call_that_the_closing_of_its_client_ends_is_an_error_of_the_call(
    ask: Asking, server: ScriptedServer
) -> None:
    """A task that ends as cancelled, which nobody did, ends its group without a word."""
    server.script(Wait())
    with pytest.RaisesGroup(pytest.RaisesExc(ecp_client.EcpError, check=lambda error: error.code is CANCELLED)):
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(ask("resolve", "revenue", request_id="in-flight"))
            await server.waiting.wait()
            await closed(ask)


async def test_a_response_that_cannot_be_read_is_an_internal_error(ask: Asking, server: ScriptedServer) -> None:
    server.script(resolved())

    with pytest.raises(ecp_client.InternalError) as caught:
        await ask("list_metrics", request_id="unread")

    assert "unread" == caught.value.request_id


async def closed(ask: Asking) -> None:
    """Close the client behind one face, as each does."""
    if isinstance(ask.client, AsyncClient):
        await ask.client.close()
    else:
        await asyncio.to_thread(ask.client.close)
