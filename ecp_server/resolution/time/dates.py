"""Single days: by date ("May 9, 2018", "7/6", "the 15th", "20th of next month"), by weekday, by ISO week."""

from __future__ import annotations

import calendar
from datetime import MAXYEAR
from typing import Final

from ecp_server.domain.frozen import replace
from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.expressions import Day, Expression, Part, TimeUnit, Units, Weekday, Year, unit_of
from ecp_server.resolution.time.lexemes import (
    AFTER_NEXT,
    CARDINALS,
    LAST,
    MANY_WEEKDAYS,
    MONTHS,
    NEXT,
    OF,
    TENS,
    THIS,
    WEEKDAYS,
    Parsed,
    Rules,
    Scan,
    phrases,
    words_of,
)
from ecp_server.resolution.time.named import after_abbreviation, year, year_before, year_by_number
from ecp_server.resolution.time.relative import DIRECTION_WORDS, units

_MONTHS_OF_YEAR: Final = 12
_BEFORE_DAYS: Final = frozenset(
    {"on", "by", "until", "till", "since", "before", "after", "to", "through", "thru", "from"}
)
_RANGE: Final = 4
"""Words from "between" to the second number."""
_LONGEST_MONTH: Final = 31
_LEAP_YEAR: Final = 2000
_FULL: Final = 4
_SHORT: Final = 2
_COMPACT: Final = 8
_FIRST_COMPACT, _LAST_COMPACT = 1900_00_00, 2100_00_00
_DAYS_OF_WEEK: Final = 7
_MARKS: Final = frozenset({"/", "."})
_ALL_HOURS: Final = (24, 7)
_YEAR_WORDS: Final = LAST | NEXT | THIS | {"the"}
_DAY_PREPOSITIONS: Final = frozenset(
    {"on", "from", "since", "until", "till", "to", "before", "after", "between", "through"}
)
_AGO: Final = frozenset({"ago"})
_HENCE: Final = phrases("from now", "hence", "later")


def date_of(scan: Scan, at: int) -> Parsed[Expression]:
    """Read a date, with its weekday before it or without: "Tue May 9", "Wed, 22 of Jan", "Friday 2018-7-6"."""
    at = scan.skip(at, "the")
    weekday = WEEKDAYS.get(scan.words[at])
    if weekday is not None:
        at = scan.skip(scan.skip(after_abbreviation(scan, at), ","), "the")
    found = (
        _in_figures(scan, at, alone=weekday is None)
        or _month_first(scan, at, after_weekday=weekday is not None)
        or _day_first(scan, at, after_weekday=weekday is not None)
    )
    if found is None:
        return None
    day, end = found
    if weekday is None and day.month is not None:
        weekday, end = _weekday_after(scan, end)
    return replace(day, weekday=weekday), end


def _weekday_after(scan: Scan, at: int) -> tuple[int | None, int]:
    """Read the weekday that may follow a date: "May 9, Tuesday", "2018-07-06 (Friday)"."""
    opened = scan.skip(at, frozenset({",", "("}))
    weekday = WEEKDAYS.get(scan.words[opened]) if scan.near(opened) else None
    end = scan.skip(opened + 1, ")")
    following = scan.skip(end, ",")
    begins_date = scan.numbers[following] >= 0 or scan.words[following] in MONTHS
    return (None, at) if weekday is None or begins_date else (weekday, end)


def day_number(scan: Scan, at: int) -> Parsed[tuple[int, bool]]:
    """Read the number of a day and whether it is said as an ordinal: "13", "the 13", "13th"."""
    start = at + 1 if scan.words[at] == "the" else at
    found = numbers.ordinal(scan, start)
    if found is not None:
        return ((found[0], True), found[1]) if 1 <= found[0] <= _LONGEST_MONTH else None
    number = scan.numbers[start]
    ends = not scan.glued[start + 1] or scan.words[start + 1] in MONTHS
    if not 1 <= number <= _LONGEST_MONTH or len(scan.words[start]) > _SHORT or not ends:
        return None
    the = start > at or (at > 0 and scan.words[at - 1] == "the")
    return (number, the), start + 1


def _year_of_date(scan: Scan, at: int) -> Parsed[Expression]:
    end = scan.skip(scan.skip(at, frozenset({",", "/", "."})), OF)
    found: Parsed[Expression] = year_by_number(scan, end, short=False)
    if found is None and scan.words[end] in _YEAR_WORDS:
        found = scan.period(end)
    return found if found and unit_of(found[0]) is TimeUnit.YEAR else None


def _month_first(scan: Scan, at: int, *, after_weekday: bool) -> Parsed[Day]:
    """Read "May 9, 2018", "2018 May 9", "february the 15th", "may twenty nine"."""
    before = None if after_weekday else year_before(scan, at)
    start = scan.skip(before[1], frozenset({",", "/"})) if before else at
    month = MONTHS.get(scan.words[start])
    if month is None:
        return None
    end = scan.skip(after_abbreviation(scan, start), _MARKS) if scan.gaps[start + 1] == 0 else start + 1
    if before and not scan.near(end):  # "2018 March - 17 May 2019"
        return None
    number = day_number(scan, end) or _day_in_words(scan, end)
    if number is None:
        return None
    (day, ordinal), end = number
    year_said: Parsed[Expression] = before
    if year_said is None:
        year_said = _year_of_date(scan, end)
        end = year_said[1] if year_said else end
    if scan.words[end] == "/" and scan.numbers[end + 1] >= 0:
        return None
    return _existing(Day(day, month, year_said[0] if year_said else None, None, ordinal), end)


