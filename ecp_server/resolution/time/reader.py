"""What each kind of expression comes to in given circumstances (design, Time readings)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, Final

from ecp_server.domain.catalog import GREGORIAN, CalendarType
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.resolution.time.calendars import (
    DAYS_OF_WEEK,
    MONTHS_OF_YEAR,
    add_days,
    add_months,
    clamped,
    layout_of,
)
from ecp_server.resolution.time.expressions import (
    AllTime,
    Anchor,
    Between,
    Bound,
    Comparand,
    Comparison,
    Containing,
    Day,
    Decade,
    Edge,
    Expression,
    Month,
    NthWeekday,
    Offset,
    Open,
    Part,
    Recurring,
    Remaining,
    Said,
    Several,
    Stretch,
    TimeUnit,
    ToDate,
    Units,
    Weekday,
    Year,
    lacks_year,
    said_of,
    with_year,
    year_said,
)
from ecp_server.resolution.time.periods import previous, same_period_last_year
from ecp_server.resolution.time.spans import Here, Span, business_day, moved, units_id

# A leap day may be eight years away, across a century that has none.
_LEAP_DAY_YEARS: Final = 9
_MIDDLE: Final = 14


def span_of(here: Here, expression: Expression, said: Said = Said.NOTHING) -> Span | None:
    """Return the days; ``said`` is what the words around say of the calendar. None where there is no such day or unit."""
    return _READERS[type(expression)](here, expression, said)


def _units(here: Here, units: Units, said: Said) -> Span | None:
    said = units.said or said or here.said
    name = units_id(said, units.unit, units.first, units.count)
    if units.unit is TimeUnit.WEEKEND:
        return here.weekends(units.first, units.count, name)
    if units.unit is TimeUnit.BUSINESS_DAY:
        return here.business_days(units.first, units.count, name)
    current = here.layout(said).index(units.unit.grain, here.today.toordinal()) // units.unit.size
    return here.blocks(said, units.unit, current + units.first, units.count, name)


def _to_date(here: Here, running: ToDate, said: Said) -> Span | None:
    said = running.said or said or here.said
    layout, unit = here.layout(said), running.unit
    name = "_".join(filter(None, (said, unit.word, "to_date")))
    last = here.today
    if running.until is not None:
        until = span_of(here, running.until, said)
        if until is None or until.end is None:
            return None
        last, name = until.last_day, f"{name}_through_{until.id}"
    start = layout.start(unit.grain, layout.index(unit.grain, last.toordinal()) // unit.size * unit.size)
    year = span_of(here, running.year, said) if running.year is not None else None
    if running.year is not None and (year is None or year.start is None):
        return None
    if year is None or year.start is None or year.start <= last <= year.last_day:
        return here.days(clamped(start), add_days(last, 1), name, layout.calendar)
    # As far into the other unit as today is in this one: by date, in a calendar of weeks by days.
    if layout.calendar.type is CalendarType.FISCAL_WEEKS or unit.grain is Grain.WEEK:
        end = add_days(year.start, last.toordinal() - start + 1)
    else:
        here_start = clamped(start)
        months = (year.start.year - here_start.year) * MONTHS_OF_YEAR + year.start.month - here_start.month
        end = add_days(add_months(last, months), 1)
    return here.days(year.start, min(end, year.end or end), f"{name}_{year.id}", layout.calendar)


def _remaining(here: Here, rest: Remaining, said: Said) -> Span | None:
    whole = _units(here, Units(rest.unit, 0, 1, rest.said), said)
    if whole is None or whole.end is None:
        return None
    return here.days(here.today, whole.end, f"rest_of_{whole.id}", whole.calendar)


def _year(here: Here, year: Year, said: Said) -> Span | None:
    said = year.said or said or here.said
    layout = here.layout(said)
    if not year.spanning:
        return here.blocks(said, TimeUnit.YEAR, year.number, 1)
    if layout.index(Grain.YEAR, date(year.number, 1, 1).toordinal()) == layout.index(
        Grain.YEAR, date(year.number, 12, 31).toordinal()
    ):
        return here.blocks(said, TimeUnit.YEAR, year.number, 2)
    return here.blocks(said, TimeUnit.YEAR, layout.index(Grain.YEAR, date(year.number, 12, 31).toordinal()), 1)


def _decade(here: Here, decade: Decade, _said: Said) -> Span | None:
    return Here(GREGORIAN, GREGORIAN, here.today).blocks(Said.NOTHING, TimeUnit.DECADE, decade.first // 10, 1)


def _month(here: Here, month: Month, said: Said) -> Span | None:
    said = said_of(month) or said or here.said
    layout, year = here.month_layout(said), month.year
    if year is None:
        for number in range(here.today.year + 1, here.today.year - 3, -1):
            unit = layout.named_month(month.month, number)
            if unit.start <= here.today:
                return here.unit(layout, layout.named_month(month.month, number + here.years_on))
        return None
    if isinstance(year, Year) and not year.spanning and year.said is not Said.FISCAL:
        return here.unit(layout, layout.named_month(month.month, year.number))
    # A month's name is gregorian, and so is a year beside it unless "fiscal" is said.
    within = span_of(here if said is Said.FISCAL else replace(here, in_force=GREGORIAN), year, said)
    if within is None:
        return None
    for number in range(within.first_day.year - 1, within.first_day.year + 3):
        unit = layout.named_month(month.month, number)
        if within.first_day <= add_days(unit.start, _MIDDLE) <= within.last_day:
            return here.unit(layout, unit)
    return None


def _day(here: Here, day: Day, _said: Said) -> Span | None:
    found = _date(here, day)
    return here.days(found, add_days(found, 1), calendar=GREGORIAN) if found else None


def _date(here: Here, day: Day) -> date | None:
    number, month, today = day.day, day.month, here.today
    if month is None:
        return _day_of_month(today, number, this_month=day.ordinal, months_on=here.years_on)
    if here.day_first and day.either_order:
        number, month = month, number
    if isinstance(day.year, Year) and day.year.said is not Said.FISCAL:
        return _existing(day.year.number, month, number)
    if day.year is not None:
        year = span_of(here if said_of(day.year) else replace(here, in_force=GREGORIAN), day.year)
        if year is None:
            return None
        dates = (_existing(year.first_day.year + on, month, number) for on in range(2))
        return next((found for found in dates if found and year.first_day <= found <= year.last_day), None)
    if day.weekday is not None or day.ordinal:
        this = _existing(today.year + here.years_on, month, number)
        if this is not None:
            return this
    for back in range(_LEAP_DAY_YEARS):
        found = _existing(today.year - back, month, number)
        if found and found <= today:
            return _existing(found.year + here.years_on, month, number)
    return None


def _existing(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _day_of_month(today: date, number: int, *, this_month: bool, months_on: int) -> date | None:
    """Return the day of this month, or the latest such day not after today."""
    if this_month:
        this = _existing(today.year, today.month, number)
        if this is not None:
            return add_months(this, months_on)
    for back in range(3):
        month = add_months(today.replace(day=1), -back)
        found = _existing(month.year, month.month, number)
        if found and found <= today:
            return add_months(found, months_on)
    return None


def _part(here: Here, part: Part, said: Said) -> Span | None:
    said = said_of(part) or said or here.said
    if part.within is None:
        return _part_of_left_out_year(here, part, said)
    within = span_of(here, _of_this_year(here, part.within), said)
    if within is None or within.start is None or within.end is None:
        return None
    if part.unit in (TimeUnit.BUSINESS_DAY, TimeUnit.WEEKEND):
        return _business_part(here, part, within)
    unit, layout = part.unit, here.layout(said)
    if within.calendar.type is CalendarType.GREGORIAN and unit.grain in (Grain.MONTH, Grain.QUARTER):
        layout = layout_of(within.calendar)
    found = layout.indices(unit.grain, within.start.toordinal(), within.end.toordinal())
    first, after = -(-found.start // unit.size), found.stop // unit.size
    index = after + part.nth if part.nth < 0 else first + part.nth - 1
    if not first <= index <= after - part.count:
        return None
    return here.blocks(said, unit, index, part.count)


def _of_this_year(here: Here, within: Expression) -> Expression:
    """Return this year's where the year is left out: with an ordinal that is the one meant."""
    return with_year(within, Units(TimeUnit.YEAR, here.years_on)) if lacks_year(within) else within


