"""The words that one or two slips away from a word are spelt right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations
from typing import Final

from rapidfuzz.distance import OSA

_SHORTEST: Final = 4
_SHORTEST_WITH_ANY_SLIP: Final = 5
_SHORTEST_WITH_TWO: Final = 8
_SHORTEST_MEANT: Final = 4
_SHORTEST_PERHAPS: Final = 6
_SHORTEST_MEANT_OF_TWO: Final = 8
# Slips are looked for among the first letters only, which keeps the index small; the distance counts them all.
_INDEXED: Final = 7


def only(words: frozenset[str]) -> str | None:
    """Return the one word there is; None where there is none, or several."""
    return next(iter(words)) if len(words) == 1 else None


There = Callable[[str], bool]
"""Tells whether a word is there for whoever asks."""


def _everywhere(_word: str) -> bool:
    return True


class Corrections:
    """Words that can be meant, found by what is left of them without one or two letters: no scan, however many.

    A slip is a missing, added, wrong or swapped letter. Words of four letters may have one, but for a wrong letter;
    words of five to seven any one; longer ones two that leave the ends alone, where other words have other endings.
    People rarely slip in the first letter, so in a short word it must be right. Numbers and codes are never mended.
    """

    def __init__(self, words: Iterable[str]) -> None:
        index: dict[str, list[str]] = {}
        for word in sorted({word for word in words if word.isalpha() and len(word) >= _SHORTEST_MEANT}):
            slips = 2 if len(word) >= _SHORTEST_PERHAPS else 1
            for left in _without_letters(word[:_INDEXED], slips):
                index.setdefault(left, []).append(word)
        self._index: Mapping[str, tuple[str, ...]] = {left: tuple(words) for left, words in index.items()}

    def nearest(self, word: str, there: There = _everywhere) -> frozenset[str]:
        """Return the words that can be meant, of those that are there: none is near enough, one, or several as near."""
        if len(word) < _SHORTEST or not word.isalpha():
            return frozenset()
        return self._nearest(word, 2 if len(word) >= _SHORTEST_WITH_TWO else 1, _likely, there)

    def perhaps(self, word: str, there: There = _everywhere) -> frozenset[str]:
        """Return the words that two slips in a word of six letters may have left; not sure enough to answer with."""
        if len(word) < _SHORTEST_PERHAPS or not word.isalpha():
            return frozenset()
        return self._nearest(word, 2, lambda word, meant, _: word[0] == meant[0], there)

    def _nearest(self, word: str, slips: int, likely: Callable[[str, str, int], bool], there: There) -> frozenset[str]:
        near: dict[int, set[str]] = {}
        for left in _without_letters(word[:_INDEXED], slips):
            for meant in self._index.get(left, ()):
                distance = OSA.distance(word, meant, score_cutoff=slips)
                if 0 < distance <= slips and likely(word, meant, distance) and there(meant):
                    near.setdefault(distance, set()).add(meant)
        return frozenset(near[min(near)]) if near else frozenset()


def _likely(word: str, meant: str, distance: int) -> bool:
    begins = word[0] == meant[0] or word[:2] == meant[1::-1]
    if distance > 1:
        ends = sorted(word[-2:]) == sorted(meant[-2:])
        return begins and ends and len(meant) >= _SHORTEST_MEANT_OF_TWO
    if len(word) >= _SHORTEST_WITH_TWO:
        return True
    wrong_letter = len(word) == len(meant) and sorted(word) != sorted(meant)
    return begins and not (wrong_letter and len(word) < _SHORTEST_WITH_ANY_SLIP)


def _without_letters(word: str, most: int) -> set[str]:
    """Return what is left of a word without up to so many of its letters."""
    left = {word}
    for count in range(1, most + 1):
        left.update("".join(kept) for kept in combinations(word, len(word) - count))
    return left
