"""Real stores that work and cannot be used: another schema, another password, all connections lent.

Such a store is no dead one: its breaker stays as it is, but for credentials that it refuses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest

from ecp.v1 import health_pb2
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores import health
from ecp_server.stores.guard import guarded, retry
from ecp_server.stores.policy import contract
from tests.conformance.graphs import connected
from tests.faults.matrix import Matrix
from tests.faults.replies import USED, ask, assert_as_designed
from tests.faults.sites import SITES, estate, meridian, urls_of
from tests.servers import neo4j_server, opa_server, postgres, postgres_database, postgres_server
from tests.serving import NOT_SERVING

__all__ = ["meridian", "neo4j_server", "opa_server", "postgres", "postgres_database", "postgres_server"]

TERMINATE: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'ecp-server' AND datname = current_database()"
)


async def in_postgres(url: str, *statements: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in statements:
            await connection.execute(statement.encode())


def renamed(table: str, column: str) -> tuple[Callable[[str], Any], Callable[[str], Any]]:
    """Return what takes a column away, and what brings it back."""
    return (
        lambda url: in_postgres(url, f"ALTER TABLE {table} RENAME COLUMN {column} TO gone"),
        lambda url: in_postgres(url, f"ALTER TABLE {table} RENAME COLUMN gone TO {column}"),
    )


async def in_neo4j(url: str, text: str) -> None:
    connection = connected(url)
    try:
        await connection.write(text, {})
    finally:
        await connection.close()


MISFITS: Final = {
    "state": renamed("ecp_state.resolution", "response"),
    "registry": renamed("ecp_registry.item", "body"),
    "vector": renamed("ecp_vector.embedding", "vector"),
    "graph": (
        lambda url: in_neo4j(
            url, "MATCH (n:EcpAsset) SET n.gone = n.variations, n.variations = null RETURN count(n) AS n"
        ),
        lambda url: in_neo4j(url, "MATCH (n:EcpAsset) SET n.variations = n.gone, n.gone = null RETURN count(n) AS n"),
    ),
}


@pytest.mark.parametrize("name", MISFITS)
async def test_a_wrong_schema_is_no_outage_of_the_store(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str
) -> None:
    """What it holds is not used, none of it; its breaker stays closed."""
    await misfits(meridian, tmp_path, urls_of(request, name), name)


async def test_a_misfit_that_is_taken_for_an_outage_is_found(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "_IT_WORKS", ())
    with pytest.raises(AssertionError):
        await misfits(meridian, tmp_path, urls_of(request, "registry"), "registry")


async def misfits(catalog: Path, folder: Path, urls: dict[Any, str], name: str) -> None:
    spoil, mend = MISFITS[name]
    async with estate(catalog, folder, urls, **TWO_FAILURES) as standing:
        matrix = Matrix(standing, SITES[name].store, rounds=1)
        await matrix.begin()
        await spoil(urls[SITES[name]])
        concerned = {"registry": ("Resolve",), "graph": ("Resolve",)}.get(name, tuple(USED))
        for _ in range(3):
            for kind in concerned:
                reply = await ask(standing.server, kind, matrix.recorded)
                standing.books.note(kind, reply)
                assert_as_designed(kind, (matrix.store,), reply, "wrong schema")
        assert health_pb2.BREAKER_STATE_CLOSED == await matrix.breaker()
        if name == "state":
            await standing.server.becomes(NOT_SERVING)
        await mend(urls[SITES[name]])
        await matrix.is_whole_again()
        await standing.books.balance()


TWO_FAILURES: Final = {"breaker_failures": "2"}
"""Open a breaker, so that few calls show it."""
OPEN: Final = (
    'package ecp.policy\ndecisions[product.id] := {"allow": %s, "policy": "p"} if { some product in input.products }\n'
)
ANSWERS: Final = {"true": "OK", '"true"': "denied", "1": "denied", "null": "denied", "": "undefined"}


@asynccontextmanager
async def own_policies(url: str, text: str) -> AsyncIterator[None]:
    """Let an OPA that is somebody else's have a policy for a while."""
    parts = urlsplit(url)
    headers = {"authorization": f"Bearer {parts.password}"}
    at = f"http://{parts.hostname}:{parts.port}"
    async with httpx.AsyncClient(base_url=at, headers=headers, trust_env=False) as opa:
        for module in (await opa.get("/v1/policies")).json()["result"]:
            if module["id"].startswith("ecp"):
                await opa.delete(f"/v1/policies/{module['id']}")
        if text:
            assert (await opa.put("/v1/policies/ecp-test.rego", content=text)).is_success
        try:
            yield
        finally:
            await opa.delete("/v1/policies/ecp-test.rego")


@pytest.mark.parametrize("allow", ANSWERS)
async def test_only_true_allows(meridian: Path, tmp_path: Path, opa_server: str, allow: str) -> None:
    """A policy that says anything else, or nothing, denies everything, and is no outage of the engine."""
    await allows(meridian, tmp_path, opa_server, allow)


