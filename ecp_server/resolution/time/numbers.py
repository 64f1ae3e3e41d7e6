"""Numbers in figures and words: cardinals, ordinals, years, and lengths of time."""

from __future__ import annotations

from typing import Final

from ecp_server.resolution.time.expressions import Steps, TimeUnit
from ecp_server.resolution.time.lexemes import (
    CALENDARS,
    CARDINALS,
    ORDINAL_SUFFIXES,
    ORDINALS,
    TENS,
    UNIT_LETTERS,
    UNITS,
    Parsed,
    Scan,
    words_of,
)

FIRST_BARE_YEAR: Final = 1900
LAST_BARE_YEAR: Final = 2100
_FIRST_YEAR: Final = 1000
_LAST_YEAR: Final = 2999
_YEAR_DIGITS: Final = 4
_SHORT_YEAR_DIGITS: Final = 2
# Two figures of a year are of this century up to here: no report is about 1969, and plans reach decades ahead.
_PIVOT: Final = 70
_TEN: Final = 10
_CENTURIES: Final = range(15, 21)
APOSTROPHES: Final = frozenset({"'", "’", "‘"})
_HUNDRED: Final = "hundred"
_THOUSAND: Final = "thousand"
_AND: Final = frozenset({"and", "plus"})
_ARTICLES: Final = frozenset({"a", "an"})
_FEW: Final = {"couple": 2, "few": 3, "several": 3, "dozen": 12}
_FROM_END: Final = {"last": -1, "final": -1, "penultimate": -2}
_COUNTED: Final = TENS.keys() | CARDINALS.keys()
_MAX_COUNT: Final = 100_000
# Years, months, weeks and days: more than these make no length, and reading ever on would take quadratic time.
_MOST_STEPS: Final = 4
_BUSINESS: Final = frozenset({"business", "working", "work", "trading"})
COUNT_WORDS: Final = _COUNTED | _ARTICLES | _FEW.keys() | {"half"}
"""What a length begins with, beside figures."""
ORDINAL_WORDS: Final = ORDINALS.keys() | TENS.keys()
PLACE_WORDS: Final = ORDINAL_WORDS | _FROM_END.keys()
WORDS: Final = words_of(COUNT_WORDS, PLACE_WORDS, APOSTROPHES, _BUSINESS, _AND, (_HUNDRED, _THOUSAND))


def small(scan: Scan, at: int) -> Parsed[int]:
    """Read a number below 100 in words."""
    word = scan.words[at]
    if word in TENS:
        unit = CARDINALS.get(scan.words[at + 1], 0)
        return (TENS[word] + unit, at + 2) if 0 < unit < _TEN else (TENS[word], at + 1)
    return (CARDINALS[word], at + 1) if word in CARDINALS else None


def _hundreds(scan: Scan, at: int) -> Parsed[int]:
    found = small(scan, at)
    if found is None or scan.words[found[1]] != _HUNDRED:
        return found
    value, end = found[0] * 100, found[1] + 1
    rest = small(scan, scan.skip(end, "and"))
    return (value + rest[0], rest[1]) if rest else (value, end)


def cardinal(scan: Scan, at: int) -> Parsed[int]:
    """Read a whole number in figures or words."""
    if scan.numbers[at] >= 0:
        return scan.numbers[at], at + 1
    found = _hundreds(scan, at) if scan.words[at] in _COUNTED else None
    if found is None or scan.words[found[1]] != _THOUSAND:
        return found
    value, end = found[0] * 1000, found[1] + 1
    rest = _hundreds(scan, scan.skip(end, "and"))
    return (value + rest[0], rest[1]) if rest else (value, end)


def count(scan: Scan, at: int) -> Parsed[int]:
    """Read how many: a number, "a", "a couple of", "few"."""
    article = scan.words[at] in _ARTICLES
    few = _FEW.get(scan.words[at + 1 if article else at])
    if few is not None:
        end = at + (2 if article else 1)
        return few, scan.skip(end, "of")
    if article:
        return 1, at + 1
    found = cardinal(scan, at)
    return (found[0], found[1]) if found and found[0] <= _MAX_COUNT else None


