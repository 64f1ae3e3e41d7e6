"""Secrets of stores and callers, marked, while stores fail in every way: nothing that leaves the server shows one.

They stand in addresses, passwords and headers, in rows, and in what stores say when they fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final
from unittest import mock
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest
from psycopg import sql

from ecp_server.domain.provenance import StoreKind
from ecp_server.stores import observe
from ecp_server.telemetry.failures import chain
from ecp_server.telemetry.tracing import Recorded
from tests.faults.proxy import Fault
from tests.faults.replies import USED, ask
from tests.faults.sites import SITES, Estate, estate, meridian, meridian_cube, urls_of
from tests.faults.test_misfits import in_neo4j, in_postgres, own_policies
from tests.logs import Lines, logged
from tests.servers import neo4j_server, opa_server, postgres, postgres_database, postgres_server
from tests.serving import Outcome

__all__ = [
    "meridian",
    "meridian_cube",
    "neo4j_server",
    "opa_server",
    "postgres",
    "postgres_database",
    "postgres_server",
]

MARK: Final = "canary"
USER: Final = "canary-user"
PASSWORD: Final = "canary-password"
SAID: Final = b"canary-said"
HEADERS: Final = (("authorization", "Bearer canary-token"), ("x-canary", "canary-header"))
SHORT: Final = (Fault.REFUSE, Fault.GARBAGE, Fault.RESET)
LONG: Final = (*SHORT, Fault.BLACKHOLE, Fault.HALF_OPEN, Fault.DRIP)
MINIMUM: Final = 20
"""So many replies, store calls that failed, and spans there must have been for a run to show anything."""
HEALING_SECONDS: Final = 20.0


class Outputs:
    """Everything that leaves the server."""

    def __init__(self, standing: Estate, lines: Lines, spans: InMemorySpanExporter, secrets: tuple[str, ...]) -> None:
        self.standing = standing
        self.secrets = (MARK, *secrets)
        self._lines = lines
        self._spans = spans
        self.replies: list[Outcome] = []

    async def ask_all(self, recorded: str = "") -> None:
        """Make each kind of call once, with secrets in its headers, side by side: some take all of a store's budget."""
        calls = (ask(self.standing.server, kind, recorded, metadata=HEADERS) for kind in USED)
        self.replies += await asyncio.gather(*calls)

    async def healed(self) -> None:
        """Wait until questions are answered again: connections take their time to come back."""
        async with asyncio.timeout(HEALING_SECONDS):
            while (await ask(self.standing.server, "Resolve", "", metadata=HEADERS)).code != "OK":  # noqa: ASYNC110 - a call
                await asyncio.sleep(0.1)

    async def shown(self, database: str) -> dict[str, str]:
        """Return what was shown, by where."""
        finished = self._spans.get_finished_spans()
        return {
            "replies": "\n".join(map(repr, self.replies)),
            "logs": self._lines.text,
            "metrics": generate_latest(self.standing.server.instruments.registry).decode(),
            "spans": "\n".join(span.to_json() for span in finished),
            "records": await dumped(database),
        }

    async def hits(self, database: str) -> list[tuple[str, str]]:
        """Return what was shown around each secret, with where; fail where there was too little to show them."""
        shown = await self.shown(database)
        assert len(self.replies) >= MINIMUM
        assert shown["logs"].count("store_call_failed") >= MINIMUM
        assert shown["spans"].count('"name"') >= MINIMUM
        assert shown["records"]
        return _found(shown, self.secrets)


def _found(shown: dict[str, str], secrets: tuple[str, ...]) -> list[tuple[str, str]]:
    return [
        (where, text[max(0, place - 300) : place + 100])
        for where, text in shown.items()
        for place in {text.find(secret) for secret in secrets} - {-1}
    ]


