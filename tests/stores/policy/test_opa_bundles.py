"""How old the policies of an OPA may be, by what OPA says of its bundles; and by a real one with a bundle server."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import socket
import tarfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ecp_server.domain.errors import PolicyMissing, PolicyUnavailable
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.policy.opa import OpaPolicy
from ecp_server.stores.policy.opa_bundles import BundleAge
from ecp_server.stores.policy.opa_client import OpaClient
from tests.conformance.policies import ALLOW_ALL, ask
from tests.servers import opa_program
from tests.stores.policy.test_opa import answering, http

__all__ = ["opa_program"]

NEVER = "0001-01-01T00:00:00Z"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MAX_AGE_SECONDS = 60.0


def ago(seconds: float) -> str:
    """A moment as Go writes it."""
    return (NOW - timedelta(seconds=seconds)).isoformat().replace("+00:00", ".123456789Z")


def bundle(*, activated: str, answered: str, asked: str, code: str = "") -> dict[str, Any]:
    said = {
        "name": "b",
        "last_successful_activation": activated,
        "last_successful_download": activated,
        "last_successful_request": answered,
        "last_request": asked,
    }
    return said | ({"code": code, "message": "m"} if code else {})


CONFIRMED = bundle(activated=ago(1_000_000), answered=ago(10), asked=ago(10))
OUT_OF_TOUCH = bundle(activated=ago(1_000_000), answered=ago(70), asked=ago(1), code="bundle_error")
JUST_OUT_OF_TOUCH = bundle(activated=ago(1_000_000), answered=ago(50), asked=ago(1), code="bundle_error")


def status(*bundles: dict[str, Any], **more: Any) -> bytes:
    """OPA's answer, by a clock that is years behind ours."""
    result = {"labels": {"id": "o"}, "bundles": {str(i): one for i, one in enumerate(bundles)}, "plugins": {}} | more
    date = format_datetime(NOW, usegmt=True)
    return http(json.dumps({"result": result}).encode(), headers=f"Date: {date}\r\n")


YOUNG = {
    "confirmed a moment ago, activated long ago": status(CONFIRMED),
    "out of touch for less than is permitted": status(JUST_OUT_OF_TOUCH),
    "several": status(CONFIRMED, JUST_OUT_OF_TOUCH),
    "one that it could not activate, soon after the last": status(
        bundle(activated=ago(30), answered=ago(1), asked=ago(1), code="bundle_error")
    ),
    "a clock that runs ahead": status(bundle(activated=ago(9), answered=ago(-5), asked=ago(-5))),
}
OLD = {
    "out of touch": status(OUT_OF_TOUCH),
    "out of touch too long, as may be, by a date without parts of a second": status(
        bundle(activated=ago(1_000_000), answered=ago(59.5), asked=ago(1), code="bundle_error")
    ),
    "one of several": status(CONFIRMED, OUT_OF_TOUCH),
    "one that it could not activate": status(
        bundle(activated=ago(70), answered=ago(1), asked=ago(1), code="bundle_error")
    ),
    "never activated": status(bundle(activated=NEVER, answered=ago(1), asked=ago(1))),
    "from the disk, never confirmed": status(
        bundle(activated=ago(1), answered=NEVER, asked=ago(1), code="bundle_error")
    ),
    "no bundles": status(),
    "no such key": status(bundles=None),
    "a list of bundles": status(bundles=[CONFIRMED]),
    "no moments": status({"name": "b"}),
    "no moment": status(CONFIRMED | {"last_successful_request": "yesterday"}),
    "no zone": status(CONFIRMED | {"last_successful_request": "2026-03-04T05:06:07"}),
    "no result": http(b"{}"),
    "no object": http(b"[]"),
    "no status": http(b'{"code": "internal_error"}', status="500 Internal Server Error"),
    "not allowed": http(b'{"code": "unauthorized"}', status="401 Unauthorized"),
}