def _part_of_left_out_year(here: Here, part: Part, said: Said) -> Span | None:
    layout, unit = here.layout(said), part.unit
    year = layout.index(Grain.YEAR, here.today.toordinal())
    if unit is TimeUnit.WEEK:
        year = layout.containing(Grain.WEEK, here.today).year if not part.ordinal else year
    for number in (year, year - 1):
        first = layout.first_index(unit.grain, number)
        index = first // unit.size + part.nth - 1
        if index * unit.size >= layout.first_index(unit.grain, number + 1):
            return None
        if part.ordinal or layout.start(unit.grain, index * unit.size) <= here.today.toordinal():
            shifted = layout.first_index(unit.grain, number + here.years_on) // unit.size + part.nth - 1
            return here.blocks(said, unit, shifted, 1)
    return None


def _business_part(here: Here, part: Part, within: Span) -> Span | None:
    start, end = within.first_day, within.end or date.max
    if part.unit is TimeUnit.BUSINESS_DAY:
        found = business_day(add_days(start, -1), part.nth) if part.nth > 0 else business_day(end, part.nth)
        last = business_day(found, part.count - 1) if part.count > 1 else found
        return here.days(found, add_days(last, 1)) if start <= found and last < end else None
    saturday = _nth_weekday(start, end, 5, part.nth)
    return here.days(saturday, add_days(saturday, 2)) if saturday else None


