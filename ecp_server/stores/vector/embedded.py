"""Nearest neighbours among the vectors of a catalog in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecp_server.domain.catalog import AssetKind, Catalog, Catalogs
from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.documents import Document, documents
from ecp_server.stores.ports import Hit
from ecp_server.stores.top import best
from ecp_server.stores.vector.embeddings import Embeddings, Matrix
from ecp_server.stores.vector.meaning import CHUNK, KINDS, embedded, nearness, plain
from ecp_server.stores.versions import Versions

# Products of so many numbers take about 1 ms: longer ones do not keep the event loop waiting.
_INLINE_PRODUCT: Final = 16_000_000


class EmbeddedVector:
    """`ports.Vector` over the catalogs that are held: exact search, a matrix a version.

    `prepare` a catalog before it comes into force. A question about a version whose vectors are not there yet starts to
    make them, if nobody did, and gets `StoreUnavailable` at once, so that keyword search stands in; so does `probe`.
    """

    adapter = "embedded"

    def __init__(self, catalogs: Catalogs, embeddings: Embeddings) -> None:
        self._catalogs = catalogs
        self._embeddings = embeddings
        self._indexes = Versions(catalogs, StoreKind.VECTOR, self._build)

    @property
    def in_memory(self) -> bool:
        """Whether questions are answered without I/O: not where an endpoint embeds them."""
        return bool(getattr(self._embeddings, "in_memory", False))

    async def prepare(self, catalog: Catalog) -> None:
        """Make the vectors of a catalog; those of assets whose words did not change are taken over."""
        await self._indexes.prepare(catalog)

    async def probe(self) -> None:
        """Return if the catalog in force can be asked."""
        self._index(self._catalogs.current.version)

    async def close(self) -> None:
        """Forget the vectors, and release the model."""
        await self._indexes.close()
        await self._embeddings.close()

    async def nearest(
        self, version: str, texts: Sequence[str], *, kinds: frozenset[AssetKind], limit: int
    ) -> Sequence[Sequence[Hit]]:
        """See `ports.Vector`. A score is a cosine, and above 0."""
        index = self._index(version)
        if not texts:
            return []
        vectors = await self._embeddings.embed([plain(text) for text in texts])
        if index.vectors.size * len(texts) <= _INLINE_PRODUCT:
            return index.nearest(vectors, kinds, limit)
        return await asyncio.to_thread(index.nearest, vectors, kinds, limit)

    def _index(self, version: str) -> VectorIndex:
        index = self._indexes.ready(version)
        if index is None:
            raise StoreUnavailable(StoreKind.VECTOR)
        return index

    async def _build(self, catalog: Catalog) -> VectorIndex:
        found = await asyncio.to_thread(documents, catalog, KINDS)
        dimensions = self._embeddings.dimensions
        vectors, missing = await asyncio.to_thread(_carry_over, found, self._indexes.latest, dimensions)
        for start in range(0, len(missing), CHUNK):
            rows = missing[start : start + CHUNK]
            vectors[rows] = await embedded(self._embeddings, [found[row] for row in rows])
        return await asyncio.to_thread(VectorIndex, found, vectors)


class VectorIndex:
    """One catalog's assets, ordered by ref, and a vector of each."""

    def __init__(self, documents: Sequence[Document], vectors: Matrix) -> None:
        self.rows = {document: row for row, document in enumerate(documents)}
        self.vectors = vectors
        self._refs = [document.ref for document in documents]
        kinds = [ref.kind for ref in self._refs]
        self._spans = {kind: slice(kinds.index(kind), kinds.index(kind) + kinds.count(kind)) for kind in set(kinds)}

    def nearest(self, vectors: Matrix, kinds: frozenset[AssetKind], limit: int) -> list[tuple[Hit, ...]]:
        """Return for each vector the assets nearest to it, best first, ties by ref."""
        spans = sorted((self._spans[kind] for kind in kinds if kind in self._spans), key=lambda span: span.start)
        rows = np.concatenate([np.arange(0), *(np.arange(span.start, span.stop) for span in spans)])
        return [self._hits(rows, [nearness(self.vectors[span], vector) for span in spans], limit) for vector in vectors]

    def _hits(self, rows: NDArray[np.intp], near: Sequence[NDArray[np.float32]], limit: int) -> tuple[Hit, ...]:
        scores = np.concatenate([np.empty(0, dtype=np.float32), *near])
        return tuple(Hit(self._refs[rows[at]], float(scores[at])) for at in best(scores, limit))


def _carry_over(found: Sequence[Document], known: VectorIndex | None, dimensions: int) -> tuple[Matrix, list[int]]:
    """Return the rows of a new index, those of unchanged documents filled in, and the places of the others."""
    vectors = np.zeros((len(found), dimensions), dtype=np.float32)
    if known is None:
        return vectors, list(range(len(found)))
    kept = [(row, known.rows[document]) for row, document in enumerate(found) if document in known.rows]
    new_rows, old_rows = [new for new, _ in kept], [old for _, old in kept]
    vectors[new_rows] = known.vectors[old_rows]
    carried = set(new_rows)
    return vectors, [row for row in range(len(found)) if row not in carried]
