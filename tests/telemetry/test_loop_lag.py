"""How late the event loop runs: a pause is none, a queue is."""

from __future__ import annotations

import asyncio
import time

from ecp_server.telemetry.loop_lag import LoopLag


async def test_a_queue_shows_and_passes() -> None:
    lag = LoopLag()
    lag.start()
    for _ in range(8):
        time.sleep(0.05)  # noqa: ASYNC251 - what keeps the loop busy
        await asyncio.sleep(0)
    assert lag.seconds() > 0.03
    async with asyncio.timeout(30):
        while lag.seconds() > 0.03:  # noqa: ASYNC110 - it changes with time alone
            await asyncio.sleep(0.01)
    lag.stop()


async def test_one_pause_is_no_lag() -> None:
    lag = LoopLag()
    lag.start()
    await asyncio.sleep(0.05)
    time.sleep(0.3)  # noqa: ASYNC251 - such as a collection of garbage
    await asyncio.sleep(0)
    assert lag.seconds() < 0.2
    lag.stop()


async def test_nothing_is_watched_after_the_stop() -> None:
    lag = LoopLag()
    lag.stop()
    lag.start()
    lag.stop()
    lag.stop()
    before = lag.seconds()
    time.sleep(0.05)  # noqa: ASYNC251 - nobody sees it
    await asyncio.sleep(0.05)
    assert before == lag.seconds()
