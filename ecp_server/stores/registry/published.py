"""The catalogs that were published to PostgreSQL: which there are, what is in them, and when there is a new one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Final

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.postgresql.errors import translated
from ecp_server.stores.postgresql.migrations import Schema
from ecp_server.stores.postgresql.pool import Database
from ecp_server.stores.publish import Publication
from ecp_server.stores.registry.items import Item, Key, UnknownFormat, catalog_of

SCHEMA: Final = Schema.of("ecp_registry", __package__)

CHANNEL: Final = "ecp_registry"
"""Is notified when a catalog was published."""

_CHUNK: Final = 5000
"""Items that are fetched at a time, which bounds how long the event loop reads them."""


_PUBLICATION: Final = "number, version, published, publisher, note, items, added, changed, removed"


class PublishedCatalogs:
    """Reads what was published. Raises what the Registry port raises."""

    def __init__(self, database: Database) -> None:
        """``database`` is closed by whoever made it."""
        self._database = database

    async def latest(self) -> Publication | None:
        """Return the one in force; None before the first."""
        found = await self.history(limit=1)
        return found[0] if found else None

    async def history(self, *, limit: int) -> Sequence[Publication]:
        """Return the newest ones, newest first."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                f"SELECT {_PUBLICATION} FROM ecp_registry.catalog ORDER BY number DESC LIMIT %s",  # noqa: S608 - a constant
                (limit,),
            )
            return [Publication(*row) for row in await cursor.fetchall()]

    async def numbered(self, number: int) -> Publication | None:
        """Return the one of a number; None where there is none."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(
                f"SELECT {_PUBLICATION} FROM ecp_registry.catalog WHERE number = %s",  # noqa: S608 - a constant
                (number,),
            )
            row = await cursor.fetchone()
        return None if row is None else Publication(*row)

    async def load(self, publication: Publication) -> Catalog:
        """Return the catalog as it was published. Raises `StoreQueryFailed` where this release cannot read it."""
        stored = [item async for items in self._stored(publication.number) for item in items]
        try:
            return await asyncio.to_thread(catalog_of, publication.version, stored)
        except UnknownFormat as error:
            raise StoreQueryFailed(StoreKind.REGISTRY) from error

    async def _stored(self, number: int) -> AsyncIterator[list[Item]]:
        async with (
            self._database.connection() as connection,
            connection.transaction(),
            connection.cursor("items", binary=True) as cursor,
        ):
            await cursor.execute(
                "SELECT kind, id, body::text, digest FROM ecp_registry.item "
                "WHERE since <= %(number)s AND (until IS NULL OR until > %(number)s)",
                {"number": number},
            )
            while rows := await cursor.fetchmany(_CHUNK):
                yield [Item(Key(kind, item_id), body.encode(), digest) for kind, item_id, body, digest in rows]

    async def notifications(self) -> AsyncGenerator[None, None]:
        """Yield when listening has begun, and then whenever something was published.

        Raises `StoreError` when the connection is lost.
        """
        connection = await self._database.connect()
        try:
            await connection.execute(f"LISTEN {CHANNEL}")
            yield
            notifies: Any = connection.notifies()
            async with aclosing(notifies):
                async for _ in notifies:
                    yield
        except Exception as error:
            raise translated(error, StoreKind.REGISTRY) from error
        finally:
            await connection.close()
