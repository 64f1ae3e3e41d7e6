"""The graph in Neo4j beyond what every graph must answer: the same as embedded on anything, safe, bounded, strict."""

from __future__ import annotations

import ast
import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from ecp_server.domain.catalog import (
    AssetKind,
    AssetRef,
    Catalog,
    Derived,
    DerivedInput,
    IssueScope,
    KnownIssue,
    LineageLink,
    Metric,
    Relation,
    Severity,
)
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.graph.embedded import EmbeddedGraph
from ecp_server.stores.graph.neo4j import Neo4jGraph
from ecp_server.stores.graph.neo4j_connection import Neo4jConnection
from ecp_server.stores.ports import Graph
from tests.conformance.graphs import connected, published
from tests.held import Held
from tests.servers import finished, neo4j_server
from tests.stores.graph.listening import listening

__all__ = ["neo4j_server"]

SEEDS: Final = range(4)
_ODD: Final = ("a`b", "a'b", 'a"b', "a\\b", "\uffff", "😀", "é", "e\u0301", "Z", "a", "a b", "$version", "}", "//")
"""Names that quotes, comments and orders of letters could trip over."""

INJECTED: Final = (
    "x' OR 1=1 //",
    'x" OR 1=1 //',
    "x`}) DETACH DELETE n //",
    "x\\u0060}) DETACH DELETE n //",
    "x\u0060}) DETACH DELETE n //",
    "' UNION MATCH (n) RETURN n.version AS published //",
    "'}) WITH 1 AS x LOAD CSV FROM 'http://127.0.0.1:PORT/x' AS line RETURN line //",
    "\\' RETURN 1 //",
    "$target",
    "*/ MATCH (n) DETACH DELETE n /*",
    "'; MATCH (n) DETACH DELETE n; //",
    "CALL apoc.load.json('http://127.0.0.1:PORT/x')",
    "%27%7D%29 DETACH DELETE n",
)


