"""What time expressions say, before it is known which calendar is in force and which day today is."""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain


class Said(StrEnum):
    """Which calendar the words ask for."""

    NOTHING = ""
    CALENDAR = "calendar"
    FISCAL = "fiscal"


class TimeUnit(Enum):
    """What people count time in: so many units of a calendar's grain."""

    DAY = ("day", Grain.DAY, 1)
    BUSINESS_DAY = ("business_day", Grain.DAY, 1)
    WEEK = ("week", Grain.WEEK, 1)
    WEEKEND = ("weekend", Grain.WEEK, 1)
    MONTH = ("month", Grain.MONTH, 1)
    QUARTER = ("quarter", Grain.QUARTER, 1)
    HALF = ("half", Grain.QUARTER, 2)
    YEAR = ("year", Grain.YEAR, 1)
    DECADE = ("decade", Grain.YEAR, 10)

    def __init__(self, word: str, grain: Grain, size: int) -> None:
        self.word = word
        self.grain = grain
        self.size = size

    @property
    def length(self) -> tuple[Grain, int]:
        """What units are compared by: a half is longer than a quarter and shorter than a year."""
        return self.grain, self.size


MONTHS_OF_YEAR: Final = 12

Steps = tuple[tuple[int, TimeUnit], ...]
"""A length of time, e.g. 3 months and 2 weeks."""


@dataclass(frozen=True, slots=True)
class Year:
    """A year by its number; the first of two where both that it lies in are named ("FY2019-20"): ``spanning``."""

    number: int
    said: Said = Said.NOTHING
    spanning: bool = False


@dataclass(frozen=True, slots=True)
class Decade:
    """Ten calendar years, e.g. the 1970s."""

    first: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month by its name; the year is left out where None."""

    month: int
    year: Expression | None = None
    said: Said = Said.NOTHING


@dataclass(frozen=True, slots=True)
class Day:
    """A date; what is left out is None."""

    day: int
    month: int | None = None
    year: Expression | None = None
    weekday: int | None = None
    ordinal: bool = False
    """Said as an ordinal: "the 13th", "13 of July"."""
    either_order: bool = False
    """Written in figures that could be read day first as well."""


@dataclass(frozen=True, slots=True)
class Part:
    """``count`` units from the ``nth`` on (from the end where negative) of what they lie ``within``, else of a year."""

    unit: TimeUnit
    nth: int
    within: Expression | None = None
    count: int = 1
    said: Said = Said.NOTHING
    ordinal: bool = False
    """Said as an ordinal or a number of a week, so that a year left out is this one."""


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """The ``nth`` Monday or the like (from the end where negative) of what it lies within."""

    weekday: int
    nth: int
    within: Expression


@dataclass(frozen=True, slots=True)
class Weekday:
    """The ``nth`` such day after today, or before it where negative; that of a week where one is named."""

    weekday: int
    nth: int = -1
    week: Expression | None = None


@dataclass(frozen=True, slots=True)
class Units:
    """``count`` units from the one that lies ``first`` units after the current one."""

    unit: TimeUnit
    first: int
    count: int = 1
    said: Said = Said.NOTHING


@dataclass(frozen=True, slots=True)
class Recurring:
    """The ``nth`` March or Q3 to come, or the last complete ones where negative."""

    of: Month | Part
    nth: int


@dataclass(frozen=True, slots=True)
class Offset:
    """The day that lies so long after ``base``, or before it."""

    steps: Steps
    base: Expression
    back: bool


class Anchor(Enum):
    """Where a stretch lies."""

    TO_EVE = "ends with today's eve"
    TO_TODAY = "begins so long before today and ends with today"
    FROM_TODAY = "begins today"
    STARTING = "begins with its base"
    ENDING = "ends with its base"


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many days, weeks or months in a row."""

    steps: Steps
    anchor: Anchor
    base: Expression | None = None
    said: Said = Said.NOTHING


@dataclass(frozen=True, slots=True)
class ToDate:
    """From the start of the unit up to today, or up to and including ``until``; in another year where one is named."""

    unit: TimeUnit
    said: Said = Said.NOTHING
    year: Expression | None = None
    until: Expression | None = None


@dataclass(frozen=True, slots=True)
class Between:
    """From the first day of ``first`` to the last of ``last``."""

    first: Expression
    last: Expression


class Bound(Enum):
    """On which side of its base an open period lies."""

    SINCE = "since"
    SO_FAR = "so far in"
    FROM = "from"
    AFTER = "after"
    BEFORE = "before"
    UNTIL = "until"


@dataclass(frozen=True, slots=True)
class Open:
    """A period with one end."""

    bound: Bound
    base: Expression


@dataclass(frozen=True, slots=True)
class Containing:
    """The unit that a day lies in ("the week of July 23"), or one so many before or after it."""

    unit: TimeUnit
    day: Expression
    said: Said = Said.NOTHING
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Edge:
    """The first or the last day of a period."""

    of: Expression
    last: bool


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of the current unit, today included."""

    unit: TimeUnit
    said: Said = Said.NOTHING


@dataclass(frozen=True, slots=True)
class Several:
    """Periods that are listed, in the order of the words."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AllTime:
    """No bound on either side."""


