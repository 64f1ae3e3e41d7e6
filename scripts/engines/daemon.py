"""A program in the background that outlives the command which started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from engines.engine import EngineFailed, Instance, run

_POLL_SECONDS = 0.1


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def kept_port(instance: Instance, name: str = "port") -> int:
    """Return the port that the instance had, or a free one where it had none or somebody else has taken it."""
    port = instance.fact(name)
    if port is None or listens(port):
        port = free_port()
        instance.remember(**{name: port})
    return int(port)


def listens(port: int) -> bool:
    """Return whether a server on this machine takes connections at the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start_daemon(
    instance: Instance,
    command: Sequence[str | Path],
    *,
    answers: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout_seconds: float = 120,
) -> None:
    """Start the program in a session of its own, its output in ``log``, and return when it answers.

    ``environment`` is added to this process's. Raises `EngineFailed`, with the end of the log, where it ends or does
    not answer in time.
    """
    log = instance.folder / "log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the engines' own commands
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=folder or instance.folder,
            start_new_session=True,
        )
    instance.remember(pid=process.pid, began=_began(process.pid))
    end = time.monotonic() + timeout_seconds
    while not answers():
        if process.poll() is not None:
            raise EngineFailed(f"ended with {process.returncode}:\n{_end_of(log)}")
        if time.monotonic() > end:
            stop_daemon(instance)
            raise EngineFailed(f"gave no answer in {timeout_seconds:.0f} s:\n{_end_of(log)}")
        time.sleep(_POLL_SECONDS)


def daemon_runs(instance: Instance) -> bool:
    """Return whether the program that `start_daemon` started still runs; another one with its number does not count."""
    pid = instance.fact("pid")
    return pid is not None and (began := _began(pid)) != "" and began == instance.fact("began")


def stop_daemon(instance: Instance, *, grace_seconds: float = 30) -> None:
    """Ask the program and what it started to end, then make them."""
    for sign, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 5.0)):
        if not daemon_runs(instance):
            break
        os.killpg(instance.fact("pid"), sign)
        end = time.monotonic() + seconds
        while daemon_runs(instance) and time.monotonic() < end:
            _reap(instance.fact("pid"))
            time.sleep(_POLL_SECONDS)


def _began(pid: int) -> str:
    """Return when the process began, "" where there is none."""
    try:
        state, _, began = run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], timeout_seconds=10).strip().partition(" ")
    except EngineFailed:
        return ""
    return "" if state.startswith("Z") else began.strip()


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):  # an earlier command started it
        os.waitpid(pid, os.WNOHANG)


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
