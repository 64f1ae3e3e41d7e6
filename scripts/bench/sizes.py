"""What a large catalog costs: the same questions of a small one and a large one, in turn; loading; starting."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import servers
from questions import Questions
from rounds import Compared, Replies, resolve_round

from ecp_server.catalog.load import load_catalog

SMALL: Final = 1000
_GENERATE: Final = Path(__file__).resolve().parent.parent / "generate_catalog.py"
_LOAD: Final = """
import sys, time
from pathlib import Path
from ecp_server.catalog.load import load_catalog
started = time.perf_counter()
load_catalog(Path(sys.argv[1]))
print(time.perf_counter() - started)
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """A large catalog against a small one."""

    assets: int
    compared: Compared
    """At one call in flight; the large one is ``one``."""
    resolved_share: float
    load_seconds: float
    seconds_to_serving: float
    memory_mib: float


def starts(catalog: Path, folder: Path, times: int) -> float:
    """Return the median seconds from the start of the process until it says SERVING."""

    def once() -> float:
        with servers.ecp(catalog, folder) as server:
            return server.seconds_to_serving

    return median(once() for _ in range(times))


def compare_sizes(assets: int, folder: Path, *, rounds: int, seconds: float, loads: int) -> Sizes:
    """Compare a catalog of so many assets with one of `SMALL`."""
    large, small = generated(assets, folder), generated(SMALL, folder)
    catalog = load_catalog(small)
    asked_of_large, asked_of_small = Questions(catalog, users=50), Questions(catalog, users=50)
    replies = Replies()
    load_seconds = median(_load_seconds(large) for _ in range(loads))
    with servers.ecp(large, folder / "large") as one, servers.ecp(small, folder / "small") as other:
        pairs = []
        for _ in range(rounds + 1):
            a = resolve_round(one, asked_of_large.requests(), replies, in_flight=1, seconds=seconds)
            b = resolve_round(other, asked_of_small.requests(), replies, in_flight=1, seconds=seconds)
            pairs.append((a, b))
        del pairs[0]  # the warm-up
        compared = Compared(1, tuple(a for a, _ in pairs), tuple(b for _, b in pairs))
        return Sizes(assets, compared, replies.resolved_share, load_seconds, one.seconds_to_serving, one.memory_mib())


def generated(assets: int, folder: Path) -> Path:
    """Return the folder of a synthetic catalog, written where it is not there yet."""
    path = folder / f"catalog_{assets}"
    if not path.exists():
        subprocess.run([sys.executable, str(_GENERATE), str(path), "--assets", str(assets)], check=True)  # noqa: S603 - ours
    return path


def _load_seconds(catalog: Path) -> float:
    """Load a catalog in a process of its own."""
    done = subprocess.run([sys.executable, "-c", _LOAD, str(catalog)], check=True, capture_output=True)  # noqa: S603 - ours
    return float(done.stdout)
