"""Runs the command as a shell or a person does."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# A shell starts background jobs with SIGINT ignored, and what the tests start inherits that.
_HEEDING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = (sys.executable, "-c", f"{_HEEDING}; from ecp_client.cli import main; main()")
_COLUMNS = 110
_PROMPT = b"give up: "
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True)
class Ended:
    """What came of it."""

    code: int
    output: str
    errors: str = ""


async def ecp(*arguments: str, target: str, encoding: str = "utf-8") -> Ended:
    """Run the command in a pipe."""
    environment = _environment(target) | {"PYTHONIOENCODING": encoding}
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, output.decode(encoding), errors.decode(encoding))


async def ecp_in_terminal(*arguments: str, target: str, typed: Sequence[str | signal.Signals] = ()) -> Ended:
    """Run the command in a terminal; each prompt is answered with the next text, or signal, of ``typed``."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, _COLUMNS, 0, 0))
    handles: dict[str, Any] = {"stdin": slave, "stdout": slave, "stderr": slave}
    process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, env=_environment(target), **handles)
    os.close(slave)
    try:
        output = await asyncio.to_thread(_converse, master, process, typed)
    finally:
        os.close(master)
    return Ended(await process.wait(), output.replace("\r\n", "\n"))


def _converse(terminal: int, process: asyncio.subprocess.Process, typed: Sequence[str | signal.Signals]) -> str:
    """Return what the terminal shows until the command ends."""
    shown, answers = b"", iter(typed)
    answer: str | signal.Signals = ""
    while True:
        if not select.select([terminal], [], [], _PATIENCE_SECONDS)[0]:
            if isinstance(answer, signal.Signals):
                # Once more, as a person would: one that comes just before the command reads goes unnoticed.
                process.send_signal(answer)
            continue
        try:
            some = os.read(terminal, 4096)
        except OSError:  # Linux: the other end is closed
            some = b""
        if not some:
            return shown.decode()
        prompts = shown.count(_PROMPT)
        shown += some
        for _ in range(shown.count(_PROMPT) - prompts):
            answer = next(answers)
            if isinstance(answer, str):
                os.write(terminal, answer.encode())
            else:
                process.send_signal(answer)


def _environment(target: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ECP_")}
    return inherited | {"ECP_TARGET": target, "TERM": "xterm", "NO_COLOR": "1"}
