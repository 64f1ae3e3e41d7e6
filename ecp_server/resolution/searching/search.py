"""Finds metrics and terms by what a text says: candidates from the stores and by spelling, ranked here.

A candidate's score is the mean of three likenesses, each 0 to 1: its nearest name's spelling (trigrams), the share of
the text's words that it says, by stem and weight, and the nearness of its meaning, which the vector store tells. The
weights are equal: on the open evaluation set no others did better by more than chance. A text with an acronym is also
searched for as if it were written out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecp_server.domain.catalog import AssetKind
from ecp_server.domain.errors import StoreError
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import Degradation
from ecp_server.resolution.searching.search_index import SearchIndex
from ecp_server.stores.ports import Hit, Registry, Vector
from ecp_server.stores.top import best

KEYWORD_SEARCH: Final = "keyword_search"
SPELLING: Final = "loaded_catalog"

_CANDIDATES: Final = 30
"""Asked of each store for each wording; more found nothing more."""
_REWRITTEN: Final = 0.04
"""What it costs to be found under another wording than the one asked."""
_SAME: Final = 0.999

_Answer = Sequence[Sequence[Hit]]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, ties by ref, and the stores that had no part in them."""

    hits: tuple[Hit, ...]
    degradations: tuple[Degradation, ...] = ()


async def search(
    text: str, *, index: SearchIndex, registry: Registry, vector: Vector, kinds: frozenset[AssetKind], limit: int
) -> SearchResult:
    """Return the metrics and terms that a text may mean; ``kinds`` narrows that. Scores are 0 to 1.

    A store that fails is left out and told: without the vector store words and spelling decide, without the
    registry the loaded catalog's spelling and the vectors.
    """
    wordings = (text, *index.acronyms.rewritings(text))
    wanted = max(limit // 2, _CANDIDATES)
    said, meant = await asyncio.gather(
        _asked(lambda: registry.search(index.version, wordings, kinds=kinds, limit=wanted), SPELLING),
        _asked(lambda: vector.nearest(index.version, wordings, kinds=kinds, limit=wanted), KEYWORD_SEARCH),
    )
    ranking = _Ranking(index, kinds, wanted)
    for position, wording in enumerate(wordings):
        ranking.add(
            wording,
            () if isinstance(said, Degradation) else said[position],
            None if isinstance(meant, Degradation) else meant[position],
            less=_REWRITTEN if position else 0.0,
        )
    degradations = tuple(answer for answer in (said, meant) if isinstance(answer, Degradation))
    return SearchResult(ranking.hits(limit), degradations)


class _Ranking:
    """The best score of each candidate over the wordings of one text."""

    def __init__(self, index: SearchIndex, kinds: frozenset[AssetKind], candidates: int) -> None:
        self._index = index
        self._allowed = index.allowed(kinds)
        self._candidates = candidates
        self._scores = np.zeros(len(index.refs))

    def add(self, wording: str, said: Sequence[Hit], meant: Sequence[Hit] | None, *, less: float) -> None:
        """Score the candidates of one wording; ``meant`` is None where nothing tells what is near in meaning."""
        near = self._index.scores(meant or ())
        spelling = self._index.trigrams.similar(wording) * self._allowed
        places = self._places(spelling, [*self._index.scores(said), *near])
        spelled, covered = spelling[places], self._index.coverage(wording, places)
        scores = (spelled + covered) / 2
        if meant is not None:
            # One that was not among the nearest is at most as near as the last of them.
            farthest = meant[-1].score if len(meant) == self._candidates else 0.0
            meaning = np.array([near.get(place, farthest) for place in places.tolist()])
            scores = (spelled + covered + meaning) / 3
        # One of its names is the text itself: nothing can be nearer, whatever else it is called.
        scores[(spelled > _SAME) & (covered > _SAME)] = 1.0
        self._scores[places] = np.maximum(self._scores[places], scores - less)

    def hits(self, limit: int) -> tuple[Hit, ...]:
        """Return the best candidates."""
        # Rounded, so that equal things tie whatever the order of a sum.
        scores = np.round(self._scores, 6)
        return tuple(Hit(self._index.refs[place], float(scores[place])) for place in best(scores, limit))

    def _places(self, spelling: NDArray[np.float32], answered: Sequence[int]) -> NDArray[np.intp]:
        """Return the places of all candidates, each once."""
        places = np.unique(np.concatenate([best(spelling, self._candidates), np.array(answered, dtype=np.intp)]))
        allowed: NDArray[np.intp] = places[self._allowed[places]]
        return allowed


async def _asked(ask: Callable[[], Awaitable[_Answer]], stand_in: str) -> _Answer | Degradation:
    """Ask inside: what is asked beside another and given up before it began would be a coroutine nobody awaited."""
    try:
        return await ask()
    except StoreError as error:
        return _impaired(error, stand_in)


def _impaired(error: StoreError, stand_in: str) -> Degradation:
    return Degradation(error.store, error.message, stand_in, datetime.now(UTC))
