"""Keyword search: BM25 over an inverted index of stems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecp_server.domain.catalog import AssetKind
from ecp_server.stores.documents import Document
from ecp_server.stores.ports import Hit
from ecp_server.stores.top import best
from ecp_server.stores.words import stems

_K1: Final = 1.2
_B: Final = 0.75
_NAME_WEIGHT: Final = 3
"""How much more a word of a name says than one of a definition."""


class KeywordIndex:
    """Documents by stem. A question costs what its stems' postings cost; a posting's score is computed beforehand."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._refs = [document.ref for document in documents]
        kinds = list(AssetKind)
        self._kinds = np.array([kinds.index(ref.kind) for ref in self._refs], dtype=np.int8)
        counts = [_count(document) for document in documents]
        lengths = np.array([sum(count.values()) for count in counts], dtype=np.float32)
        norms = _K1 * (1 - _B + _B * lengths / max(float(lengths.mean()) if len(lengths) else 1.0, 1.0))
        postings: dict[str, list[tuple[int, int]]] = {}
        for position, count in enumerate(counts):
            for stem, times in count.items():
                postings.setdefault(stem, []).append((position, times))
        self._unknown_weight = _idf(0, len(documents))
        self._weights = {stem: _idf(len(found), len(documents)) for stem, found in postings.items()}
        self._postings = {stem: self._posting(stem, found, norms) for stem, found in postings.items()}

    def search(self, text: str, kinds: frozenset[AssetKind], limit: int) -> tuple[Hit, ...]:
        """Return the documents of these kinds that share a stem with the text, best first, ties by ref.

        A score is the share of what a document could reach that says each word of the text over and over.
        """
        asked = dict.fromkeys(stems(text))
        found = [self._postings[stem] for stem in asked if stem in self._postings]
        if not found:
            return ()
        reachable = sum(self._weights.get(stem, self._unknown_weight) for stem in asked) * (_K1 + 1)
        positions = np.concatenate([posting[0] for posting in found])
        scores = np.bincount(positions, np.concatenate([posting[1] for posting in found]) / reachable).astype(
            np.float32
        )
        matching = np.flatnonzero(scores)
        matching = matching[self._of_kinds(kinds)[self._kinds[matching]]]
        ranked = matching[best(scores[matching], limit)]
        return tuple(Hit(self._refs[position], float(scores[position])) for position in ranked)

    def _posting(
        self, stem: str, found: Iterable[tuple[int, int]], norms: NDArray[np.float32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        positions, times = np.array(list(found), dtype=np.int32).T
        scores = self._weights[stem] * (_K1 + 1) * times / (times + norms[positions])
        return positions, scores.astype(np.float32)

    @staticmethod
    def _of_kinds(kinds: frozenset[AssetKind]) -> NDArray[np.bool_]:
        return np.array([kind in kinds for kind in AssetKind])


def _count(document: Document) -> Counter[str]:
    count: Counter[str] = Counter(stems(document.body))
    for name in document.names:
        for stem in stems(name):
            count[stem] += _NAME_WEIGHT
    return count


def _idf(containing: int, documents: int) -> float:
    return float(np.log1p((documents - containing + 0.5) / (containing + 0.5)))