class Comparand(StrEnum):
    """What the main period is held against."""

    PRIOR_PERIOD = "prior_period"
    SAME_PERIOD_LAST_YEAR = "same_period_last_year"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A period that is named by its relation to the main one; ``unit`` where the words name one ("QoQ")."""

    comparand: Comparand
    unit: TimeUnit | None = None
    like: TimeUnit | None = None
    """What the main period is where nothing else is said: a month for "the same month last year"."""


Expression = (
    Year
    | Decade
    | Month
    | Day
    | Part
    | NthWeekday
    | Weekday
    | Units
    | Recurring
    | Offset
    | Stretch
    | ToDate
    | Between
    | Open
    | Containing
    | Edge
    | Remaining
    | Several
    | AllTime
    | Comparison
)

TODAY = Units(TimeUnit.DAY, 0)


@dataclass(frozen=True, slots=True)
class TimeMention:
    """The tokens from ``first`` to ``last``, exclusive, say ``expression``."""

    first: int
    last: int
    expression: Expression


def year_said(expression: Expression) -> Expression | None:
    """Return the year that the words give, for a part of a year; None where they leave it out or it is no such part."""
    match expression:
        case Month(year=year) | Day(year=year):
            return year
        case Part(within=Month() | Part() as within) | NthWeekday(within=within):
            return year_said(within)
        case Part(unit=unit, within=within) if unit is not TimeUnit.YEAR:
            return within
        case Edge(of=of):
            return year_said(of)
        case _:
            return None


def lacks_year(expression: Expression) -> bool:
    """Tell whether the words name a part of a year and leave the year out."""
    match expression:
        case Month() | Day():
            return expression.year is None
        case Part(within=None):
            return True
        case Part(within=Month() | Part() | Day() as within) | NthWeekday(within=within):
            return lacks_year(within)
        case Edge(of=of):
            return lacks_year(of)
        case _:
            return False


def with_year(expression: Expression, year: Expression) -> Expression:
    """Return the expression with the year that its words leave out."""
    match expression:
        case Month() | Day():
            return replace(expression, year=year)
        case Part(within=None):
            return replace(expression, within=year)
        case Part(within=within) | NthWeekday(within=within) if within is not None:
            return replace(expression, within=with_year(within, year))
        case Edge(of=of):
            return replace(expression, of=with_year(of, year))
        case _:
            return expression


def said_of(expression: Expression) -> Said:
    """Return which calendar the words of the expression ask for."""
    match expression:
        case Month(said=said, year=year):
            return said or (said_of(year) if year else said)
        case Part(said=said, within=within):
            return said or (said_of(within) if within else said)
        case Year(said=said) | Units(said=said) | ToDate(said=said) | Containing(said=said) | Remaining(said=said):
            return said
        case _:
            return Said.NOTHING


def unit_of(expression: Expression) -> TimeUnit | None:
    """Return the unit that the expression names one of; None where it names no such thing."""
    match expression:
        case Units(unit=unit, count=1) | Part(unit=unit, count=1) | Containing(unit=unit):
            return unit
        case Recurring(of=of):
            return unit_of(of)
        case _:
            return _UNIT_OF_KIND.get(type(expression))


_UNIT_OF_KIND: Final[dict[type, TimeUnit]] = {
    Month: TimeUnit.MONTH,
    Year: TimeUnit.YEAR,
    Decade: TimeUnit.DECADE,
    Day: TimeUnit.DAY,
    Weekday: TimeUnit.DAY,
    NthWeekday: TimeUnit.DAY,
    Offset: TimeUnit.DAY,
    Edge: TimeUnit.DAY,
}


def adjoin(one: Expression, other: Expression) -> bool:
    """Tell whether one period follows the other at once, either way round, as far as the words alone can tell."""
    match one, other:
        case Year(), Year():
            return one.said == other.said and abs(one.number - other.number) == 1
        case Month(), Month() if one.said == other.said:
            return _adjoin_in_years((one.month, one.year), (other.month, other.year), MONTHS_OF_YEAR)
        case Part(count=1), Part(count=1) if (one.unit, one.said) == (other.unit, other.said):
            per_year = _PER_YEAR.get(one.unit, 0)
            return _adjoin_in_years((one.nth, one.within), (other.nth, other.within), per_year)
        case Units(), Units() if (one.unit, one.said) == (other.unit, other.said):
            return one.first + one.count == other.first or other.first + other.count == one.first
        case _:
            return False


_PER_YEAR: Final = {TimeUnit.QUARTER: 4, TimeUnit.HALF: 2, TimeUnit.MONTH: MONTHS_OF_YEAR}


def _adjoin_in_years(one: tuple[int, Expression | None], other: tuple[int, Expression | None], per_year: int) -> bool:
    if one[1] == other[1]:
        return abs(one[0] - other[0]) == 1
    if not (isinstance(one[1], Year) and isinstance(other[1], Year) and one[1].said == other[1].said):
        return False
    return per_year > 0 and abs(one[0] + one[1].number * per_year - other[0] - other[1].number * per_year) == 1
