"""Years, halves, quarters, periods, weeks and months by name or number."""

from __future__ import annotations

from typing import Final

from ecp_server.domain.frozen import replace
from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.expressions import (
    Decade,
    Expression,
    Month,
    Part,
    Recurring,
    Said,
    TimeUnit,
    Units,
    Year,
    unit_of,
)
from ecp_server.resolution.time.lexemes import (
    AFTER_NEXT,
    CALENDARS,
    CARDINALS,
    LAST,
    MONTHS,
    NEXT,
    OF,
    ORDINALS,
    TENS,
    THIS,
    WHOLE,
    Parsed,
    Rules,
    Scan,
    phrases,
    word_set,
    words_of,
)
from ecp_server.resolution.time.relative import DIRECTION_WORDS, bare_unit, said, units

_WEEKS: Final = 53
_COMPACT_MONTH: Final = 6
_FIRST_COMPACT_YEAR, _LAST_COMPACT_YEAR = 1900, 2100
_MONTHS_OF_YEAR: Final = 12
_MARKS: Final = {
    "q": (TimeUnit.QUARTER, 4), "fq": (TimeUnit.QUARTER, 4), "quarter": (TimeUnit.QUARTER, 4),
    "quarters": (TimeUnit.QUARTER, 4), "qtr": (TimeUnit.QUARTER, 4), "qtrs": (TimeUnit.QUARTER, 4),
    "h": (TimeUnit.HALF, 2), "hy": (TimeUnit.HALF, 2), "half": (TimeUnit.HALF, 2),
    "p": (TimeUnit.MONTH, 12), "fp": (TimeUnit.MONTH, 12), "period": (TimeUnit.MONTH, 12),
    "periods": (TimeUnit.MONTH, 12), "month": (TimeUnit.MONTH, 12), "months": (TimeUnit.MONTH, 12),
    "w": (TimeUnit.WEEK, _WEEKS), "fw": (TimeUnit.WEEK, _WEEKS), "wk": (TimeUnit.WEEK, _WEEKS),
    "cw": (TimeUnit.WEEK, _WEEKS), "week": (TimeUnit.WEEK, _WEEKS), "weeks": (TimeUnit.WEEK, _WEEKS),
}  # fmt: skip
"""What stands before a number, and the greatest number that it takes."""
_CALENDAR_MARKS: Final = {"fq": Said.FISCAL, "fp": Said.FISCAL, "fw": Said.FISCAL, "cw": Said.CALENDAR}
_ERAS: Final = frozenset({"ad", "ce"})
YEAR_WORDS: Final = (
    word_set("fy cy year") | _ERAS | WHOLE | CALENDARS | CARDINALS.keys() | TENS.keys() | numbers.APOSTROPHES
)
"""What `year` begins with, beside figures."""
_YEAR_STARTS: Final = YEAR_WORDS | {"the"}
_MARKS_AFTER: Final = frozenset({"q", "qtr", "h", "hy"})
_WRITTEN_OUT: Final = frozenset({mark for mark in _MARKS if len(mark) > len("fq")} | {"wk", "cw"})
_NUMBER_SIGNS: Final = frozenset({"number", "no", "#", "nr"})
_ORDINAL_UNITS: Final = {TimeUnit.QUARTER: 4, TimeUnit.HALF: 2}
_PARTS_ALONE: Final = frozenset({TimeUnit.QUARTER, TimeUnit.HALF})
_DECADE: Final = 10
_CENTURY: Final = 100
_DECADES: Final = {"twenties": 20, "thirties": 30, "sixties": 60, "seventies": 70, "eighties": 80, "nineties": 90}
_DECADES_OF_THIS_CENTURY: Final = {"tens": 10} | _DECADES
_FIRST_OF_THIS_CENTURY: Final = phrases("two thousands")
_THIS_CENTURY: Final = phrases("two thousand", "two thousand and")
_FIRST_OF_LAST_CENTURY: Final = 30
_ABBREVIATED: Final = 4
_SHORT: Final = 2


