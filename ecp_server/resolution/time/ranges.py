"""Periods made of others: ranges, open periods and lists."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from ecp_server.domain.frozen import replace
from ecp_server.resolution.time import numbers
from ecp_server.resolution.time.dates import day_number
from ecp_server.resolution.time.expressions import (
    TODAY,
    Between,
    Bound,
    Day,
    Expression,
    Month,
    Offset,
    Open,
    Part,
    Said,
    Several,
    Steps,
    TimeUnit,
    ToDate,
    Units,
    Weekday,
    Year,
    adjoin,
    lacks_year,
    said_of,
    unit_of,
    with_year,
    year_said,
)
from ecp_server.resolution.time.lexemes import TO_DATE, UNITS, Parsed, Phrases, Scan, phrases, words_of
from ecp_server.resolution.time.named import year_after
from ecp_server.resolution.time.running import is_part_of

_TO_WORDS: Final = (
    "to",
    "to the",
    "until",
    "till",
    "til",
    "' til",
    "through",
    "thru",
    "up to",
    "up until",
    "~",
    "-",
    ":",
    ". .",
    "…",
)
_TO: Final = phrases(*_TO_WORDS)
_AND: Final = phrases("and", "and the", "&", *_TO_WORDS)
_PREFIXES: Final = {
    Bound.SINCE: phrases("since", "ever since"),
    Bound.FROM: phrases(
        "from", "as from", "as early as", "on or after", "in or after", "on or later than",
        "after or on", "after or in", "no earlier than", "not earlier than", "not before", "> =", "≥",
        "starting", "starting from", "starting on", "starting in", "starting with",
        "beginning", "beginning from", "beginning on", "beginning in", "beginning with",
    ),
    Bound.AFTER: phrases("after", "later than", "newer than", "post", ">"),
    Bound.UNTIL: phrases(
        "until", "till", "til", "through", "thru", "up until", "up to", "up through", "by", "by the", "on or before",
        "no later than", "not later than", "not after", "in or before", "on or earlier than", "before or on",
        "before or in", "ending", "ending on", "ending in", "ending with", "up to and including",
        "as late as", "< =", "≤",
    ),
    Bound.BEFORE: phrases("before", "prior to", "earlier than", "older than", "pre", "<"),
}  # fmt: skip
_OPENINGS: Final = {
    first: sorted(
        ((words, bound) for bound, runs in _PREFIXES.items() for words in runs.get(first, ())),
        key=lambda opening: (len(opening[0]), opening[1].value),
        reverse=True,
    )
    for first in {word for runs in _PREFIXES.values() for word in runs}
}
"""What begins an open period by its first word, the longest first."""
_NO_OPENING: Final[tuple[tuple[str, ...], Bound]] = ((), Bound.UNTIL)
_ANYTIME: Final = frozenset({"anytime", "sometime", "anything", "everything", "all"})
_SIGNS: Final = frozenset("<>≤≥=")
_ONWARD: Final = phrases("onward", "onwards", "forward", "forwards", "and onwards", "and on")
_TO_DATE: Final = phrases("to date")
_SO_FAR: Final = phrases("so far")
_LATER: Final = frozenset({"after", "later", "beyond", "newer", "above"})
_EARLIER: Final = frozenset({"before", "earlier", "prior", "older", "below"})
_SEPARATORS: Final = frozenset({",", "and", "or", "&", "/"})
_CLOSING: Final = frozenset({"and", "but", "&"})
_CLOSES: Final = frozenset(first for bound in (Bound.BEFORE, Bound.UNTIL) for first in _PREFIXES[bound]) - {
    "by",
    "ending",
}
_ONE_DAY: Final[Steps] = ((1, TimeUnit.DAY),)
_WIDEST_GAP: Final = 3
_PRESENT: Final = "present"
"""Ends a range without blanks, too ("2020-present"): nobody says it for today otherwise."""
_SHORT: Final = 2
_FULL: Final = 4
_MOST_LISTED: Final = 24
RANGE_WORDS: Final = _ANYTIME | _OPENINGS.keys() | {"between", "="}
"""What `interval` begins with, beside a period."""
WORDS: Final = words_of(
    RANGE_WORDS,
    _CLOSING,
    _LATER,
    _EARLIER,
    _SEPARATORS,
    {_PRESENT},
    runs=(_TO, _AND, _ONWARD, _TO_DATE, _SO_FAR, *_PREFIXES.values()),
)


def interval(scan: Scan, at: int) -> Parsed[Expression]:
    """Read the longest time expression that starts here: a range, an open period, a list or one period."""
    word = scan.words[at]
    if word == "between":
        return _range(scan, at + 1, _AND, explicit=True)
    if word == "=":
        return scan.period(at + 1)
    base = scan.period(at)
    found = _range(scan, at + 1, _AND, explicit=True) if word == "from" else None
    found = found or _range(scan, at, _TO, explicit=False)
    if found is not None and (base is None or found[1] > base[1]):  # "second to last day of March" is no range
        return found
    found = _open(scan, at) if word in RANGE_WORDS else None
    if found is not None:
        return found
    return _open_after(scan, base) or _several(scan, base) if base else None


def _range(scan: Scan, at: int, separators: Phrases, *, explicit: bool) -> Parsed[Expression]:
    """Read "X to Y"; without "from" or "between" the words must leave no doubt."""
    found: Parsed[Expression] = None
    # "4-23" may be a date, and the days of a range where "in May" follows.
    for first in (scan.period(at), _bare_day(scan, at, last=False)):
        read = _range_from(scan, at, first, separators, explicit=explicit) if first else None
        if read and (found is None or read[1] > found[1]):
            found = read
    return found


def _range_from(
    scan: Scan, at: int, first: tuple[Expression, int], separators: Phrases, *, explicit: bool
) -> Parsed[Expression]:
    start, end = first
    then = scan.skip_any(end, separators)
    if _is_interval(scan, at, end, start):
        then = end + 1
    elif then == end:
        if not 0 < scan.gaps[end] <= _WIDEST_GAP:
            return None
    elif not explicit and scan.words[end] == "to" and scan.compared(at):
        return None
    second = _end(scan, then, start)
    spaced = scan.gaps[end] == _WIDEST_GAP or scan.words[end] == _PRESENT
    if second is None or (then == end and not _alike(start, second[0], spaced=spaced)):
        return None
    joined = _joined(start, second[0])
    return (joined, second[1]) if joined else None


def _is_interval(scan: Scan, at: int, slash: int, first: Expression) -> bool:
    """Tell whether a slash parts dates as in "2024-12-15/2025-01-05" (ISO 8601); "2023/2024" is a year."""
    yearly = len(scan.words[at]) == _FULL == len(scan.words[slash + 1]) and scan.numbers[slash + 1] >= 0
    dated = isinstance(first, Day | Month | Part) and scan.numbers[at] >= 0
    timed = scan.words[slash - 2] == ":" or scan.words[slash - 1] == "z"
    return scan.words[slash] == "/" and dated and yearly and slash > at + 1 and not timed


def _end(scan: Scan, at: int, first: Expression) -> Parsed[Expression]:
    """Read the end of a range: a period, or the bare number of a day or year where the first end says the rest."""
    found = scan.period(at)
    if isinstance(first, Day) and (found is None or isinstance(found[0], Month | Year)):
        bare = _bare_day(scan, at, last=True)
        return bare if bare and (found is None or bare[1] >= found[1]) else found
    if found is None and isinstance(first, Year) and first.said:
        short = numbers.short_year(scan, at)
        return (Year(short[0], first.said), short[1]) if short else None
    if isinstance(first, Part) and first.within is None and (found is None or isinstance(found[0], Month)):
        return _bare_number(scan, at, first) or found
    return found


def _bare_number(scan: Scan, at: int, first: Part) -> Parsed[Expression]:
    """Read the end of "weeks 31 to 35"; the year may follow."""
    if scan.numbers[at] <= first.nth or len(scan.words[at]) > _SHORT:
        return None
    after = year_after(scan, at + 1, short=False)
    return replace(first, nth=scan.numbers[at], within=after[0] if after else None), after[1] if after else at + 1


def _bare_day(scan: Scan, at: int, *, last: bool) -> Parsed[Expression]:
    """Read the number of a day; at the end of a range its month or year may follow: "9, 2024", "23 in May"."""
    number = day_number(scan, at)
    if number is None:
        return None
    (day, ordinal), end = number
    bare = Day(day, ordinal=ordinal)
    if not last:
        return bare, end
    year = numbers.full_year(scan, scan.skip(end, ","))
    if year:
        return replace(bare, year=Year(year[0])), year[1]
    month = scan.period(end + 1) if scan.words[end] == "in" else None
    if month and isinstance(month[0], Month):
        return replace(bare, month=month[0].month, year=month[0].year), month[1]
    return bare, end


def _alike(first: Expression, last: Expression, *, spaced: bool) -> bool:
    """Tell whether two periods with no word between can only be the ends of a range; ``spaced``: as in "2012 - now"."""
    if isinstance(first, Day) and first.month is None:
        return isinstance(last, Day | Part) and unit_of(last) is TimeUnit.DAY
    if _dated(first) and spaced and last == TODAY:
        return True
    # A year after a part of one belongs to another list item: "2022, Q1 2023".
    if _dated(first) and _dated(last) and not (isinstance(first, Part) and isinstance(last, Year)):
        return True
    if isinstance(first, Part) and isinstance(last, Part):
        return first.unit is last.unit and first.count == 1
    return isinstance(first, Year | Month | Day | Weekday) and type(first) is type(last)


def _dated(expression: Expression) -> bool:
    """Tell whether the words name a period with its year."""
    return isinstance(expression, Year) or year_said(expression) is not None


def _joined(first: Expression, last: Expression) -> Between | None:
    """Make a range; what the words say at one end only holds for the other."""
    if isinstance(first, Day) and first.month is None:
        return _with_month_of_last(first, last)
    if isinstance(last, Day) and last.month is None:
        return _with_month_of_first(first, last)
    if isinstance(first, Weekday) and isinstance(last, Weekday) and first.week is None:
        first = replace(first, week=last.week)
    return Between(_with_said(first, said_of(last)), _with_said(last, said_of(first)))


def _with_month_of_last(first: Day, last: Expression) -> Between | None:
    if isinstance(last, Part) and last.unit is TimeUnit.DAY:
        return Between(replace(last, nth=first.day), last)
    if not isinstance(last, Day):
        return None
    if last.month is None:
        return Between(first, last) if first.ordinal or last.ordinal else None
    ordinal = first.ordinal or last.ordinal
    return Between(replace(first, month=last.month, year=last.year, ordinal=ordinal), replace(last, ordinal=ordinal))


def _with_month_of_first(first: Expression, last: Day) -> Between | None:
    if not isinstance(first, Day):
        return None
    year = last.year or first.year
    ordinal = first.ordinal or last.ordinal
    return Between(
        replace(first, year=year, ordinal=ordinal), replace(last, month=first.month, year=year, ordinal=ordinal)
    )


def _with_said(expression: Expression, said: Said) -> Expression:
    if said and isinstance(expression, Year | Part | Month | Units) and not said_of(expression):
        return replace(expression, said=said)
    return expression


def _open(scan: Scan, at: int) -> Parsed[Expression]:
    """Read "since X", "from X onwards", "before X"."""
    at = scan.skip(at, _ANYTIME)
    words, bound = next((one for one in _OPENINGS.get(scan.words[at], ()) if scan.matches(at, *one[0])), _NO_OPENING)
    start = at + len(words)
    base = scan.period(start) if words else None
    if base is None:
        return None
    expression, end = base
    word = scan.words[at]
    # A bare sign with space around it compares amounts, which "2024" may be; "by year 2023" groups.
    spaced = scan.words[start - 1] in _SIGNS and scan.gaps[start] > 0
    if (spaced and _may_be_amount(expression)) or (word == "by" and scan.words[start] in UNITS):
        return None
    onward = scan.skip_any(end, _ONWARD)
    if onward > end or (word == "from" and scan.words[end] == "on"):
        return Open(Bound.FROM, expression), max(onward, end + 1)
    to_date = scan.skip_any(end, _TO_DATE)
    if to_date > end:
        return Open(Bound.SINCE, expression), to_date
    # "sales from last quarter" are last quarter's.
    if start == at + 1 and word == "from" and isinstance(expression, Units) and expression.unit is not TimeUnit.DAY:
        return expression, end
    return _closed(scan, bound, base) or (Open(bound, expression), end)


def _closed(scan: Scan, bound: Bound, base: tuple[Expression, int]) -> Parsed[Expression]:
    """Read what closes "after X": "and before Y", ">= X and < Y"; both ends are one period."""
    expression, end = base
    if bound in (Bound.BEFORE, Bound.UNTIL):
        return None
    following = scan.skip(scan.skip(end, ","), _CLOSING)
    closing = _open(scan, following) if following > end and scan.words[following] in _CLOSES else None
    if closing is None or not isinstance(closing[0], Open):
        return None
    first = Offset(_ONE_DAY, expression, back=False) if bound is Bound.AFTER else expression
    last = closing[0].base
    last = Offset(_ONE_DAY, last, back=True) if closing[0].bound is Bound.BEFORE else last
    return Between(first, last), closing[1]


def _may_be_amount(expression: Expression) -> bool:
    """Tell whether figures that were read as a year or a day say no more than a number or a fraction."""
    return (isinstance(expression, Year) and not expression.said) or (
        isinstance(expression, Day) and expression.year is None
    )


def _open_after(scan: Scan, base: tuple[Expression, int]) -> Parsed[Expression]:
    """Read "X and after", "X or earlier", "X onwards", "X to date" from its period on."""
    expression, end = base
    onward = scan.skip_any(end, _ONWARD)
    if onward > end:
        return Open(Bound.FROM, expression), onward
    running = _running_after(scan, expression, end)
    if running is not None:
        return running
    if scan.words[end] in ("and", "or") and scan.period(end + 2) is None:
        if scan.words[end + 1] in _LATER:
            return Open(Bound.FROM, expression), end + 2
        if scan.words[end + 1] in _EARLIER:
            return Open(Bound.UNTIL, expression), end + 2
    return None


def _running_after(scan: Scan, expression: Expression, end: int) -> Parsed[Expression]:
    """Read "to date", "so far" and "YTD" behind a period."""
    to_date = scan.skip_any(end, _TO_DATE)
    if to_date > end:
        return Open(Bound.SINCE, expression), to_date
    so_far = scan.skip_any(end, _SO_FAR)
    if so_far > end and unit_of(expression):
        return Open(Bound.SO_FAR, expression), so_far
    initials = TO_DATE.get(scan.words[end])
    if initials and is_part_of(expression, initials[0]):
        return ToDate(*initials, until=expression), end + 1
    return None


def _several(scan: Scan, base: tuple[Expression, int]) -> Parsed[Expression]:
    """Read "Q1, Q2 and Q3 2024" from its first period on; a year at either end holds for those without.

    Only periods that follow one another are one; others, as those that are compared, stay mentions of their own.
    """
    items, end = [base[0]], base[1]
    while isinstance(items[0], Year | Month | Part | Units) and scan.words[end] in _SEPARATORS:
        following = scan.period(scan.skip(scan.skip(end + 1, "and"), "the"))
        if following is None or type(following[0]) is not type(items[0]) or len(items) == _MOST_LISTED:
            break
        items.append(following[0])
        end = following[1]
    if len(items) == 1 or scan.compared(end):
        return base
    year = year_said(items[-1]) or year_said(items[0])
    said = said_of(items[-1]) or said_of(items[0])
    shared = tuple(_with_said(with_year(item, year) if year and lacks_year(item) else item, said) for item in items)
    consecutive = all(adjoin(one, other) for one, other in pairwise(shared))
    return (Several(shared), end) if consecutive else base
