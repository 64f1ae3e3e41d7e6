"""Single days by date: "May 9, 2018", "the 15th", "2018-07-06", "7/6", "20th of next month"."""

from __future__ import annotations

import calendar
from typing import Final

from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.expressions import Day, Expression, Part, TimeUnit, Year
from ecp_server.resolution.time.lexemes import MONTHS, WEEKDAYS, Parsed, Scan
from ecp_server.resolution.time.named import numbers_year
from ecp_server.resolution.time.relative import is_whole_year, units

_MONTHS_OF_YEAR: Final = 12
_LONGEST_MONTH: Final = 31
_LEAP_YEAR: Final = 2000
_FULL: Final = 4
_COMPACT: Final = 8
_MARKS: Final = frozenset({"/", "."})


def date_of(scan: Scan, at: int) -> Parsed[Expression]:
    """Read a date, with its weekday before it or without: "Tue May 9", "Wed, 22 of Jan", "Friday 2018-7-6"."""
    at = scan.skip(at, "the")
    weekday = WEEKDAYS.get(scan.words[at])
    if weekday is not None:
        at = scan.skip(scan.skip(at + 1, "."), ",")
        at = scan.skip(at, "the")
    found = (
        _numeric(scan, at, alone=weekday is None) or _month_first(scan, at, weekday) or _day_first(scan, at, weekday)
    )
    if found is None or weekday is None:
        return found
    day, end = found
    return Day(day.day, day.month, day.year, weekday, day.ordinal, day.either_order), end


def _day_number(scan: Scan, at: int) -> Parsed[tuple[int, bool]]:
    """Read the number of a day and whether it is said as an ordinal."""
    the = scan.skip(at, "the")
    found = numbers.ordinal(scan, the)
    if found is None:
        number = scan.numbers[the]
        if number < 0 or len(scan.words[the]) > 2 or (scan.glued[the + 1] and scan.words[the + 1] not in MONTHS):
            return None
        found = number, the + 1
        return ((number, the > at), the + 1) if 1 <= number <= _LONGEST_MONTH else None
    return ((found[0], True), found[1]) if 1 <= found[0] <= _LONGEST_MONTH else None


def _year_of_date(scan: Scan, at: int) -> Parsed[Expression]:
    end = scan.skip(scan.skip(at, frozenset({",", "/", "."})), frozenset({"of", "in"}))
    found = numbers_year(scan, end, short=False)
    if found is None:
        relative = (
            scan.period(end) if scan.words[end] in ("last", "next", "this", "previous", "current", "the") else None
        )
        return relative if relative and is_whole_year(relative[0]) else None
    return found


def _month_first(scan: Scan, at: int, weekday: int | None) -> Parsed[Day]:
    year = numbers_year(scan, at, short=False) if weekday is None and scan.words[at] not in MONTHS else None
    start = scan.skip(year[1], frozenset({",", "/"})) if year else at
    month = MONTHS.get(scan.words[start])
    if month is None:
        return None
    end = scan.skip(start + 1, ".") if scan.gaps[start + 1] == 0 else start + 1
    number = _day_number(scan, scan.skip(end, "/"))
    if number is None:
        return None
    (day, ordinal), end = number
    if year is None:
        year = _year_of_date(scan, end)
        end = year[1] if year else end
    return _checked(Day(day, month, year[0] if year else None, None, ordinal), end)


def _day_first(scan: Scan, at: int, weekday: int | None) -> Parsed[Day]:
    number = _day_number(scan, at)
    if number is None:
        return None
    (day, ordinal), end = number
    of = scan.skip(scan.skip(end, "day"), "of")
    month_at = scan.skip(scan.skip(of, "/"), ".")
    month = MONTHS.get(scan.words[month_at])
    if month is None:
        alone = ordinal and (weekday is not None or scan.words[at] == "the" or scan.words[at - 1] in ("the", "on"))
        return (Day(day, None, None, None, ordinal=True), end) if alone and at else None
    end = scan.skip(month_at + 1, ".") if scan.gaps[month_at + 1] == 0 else month_at + 1
    year = _year_of_date(scan, end)
    found = Day(day, month, year[0] if year else None, None, ordinal or of > end or scan.words[of - 1] == "of")
    return _checked(found, year[1] if year else end)


