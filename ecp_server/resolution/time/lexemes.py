"""The words that time expressions are made of, and tokens cut so that "FY10Q4" reads like "FY 10 Q 4".

A module with rules has the words of its own in tables, and exports all that these hold as `WORDS`; `stretches` puts
them together. The code of a rule spells out no word but of its module or of this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, TypeAlias, TypeVar

from ecp_server.resolution.time.expressions import Expression, Said, TimeUnit

T = TypeVar("T")
Parsed: TypeAlias = tuple[T, int] | None
"""What was read and the position after it, or None where the words say no such thing."""


Phrases = Mapping[str, tuple[tuple[str, ...], ...]]
"""Runs of words by their first, long ones before short."""
Rule = Callable[["Scan", int], "Parsed[Expression]"]
"""Reads one kind of expression at a position."""
Rules = Mapping[Rule, AbstractSet[str]]
"""Rules with the words that each begins with; "the" may stand before them."""


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


def phrases(*texts: str) -> Phrases:
    """Return the phrases by their first word, long ones before short."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for words in sorted((tuple(text.split()) for text in texts), key=len, reverse=True):
        found.setdefault(words[0], []).append(words)
    return {first: tuple(all_of) for first, all_of in found.items()}


def words_of(*tables: Iterable[str], runs: Iterable[Phrases] = ()) -> frozenset[str]:
    """Return all words of tables and of phrases."""
    return frozenset[str]().union(*tables, *(run for by_first in runs for found in by_first.values() for run in found))


def _numbered(words: str, first: int, step: int = 1) -> dict[str, int]:
    return {word: first + step * place for place, word in enumerate(words.split())}


def _table(rows: Mapping[T, str]) -> dict[str, T]:
    return {word: value for value, words in rows.items() for word in words.split()}


