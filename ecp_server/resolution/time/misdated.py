"""Dates in figures that no year has, as "2024-02-30": no part of one is a period, and they are told as words are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.text import Token
from ecp_server.resolution.time.days_of_names import existing

_FIGURES: Final = 3
_FULL: Final = 4
_SHORT: Final = 2
_MONTHS_OF_YEAR: Final = 12
_LAST_DAYS: Final = (29, 30, 31)
_THIS_CENTURY: Final = 2000


def misdated(tokens: Sequence[Token]) -> frozenset[int]:
    """Return the positions of the words of such dates."""
    figures = [at for at, token in enumerate(tokens) if token.folded.isdecimal()]
    if len(figures) < _FIGURES:
        return frozenset()
    found: set[int] = set()
    after = 0
    for at in figures:
        end = _end(tokens, at) if at >= after else None
        dates = _dates([token.folded for token in tokens[at:end]]) if end else []
        if end and dates:
            after = end
            if not any(existing(*one) for one in dates):
                found.update(range(at, end))
    return frozenset(found)


def _end(tokens: Sequence[Token], at: int) -> int | None:
    """Return the position after three figures that one and the same sign parts: "/", ".", a hyphen or a blank."""
    marked = at + 1 < len(tokens) and tokens[at + 1].folded in ("/", ".")
    step, gap = (2, 0) if marked else (1, 1)
    end = at + 2 * step + 1
    run = tokens[at:end]
    apart = any(run[i].end + gap != run[i + 1].start for i in range(len(run) - 1))
    if len(run) != 2 * step + 1 or apart or not all(token.folded.isdecimal() for token in run[::step]):
        return None
    return end if not marked or run[1].folded == run[3].folded else None


def _dates(words: Sequence[str]) -> list[tuple[int, int, int]]:
    """Return the years, months and days that figures can stand for, none where they may be no date at all."""
    marked = len(words) > _FIGURES
    figures = words[::2] if marked else words
    if max(map(len, figures)) > _FULL:
        return []
    first, second, third = map(int, figures)
    match [len(word) > _SHORT for word in figures]:
        case [True, False, False] if len(figures[0]) == _FULL:
            # Without a sign "2024 50 12" may be three numbers.
            sure = marked or (second <= _MONTHS_OF_YEAR and third in _LAST_DAYS)
            return [(first, second, third)] if sure else []
        case [False, False, True] if marked and len(figures[2]) == _FULL:
            return [(third, first, second), (third, second, first)]
        case [False, False, False] if marked and len(figures[2]) == _SHORT:
            day, month = max(first, second), min(first, second)
            sure = day in _LAST_DAYS and month <= _MONTHS_OF_YEAR
            return [(_THIS_CENTURY + third, month, day)] if sure else []
        case _:
            return []
