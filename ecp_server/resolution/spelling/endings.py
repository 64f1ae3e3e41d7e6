"""Words without their accents and endings, so that "Régions" and "region", "refunded" and "refunds" compare."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

_KEPT: Final = 16_384
"""Words: those of questions are mostly the same."""
_SHORTEST_PLURAL: Final = 4
_SHORTEST_STEM: Final = 3
_APOSTROPHES: Final = str.maketrans("’‘", "''")
_VOWELS: Final = frozenset("aeiouy")
_VERBAL: Final = ("ing", "ed")
# Doubled before an ending ("planned"); "ss", "ll" and "zz" also end words by themselves ("billed").
_DOUBLED: Final = frozenset("bdgmnprt")


def plain(word: str) -> str:
    """Return a folded word without accents, with one kind of apostrophe."""
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFKD", word.translate(_APOSTROPHES))
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare) or word


@lru_cache(maxsize=_KEPT)
def singular(word: str) -> str:
    """Strip accents and a plural ending; the same for forms and questions, so that it need not be good English."""
    word = plain(word)
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > _SHORTEST_PLURAL:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("ches", "shes", "xes", "sses")) else word[:-1]


def is_verbal(word: str) -> bool:
    """Tell whether a word ends like "refunded" or "hiring"."""
    return lemma(word) is not None


def lemma(word: str) -> str | None:
    """Return what is left of "refunded" or "hiring" without its ending; None for a word without such an ending."""
    for ending in _VERBAL:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _SHORTEST_STEM or not _VOWELS & set(stem):
            continue
        if stem[-1] == stem[-2] and stem[-1] in _DOUBLED:
            stem = stem[:-1]
        return bare(stem)
    return None


def bare(word: str) -> str:
    """Return a word without its silent "e", which an ending takes away ("hire", "hiring")."""
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST_STEM else word
