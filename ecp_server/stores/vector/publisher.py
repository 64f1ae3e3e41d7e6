"""Publishes the vectors of catalogs to pgvector: what did not change in words is not embedded again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import Any, Final

from pgvector import Vector
from psycopg.types.json import Jsonb

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.documents import Document, documents
from ecp_server.stores.postgresql.pool import Connection, Database
from ecp_server.stores.publish import Difference, Progress
from ecp_server.stores.vector.embeddings import Embeddings
from ecp_server.stores.vector.meaning import CHUNK, KINDS, embedded

_LOCK: Final = 7_305_421_192
"""Held while a catalog is published, so that several who publish take turns. Any number that is ours."""


_REBUILD_ROWS: Final = 1000
"""With fewer vectors than these it does not matter when the index is made."""


class VectorPublisher:
    """`publish.Publisher` of pgvector."""

    store = StoreKind.VECTOR
    adapter = "pgvector"

    def __init__(self, database: Database, embeddings: Embeddings) -> None:
        """``database`` must write and be patient, and know vectors (`pgvector.know_vectors`)."""
        self._database = database
        self._embeddings = embeddings

    async def holds(self, version: str) -> int | None:
        """See `publish.Publisher`: how many assets have vectors of this model."""
        async with self._database.connection() as connection:
            return await self._vectors_of(connection, version)

    async def difference(self, catalog: Catalog) -> Difference:
        """Return what `publish` would change against the catalog published last; write nothing."""
        async with self._database.connection() as connection:
            if (there := await self._vectors_of(connection, catalog.version)) is not None:
                return Difference(unchanged=there)
            stored = await _stored(connection)
        return (await asyncio.to_thread(_plan, catalog, self._embeddings.model, stored)).difference

    async def publish(self, catalog: Catalog, progress: Progress) -> Difference:
        """Put the vectors there and return what that changed; where they are there already, nothing."""
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            if (there := await self._vectors_of(connection, catalog.version)) is not None:
                return Difference(unchanged=there)
            plan = await asyncio.to_thread(_plan, catalog, self._embeddings.model, await _stored(connection))
            number = await self._begin(connection, catalog.version, plan)
            await connection.execute(
                "UPDATE ecp_vector.embedding SET until = %s WHERE key = ANY(%s)", (number, list(plan.ended))
            )
            index = await _index_to_rebuild(connection, plan)
            if index is not None:
                await connection.execute("DROP INDEX ecp_vector.embedding_near")
            await self._write(connection, number, plan, progress)
            if index is not None:
                progress("indexing", 0, len(plan.new))
                await connection.execute(index.encode())
                progress("indexing", len(plan.new), len(plan.new))
        return plan.difference

    async def close(self) -> None:
        """Release the connections."""
        await self._database.close()

    async def _vectors_of(self, connection: Connection, version: str) -> int | None:
        """Return how many assets have vectors in this version, None where it was not the last one, of this model."""
        query = "SELECT version, model, kinds FROM ecp_vector.catalog ORDER BY number DESC LIMIT 1"
        last = await (await connection.execute(query)).fetchone()
        return sum(last[2].values()) if last is not None and last[:2] == (version, self._embeddings.model) else None

    async def _begin(self, connection: Connection, version: str, plan: _Plan) -> int:
        cursor = await connection.execute(
            """
            INSERT INTO ecp_vector.catalog (number, version, model, kinds)
            SELECT coalesce(max(number), 0) + 1, %s, %s, %s FROM ecp_vector.catalog RETURNING number
            """,
            (version, self._embeddings.model, Jsonb(plan.kinds)),
        )
        return int(await _value(cursor))

    async def _write(self, connection: Connection, number: int, plan: _Plan, progress: Progress) -> None:
        first = int(
            await _value(await connection.execute("SELECT coalesce(max(key), 0) + 1 FROM ecp_vector.embedding"))
        )
        copy_rows = "COPY ecp_vector.embedding (key, kind, id, since, digest, vector) FROM STDIN WITH (FORMAT BINARY)"
        async with connection.cursor().copy(copy_rows) as copy:
            copy.set_types(["int8", "text", "text", "int4", "bytea", "vector"])
            for start in range(0, len(plan.new), CHUNK):
                progress("embedding", start, len(plan.new))
                chunk = plan.new[start : start + CHUNK]
                vectors = await embedded(self._embeddings, [document for document, _ in chunk])
                for place, ((document, digest), vector) in enumerate(zip(chunk, vectors, strict=True)):
                    # The words of some documents say nothing to the model: nothing is near to them.
                    said = Vector(vector) if vector.any() else None
                    key = first + start + place
                    await copy.write_row((key, document.ref.kind.value, document.ref.id, number, digest, said))
        progress("embedding", len(plan.new), len(plan.new))


@dataclass(frozen=True, slots=True)
class _Plan:
    difference: Difference
    new: Sequence[tuple[Document, bytes]]
    """Those whose words are new, and their digests."""
    ended: Sequence[int]
    """The keys of vectors that hold no more."""
    kinds: Mapping[str, int]


def _plan(catalog: Catalog, model: str, stored: Mapping[AssetRef, tuple[int, bytes]]) -> _Plan:
    found = documents(catalog, KINDS)
    digests = {document.ref: _digest(model, document) for document in found}
    kept = {ref for ref, (_, digest) in stored.items() if digests.get(ref) == digest}
    removed = stored.keys() - digests.keys()
    changed = stored.keys() - removed - kept
    added = digests.keys() - stored.keys()
    return _Plan(
        Difference(_titles(added), _titles(changed), _titles(removed), len(kept)),
        [(document, digests[document.ref]) for document in found if document.ref not in kept],
        sorted(stored[ref][0] for ref in removed | changed),
        Counter(ref.kind.value for ref in digests),
    )


def _digest(model: str, document: Document) -> bytes:
    return sha256(json.dumps([model, astuple(document)], ensure_ascii=False).encode()).digest()


def _titles(refs: set[AssetRef]) -> tuple[str, ...]:
    return tuple(sorted(f"{ref.kind.replace('_', ' ')} {ref.id}" for ref in refs))


async def _index_to_rebuild(connection: Connection, plan: _Plan) -> str | None:
    """Return how the index of neighbours is made, where it is better made afterwards; None where not, or not allowed.

    One by one vectors take five times as long. Nobody asks for any yet, so nobody waits for the table meanwhile.
    """
    if plan.difference.unchanged or plan.ended or len(plan.new) < _REBUILD_ROWS:
        return None
    index: str | None = await _value(
        await connection.execute(
            "SELECT pg_get_indexdef(index.oid) FROM pg_class AS index "
            "WHERE index.oid = 'ecp_vector.embedding_near'::regclass AND pg_has_role(index.relowner, 'USAGE')"
        )
    )
    return index


async def _value(cursor: Any) -> Any:
    row = await cursor.fetchone()
    return None if row is None else row[0]


async def _stored(connection: Connection) -> Mapping[AssetRef, tuple[int, bytes]]:
    cursor = await connection.execute(
        "SELECT kind, id, key, digest FROM ecp_vector.embedding WHERE until IS NULL", binary=True
    )
    return {AssetRef(AssetKind(kind), asset_id): (key, digest) async for kind, asset_id, key, digest in cursor}
