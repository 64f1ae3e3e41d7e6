"""Periods by name: years, halves, quarters, months, weeks, and parts of other periods."""

from __future__ import annotations

from typing import Final

from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.expressions import (
    Containing,
    Decade,
    Expression,
    Month,
    NthWeekday,
    Part,
    Recurring,
    Said,
    TimeUnit,
    Units,
    Weekday,
    Year,
)
from ecp_server.resolution.time.lexemes import LAST, MONTHS, NEXT, THIS, UNITS, WEEKDAYS, Parsed, Scan
from ecp_server.resolution.time.relative import is_container, is_whole_year, said, units

_OF: Final = frozenset({"of", "in", "for", "from", ",", "/", "'s", "on"})
_MARKS: Final = {
    "q": (TimeUnit.QUARTER, 4), "fq": (TimeUnit.QUARTER, 4), "h": (TimeUnit.HALF, 2), "hy": (TimeUnit.HALF, 2),
    "p": (TimeUnit.MONTH, 12), "w": (TimeUnit.WEEK, 53), "wk": (TimeUnit.WEEK, 53), "cw": (TimeUnit.WEEK, 53),
    "quarter": (TimeUnit.QUARTER, 4), "qtr": (TimeUnit.QUARTER, 4), "half": (TimeUnit.HALF, 2),
    "period": (TimeUnit.MONTH, 12), "week": (TimeUnit.WEEK, 53), "month": (TimeUnit.MONTH, 12),
}  # fmt: skip
"""What a number may stand beside, and the greatest number."""
_NUMBER_SIGNS: Final = frozenset({"number", "no", "#", "nr"})
_MOST: Final = {TimeUnit.QUARTER: 4, TimeUnit.HALF: 2}
_DECADE: Final = 10
_MONTHS_OF_YEAR: Final = 12
_ABBREVIATED: Final = 4


def year(scan: Scan, at: int) -> Parsed[Year]:
    """Read "2019", "FY24", "fiscal year 2024", "calendar 2020", "the year 2020", "2024 fiscal year", "FY2019-20"."""
    at = scan.skip(at, "the")
    word = scan.words[at]
    if word in ("fy", "cy"):
        return _numbered_year(scan, at + 1, Said.FISCAL if word == "fy" else Said.CALENDAR)
    calendar, end = said(scan, at)
    if calendar or scan.words[end] == "year":
        return _numbered_year(scan, scan.skip(end, "year"), calendar)
    if word in ("ad", "ce"):
        at += 1
    found = numbers.full_year(scan, at)
    if found is None:
        return None
    number, end = found
    if scan.words[end] == "fy":
        return Year(number, Said.FISCAL), end + 1
    calendar, after = said(scan, end)
    if calendar and scan.words[after] == "year":
        return Year(number, calendar), after + 1
    return Year(number), scan.skip(end, frozenset({"ad", "ce"}))


def _numbered_year(scan: Scan, at: int, calendar: Said) -> Parsed[Year]:
    found = numbers.full_year(scan, at) or (numbers.short_year(scan, at) if calendar else None)
    if found is None:
        return None
    number, end = found
    if calendar is Said.FISCAL:
        second = scan.skip(end, "/")
        follows = scan.numbers[second] in ((number + 1) % 100, number + 1) and len(scan.words[second]) in (2, 4)
        if follows and scan.near(second) and not scan.glued[second]:
            return Year(number, calendar, spanning=True), second + 1
    return Year(number, calendar), end


