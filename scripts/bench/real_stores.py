"""What stores on servers cost: the same questions of a server with all of them and of one with none, in turn."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
import servers
from questions import Questions
from rounds import Compared, Replies, resolve_round

from ecp_server.catalog.load import load_catalog

IN_FLIGHT: Final = 16
_DATABASE: Final = "ecp_bench"
_WANTED: Final = ("ECP_TEST_POSTGRES_URL", "ECP_TEST_NEO4J_URL", "ECP_TEST_OPA_URL")


def compare_stores(catalog: Path, folder: Path, *, rounds: int, seconds: float) -> Compared:
    """Compare a server whose stores are PostgreSQL, pgvector, Neo4j and OPA (``one``) with one of embedded ones."""
    stores = settings_of(published(catalog, folder), folder)
    loaded = load_catalog(catalog)
    asked_of_real, asked_of_embedded = Questions(loaded, users=50), Questions(loaded, users=50)
    replies = Replies()
    with servers.ecp(catalog, folder / "real", **stores) as one, servers.ecp(catalog, folder / "embedded") as other:
        pairs = []
        for _ in range(rounds + 2):
            a = resolve_round(one, asked_of_real.requests(), replies, in_flight=IN_FLIGHT, seconds=seconds)
            b = resolve_round(other, asked_of_embedded.requests(), replies, in_flight=IN_FLIGHT, seconds=seconds)
            pairs.append((a, b))
        del pairs[:2]  # the warm-up
    return Compared(IN_FLIGHT, tuple(a for a, _ in pairs), tuple(b for _, b in pairs))


def published(catalog: Path, folder: Path) -> dict[str, str]:
    """Publish a catalog to the servers of `scripts/servers`; return the URL of each store, in a database made anew."""
    urls = {name: os.environ.get(name, "") for name in _WANTED}  # noqa: TID251 - where servers for tests are
    if not all(urls.values()):
        raise SystemExit('no servers to measure with: eval "$(scripts/servers up)" first')
    database = _fresh_database(urls["ECP_TEST_POSTGRES_URL"])
    stores = {
        "graph": urls["ECP_TEST_NEO4J_URL"],
        "vector": database,
        "registry": database,
        "policy": urls["ECP_TEST_OPA_URL"],
        "state": database,
    }
    settings = settings_of(stores, folder)
    _ecp_server(settings, "migrate")
    _ecp_server(settings, "catalog", "publish", str(catalog))
    return stores


def settings_of(stores: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the settings of a server with these stores, by their URLs."""
    copy = {"policy_push": "true", "catalog_copy": str(folder / "copy")}
    return {f"{store}_url": url for store, url in stores.items()} | copy


def _fresh_database(server: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {_DATABASE}")
    return urlunsplit(urlsplit(server)._replace(path=f"/{_DATABASE}"))


def _ecp_server(settings: Mapping[str, str], *arguments: str) -> None:
    given = {f"ECP_{name.upper()}": value for name, value in settings.items()}
    subprocess.run([sys.executable, "-m", "ecp_server", *arguments], check=True, env=os.environ | given)  # noqa: S603, TID251 - ours, a child's
