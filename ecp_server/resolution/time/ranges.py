"""Periods made of others: ranges, open periods and lists."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.expressions import (
    Between,
    Bound,
    Day,
    Expression,
    Month,
    Open,
    Part,
    Said,
    Several,
    TimeUnit,
    Units,
    Weekday,
    Year,
    lacks_year,
    said_of,
    with_year,
    year_said,
)
from ecp_server.resolution.time.lexemes import Parsed, Scan

_TO: Final = (
    ("to", "the"),
    ("to",),
    ("until",),
    ("till",),
    ("til",),
    ("through",),
    ("thru",),
    ("up", "to"),
    ("~",),
    ("-",),
    (":",),
    (".", "."),
    ("…",),
)
_AND: Final = (("and", "the"), ("and",), ("&",), *_TO)
_PREFIXES: Final = (
    (("ever", "since"), Bound.SINCE), (("since",), Bound.SINCE),
    (("on", "or", "after"), Bound.FROM), (("no", "earlier", "than"), Bound.FROM), (("not", "before"), Bound.FROM),
    (("not", "earlier", "than"), Bound.FROM), (("as", "from"), Bound.FROM),
    (("starting", "from"), Bound.FROM), (("starting", "on"), Bound.FROM), (("starting", "in"), Bound.FROM),
    (("starting", "with"), Bound.FROM), (("starting",), Bound.FROM),
    (("beginning", "in"), Bound.FROM), (("beginning", "on"), Bound.FROM), (("beginning", "with"), Bound.FROM),
    (("beginning", "from"), Bound.FROM), (("beginning",), Bound.FROM), (("from",), Bound.FROM),
    ((">", "="), Bound.FROM), (("≥",), Bound.FROM),
    (("later", "than"), Bound.AFTER), (("after",), Bound.AFTER), (("post",), Bound.AFTER), ((">",), Bound.AFTER),
    (("on", "or", "before"), Bound.UNTIL), (("no", "later", "than"), Bound.UNTIL),
    (("not", "later", "than"), Bound.UNTIL), (("not", "after"), Bound.UNTIL), (("up", "until"), Bound.UNTIL),
    (("up", "to"), Bound.UNTIL), (("up", "through"), Bound.UNTIL), (("until",), Bound.UNTIL), (("till",), Bound.UNTIL),
    (("til",), Bound.UNTIL), (("through",), Bound.UNTIL), (("thru",), Bound.UNTIL),
    (("<", "="), Bound.UNTIL), (("≤",), Bound.UNTIL),
    (("prior", "to"), Bound.BEFORE), (("earlier", "than"), Bound.BEFORE), (("before",), Bound.BEFORE),
    (("pre",), Bound.BEFORE), (("<",), Bound.BEFORE),
)  # fmt: skip
_ANYTIME: Final = frozenset({"anytime", "sometime", "everything", "all"})
_SIGNS: Final = frozenset("<>≤≥=")
_ONWARD: Final = frozenset({"onward", "onwards", "forward", "forwards"})
_LATER: Final = frozenset({"after", "later", "onward", "onwards", "on", "beyond", "newer"})
_EARLIER: Final = frozenset({"before", "earlier", "prior", "older"})
_SEPARATORS: Final = frozenset({",", "and", "or", "&", "/"})
_COMPARE: Final = frozenset({"compare", "compared", "comparing", "relative", "versus", "vs"})
_LONGEST_MONTH: Final = 31
_SHORT: Final = 2
_WIDEST_GAP: Final = 3
RANGE_WORDS: Final = frozenset({"between", "=", *_ANYTIME, *(words[0] for words, _ in _PREFIXES)})


def interval(scan: Scan, at: int) -> Parsed[Expression]:
    """Read the longest time expression that starts here: a range, an open period, a list or one period."""
    word = scan.words[at]
    if word in RANGE_WORDS:
        if word == "between":
            return _range(scan, at + 1, _AND, explicit=True)
        if word == "=":
            return scan.period(at + 1) if scan.gaps[at + 1] == 0 else None
        found = _range(scan, at + 1, _AND, explicit=True) if word == "from" else None
        if found is None:
            found = _range(scan, at, _TO, explicit=False)
        return found or _open(scan, at) or scan.period(at)
    found = _range(scan, at, _TO, explicit=False)
    if found:
        return found
    base = scan.period(at)
    return _open_after(scan, base) or _several(scan, base) if base else None


def _matched(scan: Scan, at: int, choices: tuple[tuple[str, ...], ...]) -> int:
    """Return the position after whichever words stand here, else the same."""
    return next((at + len(words) for words in choices if scan.matches(at, *words)), at)


def _range(scan: Scan, at: int, separators: tuple[tuple[str, ...], ...], *, explicit: bool) -> Parsed[Expression]:
    """Read "X to Y"; without "from" or "between" the words must leave no doubt."""
    first = _end(scan, at, None)
    if first is None:
        return None
    start, end = first
    then = _matched(scan, end, separators)
    if then == end:
        if not 0 < scan.gaps[end] <= _WIDEST_GAP:
            return None
    elif not explicit and scan.words[end] == "to" and not _COMPARE.isdisjoint(scan.words[:at]):
        return None
    second = _end(scan, then, start)
    if second is None:
        return None
    last, after = second
    if then == end and not _alike(start, last):
        return None
    joined = _joined(start, last)
    return (joined, after) if joined else None


def _end(scan: Scan, at: int, other: Expression | None) -> Parsed[Expression]:
    """Read one end of a range: a period, or the bare number of a day where the other end may say its month."""
    found = scan.period(at)
    if found and not (isinstance(other, Day) and isinstance(found[0], Month | Year)):
        return found
    bare = _bare_day(scan, at, with_year_after=other is not None)
    if isinstance(other, Year) and other.said and found is None:
        short = numbers.short_year(scan, at)
        return (Year(short[0], other.said), short[1]) if short else None
    return bare if bare and (found is None or isinstance(other, Day)) and _may_be_day(scan, at) else found


def _may_be_day(scan: Scan, at: int) -> bool:
    return len(scan.words[at]) <= _SHORT or scan.numbers[at] < 0


def _bare_day(scan: Scan, at: int, *, with_year_after: bool) -> Parsed[Expression]:
    the = scan.skip(at, "the")
    ordinal = numbers.ordinal(scan, the)
    number = scan.numbers[the]
    found = ordinal or ((number, the + 1) if number > 0 and len(scan.words[the]) <= _SHORT else None)
    if found is None or found[0] > _LONGEST_MONTH:
        return None
    day, end = found
    year = numbers.full_year(scan, scan.skip(end, ",")) if with_year_after else None
    is_ordinal = ordinal is not None or the > at
    if year:
        return Day(day, None, Year(year[0]), ordinal=is_ordinal), year[1]
    return Day(day, ordinal=is_ordinal), end


def _alike(first: Expression, last: Expression) -> bool:
    """Tell whether two periods that stand side by side can only be the ends of a range."""
    if isinstance(first, Day) and isinstance(last, Day):
        return first.month is not None or last.month is not None
    if isinstance(first, Part) and isinstance(last, Part):
        return first.unit is last.unit and first.count == 1
    return isinstance(first, Year | Month) and type(first) is type(last)


def _joined(first: Expression, last: Expression) -> Between | None:
    """Make a range; what the words say at one end only holds for the other."""
    if isinstance(first, Day) and first.month is None:
        if isinstance(last, Day) and last.month is not None:
            first = replace(first, month=last.month, year=last.year, ordinal=first.ordinal or last.ordinal)
        elif isinstance(last, Part) and last.unit is TimeUnit.DAY:
            first = replace(last, nth=first.day)
        elif not (isinstance(last, Day) and (first.ordinal or last.ordinal)):
            return None
    elif isinstance(last, Day) and last.month is None:
        if not isinstance(first, Day):
            return None
        last = replace(last, month=first.month, year=last.year or first.year, ordinal=last.ordinal or first.ordinal)
        if last.year and first.year is None:
            first = replace(first, year=last.year)
    elif isinstance(first, Weekday) and isinstance(last, Weekday) and first.week is None:
        first = replace(first, week=last.week)
    return Between(_with_said(first, said_of(last)), _with_said(last, said_of(first)))


def _with_said(expression: Expression, said: Said) -> Expression:
    if said and isinstance(expression, Year | Part | Month | Units) and not said_of(expression):
        return replace(expression, said=said)
    return expression


def _open(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "since X", "from X onwards", "before X"."""
    at = scan.skip(at, _ANYTIME)
    for words, bound in _PREFIXES:
        if not scan.matches(at, *words):
            continue
        start = at + len(words)
        if words[-1] in _SIGNS and scan.gaps[start]:
            return None
        base = scan.period(start)
        if base is None:
            return None
        expression, end = base
        onward = scan.skip(end, _ONWARD)
        if onward > end or scan.matches(end, "and", "on"):
            return Open(Bound.FROM, expression), onward if onward > end else end + 2
        # "sales from last quarter" are last quarter's.
        if words == ("from",) and isinstance(expression, Units) and expression.unit is not TimeUnit.DAY:
            return expression, end
        return Open(bound, expression), end
    return None


