"""One metric divided by another: per unit of it, or as a percentage of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from ecp_server.domain.catalog import Metric
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import Computation
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.selecting.comparison import GROWTH, VARIANCE, Compared
from ecp_server.resolution.selecting.expansion import Column
from ecp_server.resolution.selecting.subjects import Subjects

PER_UNIT: Final = "per_unit"
RATIO: Final = "ratio_pct"
MOVES: Final = (f"{GROWTH}_{PER_UNIT}", f"{VARIANCE}_{RATIO}")
"""What tells how a quotient moved: a percentage does in points."""

_COUNTS: Final = frozenset({"", "count"})
_PERCENT: Final = "percent"
_POINTS: Final = "percentage_points"

Against: TypeAlias = tuple[TimeRange | None, Column]
"""A column of another period, with that period."""


def divisor(draft: Draft, subjects: Subjects) -> Metric | None:
    """Return the metric that the first other one is divided by; None where nothing is, or it would be itself."""
    at = draft.parsed.divisor
    found = next((c.taken.metric for c in subjects.chosen if c.taken is not None and c.named.first == at), None)
    return found if found is not None and len(subjects.metrics) > 1 else None


def divides(draft: Draft, other: Compared) -> bool:
    """Tell whether a column is that of the target that the main one is divided by."""
    at = draft.parsed.divisor
    return at is not None and other.concept is not None and other.concept.mention.start == draft.parsed.tokens[at].start


@dataclass(frozen=True, slots=True)
class Quotient:
    """Two columns of which the first is divided by the second."""

    column: Column
    by: Column
    against: tuple[Quotient, ...] = ()
    """The same of other periods, which it is held against."""


def of_other_periods(column: Column, by: Column, beside: Mapping[Column, Sequence[Against]]) -> tuple[Quotient, ...]:
    """Return the quotients of the other periods that both columns are held against, given what stands beside each."""
    divisors = dict(beside.get(by, ()))
    return tuple(Quotient(other, divisors[days]) for days, other in beside.get(column, ()) if days in divisors)


def quotient_computations(draft: Draft, quotients: Sequence[Quotient]) -> tuple[Computation, ...]:
    """Return each quotient, and how it differs from those of other periods; a single one needs no name of its own."""
    percent = draft.parsed.percent
    kind = RATIO if percent else PER_UNIT
    computed: list[Computation] = []
    for quotient in quotients:
        name = kind if len(quotients) == 1 else f"{kind}_{quotient.column.name}"
        now = _computation(name, quotient, percent=percent)
        computed.append(now)
        for other in quotient.against:
            _, _, period = other.column.name.rpartition(".")
            before = _computation(f"{name}_{period}", other, percent=percent)
            computed += (
                before,
                *_held(now, before, f"_{period}" if len(quotient.against) > 1 else "", percent=percent),
            )
    return tuple(computed)


def _computation(name: str, quotient: Quotient, *, percent: bool) -> Computation:
    column, by = quotient.column, quotient.by
    unit = _PERCENT if percent else _unit(column.unit, by.unit)
    return Computation(name, f"{column.expression} / {by.expression}" + (" * 100" if percent else ""), unit)


def _held(now: Computation, before: Computation, suffix: str, *, percent: bool) -> tuple[Computation, ...]:
    """Return the arithmetic that holds a quotient against that of another period; percentages differ in points."""
    name, difference = f"{now.name}{suffix}", f"{now.expression} - {before.expression}"
    variance = Computation(f"{VARIANCE}_{name}", difference, _POINTS if percent else now.unit)
    if percent:
        return (variance,)
    growth = f"({difference}) / ({before.expression}) * 100"
    return (variance, Computation(f"{GROWTH}_{name}", growth, _PERCENT))


def _unit(unit: str, other: str) -> str:
    if unit == other:
        return "ratio"
    return unit if other in _COUNTS else f"{unit or '1'}/{other}"
