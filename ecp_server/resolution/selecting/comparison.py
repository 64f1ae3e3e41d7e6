"""What the main figure is held against: targets and other periods, with the arithmetic that compares them."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.catalog import AssetKind, AssetRef, Metric, Severity, Target
from ecp_server.domain.concepts import Assumption, ConceptKind, Option, ResolvedConcept
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.domain.plan import Computation
from ecp_server.domain.resolution import Incompatible, Warning  # noqa: A004 - the contract's word
from ecp_server.resolution.draft import Draft, Grouping, NamedMention, SlicedMember, TimedMention
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.parsing.intent import is_target
from ecp_server.resolution.parsing.sides import held_metrics
from ecp_server.resolution.selecting.choosing import EXACTNESS_FACTOR
from ecp_server.resolution.selecting.compared_units import before_by_unit, names_unit
from ecp_server.resolution.selecting.expansion import ACTUAL, Column, Wanted, column_name, named_after
from ecp_server.resolution.selecting.membership import last_day
from ecp_server.resolution.selecting.named_periods import NamedPeriods
from ecp_server.resolution.selecting.parts import broken_like
from ecp_server.resolution.selecting.periods import CalendarsInForce, said_period
from ecp_server.resolution.selecting.slicing import misfit
from ecp_server.resolution.selecting.subjects import Subjects
from ecp_server.resolution.selecting.years_beside import part_in_year, says_from_today
from ecp_server.resolution.time import (
    Comparable,
    Comparand,
    Comparison,
    Units,
    previous,
    same_period_last_year,
    whole_units,
)
from ecp_server.resolution.time.expressions import Recurring

PREVIOUS = "previous"
LAST_YEAR = "last_year"
OTHER_PERIOD = "other_period"
LISTED = "period_"
"""What the queries of periods begin with that are listed beside the main one."""
UNIT_MISMATCH = "unit_mismatch"
VARIANCE = "variance"
GROWTH = "growth_pct"
COMPARED_WITH = "comparison"
"""The assumption what a growth is taken over."""
_NAMES = {Comparand.PRIOR_PERIOD: PREVIOUS, Comparand.SAME_PERIOD_LAST_YEAR: LAST_YEAR}
_LABELS = {PREVIOUS: "Previous period", LAST_YEAR: "Same period last year"}


@dataclass(frozen=True, slots=True)
class Compared:
    """One column beside the main one, and the concept that asks for it where that is not one of its own."""

    wanted: Wanted
    concept: ResolvedConcept | None = None
    computed: bool = True
    """Whether arithmetic holds the main column against it; else it merely stands beside it."""
    grows: bool = False
    """Whether it is the same figure of another period, so that the difference is growth."""
    note: str = ""
    """What must be told of the comparison, such as a week that has no counterpart."""


@dataclass(frozen=True, slots=True)
class Held:
    """Two columns of which the second is what the first is held against; ``grows`` as in `Compared`."""

    main: Column
    other: Column
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Main:
    """The main column, and what it is a column of."""

    wanted: Wanted
    calendars: CalendarsInForce
    periods: NamedPeriods
    groupings: tuple[Grouping, ...] = ()

    def beside(self, name: str) -> str:
        """Return what a column beside this one is called: by its own name where there is but one main column."""
        own = column_name(name)
        return own if self.wanted.name == ACTUAL else f"{self.wanted.name}.{own}"


def compared_targets(draft: Draft, main: Main) -> tuple[Compared, ...] | Incompatible:
    """Return a column for each target that the question names, or the problem that the metric has no such target."""
    metric, period = main.wanted.metric, main.wanted.period
    found: list[Compared] = []
    for named in draft.parsed.names:
        if SenseKind.TARGET not in named.kinds or not is_target(named):
            continue
        senses = named.named(SenseKind.TARGET)
        target = _target(metric, {sense.id for sense in senses}, period, draft)
        if target is None:
            return _no_such_target(draft, metric, named)
        planned = draft.prepared.catalog.metrics[target.metric]
        sliced = [*(m.member.dimension for m in main.wanted.members), *(g.dimension.id for g in main.groupings)]
        if (problem := misfit(draft, (planned,), sliced)) is not None:
            return problem
        concept = ResolvedConcept(
            kind=ConceptKind.COMPARISON,
            mention=named.mention,
            id=f"target.{target.name}",
            name=planned.name,
            definition=planned.definition,
            reason=f"{metric.name} has the target {target.name}",
            confidence=EXACTNESS_FACTOR[named.exactness],
            certification_tier=planned.certification_tier,
        )
        name = main.beside(named_after(target.name))
        wanted = Wanted(name, planned, period, main.wanted.members, planned.name, essential=False)
        found.append(Compared(wanted, concept))
    return tuple(found)


def compared_periods(draft: Draft, main: Main) -> tuple[Compared, ...] | Incompatible:
    """Return a column for each period beside the main one."""
    periods = main.periods
    if len(draft.parsed.times) <= (periods.main is not None) and not (periods.listed or periods.compared):
        return ()
    related = [timed for timed in draft.parsed.times if isinstance(timed.expression, Comparison)]
    found: list[Compared] = []
    for timed in (*related, *periods.compared, *periods.listed):
        listed = timed in periods.listed
        if isinstance(timed.expression, Comparison):
            other = _of_unit(timed, timed.expression, draft, main)
            if isinstance(other, Incompatible):
                return other
        else:
            other = _named_period(timed, draft, main, f"{LISTED}{len(found) + 2}" if listed else _unnamed(found))
        if other is not None and not listed and other.days == main.wanted.period:
            return Incompatible(f"“{timed.mention.text}” is {other.days.label} as well; name another period")
        if other is None or main.wanted.period is None:
            return Incompatible(f"“{timed.mention.text}” needs a period to be compared with")
        days = broken_like(other.days, main.wanted.period, main.calendars.of(main.wanted.period), draft.today)
        concept = ResolvedConcept(
            kind=ConceptKind.COMPARISON if other.name in _LABELS else ConceptKind.TIME,
            mention=timed.mention,
            id=other.concept_id,
            name=_LABELS.get(other.name, days.label),
            reason=f"“{timed.mention.text}” is {days.label}",
            confidence=EXACTNESS_FACTOR[timed.exactness],
            time_range=days,
        )
        label = _LABELS.get(other.name, days.label)
        wanted = replace(main.wanted, name=main.beside(other.name), period=days, label=label, essential=listed)
        found.append(Compared(wanted, concept, computed=not listed, grows=not listed, note=other.note))
    return tuple(found)


def assumed_comparand(draft: Draft, main: Main) -> Assumption | None:
    """Tell which period a growth is taken over where the words do not say; None where they do, or there is but one."""
    timed = next((t for t in draft.parsed.times if t.assumed and isinstance(t.expression, Comparison)), None)
    if timed is None or not isinstance(timed.expression, Comparison):
        return None
    taken = _comparand(timed, timed.expression, draft)
    options = {c: _comparand_option(c, other) for c in Comparand if (other := _comparable(c, main)) is not None}
    if taken not in options or len({option.definition for option in options.values()}) == 1:
        return None
    others = tuple(option for comparand, option in options.items() if comparand is not taken)
    text = timed.mention.text
    return Assumption(COMPARED_WITH, options[taken], f"“{text}” does not say over which period", others)


def _comparand(timed: TimedMention, said: Comparison, draft: Draft) -> Comparand:
    """Return what the words say, or where they leave it open what the caller chose, if it did."""
    if timed.assumed:
        for choice in draft.question.choices:
            if choice.subject_id == COMPARED_WITH and choice.option_id in set(Comparand):
                return Comparand(choice.option_id)
    return said.comparand


def _of_unit(timed: TimedMention, said: Comparison, draft: Draft, main: Main) -> _Other | Incompatible | None:
    """Return the comparable of the main period; where the words name its unit, only if it is one or made of them."""
    period = main.wanted.period
    if period is None or not names_unit(timed):
        return _comparable(_comparand(timed, said, draft), main)
    before = before_by_unit(period, said.unit, main.calendars.of(period))
    if before is None:
        return Incompatible(f"“{timed.mention.text}” does not compare {period.label}: ask for a period of such units")
    return _Other(PREVIOUS, said.comparand.value, replace(before, time_zone=period.time_zone))


def _comparand_option(comparand: Comparand, other: _Other) -> Option:
    return Option(comparand.value, _LABELS[other.name], f"{other.days.start} to {other.days.end}, exclusive")


def _unnamed(found: Sequence[Compared]) -> str:
    """Return a name for a period that is none of those with names of their own."""
    return OTHER_PERIOD if not found else f"{OTHER_PERIOD}_{len(found) + 1}"


@dataclass(frozen=True, slots=True)
class _Other:
    """A period that the main one is held against."""

    name: str
    concept_id: str
    days: TimeRange
    note: str = ""
    """What about it must be told, such as a week that has no counterpart."""


def _comparable(comparand: Comparand, main: Main) -> _Other | None:
    """Return the period before the main one, or the same one a year earlier."""
    period = main.wanted.period
    if period is None:
        return None
    calendar = main.calendars.of(period)
    if comparand is Comparand.PRIOR_PERIOD:
        before = previous(period, calendar)
        comparable = None if before is None else Comparable(before)
    else:
        comparable = same_period_last_year(period, calendar)
    if comparable is None:
        return None
    days = replace(comparable.range, time_zone=period.time_zone)
    return _Other(_NAMES[comparand], comparand.value, days, comparable.note)


def _named_period(timed: TimedMention, draft: Draft, main: Main, name: str) -> _Other | None:
    """Return a period that is named beside the main one; where it would be the main one itself, the one before that."""
    said = said_period(timed, draft, main.calendars)
    if isinstance(said, Incompatible) or said.range is None or main.wanted.period is None:
        return None
    if timed in main.periods.listed:
        return _Other(name, said.id, said.range)
    for comparand in Comparand:
        comparable = _comparable(comparand, main)
        if comparable is not None and _same_days(comparable.days, said.range):
            return comparable
    if (before := _unit_before(timed, main)) is not None:
        return _comparable(before, main)
    if _same_days(said.range, main.wanted.period):
        return _before_itself(timed, main) or _Other(name, said.id, said.range)
    return _in_year_named(timed, said.range, main, name) or _Other(name, said.id, said.range)


def _before_itself(timed: TimedMention, main: Main) -> _Other | None:
    """Return the one before the main period where both words mean it: "Q3 vs last Q3", "Q3 vs last quarter"."""
    if isinstance(timed.expression, Recurring):
        return _comparable(Comparand.SAME_PERIOD_LAST_YEAR, main)
    if main.periods.main is None or isinstance(timed.expression, Units):
        return _comparable(Comparand.PRIOR_PERIOD, main)
    return None


def _in_year_named(timed: TimedMention, year: TimeRange, main: Main, name: str) -> _Other | None:
    """Read a year beside a part of one: that part of the year."""
    period = main.wanted.period
    found = period and part_in_year(period, timed.expression, year, main.calendars.of(period))
    if not found:
        return None
    years, comparable = found
    days = comparable.range
    if years == 1:
        return _Other(LAST_YEAR, Comparand.SAME_PERIOD_LAST_YEAR.value, days, comparable.note)
    return _Other(name, f"{days.start}_to_{last_day(days)}", days, comparable.note)


def _unit_before(timed: TimedMention, main: Main) -> Comparand | None:
    """Read "the previous quarter" beside a period that does not depend on today: it is the one before that period.

    A year beside a part of one means that part a year earlier.
    """
    period, expression = main.wanted.period, timed.expression
    absolute = main.periods.main is not None and not says_from_today(main.periods.main.expression)
    if (
        period is None
        or not absolute
        or not isinstance(expression, Units)
        or (expression.first, expression.count) != (-1, 1)
    ):
        return None
    whole = whole_units(period, main.calendars.of(period))
    if whole is not None and whole[0].grain is expression.unit.grain:
        return Comparand.PRIOR_PERIOD
    return Comparand.SAME_PERIOD_LAST_YEAR if expression.unit.grain is Grain.YEAR else None


def _same_days(one: TimeRange, other: TimeRange) -> bool:
    return (one.start, one.end) == (other.start, other.end)


def metrics_side_by_side(draft: Draft, subjects: Subjects) -> frozenset[str]:
    """Return the ids of the metrics that others are held against."""
    if not draft.parsed.comparing:
        return frozenset()
    held = held_metrics(draft.parsed)
    meant = [(c.named in held, c.taken.metric.id) for c in subjects.chosen if c.taken is not None and c.taken.metric]
    return frozenset(metric for is_held, metric in meant if is_held and (False, metric) not in meant)


def compared_members(main: Main, others: Sequence[SlicedMember]) -> tuple[Compared, ...]:
    """Return a column for each member that the main ones are held against."""
    if not others:
        return ()
    dimensions = {m.member.dimension for m in others}
    shared = tuple(m for m in main.wanted.members if m.member.dimension not in dimensions or m.excluded)
    return tuple(
        Compared(replace(main.wanted, name=main.beside(m.member.id), members=(*shared, m), label=m.member.name))
        for m in others
    )


def compared_metrics(main: Main, others: Sequence[Metric]) -> tuple[Compared, ...]:
    """Return a column for each metric that the main one is held against."""
    if not others:
        return ()
    return tuple(
        Compared(
            replace(
                main.wanted,
                name=main.beside(named_after(metric.id)),
                metric=metric,
                label=metric.name,
                essential=False,
            )
        )
        for metric in others
    )


def comparison_computations(held: Sequence[Held]) -> tuple[Computation, ...]:
    """Return the arithmetic that holds columns against others, each pair once; none where their units differ.

    With one pair alone the computations need no name of their own.
    """
    pairs = {pair.other.name: pair for pair in held}
    computed: list[Computation] = []
    for name, pair in pairs.items():
        if pair.main.unit != pair.other.unit:
            continue
        suffix = f"_{name}" if len(pairs) > 1 else ""
        percent = GROWTH if pair.grows else "variance_pct"
        difference = f"{pair.main.expression} - {pair.other.expression}"
        unit = "percentage_points" if pair.main.unit == "percent" else pair.main.unit
        computed.append(Computation(f"{VARIANCE}{suffix}", difference, unit))
        computed.append(Computation(f"{percent}{suffix}", f"({difference}) / {pair.other.expression} * 100", "percent"))
    return tuple(computed)


def unit_mismatches(held: Sequence[Held]) -> list[Warning]:
    """Tell of columns that stand side by side and cannot be subtracted (catalog.md, Metric)."""
    return [
        Warning(
            pair.other.name,
            UNIT_MISMATCH,
            Severity.MEDIUM,
            f"{pair.main.name} ({pair.main.unit or 'no unit'}) and {pair.other.name} ({pair.other.unit or 'no unit'})",
            "Their difference is not computed.",
        )
        for pair in {pair.other.name: pair for pair in held}.values()
        if pair.main.unit != pair.other.unit
    ]


def _no_such_target(draft: Draft, metric: Metric, named: NamedMention) -> Incompatible:
    """Say which metrics have the target that this one lacks; only what the user may discover."""
    names = {sense.id for sense in named.named(SenseKind.TARGET)}
    having = dict.fromkeys(m for name in sorted(names) for m in draft.prepared.metrics_by_target.get(name, ()))
    fits = [m for m in having if AssetRef(AssetKind.METRIC, m.id) in draft.visible and m.id != metric.id]
    others = f"{', '.join(m.name for m in fits)} can be held against it" if fits else "nothing can be held against it"
    message = f"{metric.name} has no target “{named.mention.text}” in this period; {others}"
    return Incompatible(message, tuple(m.id for m in fits))


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
