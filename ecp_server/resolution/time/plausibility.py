"""Whether words that could be something else as well are a time where they stand."""

from __future__ import annotations

from typing import Final

from ecp_server.domain.frozen import dataclass
from ecp_server.resolution.time.expressions import Between, Day, Expression, Month, Open, Part, Units, Year
from ecp_server.resolution.time.lexemes import (
    CARDINALS,
    EDGES,
    FUNCTION_WORDS,
    MONTHS,
    PREPOSITIONS,
    TENS,
    UNITS,
    Scan,
    word_set,
    words_of,
)

_FIRST_BARE_YEAR: Final = 1900
_LAST_BARE_YEAR: Final = 2100
# Names of months and weekdays that are other words too.
_AMBIGUOUS: Final = word_set("mar march sun sat mon wed fri dec")
_AFTER_MODAL: Final = word_set(
    "be i we you it they he she have not the also need require this there become vary change differ increase decrease "
    "include affect occur result cause exceed apply contain"
)
_HOLDING: Final = UNITS.keys() | EDGES.keys()
_GROUPING: Final = word_set("by per each every")
_BEFORE_AMOUNTS: Final = word_set(
    "$ € £ # < > ≤ ≥ = top bottom than over under above below exceeds exceeding least most about rule version v"
)
_BEFORE_VALUES: Final = word_set("of at is was were be by rating score ratio rate average equals around")
_AFTER_AMOUNTS: Final = word_set(
    "% percent percentage usd eur gbp dollars euros pounds units million billion thousand k m bn mn x times people "
    "employees customers users orders items rows records points days hours minutes"
)
_BEFORE_DAYS: Final = word_set("on since until till from to between by")
_AND_A_HALF: Final = ("and", "a", "half")
_LAST_DAYS: Final = (29, 30, 31)
_SHORT: Final = 2
_SIGNS: Final = word_set("< > !")
_MARKS: Final = word_set("p w fp fw")
WORDS: Final = words_of(
    _AMBIGUOUS, _AFTER_MODAL, _HOLDING, _GROUPING, _BEFORE_AMOUNTS, _BEFORE_VALUES, _AFTER_AMOUNTS, _BEFORE_DAYS,
    _SIGNS, _MARKS, _AND_A_HALF, FUNCTION_WORDS,
)  # fmt: skip


def _point_between(scan: Scan, at: int) -> bool:
    """Tell whether a point stands here that parts two figures and touches both."""
    touching = at > 0 and scan.words[at] == "." and scan.gaps[at] == 0 and scan.gaps[at + 1] == 0
    return touching and scan.numbers[at - 1] >= 0 and scan.numbers[at + 1] >= 0


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a mention stands."""

    scan: Scan
    at: int
    end: int

    @property
    def word(self) -> str:
        return self.scan.words[self.at]

    @property
    def before(self) -> str:
        return self.scan.words[self.at - 1] if self.at else ""

    @property
    def after(self) -> str:
        return self.scan.words[self.end]

    @property
    def amount(self) -> bool:
        """The words beside it make figures an amount."""
        return self.before in _BEFORE_AMOUNTS or self.after in _AFTER_AMOUNTS

    @property
    def no_noun_follows(self) -> bool:
        return not self.after or self.after in FUNCTION_WORDS or not self.after.isalnum()

    @property
    def stands_alone(self) -> bool:
        return self.before in PREPOSITIONS or self.no_noun_follows


def plausible(scan: Scan, at: int, end: int, expression: Expression) -> bool:
    """Tell whether the words from ``at`` to ``end`` are a time, judged by the words beside them."""
    place = _Place(scan, at, end)
    return (
        _no_other_word(place, expression)
        and _no_amount(place, expression)
        and _no_grouping(place, expression)
        and _no_thing(place, expression)
    )


def cuts_figures(scan: Scan, at: int, end: int, expression: Expression) -> bool:
    """Tell whether figures beside the words belong to them and make no sense with them: "1.5 years ago", "31 April"."""
    if _point_between(scan, at - 1) or _point_between(scan, end) or scan.matches(end, *_AND_A_HALF):
        return True
    if not isinstance(expression, Month):
        return False
    of = at - 1 if at > 0 and scan.words[at - 1] == "of" else at
    day_before = of > 0 and scan.near(of) and scan.numbers[of - 1] in _LAST_DAYS
    day_after = scan.near(end) and 0 <= scan.numbers[end] <= _LAST_DAYS[-1] and len(scan.words[end]) <= _SHORT
    with_year = expression.year is not None and scan.words[end - 2] in MONTHS
    return day_before or (day_after and not with_year)


def _no_other_word(place: _Place, _expression: Expression) -> bool:
    """One word that is a month or weekday is not meant as the other word that it is: "may we", "sat"."""
    if place.end > place.at + 1:
        return True
    if place.word == "may":
        noun = place.before in PREPOSITIONS or not place.after or place.at == 0 or place.after in PREPOSITIONS
        return noun and place.after not in _AFTER_MODAL
    if place.word == "present":
        return place.before == "at"
    if place.word == "now":  # "now show me" only joins
        return not place.after or (place.at > 0 and (place.after in PREPOSITIONS or not place.after.isalnum()))
    return place.word not in _AMBIGUOUS or place.stands_alone


def _no_amount(place: _Place, expression: Expression) -> bool:
    """Figures that could be a year or a day are not an amount or a fraction."""
    scan, at, end = place.scan, place.at, place.end
    if isinstance(expression, Year) and end == at + 1:
        return _FIRST_BARE_YEAR <= expression.number <= _LAST_BARE_YEAR and not place.amount
    if isinstance(expression, Month) and end == at + 1 and scan.numbers[at] >= 0:
        return not place.amount
    if isinstance(expression, Year) and (place.word in CARDINALS or place.word in TENS):
        return place.stands_alone and not place.amount
    if place.word == "=":
        return place.before not in _SIGNS
    figures = isinstance(expression, Day) and not expression.year and scan.numbers[at] >= 0 <= scan.numbers[end - 1]
    if not figures:
        return True
    counts = place.after == "of" or place.after in UNITS or place.before in _BEFORE_VALUES
    return place.stands_alone and not place.amount and not counts


def _no_grouping(place: _Place, expression: Expression) -> bool:
    """Words like "by the month" group; of "day of the week" and "the year 10000" the unit is none; "by X" ends all."""
    if isinstance(expression, Open) and place.word == "by":
        return place.no_noun_follows
    if place.word != "the" or place.end != place.at + 2 or not isinstance(expression, Units) or expression.first:
        return True
    return (
        place.before not in _GROUPING
        and place.after not in ("before", "after")
        and place.scan.numbers[place.end] < 0
        and not (place.before == "of" and place.scan.words[place.at - 2] in _HOLDING)
    )


def _no_thing(place: _Place, expression: Expression) -> bool:
    """An ordinal or a letter with a number is a day or a period, not the place or the name of a thing."""
    if isinstance(expression, Between) and isinstance(expression.first, Day) and expression.first.month is None:
        return place.no_noun_follows
    if isinstance(expression, Day) and expression.month is None:
        return place.before in _BEFORE_DAYS or place.no_noun_follows
    if isinstance(expression, Part) and expression.within is None and place.word in _MARKS:
        return place.stands_alone
    return True
