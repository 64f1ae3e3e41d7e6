"""Puts versions of a catalog into Neo4j, where `Neo4jGraph` finds them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.graph import cypher_publish as cypher
from ecp_server.stores.graph.contents import Contents, Row, contents
from ecp_server.stores.graph.neo4j import ADAPTER
from ecp_server.stores.graph.neo4j_connection import Neo4jConnection
from ecp_server.stores.publish import Difference, Progress

BATCH_SIZE: Final = 5_000
"""Rows that one transaction writes."""

KEPT_VERSIONS: Final = 8
"""Published last. A server holds the version in force and the three before it (`CatalogShelf`)."""


class _Version(BaseModel):
    """A version as the server has it."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    version: str
    complete: bool
    number: int | None


class Neo4jPublisher:
    """`publish.Publisher` of the graph. It needs a user who may write, and make constraints and indexes."""

    store = StoreKind.GRAPH
    adapter = ADAPTER

    def __init__(self, connection: Neo4jConnection) -> None:
        self._connection = connection

    async def holds(self, version: str) -> int | None:
        """See `Publisher`."""
        versions = await self.versions()
        return len(await self._things(version)) if versions and versions[0] == version else None

    async def difference(self, catalog: Catalog) -> Difference:
        """See `Publisher`."""
        versions = await self.versions()
        if catalog.version in versions:
            return await self._nothing(catalog.version)
        return await self._difference(await asyncio.to_thread(contents, catalog), versions)

    async def publish(self, catalog: Catalog, progress: Progress) -> Difference:
        """See `Publisher`. Versions that no server can hold any more are deleted afterwards."""
        for statement in cypher.SCHEMA:
            await self._connection.change_schema(statement)
        versions = await self.versions()
        writer = secrets.token_hex(16)
        claim = await self._connection.write(cypher.CLAIM, {"version": catalog.version, "writer": writer})
        if claim["complete"] is True:
            difference = await self._nothing(catalog.version)
        else:
            held = await asyncio.to_thread(contents, catalog)
            difference = await self._difference(held, versions)
            await self._clear(catalog.version, writer)
            await self._write(catalog.version, writer, held, progress)
        await self._claimed(cypher.COMPLETE, catalog.version, writer)
        await self._prune(writer)
        return difference

    async def versions(self) -> Sequence[str]:
        """Return the versions that are there whole, the one published last first."""
        return [found.version for found in await self._versions() if found.complete]

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def _difference(self, held: Contents, versions: Sequence[str]) -> Difference:
        before = await self._things(versions[0]) if versions else {}
        return Difference(
            added=tuple(sorted(held.things.keys() - before.keys())),
            changed=tuple(sorted(n for n in held.things.keys() & before.keys() if held.things[n] != before[n])),
            removed=tuple(sorted(before.keys() - held.things.keys())),
            unchanged=sum(1 for name, digest in held.things.items() if before.get(name) == digest),
        )

    async def _nothing(self, version: str) -> Difference:
        return Difference(unchanged=len(await self._things(version)))

    async def _things(self, version: str) -> Mapping[str, str]:
        record = await self._connection.read(cypher.THINGS, {"version": version})
        match record:
            case {"names": list(names), "hashes": list(hashes)} if len(names) == len(hashes):
                return dict(zip(names, hashes, strict=True))
            case _:
                raise StoreQueryFailed(StoreKind.GRAPH)

    async def _versions(self) -> Sequence[_Version]:
        record = await self._connection.read(cypher.VERSIONS, {})
        try:
            return [_Version.model_validate(found) for found in record["versions"]]
        except (KeyError, TypeError, ValidationError) as error:
            raise StoreQueryFailed(StoreKind.GRAPH) from error

    async def _write(self, version: str, writer: str, held: Contents, progress: Progress) -> None:
        total = sum(len(rows) for _, rows in _rows(held))
        done = 0
        for name, rows in _rows(held):
            for start in range(0, len(rows), BATCH_SIZE):
                batch = rows[start : start + BATCH_SIZE]
                await self._claimed(cypher.WRITE[name], version, writer, rows=batch)
                done += len(batch)
                progress("writing the graph", done, total)

    async def _clear(self, version: str, writer: str) -> None:
        """Delete what is there of a version that readers do not see."""
        for statement in cypher.DELETE:
            while (await self._claimed(statement, version, writer, batch=BATCH_SIZE))["deleted"]:
                pass

    async def _prune(self, writer: str) -> None:
        """Delete the versions published before the last few: first they are hidden, then they go."""
        complete = [found.version for found in await self._versions() if found.complete]
        for version in complete[KEPT_VERSIONS:]:
            await self._claimed(cypher.HIDE, version, writer)
            await self._clear(version, writer)
            await self._claimed(cypher.FORGET, version, writer)

    async def _claimed(self, statement: str, version: str, writer: str, **parameters: Any) -> Mapping[str, Any]:
        """Run a statement of the one who holds the claim on a version. Raises `StoreQueryFailed` where another does."""
        record = await self._connection.write(statement, {"version": version, "writer": writer, **parameters})
        if record["claimed"] != 1:
            raise StoreQueryFailed(StoreKind.GRAPH)
        return record


def _rows(held: Contents) -> Iterator[tuple[str, Sequence[Row]]]:
    things = {"names": list(held.things), "hashes": list(held.things.values())}
    for name in cypher.WRITE:
        yield name, [things] if name == "contents" else getattr(held, name)
