"""What every engine gives, and what it is given: a folder for what it downloads and one for what it runs on."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol


class EngineFailed(Exception):
    """An engine could not be fetched or started; the message says why, for a person."""


class Engine(Protocol):
    """One kind of server. Pinned by version; downloads with the ordinary client of a package registry.

    The front calls one engine from one thread at a time, and holds a lock on each folder while it does.
    """

    name: str
    """What the command line calls it."""

    version: str
    """What is fetched, for a person: "PostgreSQL 18.4, pgvector 0.8.5"."""

    def fetch(self, downloads: Path) -> None:
        """Put the program into the folder, where it is not there yet. Raises `EngineFailed`."""

    def start(self, downloads: Path, instance: Instance) -> None:
        """Start the server unless it runs, on 127.0.0.1, and return when it answers. Raises `EngineFailed`.

        It outlives this process, and keeps its data over `stop` and `start`.
        """

    def stop(self, downloads: Path, instance: Instance) -> None:
        """Stop the server if it runs, and return when it has ended."""

    def running(self, downloads: Path, instance: Instance) -> bool:
        """Return whether the server runs."""

    def environment(self, instance: Instance) -> Mapping[str, str]:
        """Return how tests reach the server that `start` started: ECP_TEST_* variables."""


class Instance:
    """One engine's server of one checkout: its folder, and the facts that must outlive a command (ports, passwords)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._facts = folder / "facts.json"

    def fact(self, name: str, default: Any = None) -> Any:
        """Return what was remembered under the name."""
        return self._read().get(name, default)

    def remember(self, **facts: Any) -> None:
        """Remember facts, for the owner's eyes alone."""
        facts = {**self._read(), **facts}
        new = self._facts.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=2)
        new.replace(self._facts)

    def delete(self) -> None:
        """Forget everything."""
        shutil.rmtree(self.folder)

    def _read(self) -> dict[str, Any]:
        try:
            facts: dict[str, Any] = json.loads(self._facts.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return facts


def cache_folder() -> Path:
    """Return where downloads and servers' data are kept, outside every checkout.

    ECP_SERVERS_CACHE, else the user's cache; root's is one that others may enter, because PostgreSQL refuses to run as
    root and must reach its files as somebody else.
    """
    if chosen := os.environ.get("ECP_SERVERS_CACHE"):
        return Path(chosen).resolve()
    if os.geteuid() == 0:
        return Path("/var/cache/ecp")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ecp"


def instances_folder(checkout: Path) -> Path:
    """Return the folder of the servers of a checkout: each has its own, so that side by side none disturbs another."""
    mark = hashlib.sha256(str(checkout.resolve()).encode()).hexdigest()[:12]
    return cache_folder() / "servers" / f"{checkout.resolve().name}-{mark}"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make the folder, and hold it for this process alone."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command: Sequence[str | Path], *, timeout_seconds: float = 600, **options: Any) -> str:
    """Run a program to its end and return what it printed. Raises `EngineFailed` with the end of its output."""
    try:
        done = subprocess.run(  # noqa: S603 - the engines' own commands
            [str(part) for part in command],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            **options,
        )
    except FileNotFoundError as error:
        raise EngineFailed(f"{error.filename} is not installed") from None
    except subprocess.TimeoutExpired:
        raise EngineFailed(f"{Path(command[0]).name} took more than {timeout_seconds:.0f} s") from None
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-15:])
        raise EngineFailed(f"{Path(command[0]).name} ended with {done.returncode}:\n{tail}")
    return done.stdout


def progress(engine: str, text: str) -> None:
    """Tell a person what goes on; standard output is for the shell."""
    print(f"{engine}: {text}", file=sys.stderr, flush=True)
