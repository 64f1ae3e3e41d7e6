"""Periods up to today or a part of another: to date, the rest of, the end of, all time."""

from __future__ import annotations

from typing import Final

from ecp_server.domain.frozen import replace
from ecp_server.resolution.time import named, numbers
from ecp_server.resolution.time.expressions import (
    AllTime,
    Bound,
    Edge,
    Expression,
    Month,
    Open,
    Part,
    Remaining,
    Said,
    TimeUnit,
    ToDate,
    Units,
    Year,
    unit_of,
)
from ecp_server.resolution.time.lexemes import (
    CALENDARS,
    EDGE_INITIALS,
    EDGES,
    LAST,
    THIS,
    TO_DATE,
    UNITS,
    Parsed,
    Rules,
    Scan,
    phrases,
    word_set,
    words_of,
)
from ecp_server.resolution.time.relative import bare_unit, said, units

_UNTIL: Final = phrases("through", "thru", "until", "till", "as of", "ended", "ending", "to")
_OF: Final = frozenset({"of", "in", "for"})
_SO_FAR: Final = phrases("so far")
_ALL_TIME: Final = phrases("all time", "ever", "since inception", "inception to date", "life to date")


def to_date(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "YTD", "fiscal year to date", "quarter-to-date", "so far this year", "prior YTD", "YTD 2023"."""
    at = scan.skip(at, "the")
    so_far = scan.skip_any(at, _SO_FAR)
    if so_far > at:
        of = scan.skip(so_far, "in")
        found = units(scan, of)
        if found and found[0].first == 0:
            return ToDate(found[0].unit, found[0].said), found[1]
        base = scan.period(of) if of > so_far else None
        return (Open(Bound.SO_FAR, base[0]), base[1]) if base and unit_of(base[0]) else None
    read = _running_unit(scan, scan.skip(at, LAST | THIS))
    if read is None:
        return None
    running, end = read
    if scan.words[at] in LAST:
        return replace(running, year=Units(running.unit, -1, 1, running.said)), end
    return _to_date_when(scan, running, end)


def _running_unit(scan: Scan, at: int) -> Parsed[ToDate]:
    """Read "YTD", "fiscal QTD", "year to date"."""
    calendar, at = said(scan, at)
    initials = TO_DATE.get(scan.words[at])
    if initials is not None:
        return ToDate(initials[0], calendar or initials[1]), at + 1
    if scan.matches(at, "fy", "to", "date"):
        return ToDate(TimeUnit.YEAR, Said.FISCAL), at + 3
    unit = numbers.unit(scan, at)
    if unit is None or not scan.matches(unit[1], "to", "date"):
        return None
    return ToDate(unit[0][1], calendar), unit[1] + 2


def _to_date_when(scan: Scan, running: ToDate, end: int) -> Parsed[Expression]:
    """Read which year or up to which day: "YTD 2023", "YTD last year", "YTD through March"."""
    until = scan.skip_any(end, _UNTIL)
    if until > end:
        bound = scan.period(until)
        return (replace(running, until=bound[0]), bound[1]) if bound else (running, end)
    year = scan.period(scan.skip(end, _OF))
    if year is not None and is_part_of(year[0], running.unit):
        return replace(running, until=year[0]), year[1]
    if year is None or unit_of(year[0]) is not TimeUnit.YEAR:
        return running, end
    return replace(running, year=year[0]), year[1]


def is_part_of(expression: Expression, unit: TimeUnit) -> bool:
    """Tell whether a period that is named makes "YTD March" or "March YTD" end with it."""
    of = unit_of(expression)
    return isinstance(expression, Month | Part) and of is not None and of.length < unit.length


def year_to_date(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "2023 YTD", "FY24 year to date", "fiscal 2024 YTD"."""
    of = named.year(scan, at)
    running = _running_unit(scan, of[1]) if of else None
    if of is None or running is None or running[0].unit is not TimeUnit.YEAR:
        return None
    calendar = of[0].said or running[0].said
    return ToDate(TimeUnit.YEAR, calendar, replace(of[0], said=calendar)), running[1]


def edge(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the end of last year", "start of Q3", "end of month", "EOY", "fiscal year end 2023"."""
    at = scan.skip(at, "the")
    word = scan.words[at]
    if word in EDGE_INITIALS:
        unit, last = EDGE_INITIALS[word]
        return Edge(Units(unit, 0), last), at + 1
    if word in EDGES and scan.words[at + 1] == "of":
        found = scan.period(at + 2) or bare_unit(scan, at + 2)
        # "At the end of the day" is no time.
        return (Edge(found[0], EDGES[word]), found[1]) if found and unit_of(found[0]) is not TimeUnit.DAY else None
    return _unit_end(scan, at)


def _unit_end(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "year end 2023", "quarter-end"."""
    found = bare_unit(scan, at)
    if found is None or scan.words[found[1]] != "end":
        return None
    current, end = found[0], found[1] + 1
    following = scan.period(scan.skip(end, _OF))
    if following and unit_of(following[0]) is current.unit:
        of = following[0]
        return Edge(
            replace(of, said=current.said) if current.said and isinstance(of, Year) else of, last=True
        ), following[1]
    return Edge(current, last=True), end


def remaining(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the rest of the year", "remainder of this quarter"."""
    at = scan.skip(at, "the")
    found = units(scan, scan.skip(at + 1, "of"))
    return (Remaining(found[0].unit, found[0].said), found[1]) if found and found[0].first == 0 else None


def all_time(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "all time", "since inception", "inception to date"."""
    end = scan.skip_any(at, _ALL_TIME)
    return (AllTime(), end) if end > at else None


RULES: Final[Rules] = {
    all_time: _ALL_TIME.keys(),
    to_date: TO_DATE.keys() | UNITS.keys() | LAST | THIS | CALENDARS | _SO_FAR.keys() | {"fy"},
    year_to_date: named.YEAR_WORDS,
    edge: EDGES.keys() | EDGE_INITIALS.keys() | UNITS.keys() | CALENDARS,
    remaining: word_set("rest remainder"),
}
WORDS: Final = words_of(*RULES.values(), _OF, runs=(_UNTIL, _SO_FAR, _ALL_TIME))
