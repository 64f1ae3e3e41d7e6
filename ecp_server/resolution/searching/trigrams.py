"""Names compared by their spelling: which runs of three letters they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ecp_server.stores.words import words

_LENGTH: Final = 3
_CODE_POINT_BITS: Final = 21


class Trigrams:
    """The names of things by their trigrams, without blanks, so that "netrevenue" and "net revenues" are near.

    An inverted index: a text costs what the postings of its trigrams cost.
    """

    def __init__(self, names: Sequence[Sequence[str]]) -> None:
        """Take the names of each thing; each has at least one."""
        self._first = np.cumsum([0, *(len(own) for own in names)])[:-1]
        grams, owners = _grams([name for own in names for name in own])
        self._vocabulary, starts = np.unique(grams, return_index=True)
        # Of the same type: next to a signed zero numpy would make it floats, which tell no large numbers apart.
        self._with_none = np.append(self._vocabulary, np.uint64(0))
        self._bounds = np.append(starts, len(grams))
        self._owners = owners
        sizes = np.maximum(np.bincount(owners, minlength=sum(len(own) for own in names)), 1)
        self._scale = (1 / np.sqrt(sizes)).astype(np.float32)

    def similar(self, text: str) -> NDArray[np.float32]:
        """Return for each thing how near the nearest of its names is, 0 to 1: the cosine of the sets of trigrams."""
        grams, _ = _grams([text])
        at = np.searchsorted(self._vocabulary, grams)
        known = at[self._with_none[at] == grams]
        postings = [self._owners[self._bounds[gram] : self._bounds[gram + 1]] for gram in known]
        if not postings:
            return np.zeros(len(self._first), dtype=np.float32)
        shared = np.bincount(np.concatenate(postings), minlength=len(self._scale))
        near: NDArray[np.float32] = np.maximum.reduceat(shared * self._scale, self._first) / np.sqrt(len(grams))
        return near.astype(np.float32)


def _grams(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Return the distinct trigrams of each text and the text of each, ordered by trigram, then text.

    A trigram is its three code points in one number. A text of fewer letters is filled up to one trigram.
    """
    joined = ["".join(words(text)) for text in texts]
    padded = [text.ljust(_LENGTH) if text else "" for text in joined]
    codes = np.frombuffer("".join(padded).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    counts = np.array([max(len(text) - _LENGTH + 1, 0) for text in padded], dtype=np.int64)
    lengths = np.array([len(text) for text in padded], dtype=np.int64)
    owners = np.repeat(np.arange(len(texts), dtype=np.int32), counts)
    # The place of each trigram: where its text starts, and how many of the text's trigrams come before it.
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(np.cumsum(lengths) - lengths, counts) + within
    grams = np.zeros(len(starts), dtype=np.uint64)
    for offset in range(_LENGTH):
        grams = (grams << np.uint64(_CODE_POINT_BITS)) | codes[starts + offset]
    order = np.lexsort((owners, grams))
    grams, owners = grams[order], owners[order]
    new = np.ones(len(grams), dtype=bool)
    new[1:] = (grams[1:] != grams[:-1]) | (owners[1:] != owners[:-1])
    return grams[new], owners[new]
