"""Nearest neighbours in PostgreSQL, as `publisher` published them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import Vector
from pgvector.psycopg import register_vector_async

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Catalogs
from ecp_server.domain.errors import NotPublished, StoreIncompatible, StoreQueryFailed
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.ports import Hit
from ecp_server.stores.postgresql.migrations import Schema
from ecp_server.stores.postgresql.pool import Connection, Database
from ecp_server.stores.top import best
from ecp_server.stores.vector.embeddings import Embeddings
from ecp_server.stores.vector.meaning import nearness, plain

SCHEMA: Final = Schema.of("ecp_vector", __package__)

EXACT_ROWS: Final = 10_000
"""Where no more assets than these are of the kinds asked for, all are compared: about 5 ms, and never one missed."""

_SPARE: Final = 10
"""Candidates beyond the limit: the index gives them in an order that is only nearly right."""

# A search that filters goes on (iterative_scan) until it has enough of what is asked for, or has seen so many.
_SEARCH_SETTINGS: Final = (
    "SELECT set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true), "
    "set_config('hnsw.max_scan_tuples', '40000', true)"
)
_LEAST_EF: Final = 200
_MOST_EF: Final = 1000

_IN_FORCE: Final = "since <= %(number)s AND until IS NULL AND kind = ANY(%(kinds)s) AND vector IS NOT NULL"
_REPLACED: Final = "since <= %(number)s AND until > %(number)s AND kind = ANY(%(kinds)s) AND vector IS NOT NULL"
_NEAREST: Final = "ORDER BY vector <=> %(vector)s LIMIT %(limit)s"

# What a later catalog replaced is in no index of neighbours: that is little, and asked for only while catalogs change.
_APPROXIMATE: Final = f"""
    (SELECT kind, id, vector FROM ecp_vector.embedding WHERE {_IN_FORCE} {_NEAREST})
    UNION ALL (SELECT kind, id, vector FROM ecp_vector.embedding WHERE {_REPLACED} {_NEAREST})
"""  # noqa: S608 - constants
_EXACT: Final = f"""
    WITH live AS MATERIALIZED (
        SELECT kind, id, vector FROM ecp_vector.embedding WHERE {_IN_FORCE}
        UNION ALL SELECT kind, id, vector FROM ecp_vector.embedding WHERE {_REPLACED}
    )
    SELECT kind, id, vector FROM live {_NEAREST}
"""  # noqa: S608 - constants


class Published(NamedTuple):
    """What is known of one version."""

    number: int
    kinds: Mapping[str, int]


class PgVector:
    """`ports.Vector` over what was published; one round trip a question.

    A version that is held but was not published, or by another model, is `NotPublished`: keyword search stands in.
    """

    adapter = "pgvector"

    def __init__(
        self,
        endpoint: Endpoint,
        catalogs: Catalogs,
        embeddings: Embeddings,
        *,
        pool_size: int,
        timeout_seconds: float,
        exact_rows: int = EXACT_ROWS,
    ) -> None:
        """``timeout_seconds`` bounds a statement."""
        self._catalogs = catalogs
        self._embeddings = embeddings
        self._exact_rows = exact_rows
        self.concurrency = pool_size
        self._database = Database(
            endpoint, StoreKind.VECTOR, size=pool_size, timeout_seconds=timeout_seconds, configure=know_vectors
        )
        self._published: dict[str, Published] = {}
        """By version. What was published does not change."""

    async def prepare(self, catalog: Catalog) -> None:
        """Do nothing: vectors are made when a catalog is published."""

    async def probe(self) -> None:
        """Return if the catalog in force can be asked."""
        async with self._database.connection() as connection:
            if await SCHEMA.applied(connection) < SCHEMA.latest:
                raise StoreIncompatible(StoreKind.VECTOR)
            await self._at(connection, self._catalogs.current.version)

    async def close(self) -> None:
        """Release the connections."""
        await self._database.close()

    async def nearest(
        self, version: str, texts: Sequence[str], *, kinds: frozenset[AssetKind], limit: int
    ) -> Sequence[Sequence[Hit]]:
        """See `ports.Vector`. A score is a cosine, and above 0."""
        vectors = await self._embeddings.embed([plain(text) for text in texts])
        async with self._database.connection() as connection:
            published = await self._at(connection, version)
            if limit < 1:
                return [()] * len(texts)
            asked = [vector for vector in vectors if vector.any()]
            parameters = {
                "kinds": sorted(kinds),
                "number": published.number,
                "limit": limit + _SPARE,
            }
            exact = sum(published.kinds.get(kind, 0) for kind in kinds) <= self._exact_rows
            found = iter(await self._search(connection, asked, parameters, exact=exact))
        return [_ranked(vector, next(found), limit) if vector.any() else () for vector in vectors]

    async def _search(
        self,
        connection: Connection,
        vectors: Sequence[NDArray[np.float32]],
        parameters: Mapping[str, Any],
        *,
        exact: bool,
    ) -> list[list[tuple[Any, ...]]]:
        """Return the candidates for each vector; all is sent at once, in a transaction for the settings' sake."""
        if not vectors:
            return []
        ef_search = str(min(max(2 * parameters["limit"], _LEAST_EF), _MOST_EF))
        query = (_EXACT if exact else _APPROXIMATE).encode()
        async with connection.pipeline(), connection.transaction():
            await connection.execute(_SEARCH_SETTINGS, (ef_search,))
            cursors = [
                await connection.execute(query, {**parameters, "vector": Vector(vector)}, binary=True)
                for vector in vectors
            ]
        return [await cursor.fetchall() for cursor in cursors]

    async def _at(self, connection: Connection, version: str) -> Published:
        """Return what is known of a version.

        Raises `NotPublished` where it is held but there are no vectors of it, `StoreQueryFailed` where it is not
        even held.
        """
        if version not in self._published:
            cursor = await connection.execute(
                "SELECT number, kinds FROM ecp_vector.catalog WHERE version = %s AND model = %s "
                "ORDER BY number DESC LIMIT 1",
                (version, self._embeddings.model),
            )
            row = await cursor.fetchone()
            if row is None and self._catalogs.held(version) is not None:
                raise NotPublished(StoreKind.VECTOR)
            if row is None:
                raise StoreQueryFailed(StoreKind.VECTOR)
            self._published[version] = Published(*row)
        return self._published[version]


async def know_vectors(connection: Connection) -> None:
    """Let a connection read and write vectors. Raises psycopg's `UndefinedObject` where the extension is missing."""
    try:
        await register_vector_async(connection)
    except psycopg.ProgrammingError as error:
        raise psycopg.errors.UndefinedObject(str(error)) from error


def _ranked(vector: NDArray[np.float32], rows: Sequence[tuple[Any, ...]], limit: int) -> tuple[Hit, ...]:
    """Compare anew, as every engine does, and return the best, ties by ref."""
    if not rows:
        return ()
    candidates = sorted(rows, key=lambda row: (row[0], row[1]))
    scores = nearness(np.stack([found.to_numpy() for _, _, found in candidates]), vector)
    return tuple(
        Hit(AssetRef(AssetKind(candidates[place][0]), candidates[place][1]), float(scores[place]))
        for place in best(scores, limit)
    )
