"""What words that count from today or from another period come to (design, Time readings)."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from ecp_server.domain.catalog import CalendarType
from ecp_server.domain.frozen import replace
from ecp_server.domain.period import Grain
from ecp_server.resolution.time.calendars import MONTHS_OF_YEAR, Layout, add_days, add_months, clamped
from ecp_server.resolution.time.expressions import (
    Anchor,
    Containing,
    Edge,
    Offset,
    Remaining,
    Said,
    Stretch,
    TimeUnit,
    ToDate,
    Units,
    said_of,
    unit_of,
)
from ecp_server.resolution.time.spans import Here, Reader, Span, moved, units_id

_NOT_BLOCKS: Final = (TimeUnit.BUSINESS_DAY, TimeUnit.WEEKEND)


def _units(here: Here, units: Units, said: Said) -> Span | None:
    said = units.said or said or here.said
    return _counted(here, units, said, units_id(said, units.unit, units.first, units.count))


def _counted(here: Here, units: Units, said: Said, name: str) -> Span | None:
    if units.unit is TimeUnit.WEEKEND:
        return here.weekends(units.first, units.count, name)
    if units.unit is TimeUnit.BUSINESS_DAY:
        return here.business_days(units.first, units.count, name)
    current = here.layout(said).index(units.unit.grain, here.today.toordinal()) // units.unit.size
    return here.blocks(said, units.unit, current + units.first, units.count, name)


def _to_date(here: Here, running: ToDate, said: Said) -> Span | None:
    said = running.said or (said_of(running.year) if running.year else said) or said or here.said
    layout, unit = here.layout(said), running.unit
    name = "_".join(filter(None, (said, unit.word, "to_date")))
    last = here.today
    if running.until is not None:
        until = here.span(running.until, said)
        if until is None or until.end is None:
            return None
        last, name = until.last_day, f"{name}_through_{until.id}"
    block = layout.index(unit.grain, last.toordinal()) // unit.size
    start = clamped(layout.start(unit.grain, block * unit.size))
    whole = here.span(running.year, said) if running.year is not None else None
    if running.year is not None and whole is None:
        return None
    if whole is None or whole.first_day <= last <= whole.last_day:
        return here.days(start, add_days(last, 1), name, layout.calendar)
    name = f"{name}_{whole.id}"
    of_year = running.year is not None and unit_of(running.year) is TimeUnit.YEAR
    if of_year and unit.length < TimeUnit.YEAR.length:
        whole = _counterpart(here, block, unit, last, whole.first_day, said)
    # As far into the other unit as the last day is in this one: by date, in a calendar of weeks by days.
    if layout.calendar.type is CalendarType.FISCAL_WEEKS or unit.grain < Grain.MONTH:
        end = add_days(whole.first_day, (last - start).days + 1)
    else:
        months = (whole.first_day.year - start.year) * MONTHS_OF_YEAR + whole.first_day.month - start.month
        end = add_days(add_months(last, months), 1)
    return here.days(whole.first_day, max(whole.first_day, min(end, whole.end or end)), name, layout.calendar)


def _counterpart(here: Here, block: int, unit: TimeUnit, last: date, other: date, said: Said) -> Span:
    """Return the unit that has the same place in the other year as the numbered one has in the year of its last day."""
    layout = here.layout(said)
    this_year, other_year = (layout.index(Grain.YEAR, day.toordinal()) for day in (last, other))
    place = block - layout.first_index(unit.grain, this_year) // unit.size
    return here.blocks(said, unit, layout.first_index(unit.grain, other_year) // unit.size + place, 1)


def _remaining(here: Here, rest: Remaining, said: Said) -> Span | None:
    whole = _units(here, Units(rest.unit, 0, 1, rest.said), said)
    if whole is None or whole.end is None:
        return None
    return here.days(here.today, whole.end, f"rest_of_{whole.id}", whole.calendar)


def _offset(here: Here, offset: Offset, said: Said) -> Span | None:
    base = here.span(offset.base, said)
    if base is None:
        return None
    return here.one_day(moved(base.first_day if offset.back else base.last_day, offset.steps, back=offset.back))


def _stretch(here: Here, stretch: Stretch, said: Said) -> Span | None:
    today, steps = here.today, stretch.steps
    if stretch.anchor is Anchor.FROM_TODAY:
        return here.days(today, moved(today, steps, back=False))
    if stretch.anchor in (Anchor.TO_EVE, Anchor.TO_TODAY):
        end = today if stretch.anchor is Anchor.TO_EVE else add_days(today, 1)
        return here.days(moved(today, steps, back=True), end)
    said = stretch.said or said or here.said
    base = here.span(stretch.base, said) if stretch.base is not None else None
    if base is None:
        return None
    if stretch.anchor is Anchor.STARTING:
        return here.days(base.first_day, moved(base.first_day, steps, back=False))
    return _ending(here, stretch, base, said)


def _ending(here: Here, stretch: Stretch, base: Span, said: Said) -> Span | None:
    """Return so much up to the end of the base; whole units of the calendar where one ends there."""
    if base.end is None:
        return None
    ((count, unit), *more) = stretch.steps
    if not more and unit not in _NOT_BLOCKS:
        block = _block_from(here.layout(said), unit, base.end.toordinal())
        if block is not None:
            return here.blocks(said, unit, block - count, count)
    return here.days(moved(base.end, stretch.steps, back=True), base.end)


def _block_from(layout: Layout, unit: TimeUnit, day: int) -> int | None:
    """Return the number of the unit that starts on a day, None where none does."""
    block, rest = divmod(layout.index(unit.grain, day), unit.size)
    return block if not rest and layout.start(unit.grain, block * unit.size) == day else None


def _containing(here: Here, containing: Containing, said: Said) -> Span | None:
    said = containing.said or said or here.said
    base = here.span(containing.day, said)
    if base is None:
        return None
    day = base.last_day if containing.shift > 0 else base.first_day
    return _counted(replace(here, today=day), Units(containing.unit, containing.shift), said, "")


def _edge(here: Here, edge: Edge, said: Said) -> Span | None:
    base = here.span(edge.of, said)
    if base is None or base.start is None or base.end is None:
        return None
    return here.one_day(base.last_day if edge.last else base.first_day)


READERS: Final[dict[type[Any], Reader]] = {
    Containing: _containing,
    Edge: _edge,
    Offset: _offset,
    Remaining: _remaining,
    Stretch: _stretch,
    ToDate: _to_date,
    Units: _units,
}
