"""Lines of the event loop are written together, those of anybody else at once; none is lost."""

import asyncio
import errno
import io
import subprocess
import sys
from threading import Thread

import pytest
from typing_extensions import override

from ecp_server.telemetry.log_stream import GATHER_SECONDS, GatheringStream, LineLogger


class Counting(io.StringIO):
    """Counts how often it is written to."""

    writes = 0

    @override
    def write(self, text: str, /) -> int:
        """As `io.StringIO`."""
        self.writes += 1
        return super().write(text)


async def test_lines_of_the_event_loop_are_written_together_a_moment_later() -> None:
    target = Counting()
    stream = GatheringStream(target)
    for number in range(3):
        stream.write(f"{number}\n")
    assert target.getvalue() == ""
    await asyncio.sleep(GATHER_SECONDS * 5)
    assert (target.getvalue(), target.writes) == ("0\n1\n2\n", 1)
    stream.write("3\n")
    await asyncio.sleep(GATHER_SECONDS * 5)
    assert (target.getvalue(), target.writes) == ("0\n1\n2\n3\n", 2)


def test_without_an_event_loop_a_line_is_written_at_once() -> None:
    target = Counting()
    GatheringStream(target).write("now\n")
    assert target.getvalue() == "now\n"


async def test_a_line_of_another_thread_is_written_at_once_and_in_order() -> None:
    target = Counting()
    stream = GatheringStream(target)
    stream.write("loop\n")
    thread = Thread(target=stream.write, args=("thread\n",))
    thread.start()
    thread.join()
    assert target.getvalue() == "loop\nthread\n"


class Full(Counting):
    """Takes nothing while there is no room."""

    room = False

    @override
    def write(self, text: str, /) -> int:
        """As `io.StringIO`, or fail."""
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_what_cannot_be_written_is_lost_and_counted_and_fails_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    target = Full()
    logger = LineLogger(GatheringStream(target))  # type: ignore[arg-type]  # all that is used of a stream
    logger.warning("one")
    logger.info("two")
    target.room = True
    logger.info("three")
    assert target.getvalue() == "three\n"
    told = capsys.readouterr().out
    assert "log_lines_lost" in told
    assert "lines=2" in told


async def test_a_warning_takes_the_lines_before_it_along_at_once() -> None:
    target = Counting()
    logger = LineLogger(GatheringStream(target))  # type: ignore[arg-type]  # all that is used of a stream
    logger.info("one")
    logger.debug("two")
    assert target.getvalue() == ""
    logger.warning("three")
    assert target.getvalue() == "one\ntwo\nthree\n"


def test_what_an_ended_loop_left_is_written_by_the_next() -> None:
    target = Counting()
    stream = GatheringStream(target)

    async def log(text: str, *, wait: float) -> None:
        stream.write(text)
        await asyncio.sleep(wait)

    asyncio.run(log("one\n", wait=0))
    asyncio.run(log("two\n", wait=GATHER_SECONDS * 5))
    assert target.getvalue() == "one\ntwo\n"


def test_the_last_lines_of_a_process_are_written_as_it_ends() -> None:
    program = (
        "import asyncio, sys\n"
        "from ecp_server.telemetry.log_stream import GatheringStream\n"
        "stream = GatheringStream(sys.stderr)\n"
        "async def main():\n"
        "    stream.write('last\\n')\n"
        "asyncio.run(main())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr == "last\n"