def _nth_weekday(start: date, end: date, weekday: int, nth: int) -> date | None:
    if nth > 0:
        found = add_days(start, (weekday - start.weekday()) % DAYS_OF_WEEK + DAYS_OF_WEEK * (nth - 1))
    else:
        last = add_days(end, -1)
        found = add_days(last, -((last.weekday() - weekday) % DAYS_OF_WEEK) + DAYS_OF_WEEK * (nth + 1))
    return found if start <= found < end else None


def _weekday_of(here: Here, nth: NthWeekday, said: Said) -> Span | None:
    within = span_of(here, _of_this_year(here, nth.within), said)
    if within is None or within.start is None or within.end is None:
        return None
    found = _nth_weekday(within.start, within.end, nth.weekday, nth.nth)
    return here.days(found, add_days(found, 1)) if found else None


def _weekday(here: Here, weekday: Weekday, said: Said) -> Span | None:
    if weekday.week is not None:
        week = span_of(here, weekday.week, said)
        if week is None:
            return None
        found = add_days(week.first_day, (weekday.weekday - week.first_day.weekday()) % DAYS_OF_WEEK)
    elif weekday.nth < 0:
        back = (here.today.weekday() - weekday.weekday - 1) % DAYS_OF_WEEK + 1
        found = add_days(here.today, -back + DAYS_OF_WEEK * (weekday.nth + 1))
    else:
        found = _on_or_after(add_days(here.today, 1), weekday.weekday)
        found = add_days(found, DAYS_OF_WEEK * (weekday.nth - 1))
    return here.days(found, add_days(found, 1))


def _on_or_after(day: date, weekday: int) -> date:
    return add_days(day, (weekday - day.weekday()) % DAYS_OF_WEEK)


