"""Periods that are named by where they lie from today: last, this, next, ago, to date, within."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.expressions import (
    TODAY,
    AllTime,
    Anchor,
    Bound,
    Comparand,
    Comparison,
    Containing,
    Edge,
    Expression,
    Month,
    Offset,
    Open,
    Part,
    Remaining,
    Said,
    Steps,
    Stretch,
    TimeUnit,
    ToDate,
    Units,
    Year,
)
from ecp_server.resolution.time.lexemes import FISCAL, LAST, NEXT, THIS, TO_DATE, WHOLE, Parsed, Scan

_ROLLING: Final = frozenset({"rolling", "running", "moving"})
_TRAILING: Final = frozenset({"trailing"})
_DAYS: Final = {
    "today": 0, "todays": 0, "now": 0, "tonight": 0, "yesterday": -1, "yesterdays": -1, "tomorrow": 1, "tomorrows": 1,
    "tmr": 1, "tmrw": 1,
}  # fmt: skip
# Twelve trailing months, and any other count of them: "TTM", "LTM", "T12M", "L30D".
_TWELVE_MONTHS: Final = {"ttm": -12, "ltm": -12, "ntm": 1}
_EDGES: Final = {"beginning": False, "start": False, "end": True, "close": True}
_EDGE_WORDS: Final = {
    "eoy": (TimeUnit.YEAR, True), "eoq": (TimeUnit.QUARTER, True), "eom": (TimeUnit.MONTH, True),
    "eow": (TimeUnit.WEEK, True), "boy": (TimeUnit.YEAR, False), "bom": (TimeUnit.MONTH, False),
}  # fmt: skip
_OVER_YEAR: Final = {
    "yoy": TimeUnit.YEAR, "qoq": TimeUnit.QUARTER, "mom": TimeUnit.MONTH, "wow": TimeUnit.WEEK, "dod": TimeUnit.DAY,
}  # fmt: skip
_LETTERS: Final = {"y": TimeUnit.YEAR, "q": TimeUnit.QUARTER, "m": TimeUnit.MONTH, "w": TimeUnit.WEEK}
_STARTING: Final = frozenset({"starting", "beginning", "commencing"})
_ENDING: Final = frozenset({"ending", "ended", "to", "through", "thru", "until", "till"})
_PERIOD_UNITS: Final = frozenset({"day", "week", "month", "quarter", "period", "time", "point", "half"})


def said(scan: Scan, at: int) -> tuple[Said, int]:
    """Read "fiscal" or "calendar", if it stands here."""
    word = scan.words[at]
    if word in FISCAL:
        return Said.FISCAL, at + 1
    return (Said.CALENDAR, at + 1) if word == "calendar" else (Said.NOTHING, at)


def _direction(scan: Scan, at: int) -> Parsed[int]:
    """Read "last", "this", "next" or a word like them as -1, 0, 1."""
    word = scan.words[at]
    if word in LAST or (word == "latest" or scan.matches(at, "most", "recent")):
        return -1, at + (2 if word == "most" else 1)
    if scan.matches(at, "most", "recently"):
        return -1, at + 2
    if word in NEXT:
        return 1, at + 1
    return (0, at + 1) if word in THIS else None


def units(scan: Scan, at: int) -> Parsed[Units]:
    """Read "last quarter", "the past three fiscal years", "next 2 weeks", "this month", "3 next weeks", "the year"."""
    start = scan.skip(at, "the")
    before = numbers.count(scan, start) if scan.words[start] not in ("a", "an") else None
    found = _direction(scan, before[1] if before else start)
    if found is None:
        return _current(scan, start) if start > at else None
    direction, end = found
    if scan.words[end] == "current":  # "this current quarter"
        end += 1
    calendar, end = said(scan, scan.skip(end, WHOLE))
    after = None if before else numbers.count(scan, end)
    counted = before or after
    end = after[1] if after else end
    # "the next upcoming week", "last 2 complete fiscal quarters"
    end = scan.skip(scan.skip(end, WHOLE), frozenset({"upcoming", "coming"}))
    late, end = said(scan, end)
    named = numbers.unit(scan, scan.skip(end, WHOLE))
    if named is None or (direction == 0 and counted):
        return None
    (size, unit), end = named
    count = size * (counted[0] if counted else 1)
    first = -count if direction < 0 else direction
    return (Units(unit, first, count, calendar or late), end) if count else None


def _current(scan: Scan, at: int) -> Parsed[Units]:
    """Read what follows "the" in "the quarter"."""
    calendar, end = said(scan, at)
    word = scan.words[end]
    if word not in ("day", "week", "weekend", "month", "quarter", "year"):
        return None
    named = numbers.unit(scan, end)
    return (Units(named[0][1], 0, 1, calendar), named[1]) if named else None


def relative_units(scan: Scan, at: int) -> Parsed[Expression]:
    """Read units that may be followed by more: "last 3 months and 2 weeks", "this year so far", "last year to date"."""
    found = units(scan, at)
    if found is None:
        return None
    period, end = found
    if scan.matches(end, "so", "far"):
        return ToDate(period.unit, period.said), end + 2
    if scan.matches(end, "to", "date"):
        return _to_date_of(period), end + 2
    if scan.words[end] in ("ytd", "qtd", "mtd"):
        return ToDate(TO_DATE[scan.words[end]][0], period.said, period), end + 1
    if scan.words[end] in _ROLLING:
        return Stretch(((period.count, period.unit),), Anchor.TO_EVE), end + 1
    if period.first < 0 and period.first + period.count == 0:
        more = numbers.length(scan, scan.skip(scan.skip(end, ","), frozenset({"and", "plus"})))
        if more:
            return Stretch(((period.count, period.unit), *more[0]), Anchor.TO_EVE), more[1]
    return found


def _to_date_of(period: Units) -> ToDate:
    if period.first == 0:
        return ToDate(period.unit, period.said)
    return ToDate(period.unit, period.said, period)


def day(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "today", "yesterday", "right now"."""
    at = scan.skip(scan.skip(at, "the"), frozenset({"right", "just"}))
    offset = _DAYS.get(scan.words[at])
    return (Units(TimeUnit.DAY, offset), at + 1) if offset is not None else None


