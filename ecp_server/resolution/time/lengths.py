"""Periods that are measured: so long ago, within so long, so long up to a day or from it."""

from __future__ import annotations

from typing import Final

from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.expressions import (
    TODAY,
    Anchor,
    Bound,
    Expression,
    Offset,
    Open,
    Said,
    Steps,
    Stretch,
    TimeUnit,
    Units,
)
from ecp_server.resolution.time.lexemes import (
    CALENDARS,
    LAST,
    NEXT,
    ROLLING,
    TRAILING,
    TWELVE_MONTHS,
    UNITS,
    WHOLE,
    Parsed,
    Rules,
    Scan,
    first_of,
    phrases,
    word_set,
    words_of,
)
from ecp_server.resolution.time.relative import said

_TWELVE: Final = 12
_PERIOD: Final = frozenset({"period"})
_TIME: Final = frozenset({"time"})
_LETTERS: Final = frozenset({"t", "l", "r"})
_AGO: Final = phrases("ago", "back", "earlier", "in the past")
_HENCE: Final = phrases("from now", "hence", "later", "out", "ahead", "in the future")
_BEFORE: Final = phrases("before", "prior to", "prior", "preceding")
_AFTER: Final = phrases("after", "from", "following", "since")
_FROM: Final = frozenset({"from", "since"})
_LASTING: Final = frozenset({"for", "during"})
"""Words before a length that lasts: without "the" or one of them "two weeks before May 13" is a day."""
_ONE_DAY: Final[Steps] = ((1, TimeUnit.DAY),)
_STARTING: Final = phrases("starting", "beginning", "commencing")
_ENDING: Final = phrases("ending", "ended", "to", "to the", "through", "thru", "until", "till", "up to", "as of")
_TO_DATE: Final = phrases("to date")
_JOINS: Final = frozenset({"on", "from", "in", "with", "at"})
_ABOUT: Final = frozenset({"about", "around", "approximately", "roughly", "exactly"})
_MORE: Final = phrases("more than", "over", "at least")
_LESS: Final = phrases("less than", "under", "at most")


def from_length(scan: Scan, at: int) -> Parsed[Expression]:
    """Read what begins with a length: "3 days ago", "2 weeks before May 13", "12 months ended June"."""
    start = scan.skip(at, "the")
    found = numbers.length(scan, start, needs_count=False)
    if found is None:
        return None
    steps, end = found
    calendar = next(
        (said(scan, place)[0] for place in range(start, end) if scan.words[place] in CALENDARS), Said.NOTHING
    )
    end = scan.skip(end, _PERIOD)
    counted = numbers.length(scan, start) is not None
    lasting = counted and (start > at or (at > 0 and scan.words[at - 1] in _LASTING))
    spanned = _spanned(scan, steps, end, calendar) if lasting else None
    if spanned is not None:
        return spanned
    rules = (_ago, _hence, _rolled, _offset, _to_date, _beside) if counted else (_beside,)
    for rule in rules:
        read = rule(scan, steps, end, calendar)
        if read is not None:
            return read
    return None


def _ago(scan: Scan, steps: Steps, at: int, calendar: Said) -> Parsed[Expression]:
    """Read "ago": the day so long ago, or for one whole unit that unit; "a year ago today" is the day."""
    end = scan.skip_any(at, _AGO)
    if end == at:
        return None
    if scan.words[end] == "today":
        return Offset(steps, TODAY, back=True), end + 1
    base = scan.period(end + 1) if scan.words[end] == "from" else None
    if base:
        return Offset(steps, base[0], back=True), base[1]
    ((count, unit), *more) = steps
    if more or unit is TimeUnit.BUSINESS_DAY:
        return Offset(steps, TODAY, back=True), end
    return Units(unit, -count, 1, calendar), end


def _hence(scan: Scan, steps: Steps, at: int, _said: Said) -> Parsed[Expression]:
    end = scan.skip_any(at, _HENCE)
    return (Offset(steps, TODAY, back=False), end) if end > at else None


def _rolled(scan: Scan, steps: Steps, at: int, _said: Said) -> Parsed[Expression]:
    word = scan.words[at]
    return (_trailing(steps, rolling=word in ROLLING), at + 1) if word in ROLLING or word in TRAILING else None


def _offset(scan: Scan, steps: Steps, at: int, _said: Said) -> Parsed[Expression]:
    """Read "before May 13", "after today", "from Monday"."""
    before = scan.skip_any(at, _BEFORE)
    end = before if before > at else scan.skip_any(at, _AFTER)
    base = scan.period(end) if end > at else None
    return (Offset(steps, base[0], before > at), base[1]) if base else None


def _spanned(scan: Scan, steps: Steps, at: int, calendar: Said) -> Parsed[Expression]:
    """Read what makes "the two weeks before May 13", "for 30 days from Monday" all these days, and not one of them."""
    before, after = scan.skip_any(at, _BEFORE), scan.skip_any(at, _AFTER)
    end = max(before, after)
    base = scan.period(end) if end > at else None
    if base is None:
        return None
    if before > at:
        return Stretch(steps, Anchor.ENDING, Offset(_ONE_DAY, base[0], back=True), calendar), base[1]
    first = base[0] if scan.words[at] in _FROM else Offset(_ONE_DAY, base[0], back=False)
    return Stretch(steps, Anchor.STARTING, first, calendar), base[1]


