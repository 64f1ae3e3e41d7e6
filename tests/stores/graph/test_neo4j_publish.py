"""Catalogs get into Neo4j whole or not at all, again and again (stores/publish.py)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ecp_server.domain.catalog import Catalog, KnownIssue, Metric, Relation, Severity, Term, TermVariation
from ecp_server.domain.errors import NotPublished, StoreQueryFailed, StoreUnavailable
from ecp_server.stores.graph import neo4j_publish
from ecp_server.stores.graph.neo4j import Neo4jGraph
from ecp_server.stores.graph.neo4j_connection import Neo4jConnection
from ecp_server.stores.graph.neo4j_publish import KEPT_VERSIONS, Neo4jPublisher
from ecp_server.stores.publish import Difference
from tests.conformance.graphs import connected, emptied
from tests.held import Held
from tests.servers import neo4j_server

__all__ = ["neo4j_server"]

FIRST = Catalog(
    version="first",
    metrics={"sales": Metric("sales", "Sales", "", computed_from=("mart.sales.amount",))},
    terms={"revenue": Term("revenue", "Revenue", variations=(TermVariation("sales", metric="sales"),))},
    known_issues={"late": KnownIssue("late", "Late.", Severity.LOW)},
    relations={"r1": Relation("r1", "team.a", "team.b", "owns")},
)
SECOND = replace(
    FIRST,
    version="second",
    terms={"revenue": Term("revenue", "Revenue"), "income": Term("income", "Income")},
    relations={},
)
EVERYTHING_OF_FIRST = (
    "column mart.sales.amount",
    "known_issue late",
    "lineage mart.sales.amount to sales #0",
    "metric sales",
    "relation r1",
    "table mart.sales",
    "term revenue",
)


@pytest.fixture
async def url(neo4j_server: str) -> str:
    """A server with nothing in it."""
    await emptied(neo4j_server)
    return neo4j_server


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Neo4jConnection]:
    opened = connected(url)
    yield opened
    await opened.close()


@pytest.fixture
def publisher(connection: Neo4jConnection) -> Neo4jPublisher:
    return Neo4jPublisher(connection)


def ignore(what: str, done: int, total: int) -> None:
    """Hear of progress, and do nothing."""


async def count(connection: Neo4jConnection, version: str) -> int:
    record = await connection.read(
        "MATCH (n) WHERE n.version = $version RETURN count(n) AS number", {"version": version}
    )
    return int(record["number"])


async def test_the_first_publish_adds_everything(publisher: Neo4jPublisher) -> None:
    expected = Difference(added=EVERYTHING_OF_FIRST)
    assert await publisher.difference(FIRST) == expected
    assert await publisher.versions() == []
    assert await publisher.publish(FIRST, ignore) == expected
    assert await publisher.versions() == ["first"]


async def test_the_same_catalog_again_changes_nothing(publisher: Neo4jPublisher, connection: Neo4jConnection) -> None:
    await publisher.publish(FIRST, ignore)
    before = await count(connection, "first")
    again = await publisher.publish(FIRST, ignore)
    assert not again
    assert again.unchanged == len(EVERYTHING_OF_FIRST)
    assert await count(connection, "first") == before


async def test_a_difference_tells_what_came_changed_and_went(publisher: Neo4jPublisher) -> None:
    await publisher.publish(FIRST, ignore)
    assert await publisher.publish(SECOND, ignore) == Difference(
        added=("term income",), changed=("term revenue",), removed=("relation r1",), unchanged=5
    )


async def test_versions_before_stay_as_they_were(publisher: Neo4jPublisher, connection: Neo4jConnection) -> None:
    graph = Neo4jGraph(connection, Held(FIRST))
    await publisher.publish(FIRST, ignore)
    before = await graph.paths("first", "team.a", depth=1)
    await publisher.publish(SECOND, ignore)
    assert await graph.paths("first", "team.a", depth=1) == before != ()
    assert await graph.paths("second", "team.a", depth=1) == ()


async def test_progress_is_told_to_the_end(publisher: Neo4jPublisher) -> None:
    told: list[tuple[str, int, int]] = []
    await publisher.publish(FIRST, lambda *progress: told.append(progress))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == told[-1][2]


async def test_one_that_fails_on_the_way_is_not_seen_and_may_be_repeated(
    publisher: Neo4jPublisher, connection: Neo4jConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = Neo4jGraph(connection, Held(FIRST))
    write = connection.write
    writes = 0

    async def failing(text: str, parameters: dict[str, object]) -> object:
        nonlocal writes
        writes += 1
        if writes == 12:
            raise StoreUnavailable(publisher.store)
        return await write(text, parameters)

    monkeypatch.setattr(connection, "write", failing)
    with pytest.raises(StoreUnavailable):
        await publisher.publish(FIRST, ignore)
    monkeypatch.undo()
    assert await count(connection, "first") > 1
    assert await publisher.versions() == []
    with pytest.raises(NotPublished):
        await graph.probe()
    await publisher.publish(FIRST, ignore)
    await graph.probe()
    assert await publisher.versions() == ["first"]


async def test_of_two_at_once_one_takes_over_and_the_version_is_whole(
    publisher: Neo4jPublisher, connection: Neo4jConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neo4j_publish, "BATCH_SIZE", 1)
    outcomes = await asyncio.gather(
        publisher.publish(FIRST, ignore), publisher.publish(FIRST, ignore), return_exceptions=True
    )
    assert any(isinstance(outcome, Difference) for outcome in outcomes)
    assert all(isinstance(outcome, Difference | StoreQueryFailed | StoreUnavailable) for outcome in outcomes)
    found = await count(connection, "first")
    await emptied_version(connection, "first")
    await publisher.publish(FIRST, ignore)
    assert await count(connection, "first") == found


async def emptied_version(connection: Neo4jConnection, version: str) -> None:
    text = "MATCH (n) WHERE n.version = $version DETACH DELETE n RETURN count(*) AS deleted"
    await connection.write(text, {"version": version})


async def test_only_the_last_versions_are_kept(publisher: Neo4jPublisher, connection: Neo4jConnection) -> None:
    names = [f"v{number}" for number in range(KEPT_VERSIONS + 2)]
    for name in names:
        await publisher.publish(replace(FIRST, version=name), ignore)
    assert await publisher.versions() == names[:1:-1]
    assert await count(connection, "v0") == 0
    with pytest.raises(StoreQueryFailed):
        await Neo4jGraph(connection, Held(FIRST)).paths("v1", "team.a", depth=1)


async def test_a_version_that_is_published_again_is_the_last_one(publisher: Neo4jPublisher) -> None:
    """A catalog that was rolled back to is not deleted as an old one."""
    for catalog in (FIRST, SECOND, FIRST):
        await publisher.publish(catalog, ignore)
    assert await publisher.versions() == ["first", "second"]
