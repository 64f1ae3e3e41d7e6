"""Neo4j Community, from Maven Central: its libraries, and a main program of twenty lines around their public API."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engines.daemon import daemon_runs, kept_port, start_daemon, stop_daemon
from engines.engine import Instance, progress, run

_VERSION = "5.26.30"
_SOURCES = Path(__file__).with_name("java")
_MAIN = "Neo4jServer"

# A small catalog's graph, on two cores shared with the tests: start-up counts more than the last optimisation.
_JAVA_OPTIONS = ("-Xms256m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


class Neo4j:
    """The `Engine` of ECP_GRAPH_URL. Wants Maven and a Java Development Kit of 17 or later."""

    name = "neo4j"
    version = f"Neo4j {_VERSION}"

    def fetch(self, downloads: Path) -> None:
        """See `Engine`."""
        libraries, classes = _libraries(downloads), _classes(downloads)
        if not libraries.exists():
            progress(self.name, "fetching the libraries")
            with _whole(libraries) as new:
                copy = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={new}")
                run(["mvn", "--batch-mode", "--quiet", "--file", _SOURCES / "pom.xml", *copy], timeout_seconds=900)
        if not classes.exists():
            with _whole(classes) as new:
                run(["javac", "-cp", f"{libraries}/*", "-d", new, _SOURCES / f"{_MAIN}.java"])

    def start(self, downloads: Path, instance: Instance) -> None:
        """See `Engine`."""
        if self.running(downloads, instance):
            return
        if instance.fact("password") is None:
            instance.remember(password=secrets.token_hex(16))
        data = instance.folder / "data"
        data.mkdir(exist_ok=True)
        port = kept_port(instance)
        log = instance.folder / "log"
        log.unlink(missing_ok=True)
        classpath = os.pathsep.join((f"{_libraries(downloads)}/*", str(_classes(downloads))))
        start_daemon(
            instance,
            ["java", *_JAVA_OPTIONS, "-cp", classpath, _MAIN, data, str(port)],
            answers=lambda: "READY" in log.read_text(encoding="utf-8", errors="replace").split(),
            environment={"NEO4J_PASSWORD": instance.fact("password")},
        )

    def stop(self, downloads: Path, instance: Instance) -> None:
        """See `Engine`."""
        stop_daemon(instance)

    def running(self, downloads: Path, instance: Instance) -> bool:
        """See `Engine`."""
        return daemon_runs(instance)

    def environment(self, instance: Instance) -> Mapping[str, str]:
        """See `Engine`: the URL of the user neo4j, who may do everything. There is one database, for all tests."""
        password, port = instance.fact("password"), instance.fact("port")
        return {"ECP_TEST_NEO4J_URL": f"bolt://neo4j:{password}@127.0.0.1:{port}"}


def _libraries(downloads: Path) -> Path:
    return downloads / _VERSION / "lib"


def _classes(downloads: Path) -> Path:
    """Return where the main class is, compiled: what an older source was compiled to is not taken for it."""
    mark = hashlib.sha256((_SOURCES / f"{_MAIN}.java").read_bytes()).hexdigest()[:12]
    return downloads / _VERSION / f"classes-{mark}"


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Give a folder to fill, which takes its name when it is full."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    yield new
    new.rename(folder)