def year(scan: Scan, at: int) -> Parsed[Year]:
    """Read "2019", "FY24", "fiscal year 2024", "calendar 2020", "the year 2020", "2024 fiscal year", "'23"."""
    if scan.numbers[at] < 0 and scan.words[at] not in _YEAR_STARTS:
        return None
    at = scan.skip(scan.skip(at, "the"), WHOLE)
    word = scan.words[at]
    if word in ("fy", "cy"):
        return _numbered_year(scan, at + 1, Said.FISCAL if word == "fy" else Said.CALENDAR)
    calendar, end = said(scan, at)
    if calendar or word == "year":
        return _numbered_year(scan, scan.skip(scan.skip(scan.skip(end, "year"), "fy"), "of"), calendar)
    found = numbers.apostrophe_year(scan, at) or numbers.full_year(scan, scan.skip(at, _ERAS))
    return _year_with_calendar(scan, *found) if found else None


def _year_with_calendar(scan: Scan, number: int, end: int) -> Parsed[Year]:
    """Read what may follow a year: "fiscal year", "FY", "AD", "/24"."""
    calendar, after = said(scan, end) if scan.near(end) else (Said.NOTHING, end)
    if calendar and scan.words[after] == "year":
        return Year(number, calendar), after + 1
    if scan.words[end] == "fy" and scan.near(end):
        return Year(number, Said.FISCAL), end + 1
    spanned = _spanning(scan, number, end)
    # "2023/24" and "2023/2024" are fiscal; "2023-24" may be two years, "2023-2024" is a range, "2011-12" a month.
    short = spanned > end and len(scan.words[spanned - 1]) == _SHORT
    if spanned > end and scan.numbers[spanned - 1] > _MONTHS_OF_YEAR and (short or scan.words[end] == "/"):
        return Year(number, Said.FISCAL if scan.words[end] == "/" else Said.NOTHING, spanning=True), spanned
    return Year(number), scan.skip(end, _ERAS)


def _numbered_year(scan: Scan, at: int, calendar: Said) -> Parsed[Year]:
    found = numbers.full_year(scan, at) or (numbers.short_year(scan, at) if calendar else None)
    if found is None:
        return None
    number, end = found
    spanned = _spanning(scan, number, end) if calendar is Said.FISCAL else end
    return Year(number, calendar, spanning=spanned > end), spanned


def _spanning(scan: Scan, number: int, end: int) -> int:
    """Return the position after the next year's number, where it follows at once, as in "2023/24"; else the same."""
    second = scan.skip(end, "/")
    follows = scan.numbers[second] in ((number + 1) % _CENTURY, number + 1) and len(scan.words[second]) != 1
    return second + 1 if follows and scan.near(second) and not scan.glued[second] else end


