"""What the main figure is held against: targets and other periods, with the arithmetic that compares them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ecp_server.domain.catalog import AssetKind, AssetRef, Calendar, Metric, Target
from ecp_server.domain.concepts import ConceptKind, ResolvedConcept
from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import Computation
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.choosing import exactness_factor
from ecp_server.resolution.draft import Draft, TimedMention
from ecp_server.resolution.expansion import Column
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.membership import last_day
from ecp_server.resolution.time import Comparand, Comparison, previous, same_period_last_year

PREVIOUS = "previous"
LAST_YEAR = "last_year"

_COMPARAND_NAMES = {Comparand.PRIOR_PERIOD: PREVIOUS, Comparand.SAME_PERIOD_LAST_YEAR: LAST_YEAR}
_COMPARAND_LABELS = {
    Comparand.PRIOR_PERIOD: "Previous period",
    Comparand.SAME_PERIOD_LAST_YEAR: "Same period last year",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One column beside the main one."""

    name: str
    metric: Metric
    period: TimeRange | None
    label: str
    concept: ResolvedConcept


def compared_targets(draft: Draft, metric: Metric, period: TimeRange | None) -> tuple[Compared, ...] | Incompatible:
    """Return a column for each target that the question names, or the problem that the metric has no such target."""
    found: list[Compared] = []
    for named in draft.parsed.names:
        senses = named.named(SenseKind.TARGET)
        if not senses or named.named(SenseKind.METRIC, SenseKind.TERM):
            continue
        target = _target(metric, {sense.id for sense in senses}, period, draft)
        if target is None:
            offered = [t.name for t in metric.targets if _visible(t, draft)]
            others = f"it has {', '.join(offered)}" if offered else "it has no targets"
            message = f"{metric.name} has no target “{named.mention.text}”; {others}"
            return Incompatible(message, tuple(f"target.{name}" for name in offered))
        planned = draft.prepared.catalog.metrics[target.metric]
        concept = ResolvedConcept(
            kind=ConceptKind.COMPARISON,
            mention=named.mention,
            id=f"target.{target.name}",
            name=planned.name,
            definition=planned.definition,
            reason=f"{metric.name} has the target {target.name}",
            confidence=exactness_factor(named.exactness),
            certification_tier=planned.certification_tier,
        )
        found.append(Compared(target.name, planned, period, planned.name, concept))
    return tuple(found)


def compared_periods(
    times: Sequence[TimedMention], metric: Metric, period: TimeRange | None, calendar: Calendar
) -> tuple[Compared, ...] | Incompatible:
    """Return a column for each period that the question names by its relation to the main one."""
    found: list[Compared] = []
    for timed in times:
        if not isinstance(timed.expression, Comparison):
            continue
        if period is None:
            return Incompatible(f"“{timed.mention.text}” needs a period to be compared with")
        comparand = timed.expression.comparand
        other = _comparable(comparand, period, calendar)
        if other is None:
            return Incompatible(f"“{timed.mention.text}” needs a period with a start and an end")
        label = _COMPARAND_LABELS[comparand]
        concept = ResolvedConcept(
            kind=ConceptKind.COMPARISON,
            mention=timed.mention,
            id=comparand.value,
            name=label,
            reason=f"“{timed.mention.text}” is {other.label}",
            confidence=1.0,
            time_range=other,
        )
        found.append(Compared(_COMPARAND_NAMES[comparand], metric, other, label, concept))
    return tuple(found)


def _comparable(comparand: Comparand, period: TimeRange, calendar: Calendar) -> TimeRange | None:
    if comparand is Comparand.PRIOR_PERIOD:
        return previous(period, calendar)
    comparable = same_period_last_year(period, calendar)
    return None if comparable is None else replace(comparable.range, time_zone=period.time_zone)


def comparison_computations(actual: Column, other: Column, *, growth: bool) -> tuple[Computation, ...]:
    """Return the arithmetic that compares a column with the main one; a percentage stays in the base's sign."""
    suffix = "" if other.name in (PREVIOUS, LAST_YEAR) or not growth else f"_{other.name}"
    difference = f"{actual.expression} - {other.expression}"
    unit = "percentage_points" if actual.unit == "percent" else actual.unit
    if growth:
        return (Computation(f"growth_pct{suffix}", f"({difference}) / {other.expression} * 100", "percent"),)
    return (
        Computation("variance", difference, unit),
        Computation("variance_pct", f"({difference}) / {other.expression} * 100", "percent"),
    )


def _target(metric: Metric, names: set[str], period: TimeRange | None, draft: Draft) -> Target | None:
    day = last_day(period) or draft.today
    for target in metric.targets:
        holds = (target.valid_from is None or target.valid_from <= day) and (
            target.valid_to is None or day < target.valid_to
        )
        if target.name in names and holds and _visible(target, draft):
            return target
    return None


def _visible(target: Target, draft: Draft) -> bool:
    return AssetRef(AssetKind.METRIC, target.metric) in draft.visible
