"""What a search knows of one catalog beside what its stores answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecp_server.domain.catalog import AssetKind, Catalog
from ecp_server.resolution.searching.acronyms import Acronyms
from ecp_server.resolution.searching.trigrams import Trigrams
from ecp_server.stores.documents import documents
from ecp_server.stores.ports import Hit
from ecp_server.stores.words import stems

KINDS: Final = frozenset({AssetKind.METRIC, AssetKind.TERM})
"""The kinds that are searched for."""


class SearchIndex:
    """The metrics and terms of a catalog, ordered by ref, each at its place: their spelling, words and acronyms.

    Takes seconds for a large catalog: make it off the event loop.
    """

    def __init__(self, catalog: Catalog) -> None:
        found = documents(catalog, KINDS)
        self.version = catalog.version
        self.refs = [document.ref for document in found]
        self.trigrams = Trigrams([document.names for document in found])
        self.acronyms = Acronyms(name for document in found for name in document.names)
        self._places = {ref: place for place, ref in enumerate(self.refs)}
        self._is_metric = np.array([ref.kind is AssetKind.METRIC for ref in self.refs], dtype=bool)
        said = [dict.fromkeys(stems("\n".join((*document.names, document.body)))) for document in found]
        self._stems = {stem: number for number, stem in enumerate(dict.fromkeys(stem for own in said for stem in own))}
        self._words = np.array([self._stems[stem] for own in said for stem in own], dtype=np.int32)
        self._bounds = np.cumsum([0, *(len(own) for own in said)])
        held = np.bincount(self._words, minlength=len(self._stems))
        self._weights = _weight(held, len(found)).astype(np.float32)
        self._unknown_weight = float(_weight(np.zeros(1), len(found))[0])

    def scores(self, hits: Sequence[Hit]) -> dict[int, float]:
        """Return what hits scored by the place of each; one that is not here is left out."""
        return {place: hit.score for hit in hits if (place := self._places.get(hit.ref)) is not None}

    def allowed(self, kinds: frozenset[AssetKind]) -> NDArray[np.bool_]:
        """Return for each place whether it is of one of the kinds."""
        return np.where(self._is_metric, AssetKind.METRIC in kinds, AssetKind.TERM in kinds)

    def coverage(self, text: str, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return for each place which share of the text's words it says, 0 to 1; rare words weigh more."""
        asked = dict.fromkeys(stems(text))
        known = [self._stems[stem] for stem in asked if stem in self._stems]
        whole = float(self._weights[known].sum()) + self._unknown_weight * (len(asked) - len(known))
        if not known:
            return np.zeros(len(places))
        weights = np.zeros(len(self._weights), dtype=np.float32)
        weights[known] = self._weights[known] / whole
        starts = self._bounds[places]
        counts = self._bounds[places + 1] - starts
        before = np.cumsum(counts) - counts
        words = self._words[np.arange(counts.sum()) + np.repeat(starts - before, counts)]
        return np.bincount(np.repeat(np.arange(len(places)), counts), weights[words], len(places)).astype(np.float64)


def _weight(held: NDArray[np.intp] | NDArray[np.float64], documents_in_all: int) -> NDArray[np.float64]:
    """Return what a word weighs that so many documents hold; the commonest still weighs a little."""
    return np.maximum(np.log((documents_in_all + 1) / (held + 0.5)), 0.1)