def _recurring(here: Here, recurring: Recurring, said: Said) -> Span | None:
    years = range(here.today.year - 3 + min(recurring.nth, 0), here.today.year + 4 + max(recurring.nth, 0))
    spans = [span_of(here, with_year(recurring.of, Year(year)), said) for year in years]
    if recurring.nth > 0:
        ahead = [span for span in spans if span and span.first_day > here.today]
        return ahead[recurring.nth - 1] if len(ahead) >= recurring.nth else None
    ended = [span for span in spans if span and span.last_day < here.today]
    return ended[recurring.nth] if len(ended) >= -recurring.nth else None


def _offset(here: Here, offset: Offset, said: Said) -> Span | None:
    base = span_of(here, offset.base, said)
    if base is None:
        return None
    day = moved(base.first_day if offset.back else base.last_day, offset.steps, back=offset.back)
    return here.days(day, add_days(day, 1))


def _stretch(here: Here, stretch: Stretch, said: Said) -> Span | None:
    today, steps = here.today, stretch.steps
    if stretch.anchor is Anchor.TO_EVE:
        return here.days(moved(today, steps, back=True), today)
    if stretch.anchor is Anchor.TO_TODAY:
        return here.days(moved(today, steps, back=True), add_days(today, 1))
    if stretch.anchor is Anchor.FROM_TODAY:
        return here.days(today, moved(today, steps, back=False))
    base = span_of(here, stretch.base, said) if stretch.base is not None else None
    if base is None:
        return None
    if stretch.anchor is Anchor.STARTING:
        return here.days(base.first_day, moved(base.first_day, steps, back=False))
    return _ending(here, stretch, base, said)


def _ending(here: Here, stretch: Stretch, base: Span, said: Said) -> Span | None:
    """Return so much up to the end of the base; whole units of the calendar where one ends there."""
    if base.end is None:
        return None
    layout = here.layout(said or here.said)
    ((count, unit), *more) = stretch.steps
    index, rest = divmod(layout.index(unit.grain, base.end.toordinal()), unit.size)
    ends_there = not rest and layout.start(unit.grain, index * unit.size) == base.end.toordinal()
    if ends_there and not more and unit not in (TimeUnit.BUSINESS_DAY, TimeUnit.WEEKEND):
        return here.blocks(said, unit, index - count, count)
    return here.days(moved(base.end, stretch.steps, back=True), base.end)


def _between(here: Here, between: Between, said: Said) -> Span | None:
    ends = _ends(here, between, said)
    if ends is None:
        return None
    first, last = ends
    if first.start and last.start and last.start < first.start:
        first, last = last, first
    if first.start and last.end and first.start >= last.end:
        return None
    same = first.calendar.id == last.calendar.id
    name, label = f"{first.id}_to_{last.id}", f"{first.label} to {last.label}"
    return Span(first.start, last.end, label, name, first.calendar if same else here.in_force)


def _ends(here: Here, between: Between, said: Said) -> tuple[Span, Span] | None:
    """Read both ends; a year at one end holds for the other, and the end is the first one that is not before the start."""
    year = year_said(between.last)
    if lacks_year(between.first) and year is not None:
        last = span_of(here, between.last, said)
        first = span_of(here, with_year(between.first, year), said)
        if first and last and first.first_day > last.first_day:
            first = span_of(here, with_year(between.first, _year_before(year)), said)
        return (first, last) if first and last else None
    first = span_of(here, between.first, said)
    if first is None:
        return None
    last = _not_before(here, first, between.last, year_said(between.first), said)
    return (first, last) if last else None


def _not_before(here: Here, first: Span, expression: Expression, year: Expression | None, said: Said) -> Span | None:
    if isinstance(expression, Weekday) and expression.week is None:
        day = _on_or_after(first.first_day, expression.weekday)
        return here.days(day, add_days(day, 1))
    if isinstance(expression, Day) and expression.month is None:
        day_of = (
            _existing(month.year, month.month, expression.day)
            for month in (add_months(first.first_day.replace(day=1), on) for on in range(3))
        )
        found_day = next((found for found in day_of if found and found >= first.first_day), None)
        return here.days(found_day, add_days(found_day, 1)) if found_day else None
    if not lacks_year(expression):
        return span_of(here, expression, said)
    around = first.first_day.year
    years: tuple[Expression, ...] = tuple(Year(number) for number in range(around - 1, around + 3))
    spans = (span_of(here, with_year(expression, one), said) for one in ((year, *years) if year else years))
    return next((span for span in spans if span and span.first_day >= first.first_day), None)


