"""Parts of other periods: "first Monday of May", "last two quarters of 2023", "the week of July 23"."""

from __future__ import annotations

from typing import Final

from ecp_server.resolution.time import named, numbers
from ecp_server.resolution.time.expressions import Containing, Expression, NthWeekday, Part, TimeUnit, unit_of
from ecp_server.resolution.time.lexemes import (
    CALENDARS,
    MONTHS,
    OF,
    UNITS,
    WEEKDAYS,
    Parsed,
    Rules,
    Scan,
    first_of,
    words_of,
)
from ecp_server.resolution.time.relative import DIRECTION_WORDS, bare_unit, said, units

_CONTAINING: Final = frozenset({"of", "containing", "with", "including"})


def nth_part(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "last week of 2016", "the first two quarters of 2024", "first Monday of last month"."""
    counted = numbers.place(scan, scan.skip(at, "the"))
    if counted is None:
        return None
    nth, end = counted
    weekday = WEEKDAYS.get(scan.words[end])
    if weekday is not None:
        within = _container(scan, end + 1, TimeUnit.WEEK)
        return (NthWeekday(weekday, nth, within[0]), within[1]) if within else None
    number = numbers.cardinal(scan, end)
    count, end = number or (1, end)
    calendar, end = said(scan, end)
    measured = numbers.unit(scan, end)
    if measured is None or not count:
        return None
    (size, unit), end = measured
    within = _container(scan, end, unit)
    if within is None:
        return None
    count *= size
    return Part(unit, -count if nth == -1 else nth, within[0], count, calendar, ordinal=True), within[1]


def part_of_possessor(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "next month's first week", "March's last Friday"."""
    found = first_of(scan, at, (units, named.month, named.year))
    if found is None or scan.words[found[1]] != "'s":
        return None
    nth = numbers.place(scan, found[1] + 1)
    longer = unit_of(found[0])
    if nth is None or longer is None:
        return None
    place, end = nth
    weekday = WEEKDAYS.get(scan.words[end])
    if weekday is not None:
        return NthWeekday(weekday, place, found[0]), end + 1
    unit = numbers.unit(scan, end)
    if unit is None or unit[0][1].length >= longer.length:
        return None
    return Part(unit[0][1], place, found[0], ordinal=True), unit[1]


def _container(scan: Scan, at: int, part: TimeUnit) -> Parsed[Expression]:
    """Read what the part lies in; it is longer than the part."""
    end = scan.skip(at, OF)
    found = scan.period(end)
    if found is None and end > at:  # "first week of year"
        found = bare_unit(scan, end)
    unit = unit_of(found[0]) if found else None
    return found if unit and unit.length > part.length else None


def containing(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the week of July 23", "the quarter containing 2024-05-01"."""
    calendar, at = said(scan, scan.skip(at, "the"))
    whole = UNITS.get(scan.words[at])
    if whole is None or whole[0] != 1 or scan.words[at + 1] not in _CONTAINING:
        return None
    found = scan.period(at + 2)
    unit = unit_of(found[0]) if found else None
    if found is None or unit is None or unit.length >= whole[1].length:
        return None
    return Containing(whole[1], found[0], calendar), found[1]


RULES: Final[Rules] = {
    nth_part: numbers.PLACE_WORDS,
    part_of_possessor: DIRECTION_WORDS | named.YEAR_WORDS | MONTHS.keys(),
    containing: CALENDARS | UNITS.keys(),
}
WORDS: Final = words_of(*RULES.values(), _CONTAINING)
