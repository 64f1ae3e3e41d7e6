"""Stores that are named, and a resolver that knows no names or says nothing."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import pytest

from ecp_server.stores.host_lookup import HostLookup
from tests.faults.matrix import Matrix
from tests.faults.sites import SITES, estate, meridian, meridian_cube, urls_of
from tests.servers import neo4j_server, opa_server, postgres, postgres_database, postgres_server

__all__ = [
    "meridian",
    "meridian_cube",
    "neo4j_server",
    "opa_server",
    "postgres",
    "postgres_database",
    "postgres_server",
]

NAME: Final = "store.test"
SOON: Final = ("registry", "policy")
NAMES: Final = [name if name in SOON else pytest.param(name, marks=pytest.mark.long) for name in SITES]


class Names:
    """The resolver of this machine, which knows `NAME` too, where it wants to."""

    def __init__(self, lookup: Any) -> None:
        self._lookup = lookup
        self.answers = threading.Event()
        self.answers.set()
        self.knows = True
        self.most_threads = 0

    def __call__(self, host: Any, *others: Any, **options: Any) -> Any:
        if host not in {NAME, NAME.encode()}:
            return self._lookup(host, *others, **options)
        self.most_threads = max(self.most_threads, threading.active_count())
        assert self.answers.wait(60)
        if not self.knows:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._lookup("127.0.0.1", *others, **options)

    @asynccontextmanager
    async def answering_in_the_end(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self.answers.set()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    found = Names(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.answers.set()


def by_name(settings: dict[str, str]) -> dict[str, str]:
    """Return settings in which stores are named."""
    return {name: _named(value) if name.endswith("_url") else value for name, value in settings.items()}


def _named(url: str) -> str:
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@{NAME}:{parts.port}" if user else f"{NAME}:{parts.port}"))


@pytest.mark.parametrize("how", ["unknown", "silent"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_store_whose_name_is_not_found_is_as_one_that_is_gone(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, names: Names, name: str, how: str
) -> None:
    """However many ask for it while the resolver says nothing, threads stay few, and files are read as ever."""
    await finds_no_name(meridian, tmp_path, urls_of(request, name), names, name, how)


async def test_a_resolver_that_holds_up_everything_is_found(
    meridian: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    names: Names,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the event loop's own look-ups, which take the threads that files are read in."""
    monkeypatch.setattr(HostLookup, "serve", lambda *_: None)
    with pytest.raises((AssertionError, TimeoutError)):
        await finds_no_name(meridian, tmp_path, urls_of(request, "policy"), names, "policy", "silent")


async def finds_no_name(
    meridian: Path, tmp_path: Path, urls: dict[Any, str], names: Names, name: str, how: str
) -> None:
    site = SITES[name]
    named = type(site)(site.store, site.server, site.fill, lambda url: by_name(site.settings(url)))
    (url,) = urls.values()
    async with estate(meridian, tmp_path, {named: url}) as standing, names.answering_in_the_end():
        matrix = Matrix(standing, site.store, rounds=1)
        await matrix.begin()
        threads = threading.active_count()
        names.knows = how != "unknown"
        if how == "silent":
            names.answers.clear()
        await matrix.proxy.cut()
        await matrix.endures(how)
        async with asyncio.timeout(5):
            assert "read" == await asyncio.to_thread(lambda: "read")
        assert names.most_threads <= threads + 8
        names.knows = True
        names.answers.set()
        await matrix.recovers(how)
        await matrix.books.balance()