def _day_in_words(scan: Scan, at: int) -> Parsed[tuple[int, bool]]:
    found = numbers.small(scan, at) if scan.words[at] in CARDINALS or scan.words[at] in TENS else None
    return ((found[0], False), found[1]) if found and 1 <= found[0] <= _LONGEST_MONTH else None


def _day_first(scan: Scan, at: int, *, after_weekday: bool) -> Parsed[Day]:
    """Read "9 May 2018", "22nd of Jan", "05-Aug-2016"; without a month "the 15th", "Friday the 13th"."""
    number = day_number(scan, at) or (_day_in_words(scan, at) if after_weekday else None)
    if number is None:
        return None
    (day, ordinal), end = number
    ordinal = ordinal or after_weekday
    of = scan.skip(scan.skip(end, "day"), "of")
    start = scan.skip(of, _MARKS)
    month = MONTHS.get(scan.words[start])
    if month is None:
        the = at > 0 and scan.words[at - 1] in ("the", "on")
        named = ordinal and (after_weekday or the or scan.words[at] == "the")
        return (Day(day, ordinal=True), end) if named else None
    end = after_abbreviation(scan, start)
    found = _year_of_date(scan, end)
    said_as_ordinal = ordinal or scan.words[of - 1] == "of"
    return _existing(Day(day, month, found[0] if found else None, None, said_as_ordinal), found[1] if found else end)


def _in_figures(scan: Scan, at: int, *, alone: bool) -> Parsed[Day]:
    """Read figures: year first, or month and day, month first unless impossible; the signs between must agree."""
    if scan.numbers[at] < 0 or scan.glued[at + 1]:
        return None
    if len(scan.words[at]) == _COMPACT:
        return _compact(scan, at)
    second = scan.skip(at + 1, _MARKS)
    mark = scan.words[at + 1] if second > at + 1 else ""
    if scan.numbers[second] < 0 or (scan.glued[second + 1] and scan.words[second + 1] not in MONTHS):
        return None
    third = scan.skip(second + 1, mark) if mark else second + 1
    if scan.numbers[third] >= 0 and (third > second + 1 or not mark):
        found = _three_figures(scan, (at, second, third), mark)
        if found is not None:
            return found
    return _two_figures(scan, at, second, mark, alone=alone)


def _compact(scan: Scan, at: int) -> Parsed[Day]:
    """Read "20240131"."""
    number = scan.numbers[at]
    if not _FIRST_COMPACT <= number < _LAST_COMPACT:
        return None
    rest, day = divmod(number, 100)
    of, month = divmod(rest, 100)
    return _existing(Day(day, month, Year(of)), at + 1)


def _three_figures(scan: Scan, places: tuple[int, int, int], mark: str) -> Parsed[Day]:
    first, second, third = (scan.numbers[place] for place in places)
    widths = [len(scan.words[place]) for place in places]
    if not mark and scan.gaps[places[1]] != scan.gaps[places[2]]:  # "2018-03 - 17 May"
        return None
    end = places[2] + 1
    end = _after_hours(scan, end)
    interval = not mark and widths[0] == _FULL and len(scan.words[end + 1]) == _FULL
    if scan.glued[end] or (scan.words[end] == "/" and not interval):
        return None
    if widths[0] == _FULL and widths[2] <= _SHORT:
        return _existing(Day(third, second, Year(first)), end)
    of: Parsed[int] = None
    if widths[2] == _FULL:
        of = third, end
    elif widths[2] == _SHORT and (mark or all(scan.near(place) for place in places[1:])):
        of = numbers.short_year(scan, places[2])
    return _in_order(first, second, Year(of[0]), end) if of and max(widths[:2]) <= _SHORT else None


def _after_hours(scan: Scan, at: int) -> int:
    """Return the position after a time of day, which says no day: "T00:00:00Z", "12:30"."""
    hours = at + 1 if scan.words[at] == "t" and scan.glued[at] else at
    if scan.numbers[hours] < 0 or (hours == at and scan.words[hours + 1] != ":"):
        return at
    end = hours + 1
    for _ in range(2):
        end = end + 2 if scan.words[end] == ":" and scan.numbers[end + 1] >= 0 else end
    return scan.skip(end, "z")


def _two_figures(scan: Scan, at: int, second: int, mark: str, *, alone: bool) -> Parsed[Day]:
    """Read "11/20", "7.6" and, where a word before says so, "4-22"."""
    wide = max(len(scan.words[at]), len(scan.words[second])) > _SHORT
    if wide or scan.words[second + 1] in ("%", "/") or (scan.numbers[at], scan.numbers[second]) == _ALL_HOURS:
        return None
    touching = all(scan.gaps[place] == 0 for place in range(at + 1, second + 1)) if mark else scan.near(second)
    alone = alone and not mark and (at == 0 or scan.words[at - 1] not in _DAY_PREPOSITIONS)
    if not touching or (alone and scan.words[second + 1]):
        return None
    return _in_order(scan.numbers[at], scan.numbers[second], None, second + 1)


