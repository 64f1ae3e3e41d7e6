#!/usr/bin/env python3
"""Measure what hostile text costs: every open robustness string and some of our own, asked of a server in this process.

Tells the codes that come back, and the longest that one callback kept the event loop, in seconds of its thread's CPU:
what a caller sends may not keep others waiting for more than 0.05. Exit code 1 where a code is undefined or a callback
took longer.

Usage: scripts/measure_robustness.py [folder of the evaluation data]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from ecp_server.evaluation.reply import Answer
from ecp_server.telemetry import logging
from ecp_server.wiring import asking

ROOT: Final = Path(__file__).resolve().parents[1]
DATA: Final = ROOT.parent / "shared" / "data"
MOST_SECONDS: Final = 0.05
LONGEST: Final = 1000
UNDEFINED: Final = {"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
WORST_SHOWN: Final = 5
PIECES: Final = (
    "net revenue ", "region ", "by region per product ", "Q1 ", "2024 ", "last ", "last 3 ", "from Q1 to ", "first ",
    "between ", "and ", "a", "ab", "aB", "netRevenue", "nte revneue ", "é", "1 ", "1/", "the second week of ", "vs ",
    "revenue net ", "not ", "per ", "share of ", "top 5 ", "-", "?", "x" * 30 + " ", "growth ", "Japan, ",
)  # fmt: skip


class Watch:
    """The longest callbacks of the running event loop, by the thread's CPU time."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._original = asyncio.Handle._run  # noqa: SLF001 - the loop has no hook for it

    def __enter__(self) -> Self:
        original = self._original

        def timed(handle: Any) -> None:
            started = time.thread_time()
            original(handle)
            self.longest = max(self.longest, time.thread_time() - started)

        asyncio.Handle._run = timed  # type: ignore[method-assign]  # noqa: SLF001
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.Handle._run = self._original  # type: ignore[method-assign]  # noqa: SLF001

    def taken(self) -> float:
        """Return the longest since this was asked last."""
        longest, self.longest = self.longest, 0.0
        return longest


def texts(folder: Path) -> Iterator[str]:
    """Yield the open strings that a message can hold, and repetitions of what the grammar knows."""
    path = folder / "evaluation" / "robustness.jsonl"
    for line in path.read_text(encoding="utf-8").split("\n") if path.is_file() else ():
        row = json.loads(line or "null") or {"concept": None, "concept_b64": None}
        if row["concept"] is not None:
            yield str(row["concept"]).encode("utf-8", "replace").decode()
        elif row["concept_b64"] is not None:
            yield base64.b64decode(row["concept_b64"]).decode("utf-8", "replace")
    for piece in PIECES:
        yield (piece * LONGEST)[:LONGEST]
    yield ("".join(PIECES) * LONGEST)[:LONGEST]


async def measure(folder: Path) -> int:
    """Ask everything; return the exit code."""
    logging.configure(log_format="auto", level="CRITICAL")
    found: list[tuple[float, str, str]] = []
    async with asking(ROOT / "catalogs" / "meridian") as ask:
        with Watch() as watch:
            request = {"as_of": "2025-01-15T12:00:00Z", "user_context": {"user_id": "u", "roles": ["explorer"]}}
            await ask(request | {"concept": "net revenue for APAC last quarter"})
            watch.taken()
            for text in texts(folder):
                reply = await ask(request | {"concept": text})
                code = "OK" if isinstance(reply, Answer) else reply.reason
                found.append((watch.taken(), code, text))
    codes = Counter(code for _, code, _ in found)
    print(f"{len(found)} texts; " + ", ".join(f"{code} {count}" for code, count in codes.most_common()))
    found.sort(reverse=True)
    print(f"longest callback: {found[0][0] * 1e3:.1f} ms of CPU")
    for seconds, code, text in found[:WORST_SHOWN]:
        print(f"  {seconds * 1e3:6.1f} ms  {code}  {text[:60]!r}")
    return int(bool(UNDEFINED & codes.keys()) or found[0][0] > MOST_SECONDS)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    sys.exit(asyncio.run(measure(parser.parse_args().folder)))


if __name__ == "__main__":
    main()