def _to_date(scan: Scan, steps: Steps, at: int, calendar: Said) -> Parsed[Expression]:
    """Read "to date" after a count: "6 months to date" are not those of the month to date."""
    end = scan.skip_any(at, _TO_DATE)
    return (Stretch(steps, Anchor.ENDING, TODAY, calendar), end) if end > at else None


def _beside(scan: Scan, steps: Steps, at: int, calendar: Said) -> Parsed[Expression]:
    """Read "starting May 20th" or "ended June 30"."""
    starting = scan.skip_any(at, _STARTING)
    ending = scan.skip_any(at, _ENDING)
    end = max(starting, ending)
    base = scan.period(scan.skip(end, _JOINS)) if end > at else None
    if base is None:
        return None
    return Stretch(steps, Anchor.STARTING if starting > at else Anchor.ENDING, base[0], calendar), base[1]


def _trailing(steps: Steps, *, rolling: bool) -> Expression:
    ((count, unit), *more) = steps
    if rolling or more:
        return Stretch(steps, Anchor.TO_EVE)
    return Units(unit, -count, count)


def trailing(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "trailing 12 months", "rolling 30 days", "last rolling 90 days", "TTM", "T12M", "L30D", "TTM ended June"."""
    found = first_of(scan, scan.skip(at, "the"), (_initials, _letter, _rolling))
    if found is None or not isinstance(found[0], Units) or found[0].first > 0:
        return found
    ended = _beside(scan, ((found[0].count, found[0].unit),), found[1], found[0].said)
    return ended or found


def _initials(scan: Scan, at: int) -> Parsed[Expression]:
    first = TWELVE_MONTHS.get(scan.words[at])
    return (Units(TimeUnit.MONTH, first, _TWELVE), at + 1) if first is not None else None


def _letter(scan: Scan, at: int) -> Parsed[Expression]:
    word = scan.words[at]
    if word not in _LETTERS or not scan.glued[at + 1]:
        return None
    found = numbers.length(scan, at + 1)
    return (_trailing(found[0], rolling=word == "r"), found[1]) if found else None


def _rolling(scan: Scan, at: int) -> Parsed[Expression]:
    at = scan.skip(at, LAST)
    rolling = scan.words[at] in ROLLING
    if not rolling and scan.words[at] not in TRAILING:
        return None
    found = numbers.length(scan, scan.skip(at + 1, LAST | WHOLE), needs_count=False)
    return (_trailing(found[0], rolling=rolling), found[1]) if found else None


def within(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "within 5 days", "within the next 3 years", "within the last 30 days"."""
    end = scan.skip(at + 1, frozenset({"the", "a"}))
    past, ahead = scan.words[end] in LAST, scan.words[end] in NEXT
    found = numbers.length(scan, end + 1 if past or ahead else end, needs_count=not (past or ahead))
    if found is None:
        return None
    return Stretch(found[0], Anchor.TO_TODAY if past else Anchor.FROM_TODAY), found[1]


def ahead(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "in 2 weeks", "in a year's time": the day so long from now."""
    found = numbers.length(scan, scan.skip(at + 1, _ABOUT))
    if found is None:
        return None
    end = scan.skip(scan.skip(found[1], "'s"), _TIME)
    return Offset(found[0], TODAY, back=False), end


def after_length(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "after 5 days": from that day on."""
    found = numbers.length(scan, at + 1)
    return (Open(Bound.FROM, Offset(found[0], TODAY, back=False)), found[1]) if found else None


def compared_length(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "more than 2 weeks after today", "over a year ago", "less than 3 months ago"."""
    less = scan.skip_any(at, _LESS)
    start = less if less > at else scan.skip_any(at, _MORE)
    found = from_length(scan, start) if start > at else None
    if found is None:
        return None
    point, end = found
    if isinstance(point, Units) and point.count == 1 and point.first < 0:
        point = Offset(((-point.first, point.unit),), TODAY, back=True)
    if not isinstance(point, Offset):
        return None
    if less == at:
        return Open(Bound.BEFORE if point.back else Bound.FROM, point), end
    if point.base != TODAY:
        return None
    return Stretch(point.steps, Anchor.TO_TODAY if point.back else Anchor.FROM_TODAY), end


RULES: Final[Rules] = {
    from_length: numbers.COUNT_WORDS | CALENDARS | UNITS.keys(),
    trailing: ROLLING | TRAILING | LAST | TWELVE_MONTHS.keys() | _LETTERS,
    within: word_set("within"),
    ahead: word_set("in"),
    after_length: word_set("after"),
    compared_length: _MORE.keys() | _LESS.keys(),
}
WORDS: Final = words_of(
    *RULES.values(), _PERIOD, _TIME, _JOINS, _ABOUT, _LASTING, _FROM,
    runs=(_AGO, _HENCE, _BEFORE, _AFTER, _STARTING, _ENDING, _TO_DATE, _MORE, _LESS),
)  # fmt: skip