def before_last(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the quarter before last", "the month after next", "the day before yesterday", "the week before March 5"."""
    at = scan.skip(at, "the")
    calendar, at = said(scan, at)
    named = numbers.unit(scan, at)
    if named is None or scan.words[named[1]] not in ("before", "after", "preceding", "following", "prior"):
        return None
    (_, unit), end = named
    back = scan.words[end] in ("before", "preceding", "prior")
    end = scan.skip(end + 1, "to")
    if scan.words[end] in (LAST if back else NEXT) and numbers.unit(scan, end + 1) is None:
        return Units(unit, -2 if back else 2, 1, calendar), end + 1
    base = scan.period(end)
    if base is None:
        return None
    if base[0] == Units(TimeUnit.DAY, -1 if back else 1) and unit is TimeUnit.DAY:
        return Units(TimeUnit.DAY, -2 if back else 2), base[1]
    return Containing(unit, base[0], calendar, -1 if back else 1), base[1]


def from_length(scan: Scan, at: int) -> Parsed[Expression]:
    """Read what begins with a length: "3 days ago", "2 weeks before May 13", "12 months ended June", "12 month rolling"."""
    at = scan.skip(at, "the")
    found = numbers.length(scan, at, needs_count=False)
    if found is None:
        return None
    steps, end = found
    counted = scan.words[at] not in ("a", "an") and numbers.count(scan, at) is not None
    end = scan.skip(end, "period") if scan.words[end] == "period" else end
    word = scan.words[end]
    if word in ("ago", "back"):
        return _ago(scan, steps, end + 1)
    if word in ("hence", "later", "out") or scan.matches(end, "from", "now"):
        return Offset(steps, TODAY, back=False), end + (2 if word == "from" else 1)
    if word in _ROLLING | _TRAILING:
        return _trailing(steps, rolling=word in _ROLLING), end + 1
    if word in ("before", "after", "from", "prior", "following") and (counted or scan.words[at] in ("a", "an")):
        base = scan.period(scan.skip(end + 1, "to") if word == "prior" else end + 1)
        return (Offset(steps, base[0], word in ("before", "prior")), base[1]) if base else None
    return _beside(scan, steps, end)


def _ago(scan: Scan, steps: Steps, end: int) -> Parsed[Expression]:
    """Read on after "ago": the day so long ago, or for one whole unit that unit; "a year ago today" is the day."""
    ((count, unit), *more) = steps
    if scan.words[end] == "today":
        return Offset(steps, TODAY, back=True), end + 1
    if scan.words[end] == "from":
        base = scan.period(end + 1)
        return (Offset(steps, base[0], back=True), base[1]) if base else None
    if more or unit is TimeUnit.BUSINESS_DAY:
        return Offset(steps, TODAY, back=True), end
    return Units(unit, -count), end


def _beside(scan: Scan, steps: Steps, end: int) -> Parsed[Expression]:
    """Read "starting May 20th" or "ended June 30" after a length."""
    word = scan.words[end]
    if word in _STARTING:
        base = scan.period(scan.skip(end + 1, frozenset({"on", "from", "in", "with"})))
        return (Stretch(steps, Anchor.STARTING, base[0]), base[1]) if base else None
    if word in _ENDING or scan.matches(end, "up", "to"):
        at = end + (2 if word == "up" else 1)
        base = scan.period(scan.skip(at, frozenset({"on", "in", "with"})))
        return (Stretch(steps, Anchor.ENDING, base[0]), base[1]) if base else None
    return None


def _trailing(steps: Steps, *, rolling: bool) -> Expression:
    ((count, unit), *more) = steps
    if rolling or more:
        return Stretch(steps, Anchor.TO_EVE)
    return Units(unit, -count, count)


def trailing(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "trailing 12 months", "rolling 30 days", "last rolling 90 days", "TTM", "T12M", "L30D"."""
    at = scan.skip(at, "the")
    word = scan.words[at]
    if word in _TWELVE_MONTHS:
        return Units(TimeUnit.MONTH, _TWELVE_MONTHS[word], 12), at + 1
    if word in ("t", "l", "r") and scan.glued[at + 1]:
        found = numbers.length(scan, at + 1)
        return (_trailing(found[0], rolling=word == "r"), found[1]) if found else None
    before = scan.skip(at, LAST)
    rolling = scan.words[before] in _ROLLING
    if not rolling and scan.words[before] not in _TRAILING:
        return None
    found = numbers.length(scan, scan.skip(before + 1, LAST | WHOLE), needs_count=False)
    return (_trailing(found[0], rolling=rolling), found[1]) if found else None


def within(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "within 5 days", "within the next 3 years", "within the last 30 days", "in 2 weeks"."""
    word = scan.words[at]
    if word == "in":
        found = numbers.length(scan, at + 1)
        return (Offset(found[0], TODAY, back=False), scan.skip(found[1], "time")) if found else None
    if word != "within":
        return None
    end = scan.skip(at + 1, frozenset({"the", "a"}))
    past = scan.words[end] in LAST
    ahead = scan.words[end] in NEXT
    found = numbers.length(scan, end + 1 if past or ahead else end, needs_count=not (past or ahead))
    if found is None:
        return None
    return Stretch(found[0], Anchor.TO_TODAY if past else Anchor.FROM_TODAY), found[1]


def to_date(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "YTD", "fiscal year to date", "quarter-to-date", "so far this year", "prior YTD", "YTD 2023"."""
    at = scan.skip(at, "the")
    if scan.matches(at, "so", "far"):
        found = units(scan, scan.skip(at + 2, "in"))
        return (ToDate(found[0].unit, found[0].said), found[1]) if found and found[0].first == 0 else None
    back = scan.words[at] in LAST
    calendar, end = said(scan, scan.skip(at, LAST | THIS))
    short = TO_DATE.get(scan.words[end])
    if short is not None:
        unit, calendar, end = short[0], calendar or short[1], end + 1
    else:
        named = numbers.unit(scan, end)
        fiscal_year = scan.words[end] == "fy"
        after = named[1] if named else end + 1
        if (named is None and not fiscal_year) or not scan.matches(after, "to", "date"):
            return None
        unit = named[0][1] if named else TimeUnit.YEAR
        calendar = calendar or (Said.FISCAL if fiscal_year else Said.NOTHING)
        end = after + 2
    if back:
        return ToDate(unit, calendar, Units(unit, -1, 1, calendar)), end
    return _to_date_when(scan, ToDate(unit, calendar), end)


def _to_date_when(scan: Scan, running: ToDate, end: int) -> Parsed[Expression]:
    """Read which year or up to which day: "YTD 2023", "YTD last year", "YTD through March"."""
    until = scan.skip(end, frozenset({"through", "thru", "until", "to"}))
    if scan.matches(end, "as", "of"):
        until = end + 2
    found = scan.period(until if until > end else scan.skip(end, frozenset({"of", "in", "for"})))
    if found is None:
        return running, end
    if until > end:
        return replace(running, until=found[0]), found[1]
    is_year = isinstance(found[0], Year) or (isinstance(found[0], Units) and found[0].unit is TimeUnit.YEAR)
    return (replace(running, year=found[0]), found[1]) if is_year else (running, end)


def edge(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the end of last year", "start of Q3", "end of month", "EOY"."""
    at = scan.skip(at, "the")
    if scan.words[at] in _EDGE_WORDS:
        unit, last = _EDGE_WORDS[scan.words[at]]
        return Edge(Units(unit, 0), last), at + 1
    if scan.words[at] not in _EDGES or scan.words[at + 1] != "of":
        return None
    last, end = _EDGES[scan.words[at]], at + 2
    found = scan.period(end)
    if found is None:
        calendar, end = said(scan, end)
        named = numbers.unit(scan, end)
        found = (Units(named[0][1], 0, 1, calendar), named[1]) if named else None
    return (Edge(found[0], last), found[1]) if found else None


def remaining(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "the rest of the year", "remainder of this quarter"."""
    at = scan.skip(at, "the")
    if scan.words[at] not in ("rest", "remainder"):
        return None
    found = units(scan, scan.skip(at + 1, "of"))
    return (Remaining(found[0].unit, found[0].said), found[1]) if found and found[0].first == 0 else None


def all_time(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "all time", "since inception", "inception to date"."""
    for words in (("all", "time"), ("since", "inception"), ("inception", "to", "date")):
        if scan.matches(at, *words):
            return AllTime(), at + len(words)
    return None


def comparison(scan: Scan, at: int) -> Parsed[Expression]:
    """Read a period named by its relation to the main one: "same quarter last year", "YoY", "the prior period"."""
    last_year = Comparison(Comparand.SAME_PERIOD_LAST_YEAR)
    start = scan.skip(at, "the")
    word = scan.words[start]
    if word in _OVER_YEAR:
        return _over(_OVER_YEAR[word]), start + 1
    if word in _LETTERS and scan.words[start + 1] in ("/", "o", "over", "on") and scan.words[start + 2] == word:
        return _over(_LETTERS[word]), start + 3
    named = numbers.unit(scan, start)
    if named and scan.words[named[1]] in ("over", "on") and scan.words[named[1] + 1] == word:
        return _over(named[0][1]), named[1] + 2
    if word in ("same", "corresponding", "comparable", "equivalent"):
        return _same(scan, start + 1)
    if word in LAST and scan.words[start + 1] == "period":
        return Comparison(Comparand.PRIOR_PERIOD), start + 2
    if word in LAST and scan.words[start + 1] == "year" and scan.words[start + 2] in _PERIOD_UNITS:
        return last_year, start + 3
    if word in ("period", "time") and scan.words[start + 1] in ("before", "prior"):
        return Comparison(Comparand.PRIOR_PERIOD), start + 2
    if scan.matches(start, "year", "ago") and scan.words[start + 2] in _PERIOD_UNITS:
        return last_year, start + 3
    if scan.matches(start, "this", "time", "last", "year"):
        return last_year, start + 4
    return (last_year, start + 3) if scan.matches(start, "a", "year", "earlier") else None


def _over(unit: TimeUnit) -> Comparison:
    if unit is TimeUnit.YEAR:
        return Comparison(Comparand.SAME_PERIOD_LAST_YEAR, unit)
    return Comparison(Comparand.PRIOR_PERIOD, unit)


def _same(scan: Scan, at: int) -> Parsed[Expression]:
    """Read on after "same": "quarter of the previous year", "time last year", "period a year ago"."""
    _, at = said(scan, at)
    if scan.words[at] not in _PERIOD_UNITS:
        return None
    end = scan.skip(scan.skip(at + 1, frozenset({"of", "in", "from"})), frozenset({"the", "a"}))
    _, year = said(scan, scan.skip(end, LAST))
    if scan.words[end] in LAST and scan.words[year] in ("year", "fy"):
        return Comparison(Comparand.SAME_PERIOD_LAST_YEAR), year + 1
    if scan.words[end] == "year" and scan.words[end + 1] in ("ago", "before", "earlier", "prior"):
        return Comparison(Comparand.SAME_PERIOD_LAST_YEAR), end + 2
    return None


def open_ago(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "more than 2 weeks after today", "over a year ago", "less than 3 months ago"."""
    if scan.words[at] not in ("more", "less", "over", "under", "at"):
        return None
    more = scan.words[at] in ("more", "over")
    end = scan.skip(at + 1, "than")
    if end == at + 1 and scan.words[at] in ("more", "less", "at"):
        return None
    found = from_length(scan, end)
    if found is None:
        return None
    if isinstance(found[0], Units) and found[0].count == 1:
        steps: Steps = ((-found[0].first, found[0].unit),)
        if more:
            return Open(Bound.BEFORE, Offset(steps, TODAY, back=True)), found[1]
        return Stretch(steps, Anchor.TO_TODAY), found[1]
    if isinstance(found[0], Offset) and more:
        return Open(Bound.BEFORE if found[0].back else Bound.FROM, found[0]), found[1]
    return None


def is_whole_year(expression: Expression) -> bool:
    """Tell whether the expression names one year."""
    return isinstance(expression, Year) or (
        isinstance(expression, Units) and expression.unit is TimeUnit.YEAR and expression.count == 1
    )


def is_container(expression: Expression) -> bool:
    """Tell whether the expression names something that weeks, months or days can be counted in."""
    if isinstance(expression, Units):
        return expression.unit is not TimeUnit.DAY
    return isinstance(expression, Year | Month | Part | Containing)