def _in_order(first: int, second: int, of: Year | None, end: int) -> Parsed[Day]:
    month, day = (first, second) if first <= _MONTHS_OF_YEAR else (second, first)
    either = first != second and max(first, second) <= _MONTHS_OF_YEAR
    return _existing(Day(day, month, of, either_order=either), end)


def _existing(day: Day, end: int) -> Parsed[Day]:
    """Return the date if there is such a day."""
    of = day.year.number if isinstance(day.year, Year) else _LEAP_YEAR
    if day.month is None or not 1 <= day.month <= _MONTHS_OF_YEAR or not 1 <= of <= MAXYEAR:
        return None
    return (day, end) if 1 <= day.day <= calendar.monthrange(of, day.month)[1] else None


def _leads_to_a_day(scan: Scan, at: int) -> bool:
    """Tell whether a number may be a day by what stands before it: nothing, "on", the other end of a range."""
    if at == 0 or scan.words[at - 1] in _BEFORE_DAYS or scan.numbers[at - 1] > 0:
        return True
    return scan.words[at - 1] == "and" and "between" in scan.words[max(at - _RANGE, 0) : at]


def day_of_month(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "20th of next month", "the 22 this month", "4th day of the current month"."""
    number = day_number(scan, at)
    if number is None:
        return None
    (day, ordinal), end = number
    of = scan.skip(scan.skip(end, "day"), "of")
    if of == end and not ordinal and not _leads_to_a_day(scan, at):
        return None  # the number ends a name: "Model 3 last month"
    within = units(scan, of)
    if within is None or unit_of(within[0]) is not TimeUnit.MONTH:
        return None
    return Part(TimeUnit.DAY, day, within[0], ordinal=True), within[1]


def day_of_week_number(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "2024-W05-3", the third day of that week."""
    of = year(scan, at)
    if of is None or scan.words[of[1]] != "w":
        return None
    week, day = of[1] + 1, of[1] + 2
    if scan.numbers[week] < 1 or not 1 <= scan.numbers[day] <= _DAYS_OF_WEEK or not scan.near(day):
        return None
    within = Part(TimeUnit.WEEK, scan.numbers[week], of[0], ordinal=True)
    return (Part(TimeUnit.DAY, scan.numbers[day], within, ordinal=True), day + 1) if len(scan.words[day]) == 1 else None


def weekday(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "Monday", "last Friday", "Wednesday after next", "Sunday from last week"."""
    at = scan.skip(at, "the")
    start = scan.skip(scan.skip(at, THIS), LAST | NEXT)
    named = WEEKDAYS.get(scan.words[start])
    if named is None:
        return None
    end = after_abbreviation(scan, start)
    word = scan.words[start - 1] if start > at else ""
    if word in LAST:
        return Weekday(named, -1), end
    if word:
        return Weekday(named, week=Units(TimeUnit.WEEK, 0 if word in THIS else 1)), end
    following = scan.skip_any(end, AFTER_NEXT)
    if following > end:
        return Weekday(named, 2 if scan.words[end] == "after" else -2), following
    week = units(scan, scan.skip(end, OF))
    return (
        (Weekday(named, week=week[0]), week[1]) if week and unit_of(week[0]) is TimeUnit.WEEK else (Weekday(named), end)
    )


def counted_weekday(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "2 Thursdays ago", "two Sundays from now"."""
    number = numbers.count(scan, at)
    named = MANY_WEEKDAYS.get(scan.words[number[1]]) if number else None
    if number is None or named is None:
        return None
    end = number[1] + 1
    if scan.words[end] in _AGO:
        return Weekday(named, -number[0]), end + 1
    hence = scan.skip_any(end, _HENCE)
    return (Weekday(named, number[0]), hence) if hence > end and number[0] else None


def weekday_of_week(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "next week Wednesday", "last week's Friday"."""
    found = units(scan, at)
    if found is None or unit_of(found[0]) is not TimeUnit.WEEK:
        return None
    end = scan.skip(scan.skip(scan.skip(found[1], "'s"), ","), "on")
    named = WEEKDAYS.get(scan.words[end])
    return (Weekday(named, week=found[0]), after_abbreviation(scan, end)) if named is not None else None


RULES: Final[Rules] = {
    date_of: MONTHS.keys() | WEEKDAYS.keys() | numbers.ORDINAL_WORDS,
    day_of_month: numbers.ORDINAL_WORDS,
    weekday: WEEKDAYS.keys() | LAST | NEXT | THIS,
    counted_weekday: numbers.COUNT_WORDS,
    weekday_of_week: DIRECTION_WORDS,
}
WORDS: Final = words_of(*RULES.values(), _YEAR_WORDS, _DAY_PREPOSITIONS, _AGO, runs=(_HENCE,))