def _open_after(scan: Scan, base: tuple[Expression, int]) -> Parsed[Expression]:
    """Read "X and after", "X or earlier", "X onwards" from its period on."""
    expression, end = base
    if scan.words[end] in _ONWARD:
        return Open(Bound.FROM, expression), end + 1
    if scan.words[end] in ("and", "or"):
        word, follows = scan.words[end + 1], scan.period(end + 2)
        if follows is None and word in _LATER:
            return Open(Bound.FROM, expression), end + 2
        if follows is None and word in _EARLIER:
            return Open(Bound.UNTIL, expression), end + 2
    return None


def _several(scan: Scan, base: tuple[Expression, int]) -> Parsed[Expression]:
    """Read "Q1, Q2 and Q3 2024" from its first period on; the year of the last holds for those without."""
    items, end = [base[0]], base[1]
    while isinstance(items[0], Year | Month | Part) and scan.words[end] in _SEPARATORS:
        following = scan.period(scan.skip(scan.skip(end + 1, "and"), "the"))
        if following is None or not _alike(items[0], following[0]):
            break
        items.append(following[0])
        end = following[1]
    if len(items) == 1:
        return base
    year = year_said(items[-1])
    said = said_of(items[-1]) or said_of(items[0])
    shared = (with_year(item, year) if year and lacks_year(item) else item for item in items)
    return Several(tuple(_with_said(item, said) for item in shared)), end
