"""Envoy in front of the server: what its own bounds, of memory and of time, end and what they spare."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.running import TIMEOUT_SECONDS
from tests.serving import NOT_SERVING, SERVING, outcome
from tests.sidecar import WAIT, holding


@pytest.mark.parametrize(("pause", "request_timeout"), [(0.03, "0s"), (0, "1s")], ids=["steadily", "at once"])
async def test_large_halves_do_not_lock_others_out(
    envoy: Path, tmp_path: Path, pause: float, request_timeout: str
) -> None:
    """Those that come steadily end for want of memory; those that come faster than that, by their time-out."""

    async def half() -> AsyncIterator[bytes]:
        yield b"x" * 1_250_000
        await asyncio.Event().wait()

    def small(text: str) -> str:
        heap, timeout = "heap_size_bytes: 536870912", "request_timeout: 10s"
        assert (text.count(heap), text.count(timeout)) == (1, 1)
        return text.replace(heap, "heap_size_bytes: 67108864").replace(timeout, f"request_timeout: {request_timeout}")

    async with holding(envoy, tmp_path, small) as (held, _, channel):
        held.let_go.set()
        halves = []
        for _ in range(120):
            halves.append(asyncio.ensure_future(outcome(channel.stream_unary(WAIT)(half()))))
            await asyncio.sleep(pause)
        await asyncio.wait(halves, timeout=TIMEOUT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        health: Any = health_pb2_grpc.HealthStub(channel)
        codes: set[str] = set()
        now = asyncio.get_running_loop().time
        until = now() + TIMEOUT_SECONDS
        while codes != {"OK"}:
            assert now() < until, codes
            await asyncio.sleep(0.05)
            check = health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
            call = channel.unary_unary(WAIT)(b"", timeout=TIMEOUT_SECONDS)
            codes = {(await outcome(check)).code, (await outcome(call)).code}
        assert {call.result().code for call in halves if call.done()} & {"INTERNAL", "DEADLINE_EXCEEDED"}
        for call in halves:
            call.cancel()
        await asyncio.wait(halves)


# --- time-outs, shortened ---------------------------------------------------------------------------------------------


def hurried(text: str) -> str:
    """The configuration with all its minutes and tens of seconds made one second."""
    assert (text.count("idle_timeout: 300s"), text.count("request_timeout: 10s")) == (2, 1)
    return text.replace("idle_timeout: 300s", "idle_timeout: 1s").replace("request_timeout: 10s", "request_timeout: 1s")


async def test_time_outs_end_what_stands_still_but_no_stream_of_health_or_reflection(
    envoy: Path, tmp_path: Path
) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.1)

    async with holding(envoy, tmp_path, hurried) as (_, server, channel):
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert SERVING == (await watch.read()).status
        reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        names = reflection_pb2.ServerReflectionRequest(list_services="")
        reflected = reflection.ServerReflectionInfo()
        await reflected.write(names)
        first = await reflected.read()

        # Twice as long as anything else may take.
        stands_still = outcome(channel.unary_unary(WAIT)(b""))
        never_whole = outcome(channel.stream_unary(WAIT)(trickle()))
        ended = await asyncio.gather(stands_still, never_whole, asyncio.sleep(2))
        assert ["UNAVAILABLE", "DEADLINE_EXCEEDED"] == [one.code for one in ended[:2]]

        await reflected.write(names)
        assert first == await reflected.read()
        reflected.cancel()
        server.application.ready = False
        assert NOT_SERVING == (await watch.read()).status
        watch.cancel()


async def test_a_connection_without_calls_is_closed_and_comes_back(envoy: Path, tmp_path: Path) -> None:
    async with holding(envoy, tmp_path, hurried) as (held, _, channel):
        held.let_go.set()
        wait = channel.unary_unary(WAIT)
        assert "OK" == (await outcome(wait(b"", timeout=TIMEOUT_SECONDS))).code
        assert grpc.ChannelConnectivity.READY == channel.get_state()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        assert "OK" == (await outcome(wait(b"", timeout=TIMEOUT_SECONDS))).code
