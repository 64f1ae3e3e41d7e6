"""Finds time expressions in the tokens of a question.

A rule reads one kind of period at one position; `period` tries those whose first word stands there and keeps the
longest, `interval` makes ranges, open periods and lists of periods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from ecp_server.domain.text import Token, tokenize
from ecp_server.resolution.time import dates, named, relative
from ecp_server.resolution.time.expressions import (
    Day,
    Expression,
    Month,
    Part,
    TimeMention,
    TimeUnit,
    Units,
    Weekday,
    Year,
    lacks_year,
    with_year,
    year_said,
)
from ecp_server.resolution.time.lexemes import (
    CARDINALS,
    FISCAL,
    FUNCTION_WORDS,
    LAST,
    MONTHS,
    NEXT,
    ORDINALS,
    PREPOSITIONS,
    TENS,
    THIS,
    TO_DATE,
    UNITS,
    WEEKDAYS,
    Parsed,
    Scan,
)
from ecp_server.resolution.time.numbers import FIRST_BARE_YEAR, LAST_BARE_YEAR
from ecp_server.resolution.time.ranges import RANGE_WORDS, interval

Rule = Callable[[Scan, int], Parsed[Expression]]

_NUMBERS: Final = CARDINALS.keys() | TENS.keys() | {"a", "an", "couple", "few", "several", "dozen", "half"}
_DIRECTIONS: Final = LAST | NEXT | THIS | {"latest", "most"}
_CALENDARS: Final = FISCAL | {"calendar"}
_MARKS: Final = frozenset({"q", "fq", "h", "hy", "p", "w", "wk", "cw", "period"})
_FIRST_WORDS: Final[tuple[tuple[Rule, Iterable[str]], ...]] = (
    (relative.comparison, relative._OVER_YEAR.keys() | relative._LETTERS.keys() | UNITS.keys() | LAST
     | {"same", "corresponding", "comparable", "equivalent", "period", "time", "a", "this"}),
    (relative.all_time, ("all", "since", "inception")),
    (relative.day, ("right", "just", *relative._DAYS)),
    (relative.relative_units, _DIRECTIONS | _NUMBERS | _CALENDARS | UNITS.keys()),
    (relative.before_last, _CALENDARS | UNITS.keys()),
    (relative.from_length, _NUMBERS | UNITS.keys()),
    (relative.trailing, relative._ROLLING | relative._TRAILING | LAST | {"t", "l", "r", *relative._TWELVE_MONTHS}),
    (relative.within, ("in", "within")),
    (relative.to_date, TO_DATE.keys() | UNITS.keys() | LAST | THIS | _CALENDARS | {"so", "fy"}),
    (relative.edge, relative._EDGES.keys() | relative._EDGE_WORDS.keys()),
    (relative.remaining, ("rest", "remainder")),
    (relative.open_ago, ("more", "less", "over", "under", "at")),
    (named.year, _CALENDARS | _NUMBERS | {"fy", "cy", "year", "ad", "ce"}),
    (named.decade, _NUMBERS | {"eighties", "nineties", "seventies", "sixties"}),
    (named.part, _CALENDARS | _MARKS | _NUMBERS | ORDINALS.keys() | UNITS.keys() | {"fy", "cy", "year", "'", "’"}),
    (named.month, MONTHS.keys() | _CALENDARS | _NUMBERS | {"month", "fy", "'", "’"}),
    (named.nth_part, ORDINALS.keys() | TENS.keys() | {"last", "final", "penultimate"}),
    (named.recurring, LAST | NEXT | THIS),
    (named.of_relative, _DIRECTIONS),
    (named.weekday, WEEKDAYS.keys() | LAST | NEXT | THIS | _NUMBERS),
    (named.containing, _CALENDARS | UNITS.keys()),
    (dates.date_of, MONTHS.keys() | WEEKDAYS.keys() | ORDINALS.keys() | TENS.keys()),
    (dates.day_of_units, ORDINALS.keys() | TENS.keys()),
)  # fmt: skip
_FIGURES: Final[tuple[Rule, ...]] = (
    relative.relative_units, relative.from_length, named.year, named.decade, named.part, named.month,
    named.numeric_month, named.nth_part, named.weekday, dates.date_of, dates.day_of_units,
)  # fmt: skip


def _by_first_word() -> dict[str, tuple[Rule, ...]]:
    rules: dict[str, list[Rule]] = {}
    for rule, words in _FIRST_WORDS:
        for word in words:
            rules.setdefault(word, []).append(rule)
    return {word: tuple(found) for word, found in rules.items()}


_RULES: Final = _by_first_word()
_STARTS: Final = _RULES.keys() | RANGE_WORDS | {"the"}
_AMBIGUOUS: Final = frozenset({"may", "mar", "march", "sun", "sat", "mon", "wed", "fri"})
_BEFORE_AMOUNTS: Final = frozenset(
    {
        "$",
        "€",
        "£",
        "#",
        "top",
        "bottom",
        "than",
        "over",
        "under",
        "above",
        "below",
        "rule",
        "exceeds",
        "exceeding",
        "least",
        "most",
        "about",
    }
)
_AFTER_AMOUNTS: Final = frozenset(
    {
        "%",
        "percent",
        "usd",
        "eur",
        "dollars",
        "euros",
        "units",
        "million",
        "billion",
        "k",
        "m",
        "bn",
        "x",
        "times",
        "people",
        "employees",
        "customers",
        "users",
        "orders",
        "items",
        "rows",
    }
)
_VERSUS: Final = frozenset(
    {"vs", "versus", "compared", "with", "to", "against", "over", "and", "or", "than", ".", ",", "from"}
)
_AFTER_MODAL: Final = frozenset(
    {
        "be",
        "i",
        "we",
        "you",
        "it",
        "they",
        "he",
        "she",
        "have",
        "not",
        "the",
        "also",
        "need",
        "require",
        "this",
        "there",
    }
)
_MOST_FILLERS: Final = 4


def find_times(tokens: Sequence[Token]) -> tuple[TimeMention, ...]:
    """Return the time expressions of a text from left to right: the longest that start leftmost, never overlapping.

    Never raises; takes time about linear in the number of tokens.
    """
    scan = Scan(tokens, _read_period)
    mentions: list[TimeMention] = []
    at, size = 0, len(scan)
    while at < size:
        found = _mention(scan, at) if scan.closes(at) else None
        if found is None:
            at += 1
            continue
        expression, end = found
        mentions.append(TimeMention(scan.owners[at], scan.owners[end], expression))
        at = end
    return tuple(_together(scan, mentions)) if len(mentions) > 1 else tuple(mentions)


def period_expression(text: str) -> Expression | None:
    """Return the one time expression that the whole text is, e.g. a metric's default period; None if it is none."""
    tokens = tokenize(text)
    match find_times(tokens):
        case (TimeMention(first=0, last=last, expression=expression),) if last == len(tokens):
            return expression
        case _:
            return None


