"""`make bench`: Resolve against a bare echo on the same server settings, in one run, in turn.

    python scripts/bench [--quick] [--stores | --overload | --isolation] [--catalog DIR] [--out DIR]

docs/performance.md says what is measured and how to read it.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import isolation
import machine
import overload
import real_stores
import records
import servers
import sizes
from questions import Questions
from report import Results, picture
from rounds import Compared, Replies, Round, echo_round, resolve_round
from timed_server import HANDLER

from ecp_server.catalog.load import load_catalog

_ROOT: Final = Path(__file__).resolve().parents[2]
_IN_FLIGHT: Final = (1, 16, 64)
_USERS: Final = 50
_ASKERS: Final = {"One person asks everything": 1, "50 people ask": _USERS, "Nobody asks twice": 0}


@dataclass(frozen=True, slots=True)
class Extent:
    """How long and how much."""

    rounds: int
    seconds: float
    warm_up_seconds: float
    assets: int
    starts: int
    loads: int


_FULL: Final = Extent(rounds=7, seconds=5.0, warm_up_seconds=8.0, assets=100_000, starts=5, loads=3)
_QUICK: Final = Extent(rounds=5, seconds=1.0, warm_up_seconds=3.0, assets=10_000, starts=3, loads=1)


def measure(catalog: Path, folder: Path, extent: Extent) -> Results:
    """Run everything; what is left in the folder afterwards is the state, the logs and the catalogs of the last run."""
    folder.mkdir(parents=True, exist_ok=True)
    disk = machine.describe(folder)
    servers.use_generator_core()
    questions = Questions(load_catalog(catalog), _USERS)
    replies = Replies()
    # With refusals among them, which cost an eighth, calls would seem cheap; `overload` measures those.
    with servers.ecp(catalog, folder / "ecp", max_queue_seconds="60") as ecp:
        _say("warming up")
        resolve_round(ecp, questions.requests(), replies, in_flight=16, seconds=extent.warm_up_seconds)
        with servers.echo(replies.mean_bytes) as echo:
            levels = tuple(_level(ecp, echo, questions, replies, n, extent) for n in _IN_FLIGHT)
            askers = {name: _asked_by(users, ecp, questions, replies, extent) for name, users in _ASKERS.items()}
            parts = _parts(catalog, folder, echo, questions, extent)
        ecp.stop(signal.SIGKILL)
    kept = records.read_back(ecp.state, replies.ids, replies.calls)
    _say("starting")
    start_seconds = sizes.starts(catalog, folder / "starts", extent.starts)
    _say(f"a catalog of {extent.assets:,} assets")
    by_size = sizes.compare_sizes(
        extent.assets, folder, rounds=extent.rounds, seconds=extent.seconds, loads=extent.loads
    )
    return Results(disk, extent.seconds, levels, askers, parts, replies, kept, start_seconds, by_size)


def _level(
    ecp: servers.Running, echo: servers.Running, questions: Questions, replies: Replies, in_flight: int, extent: Extent
) -> Compared:
    """Alternate rounds of Resolve and echo, each first in its turn."""
    _say(f"{in_flight} in flight")
    request = next(questions.requests())
    pairs: list[tuple[Round, Round]] = []
    for number in range(extent.rounds):
        floor = None
        if number % 2:
            floor = echo_round(echo, request, in_flight=in_flight, seconds=extent.seconds)
        resolve = resolve_round(ecp, questions.requests(), replies, in_flight=in_flight, seconds=extent.seconds)
        if floor is None:
            floor = echo_round(echo, request, in_flight=in_flight, seconds=extent.seconds)
        pairs.append((resolve, floor))
    return Compared(in_flight, tuple(r for r, _ in pairs), tuple(e for _, e in pairs))


def _asked_by(users: int, ecp: servers.Running, questions: Questions, replies: Replies, extent: Extent) -> Round:
    """Ask as so many people: policy decides for each person anew, so the fewer they are the more is decided already."""
    questions.users = users
    seconds = extent.seconds * 2
    try:
        return resolve_round(ecp, questions.requests(), replies, in_flight=16, seconds=seconds)
    finally:
        questions.users = _USERS


def _parts(
    catalog: Path, folder: Path, echo: servers.Running, questions: Questions, extent: Extent
) -> dict[str, float]:
    """Return the mean microseconds of each part of a call, one in flight, what lies around the handler last."""
    _say("parts of a call")
    out = (folder / "parts.json").resolve()
    program = (str(Path(__file__).with_name("timed_server.py")), str(out))
    request = next(questions.requests())
    with servers.ecp(catalog, folder / "timed", program=program) as timed:
        seconds = extent.seconds * 2
        resolve = resolve_round(timed, questions.requests(), Replies(), in_flight=1, seconds=seconds)
        floor = echo_round(echo, request, in_flight=1, seconds=seconds)
    parts: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))
    handler = parts.pop(HANDLER)
    parts["between them"] = handler - sum(parts.values())
    parts["interceptors, wake-ups"] = max(0.0, resolve.mean - handler - floor.mean)
    parts["transport (echo)"] = floor.mean
    return parts


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


def _compare_stores(catalog: Path, folder: Path, extent: Extent) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    servers.use_generator_core()
    compared = real_stores.compare_stores(catalog, folder, rounds=extent.rounds, seconds=extent.seconds)
    real, embedded = (Compared.middle(side, "calls_a_second") for side in (compared.one, compared.other))
    print(
        f"{compared.in_flight} in flight, all stores on servers against all embedded: {real:,.0f} and {embedded:,.0f} "
        f"calls/s, ratio {compared.ratio('calls_a_second'):.2f}; p50 x {compared.ratio('p50'):.2f}; "
        f"CPU of the server itself x {compared.ratio('cpu'):.2f}"
    )


def _overload(catalog: Path, folder: Path, extent: Extent) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    results = overload.measure_overload(catalog, folder, rounds=extent.rounds, seconds=max(3.0, extent.seconds))
    (folder / "overload.json").write_text(results.as_json(), encoding="utf-8")
    print(results.as_text(), end="")


def _isolation(catalog: Path, folder: Path, extent: Extent) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    print(isolation.HEAD)
    seconds = max(8.0, extent.seconds)
    for isolated in isolation.measure_isolation(catalog, folder, rounds=extent.rounds // 2 + 1, seconds=seconds):
        print(isolated.line(), flush=True)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description="Measure Resolve against a bare echo.")
    parser.add_argument("--quick", action="store_true", help="two minutes instead of a quarter of an hour")
    parser.add_argument("--catalog", type=Path, default=_ROOT / "catalogs" / "meridian")
    parser.add_argument("--out", type=Path, default=_ROOT / "build" / "bench", help="default: build/bench")
    parser.add_argument("--stores", action="store_true", help="stores on servers against embedded ones, nothing else")
    parser.add_argument("--overload", action="store_true", help="more calls than it can serve, nothing else")
    parser.add_argument("--isolation", action="store_true", help="one store a black hole, nothing else")
    arguments = parser.parse_args()
    if arguments.stores:
        _compare_stores(arguments.catalog.resolve(), arguments.out.resolve(), _QUICK if arguments.quick else _FULL)
        return
    if arguments.isolation:
        _isolation(arguments.catalog.resolve(), arguments.out.resolve(), _QUICK if arguments.quick else _FULL)
        return
    if arguments.overload:
        _overload(arguments.catalog.resolve(), arguments.out.resolve(), _QUICK if arguments.quick else _FULL)
        return
    results = measure(arguments.catalog.resolve(), arguments.out.resolve(), _QUICK if arguments.quick else _FULL)
    (arguments.out / "bench.json").write_text(results.as_json(), encoding="utf-8")
    (arguments.out / "bench.svg").write_text(picture(results), encoding="utf-8")
    print(results.as_text(), end="")


if __name__ == "__main__":
    main()