@asynccontextmanager
async def asking(url: str, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[BundleAge]:
    client = OpaClient(Endpoint(url), pool_size=4, timeout_seconds=30)
    try:
        yield BundleAge(client, max_age_seconds=MAX_AGE_SECONDS, clock=clock)
    finally:
        await client.close()


@pytest.mark.parametrize("said", YOUNG.values(), ids=YOUNG)
async def test_what_was_confirmed_lately_counts(said: bytes) -> None:
    async with answering(said) as (url, _), asking(url) as age:
        await age.require()
        await age.probe()


@pytest.mark.parametrize("said", OLD.values(), ids=OLD)
async def test_by_what_may_be_outdated_nothing_is_decided(said: bytes) -> None:
    async with answering(said) as (url, _), asking(url) as age:
        for call in (age.require(), age.probe(), age.require()):
            with pytest.raises(PolicyMissing):
                await call


async def test_an_opa_that_says_no_json_decides_nothing() -> None:
    async with answering(http(b"<html>")) as (url, _), asking(url) as age:
        for call in (age.require(), age.probe()):
            with pytest.raises(PolicyUnavailable):
                await call


async def test_opa_is_asked_when_what_it_said_is_too_old_and_no_more_often_than_every_second() -> None:
    now = 1000.0
    async with answering(status(CONFIRMED), status(OUT_OF_TOUCH)) as (url, requests), asking(url, lambda: now) as age:
        await age.require()
        now += MAX_AGE_SECONDS - 11  # OPA's date leaves out what is less than a second
        for _ in range(10):
            await age.require()
        assert 1 == len(requests)
        now += 0.5
        outcomes = await asyncio.gather(*(age.require() for _ in range(10)), return_exceptions=True)
        assert {PolicyMissing} == {type(outcome) for outcome in outcomes}
        assert 2 == len(requests)
        assert b"GET /v1/status HTTP/1.1" in requests[1]
        now += 1
        with pytest.raises(PolicyMissing):
            await age.require()
        assert 3 == len(requests)


async def test_what_was_confirmed_before_holds_while_opa_says_worse() -> None:
    now = 1000.0
    async with answering(status(CONFIRMED), status()) as (url, _), asking(url, lambda: now) as age:
        await age.require()
        await age.probe()
        now += MAX_AGE_SECONDS
        with capture_logs() as logs, pytest.raises(PolicyMissing):
            await age.require()
    assert {"event": "policy_outdated", "age_seconds": 71, "max_age_seconds": 60.0, "log_level": "error"} in logs


# --- the real one -----------------------------------------------------------------------------------------------------

SOON_SECONDS = 2.0


class BundleServer:
    """Serves one bundle, and says 304 to who has it."""

    def __init__(self) -> None:
        self.content = packed(ALLOW_ALL)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self) -> None:
        """Serve, at the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Be gone."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._connections):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                tag = hashlib.sha256(self.content).hexdigest().encode()
                known = tag in head
                head, body = (b"304 Not Modified", b"") if known else (b"200 OK", self.content)
                kind = b"Content-Type: application/gzip\r\nEtag: %s\r\nContent-Length: %d\r\n\r\n"
                writer.write(b"HTTP/1.1 " + head + b"\r\n" + kind % (tag, len(body)) + body)
                await writer.drain()
        self._connections.discard(writer)
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[BundleServer]:
    bundles = BundleServer()
    await bundles.open()
    try:
        yield bundles
    finally:
        await bundles.close()


def packed(policy: str) -> bytes:
    """A bundle of one policy."""
    files = {"p.rego": policy.encode(), ".manifest": b'{"revision": "r", "roots": ["ecp/policy"]}'}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return content.getvalue()


@asynccontextmanager
async def opa_of(program: str, bundles: BundleServer, folder: Path, *, tells: bool = True) -> AsyncIterator[str]:
    """An OPA that gets its policies from the bundle server every second, and keeps them on its disk."""
    polling = {"min_delay_seconds": 1, "max_delay_seconds": 1}
    configuration: dict[str, Any] = {
        "services": {"s": {"url": f"http://127.0.0.1:{bundles.port}"}},
        "bundles": {"ecp": {"service": "s", "resource": "b.tar.gz", "polling": polling, "persist": True}},
        "persistence_directory": str(folder),
        "status": {"prometheus": True},
    }
    if not tells:
        del configuration["status"]
    file = folder / "opa.json"
    file.write_text(json.dumps(configuration))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("run", "--server", f"--addr=127.0.0.1:{port}", "--log-level=error", "--skip-version-check", "-c", file)
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(program, *options, stdout=quiet, stderr=quiet)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def deciding_by(url: str) -> AsyncIterator[OpaPolicy]:
    client = OpaClient(Endpoint(url), pool_size=4, timeout_seconds=30)
    policy = OpaPolicy(client, push=False, max_age_seconds=SOON_SECONDS)
    try:
        yield policy
    finally:
        await policy.close()


async def until_allowed(policy: OpaPolicy) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(PolicyUnavailable):
                assert (await policy.decide(ask()))["net_revenue"].allow
                return
            await asyncio.sleep(0.1)


async def until_refused(policy: OpaPolicy) -> None:
    async with asyncio.timeout(60):
        with suppress(PolicyUnavailable):
            while True:
                assert (await policy.decide(ask()))["net_revenue"].allow
                await asyncio.sleep(0.1)


async def until_unhealthy(policy: OpaPolicy) -> None:
    """Not at once: it asks for the age anew, which OPA tells by whole seconds."""
    async with asyncio.timeout(60):
        with suppress(PolicyUnavailable):
            while True:
                await policy.probe()
                await asyncio.sleep(0.1)


async def test_a_real_one_decides_while_its_bundles_are_confirmed(opa_program: str, tmp_path: Path) -> None:
    async with serving() as bundles, opa_of(opa_program, bundles, tmp_path) as url, deciding_by(url) as policy:
        await until_allowed(policy)
        await asyncio.sleep(1.5 * SOON_SECONDS)  # it is not activated again, and confirmed again and again
        await until_allowed(policy)
        await bundles.close()
        await until_refused(policy)
        await until_unhealthy(policy)
        await bundles.open()
        await until_allowed(policy)
        bundles.content = packed("package ecp.policy\n\nthis is no policy\n")
        await until_refused(policy)
        bundles.content = packed(ALLOW_ALL + "\n# mended\n")
        await until_allowed(policy)
        await policy.probe()


async def test_one_that_starts_by_what_is_on_its_disk_decides_nothing(opa_program: str, tmp_path: Path) -> None:
    """It activated it a moment ago, and cannot know what has come since."""
    async with serving() as bundles, opa_of(opa_program, bundles, tmp_path) as url, deciding_by(url) as policy:
        await until_allowed(policy)
    async with opa_of(opa_program, bundles, tmp_path) as url:
        client = OpaClient(Endpoint(url), pool_size=4, timeout_seconds=30)
        anyhow = OpaPolicy(client, push=False)
        await until_allowed(anyhow)
        await anyhow.close()
        async with deciding_by(url) as policy:
            with pytest.raises(PolicyMissing):
                await policy.decide(ask())


async def test_one_that_does_not_tell_decides_nothing(opa_program: str, tmp_path: Path) -> None:
    async with serving() as bundles, opa_of(opa_program, bundles, tmp_path, tells=False) as url:
        client = OpaClient(Endpoint(url), pool_size=4, timeout_seconds=30)
        anyhow = OpaPolicy(client, push=False)
        await until_allowed(anyhow)
        await anyhow.close()
        async with deciding_by(url) as policy:
            with pytest.raises(PolicyMissing):
                await policy.decide(ask())