def _read_period(scan: Scan, at: int) -> Parsed[Expression]:
    first = scan.skip(at, "the")
    rules = _FIGURES if scan.numbers[first] >= 0 else _RULES.get(scan.words[first], ())
    best: Parsed[Expression] = None
    for rule in rules:
        found = rule(scan, at)
        if found and (best is None or found[1] > best[1]):
            best = found
    return best


def _mention(scan: Scan, at: int) -> Parsed[Expression]:
    if scan.words[at] not in _STARTS and scan.numbers[at] < 0:
        return None
    found = interval(scan, at)
    if found is None or not scan.closes(found[1]) or not _plausible(scan, at, found[1], found[0]):
        return None
    return found


def _plausible(scan: Scan, at: int, end: int, expression: Expression) -> bool:
    """Tell whether words that could be something else as well are a time here."""
    word = scan.words[at]
    before, after = scan.words[at - 1] if at else "", scan.words[end]
    if word == "the" and isinstance(expression, Units) and end == at + 2:
        counts_out = before in ("by", "per", "each", "every") or (before == "of" and scan.words[at - 2] in UNITS)
        return not counts_out
    if end == at + 1:
        if word == "may":
            return after not in _AFTER_MODAL and (
                before in PREPOSITIONS or not after or at == 0 or after in PREPOSITIONS
            )
        if word in _AMBIGUOUS:
            return _stands_alone(before, after)
        if isinstance(expression, Year):
            in_range = FIRST_BARE_YEAR <= expression.number <= LAST_BARE_YEAR
            return in_range and before not in _BEFORE_AMOUNTS and after not in _AFTER_AMOUNTS
    if isinstance(expression, Day) and (expression.month is None or (expression.either_order and not expression.year)):
        return after not in _AFTER_AMOUNTS and before not in _BEFORE_AMOUNTS and _stands_alone(before, after)
    if word in ("p", "w") and isinstance(expression, Part) and expression.within is None:
        return _stands_alone(before, after)
    return True


def _stands_alone(before: str, after: str) -> bool:
    return before in PREPOSITIONS or not after or after in FUNCTION_WORDS or not after.isalnum()


def _together(scan: Scan, mentions: list[TimeMention]) -> list[TimeMention]:
    """Let neighbours complete each other: "next week, say on Wednesday"; "Q3 vs Q4 2023"."""
    merged = [mentions[0]]
    for mention in mentions[1:]:
        before = merged[-1]
        between = [scan.words[place] for place, owner in enumerate(scan.owners) if before.last <= owner < mention.first]
        week, day = before.expression, mention.expression
        if (
            len(between) <= _MOST_FILLERS
            and isinstance(week, Units)
            and week.unit is TimeUnit.WEEK
            and week.count == 1
            and isinstance(day, Weekday)
            and day.week is None
        ):
            merged[-1] = TimeMention(before.first, mention.last, replace(day, week=week))
            continue
        if between and _VERSUS.issuperset(between):
            merged[-1] = replace(before, expression=_completed(before.expression, mention.expression))
            mention = replace(mention, expression=_completed(mention.expression, before.expression))
        merged.append(mention)
    return merged


def _completed(expression: Expression, other: Expression) -> Expression:
    year = year_said(other)
    same_kind = isinstance(expression, Month | Day | Part) and type(expression) is type(other)
    return with_year(expression, year) if same_kind and year and lacks_year(expression) else expression
