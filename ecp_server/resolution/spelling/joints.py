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