def decade(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the 1970s", "the nineties" with its century, "the two thousand and tens"."""
    at = scan.skip(at, "the")
    number = scan.numbers[at]
    if number >= 0:
        is_decade = number % _DECADE == 0 and scan.words[at + 1] in ("s", "'s") and scan.gaps[at + 1] == 0
        found = numbers.full_year(scan, at)
        return (Decade(number), at + 2) if found and is_decade else None
    if scan.matches(at, "two", "thousand"):
        tens = {"tens": 10, "twenties": 20, "thirties": 30}.get(scan.words[scan.skip(at + 2, "and")])
        return (Decade(2000 + tens), scan.skip(at + 2, "and") + 1) if tens else None
    tens = {"eighties": 80, "nineties": 90, "seventies": 70, "sixties": 60}.get(scan.words[scan.skip(at, "nineteen")])
    return (Decade(1900 + tens), scan.skip(at, "nineteen") + 1) if tens else None


def year_after(scan: Scan, at: int, *, short: bool) -> Parsed[Expression]:
    """Read the year of a quarter or month on its right: "of fiscal 2024", ", 2024", "'24", "next year", "19" if short."""
    end = scan.skip(at, _OF)
    found: Parsed[Expression] = numbers_year(scan, end, short=short)
    if found is None:
        relative = scan.period(end)
        found = relative if relative and is_whole_year(relative[0]) else None
    return found


def numbers_year(scan: Scan, at: int, *, short: bool) -> Parsed[Expression]:
    """Read a year that is said by its number."""
    of_century = numbers.apostrophe_year(scan, at)
    if of_century is None and short and scan.near(at) and scan.words[at + 1] not in ("%", ".", "/"):
        of_century = numbers.short_year(scan, at)
    return (Year(of_century[0]), of_century[1]) if of_century else year(scan, at)


def part(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "Q3 2024", "2019 Q1", "4Q19", "FY10Q4", "third quarter of fiscal 2025", "H1", "P7 FY2024", "week 31 of 2027"."""
    at = scan.skip(at, "the")
    before = numbers_year(scan, at, short=False)
    if before and scan.words[before[1]] == "'s":
        before = before[0], before[1] + 1
    return _part(scan, scan.skip(before[1], frozenset({",", "/"})) if before else at, before[0] if before else None)


def _part(scan: Scan, at: int, of: Expression | None) -> Parsed[Expression]:
    found = _numbered(scan, at)
    if found is None:
        return None
    one, end = found
    after = year_after(scan, end, short=one.unit is not TimeUnit.MONTH) if of is None else None
    if after is not None:
        of, end = after
    if of is None and scan.words[at] == "month":
        return None
    return Part(one.unit, one.nth, of, 1, one.said, one.ordinal), end


def _numbered(scan: Scan, at: int) -> Parsed[Part]:
    """Read a unit with its number: "Q3", "3Q", "quarter 3", "fiscal third quarter", "third fiscal quarter", "week 31"."""
    calendar, at = said(scan, at)
    word = scan.words[at]
    if word in _MARKS:
        unit, most = _MARKS[word]
        end = scan.skip(scan.skip(at + 1, _NUMBER_SIGNS), ".")
        number = numbers.cardinal(scan, end) if len(word) > len("fq") or scan.near(end) else None
        if number is None or not 1 <= number[0] <= most:
            return None
        if word in ("fq", "cw"):
            calendar = Said.FISCAL if word == "fq" else Said.CALENDAR
        return Part(unit, number[0], None, 1, calendar, unit is TimeUnit.WEEK), number[1]
    mark = scan.words[at + 1]
    if scan.numbers[at] > 0 and scan.glued[at + 1] and mark in ("q", "h", "hy"):
        unit, most = _MARKS[mark]
        return (Part(unit, scan.numbers[at], None, 1, calendar), at + 2) if scan.numbers[at] <= most else None
    ordinal = numbers.ordinal(scan, at)
    if ordinal is None:
        return None
    late, end = said(scan, ordinal[1])
    named = numbers.unit(scan, end)
    if named is None or not ordinal[0] <= _MOST.get(named[0][1], 0):
        return None
    return Part(named[0][1], ordinal[0], None, 1, calendar or late), named[1]


def month(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "January", "Sept. 2019", "May '19", "fiscal August 2018", "2015 May", "the month of June", "june next year"."""
    at = scan.skip(at, "the")
    if scan.matches(at, "month", "of"):
        at += 2
    before = numbers_year(scan, at, short=False) if scan.words[at] not in MONTHS else None
    start = scan.skip(before[1], frozenset({",", "/"})) if before else at
    calendar, start = said(scan, start)
    number = MONTHS.get(scan.words[start])
    if number is None:
        return None
    end = start + 1
    if scan.words[end] == "." and scan.gaps[end] == 0 and len(scan.words[start]) <= _ABBREVIATED:
        end += 1
    if before:
        return Month(number, before[0], calendar), end
    if scan.matches(end, "in", "a", "year"):
        return Month(number, Units(TimeUnit.YEAR, 1), calendar), end + 3
    if scan.matches(end, "after", "next"):
        return Recurring(Month(number, None, calendar), 2), end + 2
    if scan.matches(end, "before", "last"):
        return Recurring(Month(number, None, calendar), -2), end + 2
    after = year_after(scan, end, short=False)
    return (Month(number, after[0], calendar), after[1]) if after else (Month(number, None, calendar), end)


def numeric_month(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "2015/3", "2016-11", "3/2015", "11 / 2016"."""
    first, separator = scan.numbers[at], at + 1
    second = scan.skip(separator, frozenset({"/", "."}))
    if first < 0 or scan.numbers[second] < 0 or scan.glued[second]:
        return None
    for of, number, digits in ((at, second, 2), (second, at, 2)):
        found = numbers.full_year(scan, of)
        if found and 1 <= scan.numbers[number] <= _MONTHS_OF_YEAR and len(scan.words[number]) <= digits:
            return Month(scan.numbers[number], Year(found[0])), second + 1
    return None


def nth_part(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "last week of 2016", "the first two quarters of 2024", "first Monday of last month", "fifth last day of May"."""
    at = scan.skip(at, "the")
    counted = numbers.place(scan, at)
    if counted is None:
        return None
    nth, end = counted
    number = numbers.cardinal(scan, end)
    count, end = number or (1, end)
    calendar, end = said(scan, end)
    weekday = WEEKDAYS.get(scan.words[end])
    named = (None, end + 1) if weekday is not None else numbers.unit(scan, end)
    if named is None:
        return None
    within = _container(scan, named[1])
    if within is None:
        return None
    if weekday is not None:
        return NthWeekday(weekday, nth, within[0]), within[1]
    if named[0] is None:
        return None
    size, unit = named[0]
    count *= size
    return Part(unit, -count if nth == -1 and count > 1 else nth, within[0], count, calendar, ordinal=True), within[1]


def _container(scan: Scan, at: int) -> Parsed[Expression]:
    end = scan.skip(at, _OF)
    found = scan.period(end)
    if found is None and end > at:  # "first week of year"
        calendar, unit_at = said(scan, end)
        named = UNITS.get(scan.words[unit_at])
        found = (Units(named[1], 0, 1, calendar), unit_at + 1) if named else None
    if found is None or not is_container(found[0]):
        return None
    return found


def recurring(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "last March", "next Q3", "this January"."""
    at = scan.skip(at, "the")
    word = scan.words[at]
    if word not in LAST and word not in NEXT and word not in THIS:
        return None
    found = month(scan, at + 1) if scan.words[at + 1] in MONTHS else _part(scan, at + 1, None)
    if found is None:
        return None
    of, end = found
    if isinstance(of, Month) and of.year is None:
        if word in THIS:
            return Month(of.month, Units(TimeUnit.YEAR, 0), of.said), end
        return Recurring(of, -1 if word in LAST else 1), end
    if isinstance(of, Part) and of.within is None and of.unit in (TimeUnit.QUARTER, TimeUnit.HALF):
        if word in THIS:
            return Part(of.unit, of.nth, Units(TimeUnit.YEAR, 0), 1, of.said), end
        return Recurring(of, -1 if word in LAST else 1), end
    return None


def of_relative(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "last year's Q3", "next week Wednesday", "last month's first week", "this year March"."""
    found = units(scan, at)
    if found is None:
        return None
    within, end = found
    end = scan.skip(scan.skip(end, "'s"), ",")
    end = scan.skip(end, "on")
    weekday = WEEKDAYS.get(scan.words[end])
    if weekday is not None and within.unit is TimeUnit.WEEK:
        return Weekday(weekday, week=within), end + 1
    if within.unit is not TimeUnit.YEAR or within.count != 1:
        return None
    number = MONTHS.get(scan.words[end])
    if number is not None:
        return Month(number, within), end + 1
    return _part(scan, end, within)


def weekday(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "Monday", "last Friday", "Wednesday after next", "Sunday from last week", "2 Thursdays ago"."""
    at = scan.skip(at, "the")
    number = numbers.count(scan, at)
    if number and scan.words[number[1]] in WEEKDAYS and scan.words[number[1] + 1] == "ago":
        return Weekday(WEEKDAYS[scan.words[number[1]]], -number[0]), number[1] + 2
    word = scan.words[at]
    directed = word in LAST or word in NEXT or word in THIS
    named = WEEKDAYS.get(scan.words[at + 1] if directed else word)
    if named is None:
        return None
    end = at + (2 if directed else 1)
    if word in LAST:
        return Weekday(named, -1), end
    if directed:
        return Weekday(named, week=Units(TimeUnit.WEEK, 0 if word in THIS else 1)), end
    if scan.words[end] == "." and scan.gaps[end] == 0 and len(word) <= _ABBREVIATED:
        end += 1
    if scan.words[end] in ("after", "before") and scan.words[end + 1] in ("next", "last"):
        return Weekday(named, 2 if scan.words[end] == "after" else -2), end + 2
    week = units(scan, scan.skip(end, frozenset({"of", "in", "from"})))
    if week and week[0].unit is TimeUnit.WEEK:
        return Weekday(named, week=week[0]), week[1]
    return Weekday(named), end


def containing(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the week of July 23", "the quarter of 2024-05-01"."""
    at = scan.skip(at, "the")
    calendar, at = said(scan, at)
    named = UNITS.get(scan.words[at])
    if named is None or named[0] != 1 or scan.words[at + 1] not in ("of", "containing", "with"):
        return None
    found = scan.period(at + 2)
    return (Containing(named[1], found[0], calendar), found[1]) if found else None
