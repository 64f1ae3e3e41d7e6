"""What happens to the real servers themselves: they freeze, and they start again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_LISTENING: Final = "0A"
_RESTART_SECONDS: Final = 120.0


@contextmanager
def frozen(url: str) -> Iterator[None]:
    """Stop the processes of the server of a URL, all of them, where they are: the kernel still takes connections."""
    port = urlsplit(url).port
    assert port is not None
    first = _listener(port)
    stopped = [first, *_descendants(first)]
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def down(root: Path, engine: str) -> AsyncIterator[None]:
    """Stop a server of the tests as its operator would, and start it again at the same port and on the same data."""
    await _servers(root, "down", engine)
    try:
        yield
    finally:
        await _servers(root, "up", engine)


async def _servers(root: Path, action: str, engine: str) -> None:
    command = (str(root / "scripts" / "servers"), action, engine)
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=_RESTART_SECONDS)


def _listener(port: int) -> int:
    """Return the process that listens at a port of this machine."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == _LISTENING and int(local.rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{rest[5]}]")
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(str(descriptor.readlink()) in inodes for descriptor in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:  # it has ended, or is somebody else's
            continue
    raise AssertionError(f"nobody listens at {port}")


def _descendants(pid: int) -> list[int]:
    parents = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found = re.fullmatch(r"(\d+) \(.*\) \S (\d+) .*", text.strip(), re.DOTALL)
        if found is not None:
            parents[int(found[1])] = int(found[2])
    children = [child for child, parent in parents.items() if parent == pid]
    return children + [further for child in children for further in _descendants(child)]