def _numeric(scan: Scan, at: int, *, alone: bool) -> Parsed[Day]:
    """Read figures: year first, or month and day, month first unless impossible; signs between them must agree."""
    if scan.numbers[at] < 0 or scan.glued[at + 1]:
        return None
    if len(scan.words[at]) == _COMPACT:
        text = scan.words[at]
        return (
            _checked(Day(int(text[6:]), int(text[4:6]), Year(int(text[:4]))), at + 1)
            if text[:2] in ("19", "20")
            else None
        )
    second = scan.skip(at + 1, _MARKS)
    mark = scan.words[at + 1] if second > at + 1 else ""
    third = scan.skip(second + 1, mark) if mark else second + 1
    if scan.numbers[second] < 0 or scan.glued[second]:
        return None
    three = scan.numbers[third] >= 0 and not scan.glued[third] and (third > second + 1 or not mark)
    if three:
        found = _three_figures(scan, (at, second, third), mark)
        if found:
            return found
    return _two_figures(scan, at, second, mark, alone=alone)


def _three_figures(scan: Scan, places: tuple[int, int, int], mark: str) -> Parsed[Day]:
    first, second, third = (scan.numbers[place] for place in places)
    end = places[2] + 1
    if scan.glued[end] and scan.words[end] != "t":
        return None
    if len(scan.words[places[0]]) == _FULL:
        return _checked(Day(third, second, Year(first)), end) if len(scan.words[places[2]]) <= 2 else None
    if len(scan.words[places[2]]) == _FULL:
        year = third
    elif len(scan.words[places[2]]) == 2 and (mark or all(scan.near(place) for place in places[1:])):
        found = numbers.short_year(scan, places[2])
        if found is None:
            return None
        year = found[0]
    else:
        return None
    return _in_order(first, second, Year(year), end)


def _two_figures(scan: Scan, at: int, second: int, mark: str, *, alone: bool) -> Parsed[Day]:
    if max(len(scan.words[at]), len(scan.words[second])) > 2 or scan.words[second + 1] in ("%", "/"):
        return None
    touching = all(scan.gaps[place] == 0 for place in range(at + 1, second + 1)) if mark else scan.near(second)
    before = scan.words[at - 1] if at else ""
    if not touching or (scan.numbers[at], scan.numbers[second]) == (24, 7) or before in ("$", "€", "£", "#", "v"):
        return None
    if (
        not mark
        and alone
        and before not in ("on", "from", "since", "until", "to", "before", "after", "between", "through")
    ):
        return None
    return _in_order(scan.numbers[at], scan.numbers[second], None, second + 1)


def _in_order(first: int, second: int, year: Year | None, end: int) -> Parsed[Day]:
    month, day = (first, second) if first <= _MONTHS_OF_YEAR else (second, first)
    either = first != second and max(first, second) <= _MONTHS_OF_YEAR
    return _checked(Day(day, month, year, either_order=either), end)


def _checked(day: Day, end: int) -> Parsed[Day]:
    """Return the date if there is such a day."""
    year = day.year.number if isinstance(day.year, Year) else _LEAP_YEAR
    if day.month is None or not 1 <= day.month <= _MONTHS_OF_YEAR:
        return None
    return (day, end) if 1 <= day.day <= calendar.monthrange(year, day.month)[1] else None


def day_of_units(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "20th of next month", "the 22 this month", "4th day of the current month"."""
    number = _day_number(scan, at)
    if number is None:
        return None
    (day, _), end = number
    end = scan.skip(scan.skip(end, "day"), "of")
    within = units(scan, end)
    if within is None or within[0].unit is not TimeUnit.MONTH:
        return None
    return Part(TimeUnit.DAY, day, within[0], ordinal=True), within[1]
