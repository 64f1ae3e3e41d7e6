"""Acronyms that a catalog never spells out: FCF for free cash flow, and the other way round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ecp_server.resolution.parsing.words import FUNCTION
from ecp_server.stores.words import spelled

_LETTERS: Final = range(2, 7)
"""Letters of an acronym."""
_SHORT: Final = range(2, 4)
"""Letters of a word that gives them all."""
_LONGEST_PHRASE: Final = 8
_EXPANSIONS: Final = 4
_REWRITINGS: Final = 8
_WHOLE_NAME: Final = 10
"""How much more a phrase counts that is somebody's whole name."""


class Acronyms:
    """The phrases of names by their initials, and the acronyms that names hold.

    Function words count or not ("out of the money" is OTM, "line of credit" LOC), and a short word in capitals gives
    all its letters ("US Department of Agriculture" is USDA).
    """

    def __init__(self, names: Iterable[str]) -> None:
        phrases: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._vocabulary: set[str] = set()
        self._used: set[str] = set()
        for name in names:
            tokens = spelled(name)
            folded = [token.casefold() for token in tokens]
            self._vocabulary.update(folded)
            self._used.update(token.casefold() for token in tokens if _is_acronym(token, tokens))
            for start, end, initials in _spans(tokens):
                weight = _WHOLE_NAME if end - start == len(tokens) else 1
                phrases[initials][" ".join(folded[start:end])] += weight
        self._phrases = {initials: kept for initials, found in phrases.items() if (kept := _worth_keeping(found))}

    def rewritings(self, text: str) -> tuple[str, ...]:
        """Return the text with one acronym spelled out, or one phrase replaced by an acronym that the catalog uses.

        At most eight ways, none for most texts.
        """
        tokens = spelled(text)
        ways = [*self._spelled_out(tokens), *self._abbreviated(tokens)]
        return tuple(dict.fromkeys(" ".join(way) for way in ways))[:_REWRITINGS]

    def _spelled_out(self, tokens: Sequence[str]) -> Iterator[list[str]]:
        for at, token in enumerate(tokens):
            word = token.casefold()
            # A word in small letters that names hold is that word: nobody means an acronym by "cash".
            if len(tokens) == 1 or _is_acronym(token, tokens) or word not in self._vocabulary:
                for phrase in self._phrases.get(word, ()):
                    yield [*tokens[:at], phrase, *tokens[at + 1 :]]

    def _abbreviated(self, tokens: Sequence[str]) -> Iterator[list[str]]:
        for start, end, initials in _spans(tokens):
            if initials in self._used and len(initials) > _LETTERS.start:
                yield [*tokens[:start], initials, *tokens[end:]]


def _is_acronym(token: str, tokens: Sequence[str]) -> bool:
    """Tell whether a word is in capitals where not everything is."""
    if not (token.isupper() and token.isalpha() and len(token) in _LETTERS):
        return False
    return len(tokens) == 1 or any(not other.isupper() for other in tokens)


def _spans(tokens: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield the phrases of a text that begin and end with words of weight: from, to (exclusive), initials."""
    short = [token.isupper() and len(token) in _SHORT for token in tokens]
    letters = [token.casefold() if whole else token[0].casefold() for token, whole in zip(tokens, short, strict=True)]
    # "US" in capitals is no pronoun.
    small = [token.casefold() in FUNCTION and not whole for token, whole in zip(tokens, short, strict=True)]
    weighty = ["" if light else own for own, light in zip(letters, small, strict=True)]
    for start in range(len(tokens)):
        if small[start]:
            continue
        every, essential = letters[start], weighty[start]
        for end in range(start + 1, min(len(tokens), start + _LONGEST_PHRASE)):
            every += letters[end]
            essential += weighty[end]
            if len(essential) > _LETTERS[-1]:
                break
            if not small[end]:
                if len(every) in _LETTERS:
                    yield start, end + 1, every
                if essential != every:
                    yield start, end + 1, essential


def _worth_keeping(phrases: Mapping[str, int]) -> tuple[str, ...]:
    """Return the phrases that initials may well stand for, the most frequent first.

    What is left out are pairs of words that stand together only once, inside a longer name.
    """
    kept = sorted((-count, phrase) for phrase, count in phrases.items() if count > 1 or phrase.count(" ") > 1)
    return tuple(phrase for _, phrase in kept[:_EXPANSIONS])
