"""Periods that are named by where they lie from today: last, this, next, before last, today."""

from __future__ import annotations

from typing import Final

from ecp_server.domain.frozen import replace
from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.expressions import (
    Anchor,
    Bound,
    Containing,
    Expression,
    Open,
    Said,
    Stretch,
    TimeUnit,
    ToDate,
    Units,
)
from ecp_server.resolution.time.lexemes import (
    CALENDARS,
    DAYS,
    FISCAL,
    LAST,
    NEXT,
    ROLLING,
    THIS,
    TO_DATE,
    TRAILING,
    UNITS,
    WHOLE,
    Parsed,
    Rules,
    Scan,
    phrases,
    word_set,
    words_of,
)

_UNITS_OF_A_YEAR: Final = {TimeUnit.MONTH: 12, TimeUnit.QUARTER: 4}
_IN: Final = frozenset({"of", "in"})
_AND: Final = frozenset({"and", "plus"})
_PLAIN_UNITS: Final = frozenset({"day", "week", "weekend", "month", "quarter", "year"})
_RIGHT: Final = frozenset({"right", "just"})
_LATEST: Final = phrases("latest", "most recent", "most recently", "just")
_SO_FAR: Final = phrases("so far", "to date", "ytd", "qtd", "mtd")
_BEFORE: Final = phrases("before", "preceding", "prior", "prior to")
_AFTER: Final = phrases("after", "following")
_ENDED: Final = phrases("ended", "ending", "as of")
_THROUGH: Final = phrases("through", "thru", "up to")


def said(scan: Scan, at: int) -> tuple[Said, int]:
    """Read "fiscal" or "calendar", if it stands here."""
    word = scan.words[at]
    if word in FISCAL:
        return Said.FISCAL, at + 1
    return (Said.CALENDAR, at + 1) if word == "calendar" else (Said.NOTHING, at)


def _direction(scan: Scan, at: int) -> Parsed[int]:
    """Read "last", "this", "next" or words like them as -1, 0, 1; "this past" is -1, "this coming" 1."""
    latest = scan.skip_any(at, _LATEST)
    if latest > at and (latest > at + 1 or scan.words[at] == "latest" or scan.words[latest] in WHOLE):
        return -1, latest
    start = scan.skip(at, THIS)
    if scan.words[start] in LAST or scan.words[start] in TRAILING:
        return -1, start + 1
    if scan.words[start] in NEXT:
        return 1, start + 1
    return (0, scan.skip(start, THIS)) if start > at else None


def units(scan: Scan, at: int) -> Parsed[Units]:
    """Read "last quarter", "the past three fiscal years", "next 2 weeks", "this month", "3 next weeks", "the year"."""
    start = scan.skip(at, "the")
    before = numbers.count(scan, start) if scan.words[start] not in ("a", "an") else None
    found = _direction(scan, before[1] if before else start)
    if found is None:
        return _current(scan, start) if start > at else None
    direction, end = found
    early, end = said(scan, scan.skip(end, WHOLE))
    after = None if before else numbers.count(scan, end)
    counted, end = before or after, after[1] if after else end
    late, end = said(scan, scan.skip(scan.skip(end, WHOLE), NEXT))
    end = scan.skip(end, WHOLE)
    named = ((1, TimeUnit.YEAR), end + 1) if scan.words[end] == "fy" else numbers.unit(scan, end)
    if named is None or (direction == 0 and counted):
        return None
    if before and before[0] > 1 and not scan.words[named[1] - 1].endswith("s"):
        return None  # the number ends a name: "Model 3 last month"
    calendar = Said.FISCAL if scan.words[end] == "fy" else early or late
    (size, unit), end = named
    count = size * (counted[0] if counted else 1)
    return (Units(unit, -count if direction < 0 else direction, count, calendar), end) if count else None


def _current(scan: Scan, at: int) -> Parsed[Units]:
    """Read what follows "the" in "the quarter"."""
    calendar, end = said(scan, at)
    if scan.words[end] not in _PLAIN_UNITS:
        return None
    named = numbers.unit(scan, end)
    return (Units(named[0][1], 0, 1, calendar), named[1]) if named else None