def _year_before(year: Expression) -> Expression:
    if isinstance(year, Year):
        return replace(year, number=year.number - 1)
    return replace(year, first=year.first - 1) if isinstance(year, Units) else year


def _open(here: Here, expression: Open, said: Said) -> Span | None:
    base = span_of(here, expression.base, said)
    if base is None:
        return None
    bound = expression.bound
    start: date | None = None
    end: date | None = None
    if bound in (Bound.SINCE, Bound.FROM):
        start = base.start
        end = add_days(here.today, 1) if bound is Bound.SINCE and base.first_day <= here.today else None
    elif bound is Bound.AFTER:
        start = base.end
    else:
        end = base.start if bound is Bound.BEFORE else base.end
    if start is None and end is None:
        return None
    return Span(start, end, f"{bound.value} {base.label}", f"{bound.value}_{base.id}", base.calendar)


def _containing(here: Here, containing: Containing, said: Said) -> Span | None:
    said = containing.said or said or here.said
    base = span_of(here, containing.day, said)
    if base is None:
        return None
    unit, day = containing.unit, base.last_day if containing.shift > 0 else base.first_day
    if unit in (TimeUnit.BUSINESS_DAY, TimeUnit.WEEKEND):
        return _units(replace(here, today=day), Units(unit, containing.shift), said)
    index = here.layout(said).index(unit.grain, day.toordinal()) // unit.size
    return here.blocks(said, unit, index + containing.shift, 1)


def _edge(here: Here, edge: Edge, said: Said) -> Span | None:
    base = span_of(here, edge.of, said)
    if base is None or base.start is None or base.end is None:
        return None
    day = base.last_day if edge.last else base.first_day
    return here.days(day, add_days(day, 1))


def _several(here: Here, several: Several, said: Said) -> Span | None:
    spans = [span_of(here, item, said) for item in several.items]
    found = [span for span in spans if span is not None and span.start and span.end]
    if len(found) < len(spans):
        return None
    first, last = min(found, key=lambda span: span.first_day), max(found, key=lambda span: span.last_day)
    label = ", ".join(span.label for span in found[:-1]) + f" and {found[-1].label}"
    return Span(first.start, last.end, label, "_and_".join(span.id for span in found), first.calendar, tuple(found))


def _all_time(here: Here, _expression: AllTime, _said: Said) -> Span | None:
    return Span(None, None, "all time", "all_time", here.in_force)


def _comparison(here: Here, comparison: Comparison, _said: Said) -> Span | None:
    if here.main is None:
        return None
    found: TimeRange | None
    if comparison.comparand is Comparand.PRIOR_PERIOD:
        found = previous(here.main, here.in_force)
    else:
        comparable = same_period_last_year(here.main, here.in_force)
        found = comparable.range if comparable else None
    return Span(found.start, found.end, found.label, comparison.comparand.value, here.in_force) if found else None


_READERS: Final[dict[type, Callable[[Here, Any, Said], Span | None]]] = {
    AllTime: _all_time, Between: _between, Comparison: _comparison, Containing: _containing, Day: _day,
    Decade: _decade, Edge: _edge, Month: _month, NthWeekday: _weekday_of, Offset: _offset, Open: _open, Part: _part,
    Recurring: _recurring, Remaining: _remaining, Several: _several, Stretch: _stretch, ToDate: _to_date,
    Units: _units, Weekday: _weekday, Year: _year,
}  # fmt: skip
