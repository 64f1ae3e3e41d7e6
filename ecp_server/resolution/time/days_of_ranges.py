"""What ranges, open periods, lists and comparisons come to (design, Time readings)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from ecp_server.domain.frozen import replace
from ecp_server.resolution.time.calendars import add_days, add_months
from ecp_server.resolution.time.days_of_names import existing, on_or_after
from ecp_server.resolution.time.expressions import (
    AllTime,
    Between,
    Bound,
    Comparand,
    Comparison,
    Day,
    Expression,
    Open,
    Said,
    Several,
    Units,
    Weekday,
    Year,
    lacks_year,
    with_year,
    year_said,
)
from ecp_server.resolution.time.periods import previous, same_period_last_year
from ecp_server.resolution.time.spans import Here, Reader, Span


def _between(here: Here, between: Between, said: Said) -> Span | None:
    ends = _ends(here, between, said)
    if ends is None:
        return None
    first, last = ends
    if last.first_day < first.first_day:
        first, last = last, first
    same = first.calendar.id == last.calendar.id
    name, label = f"{first.id}_to_{last.id}", f"{first.label} to {last.label}"
    return Span(first.start, last.end, label, name, first.calendar if same else here.in_force)


def _ends(here: Here, between: Between, said: Said) -> tuple[Span, Span] | None:
    """Read both ends; a year at one holds for the other, and the end is the first such one not before the start."""
    year = year_said(between.last)
    first: Span | None
    if year is not None and lacks_year(between.first):
        last = here.span(between.last, said)
        first = here.span(with_year(between.first, year), said)
        if first and last and first.first_day > last.first_day:
            first = here.span(with_year(between.first, _year_before(year)), said)
    else:
        first = here.span(between.first, said)
        last = _not_before(here, first.first_day, between, said) if first else None
    return (first, last) if first and last else None


def _not_before(here: Here, start: date, between: Between, said: Said) -> Span | None:
    """Read the end of a range that starts on a day."""
    last = between.last
    if isinstance(last, Weekday) and last.week is None:
        return here.one_day(on_or_after(start, last.weekday))
    if isinstance(last, Day) and last.month is None:
        months = (add_months(start.replace(day=1), on) for on in range(3))
        days = (existing(month.year, month.month, last.day) for month in months)
        day = next((found for found in days if found and found >= start), None)
        return here.one_day(day) if day else None
    if not lacks_year(last):
        return here.span(last, said)
    spans = (here.span(with_year(last, year), said) for year in _years_around(start, year_said(between.first)))
    return next((span for span in spans if span and span.first_day >= start), None)


def _years_around(start: date, said: Expression | None) -> Iterator[Expression]:
    if said is not None:
        yield said
    # The name of a fiscal year may differ by one from the calendar year.
    for number in range(start.year - 1, start.year + 3):
        yield Year(number)


def _year_before(year: Expression) -> Expression:
    if isinstance(year, Year):
        return replace(year, number=year.number - 1)
    return replace(year, first=year.first - 1) if isinstance(year, Units) else year


def _open(here: Here, expression: Open, said: Said) -> Span | None:
    base = here.span(expression.base, said)
    if base is None:
        return None
    start, end = _bounds(here, expression.bound, base)
    if start is None and end is None:
        return None
    bound = expression.bound.value
    return Span(start, end, f"{bound} {base.label}", f"{bound.replace(' ', '_')}_{base.id}", base.calendar)


def _bounds(here: Here, bound: Bound, base: Span) -> tuple[date | None, date | None]:
    match bound:
        case Bound.SINCE:
            return base.start, add_days(here.today, 1) if base.first_day <= here.today else None
        case Bound.SO_FAR:
            begun = base.first_day <= here.today and (base.end is None or base.end > here.today)
            return base.start, add_days(here.today, 1) if begun else base.end
        case Bound.FROM:
            return base.start, None
        case Bound.AFTER:
            return base.end, None
        case Bound.BEFORE:
            return None, base.start
        case Bound.UNTIL:
            return None, base.end


def _several(here: Here, several: Several, said: Said) -> Span | None:
    spans: list[Span] = []
    for item in several.items:
        # Where years are left out the periods stay in order.
        in_order = spans and lacks_year(item)
        span = _not_before(here, spans[-1].first_day, Between(item, item), said) if in_order else here.span(item, said)
        if span is None:
            return None
        spans.append(span)
    first, last = min(spans, key=lambda span: span.first_day), max(spans, key=lambda span: span.last_day)
    label = f"{', '.join(span.label for span in spans[:-1])} and {spans[-1].label}"
    return Span(first.start, last.end, label, "_and_".join(span.id for span in spans), first.calendar, tuple(spans))


def _all_time(here: Here, _expression: AllTime, _said: Said) -> Span | None:
    return Span(None, None, "all time", "all_time", here.in_force)


def _comparison(here: Here, comparison: Comparison, _said: Said) -> Span | None:
    if here.main is None:
        return None
    if comparison.comparand is Comparand.PRIOR_PERIOD:
        found = previous(here.main, here.in_force)
    else:
        comparable = same_period_last_year(here.main, here.in_force)
        found = comparable.range if comparable else None
    return Span(found.start, found.end, found.label, comparison.comparand.value, here.in_force) if found else None


READERS: Final[dict[type[Any], Reader]] = {
    AllTime: _all_time,
    Between: _between,
    Comparison: _comparison,
    Open: _open,
    Several: _several,
}