MONTHS: Final = _table({
    1: "january jan", 2: "february feb febr", 3: "march mar", 4: "april apr", 5: "may", 6: "june jun", 7: "july jul",
    8: "august aug", 9: "september sept sep", 10: "october oct", 11: "november nov", 12: "december dec",
})  # fmt: skip
WEEKDAYS: Final = _table({
    0: "monday mon", 1: "tuesday tue tues", 2: "wednesday wed weds",
    3: "thursday thu thur thurs", 4: "friday fri", 5: "saturday sat",
    6: "sunday sun",
})  # fmt: skip
MANY_WEEKDAYS: Final = {f"{word}s": number for word, number in WEEKDAYS.items()} | WEEKDAYS
UNITS: Final = _table({
    (1, TimeUnit.DAY): "day days",
    (1, TimeUnit.BUSINESS_DAY): "workday workdays weekday weekdays",
    (1, TimeUnit.WEEK): "week weeks wk wks",
    (2, TimeUnit.WEEK): "fortnight fortnights",
    (1, TimeUnit.WEEKEND): "weekend weekends",
    (1, TimeUnit.MONTH): "month months mo mos mth mths",
    (1, TimeUnit.QUARTER): "quarter quarters qtr qtrs",
    (1, TimeUnit.HALF): "half halves",
    (1, TimeUnit.YEAR): "year years yr yrs",
    (1, TimeUnit.DECADE): "decade decades",
})  # fmt: skip
UNIT_LETTERS: Final = _table({
    TimeUnit.DAY: "d", TimeUnit.WEEK: "w", TimeUnit.MONTH: "m", TimeUnit.QUARTER: "q", TimeUnit.YEAR: "y",
})  # fmt: skip
"""Units only where they touch a number, as in "30d"."""
CARDINALS: Final = _numbered(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
    0,
)
TENS: Final = _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 20, 10)
ORDINALS: Final = _numbered(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth",
    1,
) | {"thirtieth": 30}
FISCAL: Final = frozenset({"fiscal", "financial"})
CALENDARS: Final = FISCAL | {"calendar"}
LAST: Final = frozenset({"last", "previous", "prior", "past", "preceding"})
NEXT: Final = frozenset({"next", "coming", "upcoming", "following"})
THIS: Final = frozenset({"this", "current", "present"})
WHOLE: Final = frozenset({"consecutive", "complete", "completed", "full", "whole", "closed", "entire", "ended"})
TO_DATE: Final = {
    "ytd": (TimeUnit.YEAR, Said.NOTHING), "fytd": (TimeUnit.YEAR, Said.FISCAL), "cytd": (TimeUnit.YEAR, Said.CALENDAR),
    "htd": (TimeUnit.HALF, Said.NOTHING), "qtd": (TimeUnit.QUARTER, Said.NOTHING),
    "fqtd": (TimeUnit.QUARTER, Said.FISCAL), "mtd": (TimeUnit.MONTH, Said.NOTHING),
    "wtd": (TimeUnit.WEEK, Said.NOTHING),
}  # fmt: skip
OF: Final = word_set("of in for from , / 's on")
"""What may stand between a part and the whole on its right."""
AFTER_NEXT: Final = phrases("after next", "before last")
ROLLING: Final = word_set("rolling running moving")
TRAILING: Final = word_set("trailing")
TWELVE_MONTHS: Final = {"ttm": -12, "ltm": -12, "ntm": 1}
DAYS: Final = _table(
    {0: "today todays now tonight present", -1: "yesterday yesterdays", 1: "tomorrow tomorrows tmr tmrw"}
)
IMPATIENT: Final = word_set("now ever")
EDGES: Final = _table({False: "beginning start", True: "end close"})
EDGE_INITIALS: Final = {
    "eoy": (TimeUnit.YEAR, True), "eoq": (TimeUnit.QUARTER, True), "eom": (TimeUnit.MONTH, True),
    "eow": (TimeUnit.WEEK, True), "boy": (TimeUnit.YEAR, False), "boq": (TimeUnit.QUARTER, False),
    "bom": (TimeUnit.MONTH, False), "bow": (TimeUnit.WEEK, False),
}  # fmt: skip
OVER_PERIOD: Final = _table({
    TimeUnit.YEAR: "yoy", TimeUnit.QUARTER: "qoq", TimeUnit.MONTH: "mom", TimeUnit.WEEK: "wow",
    TimeUnit.DAY: "dod",
})  # fmt: skip
"""Growth over the period before."""
ORDINAL_SUFFIXES: Final = word_set("st nd rd th")
PREPOSITIONS: Final = word_set(
    "in on for since until till from to of by during before after between through thru over at as vs versus within and "
    "or than around about throughout into last next this past previous prior current"
)
"""Words before which "may" or "sun" is a time."""
FUNCTION_WORDS: Final = PREPOSITIONS | word_set(
    "the a an is was were are be did do does has have had with without compared against please show me us we by where "
    "which what how when who that 's per across only not"
)
COMPARE: Final = word_set("compare compared comparing relative versus vs")
"""Words before which a list or "to" names periods that are compared."""
WORDS_OF_PERIODS: Final = frozenset(
    word for table in (MONTHS, MANY_WEEKDAYS, UNITS, CALENDARS) for word in table
) | word_set("previous trailing yesterday today tomorrow")
"""The words in which people make slips when they name a period."""
# Letters that stand beside digits in one word; any other mixture is a name.
GLUED: Final = word_set("q fy fq cy h hy w wk cw fw p fp d m y yr mo t z l r s qtr st nd rd th") | MONTHS.keys()
WORDS: Final = words_of(
    MANY_WEEKDAYS, UNITS, UNIT_LETTERS, CARDINALS, TENS, ORDINALS, ORDINAL_SUFFIXES, CALENDARS, LAST, NEXT, THIS, WHOLE,
    TO_DATE, OF, ROLLING, TRAILING, TWELVE_MONTHS, DAYS, EDGES, EDGE_INITIALS, OVER_PERIOD, FUNCTION_WORDS, COMPARE,
    GLUED, IMPATIENT,
    runs=(AFTER_NEXT,),
)  # fmt: skip
"""What every rule may ask for."""
_RUNS: Final = re.compile(r"[0-9]+|fy|(?:(?!fy)[^0-9])+")
_LONGEST_NUMBER: Final = 8
_PADDING: Final = 4
# Deep enough for "the first Monday of the last month of Q3 of last year".
_DEEPEST: Final = 6