def relative_units(scan: Scan, at: int) -> Parsed[Expression]:
    """Read units that may be followed by more: "last 3 months and 2 weeks", "this year so far", "last year to date"."""
    found = units(scan, at)
    if found is None:
        return None
    period, end = found
    running = scan.skip_any(end, _SO_FAR)
    same_unit = TO_DATE.get(scan.words[end], (period.unit,))[0] is period.unit
    if running > end and same_unit and period.count == 1:
        return ToDate(period.unit, period.said, None if period.first == 0 else period), running
    if period.first == 0 and scan.matches(end, "just", "ended"):
        return Units(period.unit, -1, 1, period.said), end + 2
    if scan.words[end] in ROLLING:
        return Stretch(((period.count, period.unit),), Anchor.TO_EVE), end + 1
    if period.first + period.count != 0:
        return found
    return _with_more(scan, period, end)


def of_last_year(scan: Scan, at: int) -> Parsed[Expression]:
    """Read what makes "this month" the one a year before: "this month last year", "this quarter of last year"."""
    found = units(scan, at)
    if found is None:
        return None
    period, end = found
    count = _UNITS_OF_A_YEAR.get(period.unit)
    start = scan.skip(end, _IN)
    if count is None or (period.first, period.count) != (0, 1) or scan.words[start] not in LAST:
        return None
    return (replace(period, first=-count), start + 2) if scan.words[start + 1] == "year" else None


def _with_more(scan: Scan, last: Units, end: int) -> Parsed[Expression]:
    """Read what may follow "last 3 months": "and 2 weeks", "ended June 2024"."""
    more = numbers.length(scan, scan.skip(scan.skip(end, ","), _AND), after=last.unit)
    if more:
        return Stretch(((last.count, last.unit), *more[0]), Anchor.TO_EVE), more[1]
    ended = scan.skip_any(end, _ENDED)
    if ended == end and last.count > 1:
        ended = scan.skip_any(end, _THROUGH)
    base = scan.period(ended) if ended > end else None
    if base:
        return Stretch(((last.count, last.unit),), Anchor.ENDING, base[0], last.said), base[1]
    return last, end


def day(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "today", "yesterday", "right now", "to date"."""
    if scan.matches(at, "to", "date"):
        return Open(Bound.UNTIL, Units(TimeUnit.DAY, 0)), at + 2
    at = scan.skip(scan.skip(at, "the"), _RIGHT)
    offset = DAYS.get(scan.words[at])
    return (Units(TimeUnit.DAY, offset), at + 1) if offset is not None else None


def before_last(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the quarter before last", "the month after next", "the day before yesterday", "the week before March 5"."""
    at = scan.skip(at, "the")
    calendar, at = said(scan, at)
    named = numbers.unit(scan, at)
    if named is None:
        return None
    (size, unit), end = named
    back = scan.skip_any(end, _BEFORE)
    after = max(back, scan.skip_any(end, _AFTER))
    if after == end or size > 1:
        return None
    sign = -1 if back > end else 1
    if scan.words[after] in (LAST if back > end else NEXT) and numbers.unit(scan, after + 1) is None:
        return Units(unit, 2 * sign, 1, calendar), after + 1
    base = scan.period(after)
    if base is None:
        return None
    if unit is TimeUnit.DAY and base[0] == Units(TimeUnit.DAY, sign):
        return Units(TimeUnit.DAY, 2 * sign), base[1]
    return Containing(unit, base[0], calendar, sign), base[1]


def bare_unit(scan: Scan, at: int) -> Parsed[Units]:
    """Read a unit without a word that says which, as in "end of month"; it is the current one."""
    calendar, at = said(scan, scan.skip(at, "the"))
    found = UNITS.get(scan.words[at])
    return (Units(found[1], 0, 1, calendar), at + 1) if found and found[0] == 1 else None


DIRECTION_WORDS: Final = LAST | NEXT | THIS | TRAILING | word_set("latest most just")
"""What `units` begins with, beside a count."""
RULES: Final[Rules] = {
    day: DAYS.keys() | _RIGHT | {"to"},
    relative_units: DIRECTION_WORDS | numbers.COUNT_WORDS | CALENDARS | UNITS.keys(),
    of_last_year: THIS,
    before_last: CALENDARS | UNITS.keys(),
}
WORDS: Final = words_of(
    *RULES.values(), _IN, _AND, _PLAIN_UNITS, WHOLE, ROLLING, TO_DATE,
    runs=(_LATEST, _SO_FAR, _BEFORE, _AFTER, _ENDED, _THROUGH),
)  # fmt: skip