def random_catalog(seed: int) -> Catalog:
    """A small catalog in which everything hangs together somehow: cycles, tables, columns, systems, odd names."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    names = [*chance.sample(_ODD, 6), "t", "u", "v"]
    tables = [f"table:{name}" for name in names]
    columns = [f"{name}.{column}" for name in names for column in ("x", "y", chance.choice(_ODD))]
    metrics = [f"m{number}" for number in range(4)]
    nodes = [*tables, *columns, *metrics, "system:S", "plain"]
    links = tuple(
        LineageLink(start, end, chance.choice(("", "sum", "join")), from_system=chance.choice((None, None, "S")))
        for start, end in ((chance.choice(nodes), chance.choice(nodes)) for _ in range(30))
    )
    derived = Derived("a / b", (DerivedInput("m0", "a"), DerivedInput("m1", "b")))
    scopes = [
        IssueScope(metrics=frozenset(chance.sample(metrics, 2))),
        IssueScope(tables=frozenset(chance.sample(names, 3))),
        IssueScope(metrics=frozenset({"m0"}), tables=frozenset(chance.sample([*names, *columns], 4))),
        IssueScope(),
        IssueScope(tables=frozenset({"plain"})),
    ]
    ends = [f"e{number}" for number in range(6)] + [*chance.sample(_ODD, 3)]
    return Catalog(
        version=f"random-{seed}",
        metrics={
            name: Metric(
                name,
                name.upper(),
                "",
                computed_from=tuple(chance.sample([*columns, *tables], 2)) if name != "m3" else (),
                derived=derived if name == "m2" else None,
            )
            for name in metrics
        },
        known_issues={
            f"i{n}": KnownIssue(f"i{n}", "About.", Severity.LOW, scope, active=chance.random() < 0.9)
            for n, scope in enumerate(scopes)
        },
        lineage=links,
        relations={
            f"r{n}": Relation(f"r{n}", chance.choice(ends), chance.choice(ends), chance.choice(("owns", "uses")))
            for n in range(14)
        },
    )


CATALOGS: Final = tuple(random_catalog(seed) for seed in SEEDS)


@pytest.fixture(scope="module")
def url(neo4j_server: str) -> str:
    """A server in which the catalogs are published."""
    finished(published(neo4j_server, *CATALOGS))
    return neo4j_server


@pytest.fixture
async def graph(url: str) -> AsyncIterator[Neo4jGraph]:
    opened = Neo4jGraph(connected(url), Held(*CATALOGS))
    yield opened
    await opened.close()


Question = tuple[str, tuple[Any, ...], Mapping[str, Any]]
"""A method of the port, and what it is asked."""


def questions(catalog: Catalog, chance: random.Random) -> Iterator[Question]:
    version = catalog.version
    ends = {end for link in catalog.lineage for end in (link.start, link.end)} | catalog.metrics.keys() | {"nothing"}
    for target, downstream in itertools.product(sorted(ends), (False, True)):
        depth, max_nodes = chance.choice((0, 1, 2, 3, 20, 25)), chance.choice((1, 2, 5, 9, 200))
        yield "lineage", (version, target), {"depth": depth, "downstream": downstream, "max_nodes": max_nodes}
    for size in (1, 2, 4):
        for metrics in itertools.permutations([*catalog.metrics, "nothing"], size):
            if size < 3 or chance.random() < 0.1:
                yield "known_issues", (version, metrics), {}
    for start in sorted({end for r in catalog.relations.values() for end in (r.start, r.end)} | {"nobody"}):
        for depth in (0, 1, 3, 8, 30):
            yield "paths", (version, start), {"depth": depth}


async def answer(graph: Graph, question: Question) -> Any:
    method, arguments, options = question
    return await getattr(graph, method)(*arguments, **options)


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda catalog: catalog.version)
async def test_it_answers_as_embedded_does(graph: Neo4jGraph, catalog: Catalog) -> None:
    embedded = EmbeddedGraph(Held(catalog))
    asked = list(questions(catalog, random.Random(catalog.version)))  # noqa: S311 - not for secrets
    answers = await asyncio.gather(*(answer(graph, question) for question in asked))
    for question, found in zip(asked, answers, strict=True):
        assert found == await answer(embedded, question), question
    assert len(asked) > 100


async def test_many_at_once_wait_for_a_connection(url: str) -> None:
    graph = Neo4jGraph(Neo4jConnection(Endpoint(url), pool_size=2, timeout_seconds=30), Held(*CATALOGS))
    metrics = list(CATALOGS[0].metrics)
    alone = await graph.known_issues("random-0", metrics)
    answers = await asyncio.gather(*(graph.known_issues("random-0", metrics) for _ in range(40)))
    await graph.close()
    assert answers == [alone] * 40


# --- safety -----------------------------------------------------------------------------------------------------------


async def counted(connection: Neo4jConnection) -> int:
    return int((await connection.read("MATCH (n) RETURN count(n) AS number", {}))["number"])


async def test_what_callers_write_is_never_part_of_a_question(graph: Neo4jGraph) -> None:
    connections = 0

    async def connected_to(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    server = await asyncio.start_server(connected_to, "127.0.0.1", 0)
    async with server:
        port = str(server.sockets[0].getsockname()[1])
        before = await counted(graph._connection)
        for text in (injected.replace("PORT", port) for injected in INJECTED):
            refs = [AssetRef(AssetKind.TERM, text)]
            assert await graph.variations("random-0", refs) == {}
            assert await graph.known_issues("random-0", [text]) == ()
            assert await graph.paths("random-0", text, depth=2) == ()
            assert await graph.lineage("random-0", text, depth=2, downstream=True, max_nodes=9) is None
            with pytest.raises(StoreQueryFailed):
                await graph.variations(text, refs)
        assert await counted(graph._connection) == before
    assert connections == 0


def _texts_given(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what is handed to whatever takes Cypher."""
    takers = {"run", "execute_query", "execute_read", "execute_write", "Query", "read", "write", "change_schema"}
    takers |= {"_run", "_ask", "_claimed"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in takers:
                yield from node.args


def test_no_question_is_put_together_from_values(project_root: Path) -> None:
    """Texts are names of constants, or what a closed list holds; the modules that hold them have no f-string."""
    folder = project_root / "ecp_server" / "stores" / "graph"
    found = 0
    for file in folder.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for argument in _texts_given(tree):
            found += 1
            assert not any(
                isinstance(part, ast.JoinedStr | ast.BinOp)
                or (isinstance(part, ast.Attribute) and part.attr in {"format", "replace", "join"})
                for part in ast.walk(argument)
            ), f"{file.name}:{argument.lineno}"
        if file.name.startswith("cypher"):
            parts = list(ast.walk(tree))
            assert not any(isinstance(part, ast.JoinedStr) for part in parts), file.name
            assert not any(isinstance(part, ast.Attribute) and part.attr == "format" for part in parts), file.name
    assert found > 20


async def test_a_question_cannot_write(graph: Neo4jGraph) -> None:
    before = await counted(graph._connection)
    with pytest.raises(StoreQueryFailed):
        await graph._connection.read("CREATE (n:Written) RETURN true AS published", {})
    assert await counted(graph._connection) == before


# --- round trips ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def counting(url: str) -> AsyncIterator[tuple[str, list[int]]]:
    """A way to the server that counts how often the client speaks after the server has."""
    parts = urlsplit(url)
    trips = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(parts.hostname, parts.port)
        answered = True

        async def there() -> None:
            nonlocal answered
            while data := await reader.read(65536):
                trips[0] += answered
                answered = False
                to_server.write(data)
            to_server.close()

        async def back() -> None:
            nonlocal answered
            while data := await from_server.read(65536):
                answered = True
                writer.write(data)

        await asyncio.gather(there(), back())

    async with listening(serve) as through:
        port = urlsplit(through).port
        yield f"bolt://neo4j:{parts.password}@127.0.0.1:{port}", trips


async def test_each_question_is_one_round_trip(url: str) -> None:
    asked: Sequence[Question] = (
        ("variations", ("random-0", [AssetRef(AssetKind.TERM, "t")]), {}),
        ("known_issues", ("random-0", ["m0", "m1", "m2"]), {}),
        ("lineage", ("random-0", "m2"), {"depth": 20, "downstream": False, "max_nodes": 200}),
        ("paths", ("random-0", "e0"), {"depth": 4}),
    )
    async with counting(url) as (through, trips):
        graph = Neo4jGraph(connected(through), Held(*CATALOGS))
        await graph.probe()
        for question in asked:
            before = trips[0]
            await answer(graph, question)
            assert trips[0] - before == 1
        await graph.close()