def first_of(scan: Scan, at: int, rules: Sequence[Rule]) -> Parsed[Expression]:
    """Return what the first rule reads that reads anything."""
    for rule in rules:
        found = rule(scan, at)
        if found is not None:
            return found
    return None


class Scan:
    """Words as a row of words and numbers, ended by empty words so that rules may look ahead."""

    __slots__ = ("_comparing", "_depth", "_memo", "_read_period", "gaps", "glued", "numbers", "owners", "words")

    def __init__(
        self,
        written: Sequence[str],
        distances: Sequence[int],
        read_period: Callable[[Scan, int], Parsed[Expression]],
        *,
        led: bool,
    ) -> None:
        """Cut words, each so many characters from the one before; ``led``: a word that compares stands before them."""
        self.words: list[str] = []
        self.numbers: list[int] = []
        """The value where the word is digits, else -1."""
        self.owners: list[int] = []
        """The place of the written word that each is of."""
        self.glued: list[bool] = []
        """Whether the word continues the written word of the word before."""
        self.gaps: list[int] = []
        """Characters between the word before and this one; a gap may hide a hyphen."""
        self._read_period = read_period
        self._memo: dict[int, Parsed[Expression]] = {}
        self._depth = 0
        for owner, word in enumerate(written):
            for place, run in enumerate(cut(word)):
                self.words.append(run)
                self.numbers.append(int(run) if run.isdecimal() and len(run) <= _LONGEST_NUMBER else -1)
                self.owners.append(owner)
                self.glued.append(place > 0)
                self.gaps.append(0 if place else distances[owner])
        self._comparing = -1 if led else next((i for i, w in enumerate(self.words) if w in COMPARE), len(self.words))
        self.words += [""] * _PADDING
        self.numbers += [-1] * _PADDING
        self.owners += [len(written)] * _PADDING
        self.glued += [False] * _PADDING
        self.gaps += [0] * _PADDING

    def __len__(self) -> int:
        return len(self.words) - _PADDING

    def period(self, at: int) -> Parsed[Expression]:
        """Read the longest period that starts here; each position is read once, and nesting has an end."""
        if at in self._memo:
            return self._memo[at]
        if self._depth == _DEEPEST:
            return None
        self._depth += 1
        found = self._read_period(self, at)
        self._depth -= 1
        self._memo[at] = found
        return found

    def closes(self, at: int) -> bool:
        """Tell whether a mention may end before the word at this position: not inside a token."""
        return not self.glued[at]

    def compared(self, at: int) -> bool:
        """Tell whether a word that compares stands anywhere before the position."""
        return self._comparing < at

    def near(self, at: int) -> bool:
        """Tell whether at most one character, which may be a hyphen, parts this word from the one before."""
        return self.gaps[at] <= 1

    def skip(self, at: int, words: frozenset[str] | str) -> int:
        """Return the position after one of the words, or the same where none stands there."""
        word = self.words[at]
        return at + 1 if word and (word == words if isinstance(words, str) else word in words) else at

    def skip_any(self, at: int, choices: Phrases) -> int:
        """Return the position after the longest of these phrases that stands here, or the same where none does."""
        for words in choices.get(self.words[at], ()):
            if self.matches(at, *words):
                return at + len(words)
        return at

    def matches(self, at: int, *words: str) -> bool:
        """Tell whether these words stand here."""
        for word in words:
            if self.words[at] != word:
                return False
            at += 1
        return True


def cut(word: str) -> Sequence[str]:
    """Cut a word of letters and figures where it reads like several words; else return it whole."""
    if word.isalpha() or word.isdecimal() or not word.isalnum():
        return (word,)
    runs: list[str] = _RUNS.findall(word)
    return (word,) if [run for run in runs if not run.isdecimal() and run not in GLUED] else runs