async def dumped(url: str) -> str:
    """Return all that is recorded in a database, as text."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        tables = await (
            await connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'ecp_state' ORDER BY 1"
            )
        ).fetchall()
        rows = []
        for (table,) in tables:
            name = sql.Identifier("ecp_state", table)
            found = await connection.execute(sql.SQL("SELECT row_to_json(t)::text FROM {} AS t").format(name))
            rows += [row[0] for row in await found.fetchall()]
            # Bytes are hexadecimal in JSON.
            columns = await connection.execute(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_schema = 'ecp_state' AND table_name = %s AND data_type = 'bytea'",
                (table,),
            )
            for (column,) in await columns.fetchall():
                select = sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), name)
                rows += [repr(bytes(row[0])) for row in await (await connection.execute(select)).fetchall()]
    return "\n".join(rows)


@contextmanager
def somebody(url: str) -> Iterator[str]:
    """Give a database a user whose name and password are secrets; yield the URL."""
    with psycopg.connect(url, autocommit=True) as connection:
        role = sql.Identifier(USER)
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(role, sql.Literal(PASSWORD)))
        try:
            parts = urlsplit(url)
            yield urlunsplit(parts._replace(netloc=f"{USER}:{PASSWORD}@{parts.hostname}:{parts.port}"))
        finally:
            connection.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
            connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


@asynccontextmanager
async def watched(
    meridian: Path, folder: Path, request: pytest.FixtureRequest, *names: str, **settings: str
) -> AsyncIterator[Outputs]:
    """Serve over real stores whose credentials are secrets, and keep all that leaves the server."""
    spans = InMemorySpanExporter()
    recorded = Recorded(SimpleSpanProcessor(spans), 1.0, "test")
    with ExitStack() as stack:
        urls = urls_of(request, *names)
        known = tuple(str(password) for url in urls.values() if (password := urlsplit(url).password))
        if any(SITES[name].server == "postgres" for name in names):
            url = stack.enter_context(somebody(request.getfixturevalue("postgres")))
            urls = {site: url if site.server == "postgres" else other for site, other in urls.items()}
        lines = stack.enter_context(logged())
        stack.enter_context(mock.patch("tests.running.Propagated", return_value=recorded))
        async with estate(meridian, folder, urls, **settings) as standing:
            for proxy in standing.proxies.values():
                proxy.words = SAID
            yield Outputs(standing, lines, spans, known)


async def fail_in_turn(outputs: Outputs, faults: tuple[Fault, ...]) -> None:
    """Let each store fail in each way, and ask every kind of call meanwhile."""
    await outputs.ask_all()
    recorded = next(reply.response.resolution_id for reply in outputs.replies if reply.code == "OK")
    for store, proxy in outputs.standing.proxies.items():
        is_http = store in {StoreKind.POLICY, StoreKind.SEMANTIC}
        for fault in (*faults, *((Fault.HTTP_503, Fault.HTTP_429) if is_http else ())):
            await proxy.turn(fault)
            await outputs.ask_all(recorded)
            await proxy.turn(Fault.NONE)
            await asyncio.sleep(0.6)
            await outputs.ask_all(recorded)


RAISE: Final = (
    (
        "CREATE FUNCTION ecp_state.canary() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'canary-raised %', NEW USING DETAIL = 'canary-detail', HINT = 'canary-hint'; END $$"
    ),
    "CREATE TRIGGER canary BEFORE INSERT ON ecp_state.resolution FOR EACH ROW EXECUTE FUNCTION ecp_state.canary()",
)
RAISE_NO_MORE: Final = ("DROP TRIGGER canary ON ecp_state.resolution", "DROP FUNCTION ecp_state.canary()")
TALK: Final[dict[str, tuple[Callable[[str], Awaitable[None]], Callable[[str], Awaitable[None]]]]] = {
    "state": (lambda url: in_postgres(url, *RAISE), lambda url: in_postgres(url, *RAISE_NO_MORE)),
    "registry": (
        lambda url: in_postgres(
            url,
            "CREATE TABLE ecp_registry.kept AS SELECT key, body FROM ecp_registry.item",
            """UPDATE ecp_registry.item SET body = '{"canary-row": "canary-value"}'""",
        ),
        lambda url: in_postgres(
            url,
            "UPDATE ecp_registry.item SET body = kept.body FROM ecp_registry.kept WHERE kept.key = item.key",
            "DROP TABLE ecp_registry.kept",
        ),
    ),
    "graph": (
        lambda url: in_neo4j(
            url,
            "MATCH (n:EcpAsset) SET n.kept = n.variations, n.variations = '{\"canary-node\": 1}' RETURN count(n) AS n",
        ),
        lambda url: in_neo4j(url, "MATCH (n:EcpAsset) SET n.variations = n.kept, n.kept = null RETURN count(n) AS n"),
    ),
}
"""What stores hold and say that is none of the caller's business, and how that is undone."""


async def talk(outputs: Outputs, urls: dict[str, str]) -> None:
    """Let stores refuse queries, and hold what is no answer, in words that are secrets."""
    for name, (spoil, mend) in TALK.items():
        if name in urls:
            await outputs.healed()
            await spoil(urls[name])
            await outputs.ask_all()
            await mend(urls[name])


@pytest.mark.timeout(240)
async def test_no_secret_shows(meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, postgres: str) -> None:
    async with watched(meridian, tmp_path, request, *SITES) as outputs:
        await fail_in_turn(outputs, SHORT)
        await talk(outputs, {name: request.getfixturevalue(SITES[name].server) for name in TALK})
        assert [] == await outputs.hits(postgres)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_no_secret_shows_in_any_fault(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, postgres: str
) -> None:
    async with watched(meridian, tmp_path, request, *SITES) as outputs:
        for _ in range(5):
            await fail_in_turn(outputs, LONG)
            await talk(outputs, {name: request.getfixturevalue(SITES[name].server) for name in TALK})
        assert [] == await outputs.hits(postgres)


async def test_what_a_policy_engine_says_does_not_show(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, postgres: str
) -> None:
    """The text of an error in Rego."""
    text = 'package ecp.policy\ndecisions := {input.action: {"allow": to_number("canary-rego"), "policy": "p"}}\n'
    async with (
        own_policies(request.getfixturevalue("opa_server"), text),
        watched(meridian, tmp_path, request, "policy", "state", policy_push="false") as outputs,
    ):
        for _ in range(6):
            await outputs.ask_all()
        shown = await outputs.shown(postgres)
        assert "store_call_failed" in shown["logs"]
        assert [] == [where for where, said in shown.items() if MARK in said]


async def test_an_error_whose_text_is_logged_is_found(
    meridian: Path, tmp_path: Path, request: pytest.FixtureRequest, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told_all(failure: BaseException) -> dict[str, str]:
        return {"cause": " < ".join(map(str, chain(failure)))}

    monkeypatch.setattr(observe, "_diagnosis", told_all)
    async with watched(meridian, tmp_path, request, "state") as outputs:
        await fail_in_turn(outputs, SHORT)
        await talk(outputs, {"state": postgres})
        assert "logs" in [where for where, _ in _found(await outputs.shown(postgres), outputs.secrets)]
