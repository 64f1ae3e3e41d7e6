"""Finds time expressions in the tokens of a question.

A rule reads one kind of period at one position. `_read_period` tries the rules whose first word stands there and keeps
the longest; `interval` makes ranges, open periods and lists of periods; `find_times` walks the text by stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from ecp_server.domain.frozen import replace
from ecp_server.domain.text import Token, tokenize
from ecp_server.resolution.time import comparing, dates, lengths, named, parts, relative, running
from ecp_server.resolution.time.expressions import (
    Day,
    Expression,
    Month,
    Part,
    TimeMention,
    TimeUnit,
    Units,
    Weekday,
    lacks_year,
    unit_of,
    with_year,
    year_said,
)
from ecp_server.resolution.time.lexemes import IMPATIENT, Parsed, Rule, Rules, Scan, cut, word_set
from ecp_server.resolution.time.misdated import misdated
from ecp_server.resolution.time.plausibility import cuts_figures, plausible
from ecp_server.resolution.time.ranges import RANGE_WORDS, interval
from ecp_server.resolution.time.stretches import stretches

# Of rules that read equally far the first is taken.
_RULES_WITH_FIRST_WORDS: Final[Rules] = {
    **comparing.RULES, **relative.RULES, **lengths.RULES, **running.RULES, **named.RULES, **parts.RULES, **dates.RULES,
}  # fmt: skip
_RULES_FOR_FIGURES: Final[tuple[Rule, ...]] = (
    relative.relative_units, lengths.from_length, running.year_to_date, named.year, named.decade, named.part,
    named.month, named.numeric_month, parts.nth_part, dates.date_of, dates.day_of_month, dates.day_of_week_number,
    dates.counted_weekday,
)  # fmt: skip


def _by_first_word() -> dict[str, tuple[Rule, ...]]:
    rules: dict[str, list[Rule]] = {}
    for rule, words in _RULES_WITH_FIRST_WORDS.items():
        for word in words:
            rules.setdefault(word, []).append(rule)
    return {word: tuple(found) for word, found in rules.items()}


_RULES: Final = _by_first_word()
_STARTS: Final = _RULES.keys() | RANGE_WORDS | {"the"}
_VERSUS: Final = word_set("vs versus compared with to against over and or than . , from")
_MOST_FILLERS: Final = 4

_KEPT: Final = 4096
_MOST_KEPT_WORDS: Final = 24

_Found = tuple[int, int, Expression]
"""A mention: the place of its first word, the one after its last, and what it says."""


def find_times(tokens: Sequence[Token]) -> tuple[TimeMention, ...]:
    """Return the time expressions of a text from left to right: the longest that start leftmost, never overlapping.

    Never raises; takes time about linear in the number of tokens.
    """
    found: list[_Found] = []
    for start, (words, gaps, led) in stretches(tokens, _STARTS):
        read = read_stretch if len(words) <= _MOST_KEPT_WORDS else read_stretch.__wrapped__
        for first, end, expression in read(words, gaps, led):
            found.append((start + first, start + end, expression))
    wrong = misdated(tokens) if found else frozenset()
    if wrong:
        found = [one for one in found if wrong.isdisjoint(range(one[0], one[1]))]
    if len(found) > 1:
        found = _together(tokens, [one for one in found if not _filler(tokens, one)])
    return tuple([TimeMention(first, end, expression) for first, end, expression in found])


@lru_cache(maxsize=_KEPT)
def read_stretch(words: tuple[str, ...], gaps: tuple[int, ...], led: bool) -> tuple[_Found, ...]:  # noqa: FBT001 - a key
    """Read a stretch of words, as `stretches` cuts a text; people say the same periods again and again."""
    scan = Scan(words, gaps, _read_period, led=led)
    found: list[_Found] = []
    at, size = 0, len(scan)
    while at < size:
        read = _mention(scan, at)
        if read is None:
            at += 1
            continue
        expression, end = read
        if not cuts_figures(scan, at, end, expression):
            found.append((scan.owners[at], scan.owners[end], expression))
        at = end
    return tuple(found)


def _filler(tokens: Sequence[Token], found: _Found) -> bool:
    """Tell whether it is a "now" or "ever" that, beside another period, says nothing but impatience."""
    first, end, _ = found
    now = end == first + 1 and tokens[first].folded in IMPATIENT
    return now and (first == 0 or tokens[first - 1].folded not in _VERSUS)


def period_expression(text: str) -> Expression | None:
    """Return the one time expression that the whole text is, e.g. a metric's default period; None if it is none."""
    tokens = tokenize(text)
    match find_times(tokens):
        case (TimeMention(first=0, last=last, expression=expression),) if last == len(tokens):
            return expression
        case _:
            return None


def _read_period(scan: Scan, at: int) -> Parsed[Expression]:
    first = at + 1 if scan.words[at] == "the" else at
    rules = _RULES_FOR_FIGURES if scan.numbers[first] >= 0 else _RULES.get(scan.words[first], ())
    best: Parsed[Expression] = None
    for rule in rules:
        found = rule(scan, at)
        if found and (best is None or found[1] > best[1]):
            best = found
    return best


def _mention(scan: Scan, at: int) -> Parsed[Expression]:
    if scan.glued[at] or (scan.words[at] not in _STARTS and scan.numbers[at] < 0):
        return None
    found = interval(scan, at)
    if found is None or scan.glued[found[1]] or not plausible(scan, at, found[1], found[0]):
        return None
    return found


def _together(tokens: Sequence[Token], found: list[_Found]) -> list[_Found]:
    """Let neighbours complete each other: "next week, say on Wednesday"; "Q3 vs Q4 2023"."""
    together: list[_Found] = []
    for first, end, expression in found:
        if not together:
            together.append((first, end, expression))
            continue
        before_first, before_end, before = together[-1]
        between = [word for token in tokens[before_end:first] for word in cut(token.folded)]
        if (
            len(between) <= _MOST_FILLERS
            and _is_week(before)
            and isinstance(expression, Weekday)
            and not expression.week
        ):
            together[-1] = (before_first, end, replace(expression, week=before))
        elif between and _VERSUS.issuperset(between):
            together[-1] = (before_first, before_end, _completed(before, expression))
            together.append((first, end, _completed(expression, before)))
        else:
            together.append((first, end, expression))
    return together


def _is_week(expression: Expression) -> bool:
    return isinstance(expression, Units) and unit_of(expression) is TimeUnit.WEEK


def _completed(expression: Expression, other: Expression) -> Expression:
    """Return a part of a year with the year of its counterpart, where its own is left out."""
    year = year_said(other)
    same_kind = isinstance(expression, Month | Day | Part) and type(expression) is type(other)
    if not (same_kind and year and lacks_year(expression)):
        return expression
    completed = with_year(expression, year)
    # Nobody holds a period against itself: in "Q3 vs Q3 last year" the first is the latest one.
    return expression if completed == other else completed