async def test_an_allow_that_is_as_good_as_true_is_found(
    meridian: Path, tmp_path: Path, opa_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision = contract._decision
    monkeypatch.setattr(contract, "_decision", lambda said: decision(said | {"allow": bool(said["allow"])}))
    with pytest.raises(AssertionError):
        await allows(meridian, tmp_path, opa_server, '"true"')


async def allows(catalog: Path, folder: Path, opa_server: str, allow: str) -> None:
    async with (
        own_policies(opa_server, OPEN % allow if allow else ""),
        estate(catalog, folder, {SITES["policy"]: opa_server}, policy_push="false") as standing,
    ):
        came = {kind: await ask(standing.server, kind, "r") for kind in USED if StoreKind.POLICY in USED[kind]}
        if ANSWERS[allow] == "OK":
            assert {"OK"} == {reply.code for kind, reply in came.items() if kind != "Unknown"}
            return
        for reply in came.values():
            assert "net_revenue" not in repr(reply.response)
            assert "net_revenue" not in repr(reply.details)
        if ANSWERS[allow] == "undefined":
            assert {"UNAVAILABLE"} == {reply.code for reply in came.values()}
        else:
            assert {"NOT_FOUND"} == {came[kind].code for kind in ("Resolve", "Unknown", "GetLineage")}
            assert [] == list(came["ListMetrics"].response.metrics)
        assert health_pb2.BREAKER_STATE_CLOSED == await Matrix(standing, StoreKind.POLICY).breaker()


def with_file(url: str, file: Path) -> tuple[str, str]:
    """Put the password of a URL into a file; return the URL without it, and the password."""
    parts = urlsplit(url)
    password = str(parts.password)
    file.write_text(password, encoding="utf-8")
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{user}{parts.hostname}:{parts.port}")), password


@pytest.mark.parametrize("name", ["state", "registry", "vector", "policy"])
async def test_a_password_that_is_refused_is_tried_once_a_call_and_read_again(
    meridian: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await refuses_a_password(meridian, tmp_path, request, name, monkeypatch)


async def test_a_password_that_is_tried_again_and_again_is_found(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "_is_transient", lambda _error: True)
    with pytest.raises(AssertionError):
        await refuses_a_password(meridian, tmp_path, request, "policy", monkeypatch)


async def refuses_a_password(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = SITES[name]
    url = request.getfixturevalue(site.server)
    file = tmp_path / "password"
    without, password = with_file(url, file)

    async def fill(_url: str, catalog: Any) -> None:
        await site.fill(url, catalog)

    bare = type(site)(site.store, site.server, fill, site.settings)
    async with estate(meridian, tmp_path, {bare: without}, **{f"{name}_password_file": str(file)}) as standing:
        monkeypatch.setattr(health, "RECOVERY_PERIOD_SECONDS", 600)  # no probe is to be counted
        matrix = Matrix(standing, site.store, rounds=1)
        await matrix.begin()
        monkeypatch.setattr(health, "PROBE_PERIOD_SECONDS", 600)
        await asyncio.sleep(1)
        file.write_text("wrong", encoding="utf-8")
        if name != "policy":
            await in_postgres(url, TERMINATE)
            await ask(standing.server, "SearchGlossary")  # meets the connection that broke
            await ask(standing.server, "GetResolution", matrix.recorded)
            await asyncio.sleep(3)  # the pool tries for a second to replace what broke, by itself
        (kind,) = {"state": ("GetResolution",), "policy": ("ListMetrics",)}.get(name, ("SearchGlossary",))
        proxy = matrix.proxy
        before = proxy.accepted, proxy.carried
        retries = standing.books.gauge("ecp_store_retries_total", "store", site.store)
        reply = await ask(standing.server, kind, matrix.recorded)
        after = proxy.accepted, proxy.carried
        assert reply.code == ("OK" if name in {"registry", "vector"} else "UNAVAILABLE")
        assert standing.books.gauge("ecp_store_retries_total", "store", site.store) == retries
        if name == "policy":
            assert after[1] - before[1] <= 2  # head and body of one request
        elif name != "registry":  # which is listened to for new catalogs, too
            assert after[0] - before[0] == 1
        file.write_text(password, encoding="utf-8")
        await matrix.is_whole_again()


LENT: Final = [
    ("state", "ecp_state.resolution", "GetResolution"),
    ("registry", "ecp_registry.item", "SearchGlossary"),
    ("vector", "ecp_vector.embedding", "SearchGlossary"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "table", "kind"), LENT)
async def test_who_finds_every_connection_lent_is_told_soon_and_no_breaker_opens(
    meridian: Path, tmp_path: Path, postgres: str, name: str, table: str, kind: str
) -> None:
    await lends_all(meridian, tmp_path, postgres, name, table, kind)


async def test_a_lack_of_connections_that_is_taken_for_an_outage_is_found(
    meridian: Path, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "_IT_WORKS", ())
    with pytest.raises(AssertionError):
        await lends_all(meridian, tmp_path, postgres, *LENT[0])


async def lends_all(meridian: Path, tmp_path: Path, postgres: str, name: str, table: str, kind: str) -> None:
    async with estate(meridian, tmp_path, {SITES[name]: postgres}, postgres_pool_size="2") as standing:
        matrix = Matrix(standing, SITES[name].store, rounds=1)
        await matrix.warm_up()
        async with await psycopg.AsyncConnection.connect(postgres) as blocking:
            await blocking.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
            held = [asyncio.create_task(ask(standing.server, kind, matrix.recorded)) for _ in range(2)]
            await asyncio.sleep(0.2)
            started = time.monotonic()
            for _ in range(6):  # more than would open it
                assert_as_designed(kind, (matrix.store,), await ask(standing.server, kind, matrix.recorded))
            assert time.monotonic() - started < 1.5
            assert health_pb2.BREAKER_STATE_CLOSED == await matrix.breaker()
            await blocking.rollback()
        for reply in await asyncio.gather(*held):
            assert_as_designed(kind, (), reply)
