"""How text is cut into tokens and how names are compared (catalog.md, Rules of loading)."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from ecp_server.domain.frozen import dataclass

# "'s" is a token of its own, so that "Datadog's" holds the name "Datadog"; any other visible sign stands alone.
_ASCII_TOKEN: Final = re.compile(r"[A-Za-z0-9]+|'[sS]\b|[^\sA-Za-z0-9_\-\x00-\x1f\x7f]")
_SEPARATORS: Final = frozenset("-_‐‑‒–—")
_APOSTROPHES: Final = frozenset("'’")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or sign of a text, from code point ``start`` to ``end``, exclusive."""

    text: str
    folded: str
    """What it is compared by: NFC, case-folded, without invisible characters."""
    start: int
    end: int


def tokenize(text: str) -> tuple[Token, ...]:
    """Cut ``text`` into tokens; white space, hyphens, underscores, control and invisible characters separate or vanish.

    Takes time linear in the length of the text and never raises.
    """
    if text.isascii():
        found = [(match[0], *match.span()) for match in _ASCII_TOKEN.finditer(text)]
        return tuple([Token(word, word.lower(), start, end) for word, start, end in found])
    return tuple(_tokenize_unicode(text))


def fold(name: str) -> str:
    """Return the form that names are compared by: folded tokens joined by single spaces."""
    return " ".join([token.folded for token in tokenize(name)])


def _tokenize_unicode(text: str) -> list[Token]:
    tokens: list[Token] = []
    start = -1
    for position, character in enumerate(text):
        role = _role(character)
        if role == "word" or (role == "joined" and start >= 0):
            start = position if start < 0 else start
            continue
        if start >= 0:
            tokens.append(_token(text, start, position))
            start = -1
        if role == "sign":
            tokens.append(Token(character, character, position, position + 1))
    if start >= 0:
        tokens.append(_token(text, start, len(text)))
    return _with_possessives([token for token in tokens if token.folded])


def _with_possessives(tokens: list[Token]) -> list[Token]:
    """Join an apostrophe and the "s" that touches it on the right, where a word touches it on the left."""
    joined: list[Token] = []
    for token in tokens:
        previous = joined[-1] if joined else None
        if token.folded == "s" and previous and previous.text in _APOSTROPHES and previous.end == token.start:
            joined[-1] = Token(previous.text + token.text, "'s", previous.start, token.end)
        else:
            joined.append(token)
    return joined


def _token(text: str, start: int, end: int) -> Token:
    raw = text[start:end]
    visible = "".join(c for c in raw if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", visible).casefold())
    return Token(raw, folded, start, end)


@lru_cache(maxsize=8192)
def _role(character: str) -> str:
    """Return "word" for letters and digits, "joined" for what only continues a word, "sign" or "gap"."""
    category = unicodedata.category(character)
    if category[0] in "LN":
        return "word"
    if category[0] == "M" or category == "Cf":
        return "joined"
    if character in _SEPARATORS or category[0] in "ZC":
        return "gap"
    return "sign"
