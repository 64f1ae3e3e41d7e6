"""Publishes catalogs to PostgreSQL: one transaction a catalog, which writes what changed and ends what was replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.postgresql.pool import Connection, Database
from ecp_server.stores.publish import Difference, Progress
from ecp_server.stores.registry.items import Item, Key, items
from ecp_server.stores.registry.published import CHANNEL
from ecp_server.stores.registry.words import Index, index

_LOCK: Final = 7_305_421_191
"""Held while a catalog is published, so that several who publish take turns. Any number that is ours."""

_CHUNK: Final = 2000
"""Rows that are written before others on the event loop have their turn, and progress is told."""


# The same catalog in other files, such as with another comment: these are the ones to be known again.
_SET_SOURCE: Final = (
    "UPDATE ecp_registry.catalog SET source = %s WHERE number = (SELECT max(number) FROM ecp_registry.catalog)"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """An item in force as it stands there."""

    key: int
    digest: bytes


class RegistryPublisher:
    """`publish.Publisher` of the registry: what it publishes is in force at once, for whoever follows the registry."""

    store = StoreKind.REGISTRY
    adapter = "postgres"

    def __init__(self, database: Database, *, publisher: str, note: str = "", source: str = "") -> None:
        """``database`` must write and be patient; ``publisher`` and ``note`` go into the history.

        ``source`` tells what the catalog is read from, "" where nothing does: see `version_of`.
        """
        self._database = database
        self._publisher = publisher
        self._note = note
        self._source = source

    async def version_of(self, source: str) -> str | None:
        """Return the version in force if it was read from the source, else None."""
        async with self._database.connection() as connection:
            query = "SELECT version, source FROM ecp_registry.catalog ORDER BY number DESC LIMIT 1"
            last = await (await connection.execute(query)).fetchone()
        return last[0] if last is not None and source and last[1] == source else None

    async def holds(self, version: str) -> int | None:
        """See `publish.Publisher`."""
        async with self._database.connection() as connection:
            if await _version_in_force(connection) != version:
                return None
            return await _items_in_force(connection)

    async def difference(self, catalog: Catalog) -> Difference:
        """Return what `publish` would change against the catalog in force; write nothing."""
        async with self._database.connection() as connection:
            if await _version_in_force(connection) == catalog.version:
                return Difference(unchanged=await _items_in_force(connection))
            stored = await _stored(connection)
        return (await asyncio.to_thread(_plan, catalog, stored)).difference

    async def publish(self, catalog: Catalog, progress: Progress) -> Difference:
        """Put the catalog in force and return what that changed; where it is in force already, nothing."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            if await _version_in_force(connection) == catalog.version:
                await connection.execute(_SET_SOURCE, (self._source,))
                return Difference(unchanged=await _items_in_force(connection))
            plan = await asyncio.to_thread(_plan, catalog, await _stored(connection))
            number = await self._begin(connection, catalog.version, plan)
            await _end(connection, number, plan.ended)
            await _write_items(connection, number, plan, progress)
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, str(number)))
        return plan.difference

    async def close(self) -> None:
        """Release the connections."""
        await self._database.close()

    async def _begin(self, connection: Connection, version: str, plan: _Plan) -> int:
        difference = plan.difference
        counts = plan.index.counts.values()
        cursor = await connection.execute(
            """
            INSERT INTO ecp_registry.catalog
                (number, version, publisher, note, source, items, added, changed, removed, documents, words)
            SELECT coalesce(max(number), 0) + 1, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM ecp_registry.catalog
            RETURNING number
            """,
            (
                version,
                self._publisher,
                self._note,
                self._source,
                len(difference.added) + len(difference.changed) + difference.unchanged,
                len(difference.added),
                len(difference.changed),
                len(difference.removed),
                len(counts),
                sum(count.total() for count in counts),
            ),
        )
        return int(await _value(cursor))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What publishing a catalog writes."""

    difference: Difference
    new: Sequence[Item]
    """Those added and the changed ones as they are now."""
    ended: Sequence[int]
    """The keys of those removed and of the changed ones as they were."""
    index: Index


def _plan(catalog: Catalog, stored: Mapping[Key, Stored]) -> _Plan:
    added, changed, unchanged = [], [], set()
    for item in items(catalog):
        before = stored.get(item.key)
        if before is None:
            added.append(item)
        elif before.digest != item.digest:
            changed.append(item)
        else:
            unchanged.add(item.key)
    replaced = {item.key for item in changed}
    removed = stored.keys() - unchanged - replaced
    return _Plan(
        Difference(
            tuple(sorted(item.key.title for item in added)),
            tuple(sorted(key.title for key in replaced)),
            tuple(sorted(key.title for key in removed)),
            len(unchanged),
        ),
        (*added, *changed),
        sorted(stored[key].key for key in removed | replaced),
        index(catalog),
    )


async def _value(cursor: Any) -> Any:
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def _version_in_force(connection: Connection) -> str | None:
    query = "SELECT version FROM ecp_registry.catalog ORDER BY number DESC LIMIT 1"
    version: str | None = await _value(await connection.execute(query))
    return version


async def _items_in_force(connection: Connection) -> int:
    return int(await _value(await connection.execute("SELECT count(*) FROM ecp_registry.item WHERE until IS NULL")))


async def _stored(connection: Connection) -> Mapping[Key, Stored]:
    cursor = await connection.execute(
        "SELECT kind, id, key, digest FROM ecp_registry.item WHERE until IS NULL", binary=True
    )
    return {Key(kind, item_id): Stored(key, digest) async for kind, item_id, key, digest in cursor}


async def _end(connection: Connection, number: int, keys: Sequence[int]) -> None:
    await connection.execute("UPDATE ecp_registry.item SET until = %s WHERE key = ANY(%s)", (number, list(keys)))
    await connection.execute("UPDATE ecp_registry.posting SET until = %s WHERE item = ANY(%s)", (number, list(keys)))


async def _write_items(connection: Connection, number: int, plan: _Plan, progress: Progress) -> None:
    first = int(await _value(await connection.execute("SELECT coalesce(max(key), 0) + 1 FROM ecp_registry.item")))
    keyed = list(enumerate(plan.new, first))
    counts = plan.index.counts
    cursor = connection.cursor()
    copy_items = "COPY ecp_registry.item (key, kind, id, since, digest, body, words, inputs, tables) FROM STDIN"
    async with cursor.copy(copy_items) as copy:
        for written, (key, item) in enumerate(keyed):
            if written % _CHUNK == 0:
                progress("writing items", written, len(keyed))
            words = counts[item.key].total() if item.key in counts else 0
            inputs, tables = list(plan.index.inputs.get(item.key, ())), list(plan.index.tables.get(item.key, ()))
            body = item.body.decode()
            await copy.write_row((key, *item.key, number, item.digest, body, words, inputs, tables))
    copy_postings = "COPY ecp_registry.posting (stem, item, kind, times, words, since) FROM STDIN"
    async with cursor.copy(copy_postings) as copy:
        for written, (key, item) in enumerate(keyed):
            if written % _CHUNK == 0:
                progress("writing words", written, len(keyed))
            if item.key in counts:
                words = counts[item.key].total()
                kind = item.key.kind
                # Stems have neither tabs nor backslashes nor line feeds: they are letters and digits.
                lines = (
                    f"{stem}\t{key}\t{kind}\t{times}\t{words}\t{number}\n" for stem, times in counts[item.key].items()
                )
                await copy.write("".join(lines))
    progress("writing words", len(keyed), len(keyed))
