"""Keyword search: BM25 over an inverted index of stems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Corpus:
    """What scores depend on beside a document: how many there are, and how many words these have (`counted`)."""

    documents: int
    words: int

    @property
    def mean(self) -> float:
        """Return how many words a document has on average, 1 at least."""
        return max(self.words / self.documents if self.documents else 1.0, 1.0)

    def weight(self, containing: int) -> float:
        """Return what a stem says that so many documents contain."""
        return float(np.log1p((self.documents - containing + 0.5) / (containing + 0.5)))

    def scores(self, containing: int, times: NDArray[np.int32], lengths: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return what such a stem adds to documents of these lengths that say it so many times."""
        norms = _K1 * (1 - _B + _B * lengths.astype(np.float32) / self.mean)
        return (self.weight(containing) * (_K1 + 1) * times / (times + norms)).astype(np.float32)

    def reachable(self, containing: Iterable[int]) -> float:
        """Return the score of a document that says each of the stems over and over; as many documents contain each."""
        return sum(self.weight(number) for number in containing) * (_K1 + 1)


def counted(document: Document) -> Counter[str]:
    """Return how often a document says each stem; a word of a name counts more than one of a definition."""
    count: Counter[str] = Counter(stems(document.body))
    for name in document.names:
        for stem in stems(name):
            count[stem] += _NAME_WEIGHT
    return count


def summed(
    positions: Sequence[NDArray[np.int32]], scores: Sequence[NDArray[np.float32]], reachable: float
) -> NDArray[np.float32]:
    """Return the score of each document, by position: the share of what is reachable that its stems add up to."""
    parts = np.concatenate(scores) / reachable
    return np.bincount(np.concatenate(positions), parts).astype(np.float32)


class KeywordIndex:
    """Documents by stem. A question costs what its stems' postings cost; a posting's score is computed beforehand."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._refs = [document.ref for document in documents]
        kinds = list(AssetKind)
        self._kinds = np.array([kinds.index(ref.kind) for ref in self._refs], dtype=np.int8)
        counts = [counted(document) for document in documents]
        lengths = np.array([sum(count.values()) for count in counts], dtype=np.int32)
        self._corpus = Corpus(len(documents), int(lengths.sum()))
        postings: dict[str, list[tuple[int, int]]] = {}
        for position, count in enumerate(counts):
            for stem, times in count.items():
                postings.setdefault(stem, []).append((position, times))
        self._postings = {stem: self._posting(found, lengths) for stem, found in postings.items()}

    def search(self, text: str, kinds: frozenset[AssetKind], limit: int) -> tuple[Hit, ...]:
        """Return the documents of these kinds that share a stem with the text, best first, ties by ref.

        A score is the share of what a document could reach that says each word of the text over and over.
        """
        asked = dict.fromkeys(stems(text))
        found = [self._postings[stem] for stem in asked if stem in self._postings]
        if not found:
            return ()
        reachable = self._corpus.reachable(
            len(self._postings[stem][0]) if stem in self._postings else 0 for stem in asked
        )
        scores = summed([posting[0] for posting in found], [posting[1] for posting in found], reachable)
        matching = np.flatnonzero(scores)
        matching = matching[self._of_kinds(kinds)[self._kinds[matching]]]
        ranked = matching[best(scores[matching], limit)]
        return tuple(Hit(self._refs[position], float(scores[position])) for position in ranked)

    def _posting(
        self, found: Iterable[tuple[int, int]], lengths: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        positions, times = np.array(list(found), dtype=np.int32).T
        return positions, self._corpus.scores(len(positions), times, lengths[positions])

    @staticmethod
    def _of_kinds(kinds: frozenset[AssetKind]) -> NDArray[np.bool_]:
        return np.array([kind in kinds for kind in AssetKind])