def decade(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the 1970s", "the 90s", "the nineties", "the two thousand and tens"."""
    start = scan.skip(scan.skip(at, "the"), numbers.APOSTROPHES)
    number = scan.numbers[start]
    if number >= 0:
        return _decade_in_figures(scan, start, number, short=start > at)
    end = scan.skip_any(start, _FIRST_OF_THIS_CENTURY)
    if end > start:
        return Decade(2000), end
    word = scan.skip_any(start, _THIS_CENTURY)
    if word > start:
        tens = _DECADES_OF_THIS_CENTURY.get(scan.words[word], 0)
        return (Decade(2000 + tens), word + 1) if tens else None
    word = scan.skip(start, "nineteen")
    tens = _DECADES.get(scan.words[word], 0)
    return (Decade(1900 + tens), word + 1) if tens and word + 1 > at + 1 else None


def _decade_in_figures(scan: Scan, at: int, number: int, *, short: bool) -> Parsed[Expression]:
    plural = scan.words[at + 1] in ("s", "'s") and scan.gaps[at + 1] == 0
    if not plural or number % _DECADE:
        return None
    if numbers.full_year(scan, at):
        return Decade(number), at + 2
    if not short or len(scan.words[at]) != _SHORT:
        return None
    return Decade(number + (1900 if number >= _FIRST_OF_LAST_CENTURY else 2000)), at + 2


def year_by_number(scan: Scan, at: int, *, short: bool) -> Parsed[Expression]:
    """Read a year that is said by its number; of two figures if ``short``."""
    if short and scan.near(at) and scan.words[at + 1] not in ("%", ".", "/"):
        two_figures = numbers.short_year(scan, at)
        if two_figures:
            return Year(two_figures[0]), two_figures[1]
    return year(scan, at)


def year_after(scan: Scan, at: int, *, short: bool) -> Parsed[Expression]:
    """Read the year on the right of a quarter or month: "of fiscal 2024", "'24", "next year", "19" if short."""
    of = scan.skip(at, OF)
    found: Parsed[Expression] = year_by_number(scan, of, short=short)
    if found is None:
        found = scan.period(of)
    if found is None and of > at:
        found = bare_unit(scan, of)
    return found if found and unit_of(found[0]) is TimeUnit.YEAR else None


def part(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "Q3 2024", "2019 Q1", "4Q19", "FY10Q4", "third quarter of fiscal 2025", "H1", "week 31 of 2027"."""
    at = scan.skip(at, "the")
    before: Parsed[Expression] = year(scan, at)
    if before is None and scan.glued[at + 1] and scan.words[at + 1] in _MARKS_AFTER and scan.numbers[at + 2] > 0:
        before = year_by_number(scan, at, short=True)  # "18q4"
    if before is None or not scan.near(before[1]):  # "2019 - Q1 2020" is a range
        return part_of(scan, at, None)
    end = scan.skip(scan.skip(before[1], "'s"), frozenset({",", "/"}))
    found = part_of(scan, scan.skip(end, "the"), before[0])
    if found is not None and scan.words[before[1]] == "," and year(scan, found[1]):
        return None  # "2022, Q1 2023" is a list
    return found


def part_of(scan: Scan, at: int, of: Expression | None) -> Parsed[Expression]:
    """Read a unit with its number, of the year ``of`` or of the one that follows."""
    found = _numbered(scan, at)
    if found is None:
        return None
    one, end = found
    if of is None:
        after = year_after(scan, end, short=one.unit in _PARTS_ALONE) or _inside(scan, one, end)
        of, end = after or (None, end)
    if of is None and scan.words[at] in ("month", "months"):
        return None
    return replace(one, within=of), end


def _inside(scan: Scan, one: Part, at: int) -> Parsed[Expression]:
    """Read what else numbered weeks and months lie in: "week 2 of March", "month 2 of Q3"."""
    found = scan.period(at + 1) if scan.words[at] in ("of", "in") and one.unit not in _PARTS_ALONE else None
    unit = unit_of(found[0]) if found else None
    return found if unit and unit.length > one.unit.length else None


def _numbered(scan: Scan, at: int) -> Parsed[Part]:
    """Read a unit with its number: "Q3", "3Q", "quarter 3", "third fiscal quarter", "week 31"."""
    calendar, at = said(scan, at)
    return _mark_first(scan, at, calendar) or _mark_last(scan, at, calendar) or _ordinal_unit(scan, at, calendar)


def _mark_first(scan: Scan, at: int, calendar: Said) -> Parsed[Part]:
    word = scan.words[at]
    if word not in _MARKS:
        return None
    unit, most = _MARKS[word]
    end = scan.skip(scan.skip(at + 1, _NUMBER_SIGNS), ".")
    number = numbers.cardinal(scan, end) if word in _WRITTEN_OUT or scan.near(end) else None
    if number is None or not 1 <= number[0] <= most:
        return None
    calendar = _CALENDAR_MARKS.get(word, calendar)
    return Part(unit, number[0], None, 1, calendar, unit is TimeUnit.WEEK), number[1]


def _mark_last(scan: Scan, at: int, calendar: Said) -> Parsed[Part]:
    number, mark = scan.numbers[at], scan.words[at + 1]
    if number < 1 or not scan.glued[at + 1] or mark not in _MARKS_AFTER or number > _MARKS[mark][1]:
        return None
    return Part(_MARKS[mark][0], number, None, 1, calendar), at + 2


def _ordinal_unit(scan: Scan, at: int, calendar: Said) -> Parsed[Part]:
    ordinal = numbers.ordinal(scan, at)
    if ordinal is None:
        return None
    late, end = said(scan, ordinal[1])
    named = numbers.unit(scan, end)
    if named is None or ordinal[0] > _ORDINAL_UNITS.get(named[0][1], 0):
        return None
    return Part(named[0][1], ordinal[0], None, 1, calendar or late), named[1]


def month(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "January", "Sept. 2019", "May '19", "fiscal August 2018", "2015 May", "june next year"."""
    at = scan.skip(at, "the")
    at = at + 2 if scan.words[at] == "month" and scan.words[at + 1] == "of" else at
    before = year_before(scan, at)
    start = scan.skip(before[1], frozenset({",", "/"})) if before else at
    calendar, start = said(scan, start)
    number = MONTHS.get(scan.words[start])
    if number is None:
        return None
    end = after_abbreviation(scan, start)
    if before:
        return Month(number, before[0], calendar), end
    alone = Month(number, None, calendar)
    following = scan.skip_any(end, AFTER_NEXT)
    if following > end:
        return Recurring(alone, 2 if scan.words[end] == "after" else -2), following
    after = _in_years(scan, end) or year_after(scan, end, short=False)
    return (replace(alone, year=after[0]), after[1]) if after else (alone, end)


def year_before(scan: Scan, at: int) -> Parsed[Year]:
    """Read the year on the left of a month; one that stands apart, as in "2016 - May 2019", is not the month's."""
    found = year(scan, at) if scan.words[at] not in MONTHS else None
    return found if found and (scan.near(found[1]) or scan.words[found[1]] == "/") else None


def _in_years(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "in a year", "in two years" after a month."""
    found = numbers.length(scan, at + 1) if scan.words[at] == "in" else None
    if found is None or len(found[0]) > 1 or found[0][0][1] is not TimeUnit.YEAR:
        return None
    return Units(TimeUnit.YEAR, found[0][0][0]), found[1]


def after_abbreviation(scan: Scan, at: int) -> int:
    """Return the position after a name and the full stop that may shorten it."""
    dotted = scan.words[at + 1] == "." and scan.gaps[at + 1] == 0 and len(scan.words[at]) <= _ABBREVIATED
    return at + 2 if dotted else at + 1


def numeric_month(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "2015/3", "2016-11", "3/2015", "11 / 2016", "201611"."""
    if len(scan.words[at]) == _COMPACT_MONTH and not scan.glued[at + 1]:
        of, month_of_year = divmod(scan.numbers[at], 100)
        plain = _FIRST_COMPACT_YEAR <= of < _LAST_COMPACT_YEAR and 1 <= month_of_year <= _MONTHS_OF_YEAR
        return (Month(month_of_year, Year(of)), at + 1) if plain else None
    second = scan.skip(at + 1, frozenset({"/", "."}))
    if not scan.near(second) and second == at + 1:
        return None
    if scan.numbers[at] < 0 or scan.numbers[second] < 0 or scan.glued[second]:
        return None
    for of, number in ((at, second), (second, at)):
        found = numbers.full_year(scan, of)
        if found and 1 <= scan.numbers[number] <= _MONTHS_OF_YEAR and len(scan.words[number]) <= _SHORT:
            return Month(scan.numbers[number], Year(found[0])), second + 1
    return None


def recurring(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "last March", "next Q3", "this January"."""
    at = scan.skip(at, "the")
    word = scan.words[at]
    found = month(scan, at + 1) if scan.words[at + 1] in MONTHS else part_of(scan, at + 1, None)
    if found is None:
        return None
    of, end = found
    if isinstance(of, Part) and (of.within is not None or of.unit not in _PARTS_ALONE):
        return None
    if not isinstance(of, Month | Part) or (isinstance(of, Month) and of.year is not None):
        return None
    if word in THIS:
        return with_this_year(of), end
    return Recurring(of, -1 if word in LAST else 1), end


def with_this_year(of: Month | Part) -> Expression:
    """Return this year's month or part."""
    this = Units(TimeUnit.YEAR, 0)
    return replace(of, year=this) if isinstance(of, Month) else replace(of, within=this)


def of_relative_year(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "last year's Q3", "next year March", "this fiscal year's first quarter"."""
    found = units(scan, at)
    if found is None or unit_of(found[0]) is not TimeUnit.YEAR:
        return None
    within, end = found
    end = scan.skip(scan.skip(scan.skip(end, "'s"), ","), "the")
    number = MONTHS.get(scan.words[end])
    return (Month(number, within), end + 1) if number is not None else part_of(scan, end, within)


RULES: Final[Rules] = {
    year: YEAR_WORDS,
    decade: CARDINALS.keys() | _DECADES.keys() | numbers.APOSTROPHES,
    part: YEAR_WORDS | _MARKS.keys() | ORDINALS.keys(),
    month: YEAR_WORDS | MONTHS.keys() | {"month"},
    recurring: LAST | NEXT | THIS,
    of_relative_year: DIRECTION_WORDS,
}
WORDS: Final = words_of(
    *RULES.values(), _NUMBER_SIGNS, _DECADES_OF_THIS_CENTURY, OF, runs=(_FIRST_OF_THIS_CENTURY, _THIS_CENTURY)
)
