"""The command `scripts/servers`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engines.cube import Cube
from engines.engine import Engine, EngineFailed, Instance, cache_folder, instances_folder, locked, progress
from engines.neo4j import Neo4j
from engines.opa import Opa
from engines.postgres import Postgres

ENGINES: tuple[Engine, ...] = (Cube(), Neo4j(), Opa(), Postgres())
"""Every engine that there is; one more is a module beside this one, and a word here."""

_CHECKOUT = Path(__file__).resolve().parents[2]

_USAGE = """\
Real stores on loopback, fetched and started without Docker, for tests and for trying ECP out.

  eval "$(scripts/servers up)"     fetch and start what does not run, and tell the shell where (ECP_TEST_*)
  scripts/servers env              print the same for what runs
  scripts/servers status           what runs; exit code 1 where something does not
  scripts/servers down             stop what runs; the data stays until `down --delete`

Each checkout has servers of its own; downloads are shared. Both are kept in ECP_SERVERS_CACHE, by default ~/.cache/ecp,
for root /var/cache/ecp. ECP_SERVERS_FOLDER keeps the servers' data elsewhere, e.g. in a folder that is thrown away.
"""


def main() -> int:
    """Run the command; return its exit code."""
    arguments = _parse()
    wanted = [engine for engine in ENGINES if engine.name in arguments.names or not arguments.names]
    jobs = [_Job(engine, arguments.folder) for engine in wanted]
    if arguments.action == "up":
        failed = _each(jobs, _Job.up)
        _export(job for job in jobs if job.engine.name not in failed)
        return 1 if failed else 0
    if arguments.action == "down":
        return 1 if _each(jobs, lambda job: job.down(delete=arguments.delete)) else 0
    if arguments.action == "env":
        _export(job for job in jobs if job.running())
        return 0
    return _status(jobs)


class _Job:
    """An engine, and where it lives."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self._downloads = cache_folder() / "downloads" / engine.name
        self._instance = Instance(folder / engine.name)

    def up(self) -> None:
        with locked(self._downloads):
            self.engine.fetch(self._downloads)
        with locked(self._instance.folder):
            if not self.running():
                progress(self.engine.name, f"starting {self.engine.version}")
                self.engine.start(self._downloads, self._instance)

    def down(self, *, delete: bool) -> None:
        if not self._instance.folder.exists():
            return
        with locked(self._instance.folder):
            self.engine.stop(self._downloads, self._instance)
            if delete:
                self._instance.delete()

    def running(self) -> bool:
        return self._instance.folder.exists() and self.engine.running(self._downloads, self._instance)

    def exports(self) -> str:
        found = self.engine.environment(self._instance)
        return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in found.items())


def _each(jobs: Sequence[_Job], action: Callable[[_Job], None]) -> set[str]:
    """Do it for all side by side; return the names of those that failed, after telling why."""
    failed = set()
    with ThreadPoolExecutor(max_workers=max(len(jobs), 1)) as pool:
        for job, future in [(job, pool.submit(action, job)) for job in jobs]:
            try:
                future.result()
            except (EngineFailed, OSError) as error:
                progress(job.engine.name, f"FAILED: {error}")
                failed.add(job.engine.name)
    return failed


def _export(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        sys.stdout.write(job.exports())


def _status(jobs: Sequence[_Job]) -> int:
    runs = {job.engine: job.running() for job in jobs}
    for engine, running in runs.items():
        print(f"{engine.name:<10} {'running' if running else 'stopped':<8} {engine.version}")
    return 0 if all(runs.values()) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/servers", description=_USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("up", "down", "env", "status"))
    names = [engine.name for engine in ENGINES]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(names)} (default: all)")
    parser.add_argument("--delete", action="store_true", help="with down: delete the data too")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(names)):
        parser.error(f"no server {', '.join(unknown)}; there are {', '.join(names)}")
    chosen = os.environ.get("ECP_SERVERS_FOLDER")
    arguments.folder = Path(chosen).resolve() if chosen else instances_folder(_CHECKOUT)
    return arguments
