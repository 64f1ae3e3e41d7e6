"""The server from outside: health, reflection, limits, and how it drains."""

import asyncio
import signal
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc import aio
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from ecp_server.server import READINESS_PERIOD_SECONDS, CannotListen
from tests.logs import Lines, logged
from tests.serving import NOT_SERVING, SERVICE, SERVICE_UNKNOWN, SERVING, Serving, assembled, outcome, serving


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What was logged."""
    with logged() as lines:
        yield lines


async def echo(request: Any, _context: Any) -> Any:
    return request


@pytest.mark.parametrize("service", ["", SERVICE])
async def test_health_follows_the_readiness_of_the_application(service: str) -> None:
    async with serving() as server:
        await server.becomes(SERVING)
        assert await server.status(service) == SERVING
        server.application.ready = False
        await server.becomes(NOT_SERVING)
        assert await server.status(service) == NOT_SERVING


async def test_health_of_an_unknown_service_is_not_found() -> None:
    async with serving() as server:
        result = await outcome(server.health.Check(health_pb2.HealthCheckRequest(service="no.such.Service")))
        assert result.code == "NOT_FOUND"


async def test_health_lists_every_service() -> None:
    async with serving() as server:
        await server.becomes(SERVING)
        listed = await server.health.List(health_pb2.HealthListRequest())  # type: ignore[attr-defined]
        assert {"": SERVING, SERVICE: SERVING} == {name: entry.status for name, entry in listed.statuses.items()}


async def test_health_watch_tells_changes_and_ends_when_the_server_drains() -> None:
    async with serving() as server:
        await server.becomes(SERVING)
        watch = server.health.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        assert (await watch.read()).status == SERVING
        server.application.ready = False
        assert (await watch.read()).status == NOT_SERVING
        server.application.ready = True
        assert (await watch.read()).status == SERVING
        unknown = server.health.Watch(health_pb2.HealthCheckRequest(service="no.such.Service"))
        assert (await unknown.read()).status == SERVICE_UNKNOWN
        drained = asyncio.ensure_future(server.drain())
        assert (await watch.read()).status == NOT_SERVING
        assert await watch.read() is aio.EOF
        assert await unknown.read() is aio.EOF
        await drained


async def test_no_more_watch_health_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecp_server.rpc.health_check.MOST_WATCHERS", 2)
    async with serving() as server:
        await server.becomes(SERVING)
        watching = [server.health.Watch(health_pb2.HealthCheckRequest()) for _ in range(2)]
        assert [SERVING] * 2 == [(await watch.read()).status for watch in watching]
        with pytest.raises(aio.AioRpcError, match="too many streams"):
            await server.health.Watch(health_pb2.HealthCheckRequest()).read()
        watching[0].cancel()
        async with asyncio.timeout(10):
            while not await _watches(server):  # noqa: ASYNC110 - of the server, elsewhere
                await asyncio.sleep(0.01)


async def _watches(server: Serving) -> bool:
    try:
        return bool((await server.health.Watch(health_pb2.HealthCheckRequest()).read()).status == SERVING)
    except aio.AioRpcError:
        return False


async def _reflect(server: Serving, service: str, **request: Any) -> Any:
    method = server.channel.stream_stream(
        f"/{service}/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    call = method(iter([reflection_pb2.ServerReflectionRequest(**request)]))
    return await call.read()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_services_and_describes_itself(version: str) -> None:
    service = f"grpc.reflection.{version}.ServerReflection"
    async with serving() as server:
        listed = await _reflect(server, service, list_services="")
        names = {entry.name for entry in listed.list_services_response.service}
        own = {f"grpc.reflection.{v}.ServerReflection" for v in ("v1", "v1alpha")}
        assert own | {SERVICE, "grpc.health.v1.Health"} == names
        described = await _reflect(server, service, file_containing_symbol=service)
        (file,) = described.file_descriptor_response.file_descriptor_proto
        assert f"grpc.reflection.{version}" == descriptor_pb2.FileDescriptorProto.FromString(file).package
        unknown = await _reflect(server, service, file_containing_symbol="no.such.Symbol")
        assert 5 == unknown.error_response.error_code


async def test_an_open_stream_of_reflection_ends_when_the_server_drains() -> None:
    async with serving(drain_grace_seconds="60") as server:
        call = server.channel.stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )()
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        assert (await call.read()).list_services_response.service
        async with asyncio.timeout(30):
            drained = asyncio.ensure_future(server.drain())
            assert await call.read() is aio.EOF
            await drained
        assert grpc.StatusCode.OK is await call.code()


async def test_reflection_can_be_switched_off() -> None:
    async with serving(reflection="false") as server:
        result = await server.call("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        assert result.code == "UNIMPLEMENTED"


async def test_metrics_are_served_while_calls_are(lines: Lines) -> None:
    async with serving({"Echo": echo}) as server:
        await server.call("Echo")
        (started,) = lines("server_started")
        body = await asyncio.to_thread(lambda: urllib.request.urlopen(started["metrics"], timeout=10).read())  # noqa: S310 - our own
        assert b"rpc_server_call_duration_seconds_count" in body
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(lambda: urllib.request.urlopen(started["metrics"], timeout=10))  # noqa: S310 - our own


async def test_drain_is_unready_first_then_refuses_then_waits_for_calls_in_flight(lines: Lines) -> None:
    release, started = asyncio.Event(), asyncio.Event()

    async def waits(request: Any, _context: Any) -> Any:
        started.set()
        await release.wait()
        return request

    async with serving({"Waits": waits, "Echo": echo}, drain_delay_seconds="0.3") as server:
        await server.becomes(SERVING)
        call = server.begin("Waits")
        await started.wait()
        drained = asyncio.ensure_future(server.drain())
        await server.becomes(NOT_SERVING)
        assert "OK" == (await server.call("Echo")).code  # load balancers have not noticed yet
        async with asyncio.timeout(10):
            while (refused := await server.call("Echo")).code == "OK":  # noqa: ASYNC110 - a caller that comes back
                await asyncio.sleep(0.02)
        assert ("UNAVAILABLE", "the server is stopping") == (refused.code, refused.message)
        assert {"RequestInfo", "RetryInfo"} == set(refused.details)
        assert NOT_SERVING == await server.status()  # health answers to the end
        assert not drained.done()
        release.set()
        assert "OK" == (await outcome(call)).code
        await drained
    assert server.application.closed
    assert [] == lines("calls_cut_off")


async def test_unknown_methods_stay_unknown_while_the_server_drains() -> None:
    """Refused like the others they would be counted by names that anybody can make up."""
    release, started = asyncio.Event(), asyncio.Event()

    async def waits(request: Any, _context: Any) -> Any:
        started.set()
        await release.wait()
        return request

    async with serving({"Waits": waits, "Echo": echo}, drain_delay_seconds="0") as server:
        call = server.begin("Waits")
        await started.wait()
        drained = asyncio.ensure_future(server.drain())
        async with asyncio.timeout(10):
            while (await server.call("Echo")).code == "OK":  # noqa: ASYNC110 - a caller that comes back
                await asyncio.sleep(0.02)
        codes = {(await server.call(f"/made.up.Service/{n}")).code for n in range(20)}
        release.set()
        assert "OK" == (await outcome(call)).code
        await drained
        assert {"UNIMPLEMENTED"} == codes
        assert {"other", "Waits", "Echo"} == {method for method, _ in server.counted() if "grpc" not in method}


async def test_drain_waits_for_the_clean_up_of_calls_that_have_their_status() -> None:
    release, cleaning, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def cleans_up(_request: Any, _context: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await release.wait()
            done.set()

    async with serving({"CleansUp": cleans_up}) as server:
        assert "DEADLINE_EXCEEDED" == (await server.call("CleansUp", timeout=0.1)).code
        await cleaning.wait()
        drained = asyncio.ensure_future(server.drain())
        await asyncio.sleep(0.2)
        assert not drained.done()
        release.set()
        await drained
        assert done.is_set()


async def test_calls_beyond_the_grace_are_cut_off_and_counted_as_their_caller_saw_it(lines: Lines) -> None:
    started = asyncio.Event()

    async def forever(_request: Any, _context: Any) -> Any:
        started.set()
        await asyncio.Event().wait()

    async with serving({"Forever": forever}, drain_grace_seconds="0.1") as server:
        call = server.begin("Forever")
        await started.wait()
        await server.drain()
        assert "UNAVAILABLE" == (await outcome(call)).code
    assert ["UNAVAILABLE"] == [line["code"] for line in lines("request_completed")]
    assert [1] == [line["in_flight"] for line in lines("calls_cut_off")]
    assert [] == lines("calls_abandoned")


async def test_call_that_will_not_end_is_abandoned(lines: Lines) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def stubborn(_request: Any, _context: Any) -> Any:
        started.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async with serving({"Stubborn": stubborn}, drain_grace_seconds="0.1") as server:
        call = server.begin("Stubborn")
        await started.wait()
        await server.drain()
        release.set()
        assert "UNAVAILABLE" == (await outcome(call)).code
        await server.settled()
    assert [1] == [line["in_flight"] for line in lines("calls_abandoned")]


async def test_an_idle_connection_may_be_pinged_as_often_as_proxies_do_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ecp_server.server.LEAST_PING_MILLISECONDS", 50)
    async with serving() as server:
        assert await outlives_pings(server, pause_seconds=0.1)
        assert not await outlives_pings(server, pause_seconds=0.005)


async def outlives_pings(server: Serving, *, pause_seconds: float) -> bool:
    """Ping on a connection without calls (RFC 9113); return whether it is open afterwards."""
    reader, writer = await asyncio.open_connection(server.address.host, server.address.port)
    no_settings, ping = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)), bytes((0, 0, 8, 6, 0, 0, 0, 0, 0)) + bytes(8)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + no_settings)
    try:
        for _ in range(6):
            writer.write(ping)
            await asyncio.sleep(pause_seconds)
        async with asyncio.timeout(0.3):
            while await reader.read(4096):
                pass
    except TimeoutError:
        return True
    except ConnectionError:
        return False
    else:
        return False
    finally:
        writer.close()


async def test_address_in_use_is_named() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CannotListen, match=rf"{address} \(ECP_LISTEN\)"):
            async with serving(listen=address):
                pass
        with pytest.raises(CannotListen, match=rf"{address} \(ECP_METRICS_LISTEN\)"):
            async with serving(metrics_listen=address):
                pass


async def test_what_can_be_no_host_is_named() -> None:
    with pytest.raises(CannotListen, match=r"a\.\.b:1 \(ECP_METRICS_LISTEN\): no such host"):
        async with serving(metrics_listen="a..b:1"):
            pass


async def test_second_server_on_the_same_port_is_refused() -> None:
    async with serving() as server:
        with pytest.raises(CannotListen):
            async with serving(listen=str(server.address)):
                pass


async def test_no_call_is_lost_of_those_that_pile_up_while_the_loop_is_busy() -> None:
    """Left to itself gRPC's core refuses some, from a thousand on, as if their callers had given up."""
    async with serving({"Echo": echo}) as server:
        # Connections of their own: one takes fewer calls than this.
        options = (("grpc.use_local_subchannel_pool", 1),)
        channels = [grpc.insecure_channel(str(server.address), options) for _ in range(10)]
        for channel in channels:
            await asyncio.to_thread(grpc.channel_ready_future(channel).result, 10)
        methods: list[grpc.UnaryUnaryMultiCallable[bytes, bytes]] = [
            channel.unary_unary(f"/{SERVICE}/Echo") for channel in channels
        ]
        calls = [method.future(b"", timeout=60) for _ in range(200) for method in methods]
        time.sleep(1)  # noqa: ASYNC251 - the loop is busy
        codes = await asyncio.to_thread(lambda: Counter(call.code().name for call in calls))
        for channel in channels:
            channel.close()
    assert {"OK"} <= codes.keys() <= {"OK", "RESOURCE_EXHAUSTED"}


async def test_ipv6_addresses_work(lines: Lines) -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with serving({"Echo": echo}, listen="[::1]:0", metrics_listen="[::1]:0") as server:
        assert "OK" == (await server.call("Echo")).code
    assert lines("server_started")[0]["metrics"].startswith("http://[::1]:")


async def test_application_whose_readiness_fails_fails_the_server() -> None:
    def broken() -> bool:
        raise ValueError("no idea")

    async def serve() -> None:
        async with serving() as server:
            server.application.serving = broken  # type: ignore[method-assign]
            await asyncio.sleep(2 * READINESS_PERIOD_SECONDS)

    with pytest.raises(ValueError, match="no idea"):
        await serve()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_server_runs_until_it_is_told_to_stop_and_then_drains(number: signal.Signals, lines: Lines) -> None:
    server, application, _ = assembled({"Echo": echo})
    running = asyncio.create_task(server.run())
    async with asyncio.timeout(10):
        while not lines("server_started"):  # noqa: ASYNC110 - as its operator would
            await asyncio.sleep(0.01)
    signal.raise_signal(number)
    await running
    assert ["server_started", "server_draining", "server_stopped"] == [line["event"] for line in lines()]
    assert application.closed
