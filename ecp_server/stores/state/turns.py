"""Turns of processes that write to the same file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turns:
    """Makes the processes of one machine write one after another, each waiting asleep until it is its turn.

    SQLite's own lock is what keeps the file sound. But it has no queue: who finds it taken asks again ever more
    seldom, and starves where the others write without a pause. Losing the lock file loses fairness and nothing else.
    """

    def __init__(self, path: Path) -> None:
        """Take turns at the file at ``path``, by a lock on a file beside it."""
        self._path = path.with_name(f"{path.name}-lock")
        self._descriptor: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for this process's turn, and hold it. Raises `OSError`."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the lock file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
