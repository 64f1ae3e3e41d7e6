"""Identifiers taken apart where their letters change from small to capital: "netRevenue"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ecp_server.domain.text import Token, tokenize

_JOINT: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[0-9])(?=[A-Z][a-z])")


def taken_apart(tokens: Sequence[Token], whole: Callable[[Token], bool]) -> tuple[Token, ...]:
    """Return the tokens with each identifier in mixed letters as its words, but for those that stay ``whole``."""
    return tuple(part for token in tokens for part in _parts(token, whole))


def without_dots(tokens: Sequence[Token], known: Callable[[str], bool]) -> tuple[Token, ...]:
    """Return the tokens with each known acronym that is written with dots ("U.K.", "U.S.A") as one word."""
    joined: list[Token] = []
    at = 0
    while at < len(tokens):
        end = at + 1
        while end + 1 < len(tokens) and _is_dot(tokens, end) and _is_letter(tokens, end + 1):
            end += 2
        word = "".join(token.folded for token in tokens[at:end:2])
        if not _is_letter(tokens, at) or end == at + 1 or not known(word):
            joined.append(tokens[at])
            at += 1
            continue
        end += end < len(tokens) and _is_dot(tokens, end)
        letters = "".join(token.text for token in tokens[at:end:2])
        joined.append(Token(letters, word, tokens[at].start, tokens[end - 1].end))
        at = end
    return tuple(joined)


def _is_letter(tokens: Sequence[Token], at: int) -> bool:
    return len(tokens[at].folded) == 1 and tokens[at].folded.isalpha()


def _is_dot(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a dot touches what stands before it, and a letter after it if there is one."""
    dot = tokens[at]
    touches = at + 1 == len(tokens) or not _is_letter(tokens, at + 1) or tokens[at + 1].start == dot.end
    return dot.folded == "." and tokens[at - 1].end == dot.start and touches


def _parts(token: Token, whole: Callable[[Token], bool]) -> Iterator[Token]:
    pieces = _JOINT.split(token.text) if token.text.isascii() else [token.text]
    if len(pieces) == 1 or whole(token):
        yield token
        return
    start = token.start
    for piece in pieces:
        for part in tokenize(piece):
            yield Token(part.text, part.folded, start + part.start, start + part.end)
        start += len(piece)
