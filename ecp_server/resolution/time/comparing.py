"""Periods that are named by their relation to the main one: the same quarter last year, YoY, the prior period."""

from __future__ import annotations

from typing import Final

from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.expressions import Comparand, Comparison, Expression, TimeUnit
from ecp_server.resolution.time.lexemes import (
    LAST,
    OVER_PERIOD,
    UNIT_LETTERS,
    UNITS,
    Parsed,
    Rules,
    Scan,
    first_of,
    word_set,
    words_of,
)
from ecp_server.resolution.time.relative import said

_SAME: Final = frozenset({"same", "corresponding", "comparable", "equivalent"})
_LAST_YEAR: Final = Comparison(Comparand.SAME_PERIOD_LAST_YEAR)
_PRIOR: Final = Comparison(Comparand.PRIOR_PERIOD)
_LIKE: Final = {
    "day": TimeUnit.DAY,
    "week": TimeUnit.WEEK,
    "month": TimeUnit.MONTH,
    "quarter": TimeUnit.QUARTER,
    "half": TimeUnit.HALF,
}
_PERIODS: Final = _LIKE.keys() | {"period", "time", "point", "date"}
_OVER: Final = frozenset({"/", "o", "over", "on"})
_BEFORE: Final = frozenset({"before", "prior", "earlier"})
_YEAR_BEFORE: Final = _BEFORE | {"ago"}
_MANY: Final = frozenset(unit for unit in UNITS if unit.endswith("s"))
_FILLERS: Final = frozenset({"of", "in", "from", "the", "a", "one"})


def comparison(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "same quarter last year", "YoY", "the prior period", "the year before"."""
    return first_of(scan, scan.skip(at, "the"), (_over, _same, _prior, _earlier))


def _over(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "YoY", "y/y", "quarter over quarter"."""
    word = scan.words[at]
    unit, end = OVER_PERIOD.get(word), at + 1
    if unit is None and scan.words[at + 1] in _OVER and scan.words[at + 2] == word:
        named = numbers.unit(scan, at)
        unit, end = named[0][1] if named else UNIT_LETTERS.get(word), at + 3
    if unit is None:
        return None
    comparand = Comparand.SAME_PERIOD_LAST_YEAR if unit is TimeUnit.YEAR else Comparand.PRIOR_PERIOD
    return Comparison(comparand, unit), end


def _same(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "same quarter of the previous year", "same time last year", "same period a year ago"."""
    if scan.matches(at, "this", "time", "last", "year"):
        return _LAST_YEAR, at + 4
    if scan.words[at] not in _SAME:
        return None
    _, at = said(scan, at + 1)
    if scan.words[at] not in _PERIODS:
        return None
    like, end = _year_before(scan.words[at]), at + 1
    while scan.words[end] in _FILLERS:
        end += 1
    _, year = said(scan, scan.skip(end, LAST))
    if scan.words[end] in LAST and scan.words[year] in ("year", "fy", "years"):
        return like, scan.skip(year + 1, "'s")
    if scan.words[end] == "year" and scan.words[end + 1] in _YEAR_BEFORE:
        return like, end + 2
    return None


def _year_before(word: str) -> Comparison:
    """Return the comparison with a period a year before, of the word for it."""
    return Comparison(Comparand.SAME_PERIOD_LAST_YEAR, like=_LIKE.get(word))


def _prior(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the prior period", "prior-year quarter", "year-ago period"."""
    if scan.words[at] in LAST and scan.words[at + 1] == "period":
        return _PRIOR, at + 2
    directed = scan.words[at] in LAST and scan.words[at + 1] == "year"
    if (directed or scan.matches(at, "year", "ago")) and scan.words[at + 2] in _PERIODS:
        return _year_before(scan.words[at + 2]), at + 3
    return None


def _earlier(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the period before", "the quarter before", "a year earlier", where nothing follows that it lies before."""
    start = scan.skip(at, frozenset({"a", "one"}))
    if scan.words[start] in ("period", "one"):
        unit, end = None, start + 1
    else:
        named = numbers.unit(scan, start)
        if named is None or named[0][0] > 1:
            return None
        # "The 3 months before" are as many as the main period has.
        unit, end = None if scan.words[start] in _MANY else named[0][1], named[1]
    if scan.words[end] not in _BEFORE or scan.words[end + 1] in (LAST | {"to"}) or scan.period(end + 1):
        return None
    last_year = unit is TimeUnit.YEAR
    return Comparison(Comparand.SAME_PERIOD_LAST_YEAR if last_year else Comparand.PRIOR_PERIOD, unit), end + 1


RULES: Final[Rules] = {
    comparison: (
        OVER_PERIOD.keys() | UNIT_LETTERS.keys() | UNITS.keys() | LAST | _SAME | word_set("period one a this")
    ),
}
WORDS: Final = words_of(*RULES.values(), _PERIODS, _OVER, _YEAR_BEFORE, _FILLERS)
