"""Words as a search compares them: folded and cut to their stems."""

from __future__ import annotations

from functools import lru_cache

from Stemmer import Stemmer  # type: ignore[import-untyped]  # PyStemmer ships no types

from ecp_server.domain.text import tokenize


def stems(text: str) -> list[str]:
    """Return the stems of the words and numbers of a text, in order; signs are left out."""
    return [stem(token.folded) for token in tokenize(text) if token.folded[0].isalnum()]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the English stem of a folded word; words of other languages are hardly touched."""
    # A stemmer of its own for each word that is new: one is cheap, and sharing one between threads is not allowed.
    return str(Stemmer("english", 0).stemWord(word))
