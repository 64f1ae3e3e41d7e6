"""The stream that log lines go to: what the event loop logs within a few milliseconds is written at once.

A write gives up the interpreter lock. Under load other threads take it, and getting it back costs more than all the
rest of a line; so lines gather for a moment. A process that is killed loses that moment's lines; records are not logs.
"""

from __future__ import annotations

import asyncio
import atexit
import io
from threading import Lock
from typing import Final, TextIO

import structlog
from typing_extensions import override

GATHER_SECONDS: Final = 0.01


class LineLogger:
    """Writes lines for structlog. What is more than information is not kept back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def info(self, line: str) -> None:
        """Write the line."""
        self._stream.write(line + "\n")

    def warning(self, line: str) -> None:
        """Write the line and all before it now."""
        self._stream.write(line + "\n")
        self._stream.flush()

    debug = info
    error = critical = warning


class GatheringStream(io.TextIOBase):
    """Passes text on to ``target``, a moment later where an event loop is running in this thread.

    Where the target takes none (a full disk, a pipe that nobody reads) it is lost, and how much of it is told once it
    takes some again: no answer fails for want of its log.
    """

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._gathered: list[str] = []
        self._lock = Lock()
        self._lost = 0
        """How often it could not be passed on since it last could."""
        self._passes_on: asyncio.AbstractEventLoop | None = None
        """The loop that sees to it."""
        atexit.register(self._pass_on)

    @override
    def isatty(self) -> bool:
        """Tell whether the target is a terminal."""
        return self._target.isatty()

    @override
    def write(self, text: str, /) -> int:
        """Pass the text on: a moment later where an event loop can see to it, else at once."""
        with self._lock:
            self._gathered.append(text)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._pass_on()
            return len(text)
        if self._passes_on is not loop:
            self._passes_on = loop
            loop.call_later(GATHER_SECONDS, self._after_a_moment)
        return len(text)

    @override
    def flush(self) -> None:
        """Pass on what has gathered."""
        self._pass_on()

    def _after_a_moment(self) -> None:
        self._passes_on = None
        self._pass_on()

    def _pass_on(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, []
            if not gathered:
                return
            try:
                self._target.write("".join(gathered))
                self._target.flush()
            except OSError:
                self._lost += len(gathered)
                return
            lost, self._lost = self._lost, 0
        if lost:
            structlog.get_logger(__name__).warning("log_lines_lost", lines=lost)