def ordinal(scan: Scan, at: int) -> Parsed[int]:
    """Read "1st", "third", "thirty first"."""
    word = scan.words[at]
    if scan.numbers[at] >= 0:
        ends = scan.numbers[at] > 0 and scan.glued[at + 1] and scan.words[at + 1] in ORDINAL_SUFFIXES
        return (scan.numbers[at], at + 2) if ends else None
    if word in TENS:
        unit = ORDINALS.get(scan.words[at + 1], 0)
        return (TENS[word] + unit, at + 2) if 0 < unit < _TEN else None
    return (ORDINALS[word], at + 1) if word in ORDINALS else None


def place(scan: Scan, at: int) -> Parsed[int]:
    """Read an ordinal, or a place from the end, negative: "last", "second last", "third to last"."""
    named = _FROM_END.get(scan.words[at])
    if named is not None:
        return named, at + 1
    found = ordinal(scan, at)
    if found is None:
        return None
    value, end = found
    from_end = scan.skip(end, frozenset({"to", "from"}))
    from_end = scan.skip(from_end, "the") if from_end > end else end
    return (-value, from_end + 1) if scan.words[from_end] == "last" else found


def full_year(scan: Scan, at: int) -> Parsed[int]:
    """Read a year of four figures or in words: "2019", "two thousand and five", "nineteen ninety nine"."""
    number = scan.numbers[at]
    if number >= 0:
        if len(scan.words[at]) == _YEAR_DIGITS and _FIRST_YEAR <= number <= _LAST_YEAR:
            return number, at + 1
        return None
    if scan.words[at] in ("two", "one") and scan.words[at + 1] == _THOUSAND:
        found = cardinal(scan, at)
        return found if found and found[0] <= _LAST_YEAR else None
    century = small(scan, at)
    if century is None or century[0] not in _CENTURIES:
        return None
    if scan.words[century[1]] == _HUNDRED:
        return cardinal(scan, at)
    # "twenty twenty four": the first word is a century on its own, never "twenty-two".
    rest = small(scan, at + 1)
    return (century[0] * 100 + rest[0], rest[1]) if century[1] == at + 1 and rest and rest[0] >= _TEN else None


def short_year(scan: Scan, at: int) -> Parsed[int]:
    """Read a year of two figures, with an apostrophe or without."""
    at = scan.skip(at, APOSTROPHES)
    number = scan.numbers[at]
    if number < 0 or len(scan.words[at]) != _SHORT_YEAR_DIGITS:
        return None
    return number + (2000 if number < _PIVOT else 1900), at + 1


def apostrophe_year(scan: Scan, at: int) -> Parsed[int]:
    """Read "'19"."""
    return short_year(scan, at) if scan.words[at] in APOSTROPHES else None


def unit(scan: Scan, at: int) -> Parsed[tuple[int, TimeUnit]]:
    """Read a unit of time: how many of which of ours it is."""
    if scan.words[at] in _BUSINESS and scan.words[at + 1] in ("day", "days"):
        return (1, TimeUnit.BUSINESS_DAY), at + 2
    if scan.words[at] == "half" and scan.words[at + 1] in ("year", "years"):
        return (1, TimeUnit.HALF), at + 2
    if scan.words[at] == "calendar" and scan.words[at + 1] in ("day", "days"):
        return (1, TimeUnit.DAY), at + 2
    if scan.glued[at] and scan.words[at] in UNIT_LETTERS:
        return (1, UNIT_LETTERS[scan.words[at]]), at + 1
    found = UNITS.get(scan.words[at])
    return (found, at + 1) if found else None


def length(scan: Scan, at: int, *, needs_count: bool = True, after: TimeUnit | None = None) -> Parsed[Steps]:
    """Read a length of time: "3 months and 2 weeks", "a week", "half a year", without a count "week".

    "A half" is half a year, and so follows (``after``, before it stand such units) nothing but years.
    """
    if scan.matches(at, "half", "a", "year"):
        return ((6, TimeUnit.MONTH),), at + 3
    steps: list[tuple[int, TimeUnit]] = []
    end = at
    while len(steps) < _MOST_STEPS:
        found = count(scan, at)
        if found is None:
            if steps or needs_count:
                break
            found = (1, at)
        named = unit(scan, scan.skip(found[1], CALENDARS))
        if named is None or not found[0]:
            break
        size, of = named[0]
        if of is TimeUnit.HALF and after not in (None, TimeUnit.YEAR):  # "a month and a half"
            break
        end, after = named[1], of
        steps.append((found[0] * size, of))
        needs_count = True
        at = scan.skip(scan.skip(end, ","), _AND)
    return (tuple(steps), end) if steps else None
