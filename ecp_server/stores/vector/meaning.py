"""What an asset means as a vector, and how near it is: the same for every engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecp_server.domain.catalog import AssetKind
from ecp_server.stores.documents import Document
from ecp_server.stores.vector.embeddings import Embeddings, Matrix, normalized
from ecp_server.stores.words import words

KINDS: Final = frozenset({AssetKind.KNOWN_ISSUE, AssetKind.METRIC, AssetKind.TERM})
"""The kinds that have vectors."""

CHUNK: Final = 2048
"""Documents embedded at a time, which bounds the memory that it takes."""

_BODY_WEIGHT: Final = 0.5
"""How much what is said of an asset counts beside what it is called."""


async def embedded(embeddings: Embeddings, found: Sequence[Document]) -> Matrix:
    """Return a vector a document: the mean of its names, the first twice, and half as much what is said of it."""
    named = [(row, name) for row, document in enumerate(found) for name in (*document.names[:1], *document.names)]
    names = await embeddings.embed([plain(name) for _, name in named])
    called = np.zeros((len(found), embeddings.dimensions), dtype=np.float32)
    np.add.at(called, [row for row, _ in named], names)
    said = await embeddings.embed([plain(document.body) for document in found])
    return normalized(normalized(called) + _BODY_WEIGHT * said)


def nearness(vectors: Matrix, vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosine of each row with the vector, at most 1.

    Row by row, not as a product of matrices: for that BLAS starts threads, which busy cores keep waiting. Rounded, so
    that the order does not hang on how a product is summed.
    """
    cosines: NDArray[np.float32] = np.minimum(np.round(np.vecdot(vectors, vector), 6), 1)
    return cosines


def plain(text: str) -> str:
    """Return the words alone: case and signs say little, and static vectors know each spelling as a word of its own."""
    return " ".join(words(text))
