"""What the figures were measured on, as far as it explains them: cores, versions, what a durable write costs."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

_WRITES = 200
_IN_MEMORY = frozenset(("tmpfs", "ramfs"))


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it ran."""

    cores: int
    python: str
    grpcio: str
    file_system: str
    sync_us: float
    """Median of appending 4 KiB and syncing it, in microseconds: no durable record can take less."""


def describe(folder: Path) -> Machine:
    """Describe the machine, and the disk of a folder. Raises `ValueError` where that is no disk."""
    kind = _file_system(folder)
    if kind in _IN_MEMORY:
        raise ValueError(f"{kind} is no disk: nothing in it is durable")
    return Machine(os.cpu_count() or 0, platform.python_version(), version("grpcio"), kind, _sync_us(folder))


def _sync_us(folder: Path) -> float:
    path = folder / "sync.tmp"
    spent: list[float] = []
    with path.open("wb", buffering=0) as file:
        for _ in range(_WRITES):
            started = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - started)
    path.unlink()
    return median(spent) * 1e6


def _file_system(folder: Path) -> str:
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines())
    kinds = {Path(mount[1]): mount[2] for mount in mounts}
    return next((kinds[parent] for parent in (folder, *folder.parents) if parent in kinds), "unknown")
