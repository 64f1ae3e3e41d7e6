"""Turns one query of the plan into what the semantic layer can answer exactly, and says where each answer belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum
from itertools import pairwise, product
from typing import Final

from ecp_server.domain.catalog import Metric, TimeAggregation
from ecp_server.domain.execution import PERIOD, Cell, text_of
from ecp_server.domain.figures import FigureQuery, Value
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain, TimeBucket, TimeRange
from ecp_server.domain.plan import PLAN, QUESTION, Filter, FilterOperator, GroupBy, Measure, SemanticQuery
from ecp_server.execution.draft import Draft
from ecp_server.execution.outside import beyond
from ecp_server.execution.units import aligned, native_grain
from ecp_server.resolution.draft import SlicedMember
from ecp_server.resolution.selecting.membership import bound_values, member_values

KindOf = Callable[[str], str]
"""The kind of the measure at an address, e.g. "sum", "count_distinct"; "" where that is not known."""

ADDITIVE: Final = frozenset({"sum", "count"})
"""Kinds whose values over parts add up to the value over the whole, wherever the parts do not overlap."""


class Fold(Enum):
    """How the figures of units of time make the figure of a part of the period."""

    ONE = "one"
    """A part is one unit."""
    SUM = "sum"
    LAST = "last"
    FIRST = "first"
    AVERAGE = "average"


ENDS: Final = frozenset({Fold.LAST, Fold.FIRST})
"""Those that take one unit of time for all rows."""

_SNAPSHOTS: Final = {
    TimeAggregation.LAST: Fold.LAST,
    TimeAggregation.FIRST: Fold.FIRST,
    TimeAggregation.AVERAGE: Fold.AVERAGE,
}


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """What a column of the answer says about the row's key."""

    dimension: str
    members: Mapping[str, tuple[str, ...]]
    """The members that each value stands for; a value that is not in it stands for itself, or is left out."""
    closed: bool
    """Whether values that stand for no member are left out."""
    numbers: Mapping[Decimal, tuple[str, ...]]
    """The members that numbers stand for, however the catalog writes them."""

    def standing_for(self, value: Value) -> tuple[str, ...] | None:
        """Return the members that a value stands for, None where it stands for none."""
        if isinstance(value, Decimal):
            return self.numbers.get(value)
        return None if value is None else self.members.get(text_of(value))


@dataclass(frozen=True, slots=True)
class Piece:
    """One question to the semantic layer."""

    query: FigureQuery
    names: tuple[str, ...]
    """The names of the measures."""
    refs: tuple[str, ...]
    """The address of each: two may have one."""
    fixed: Mapping[str, Cell]
    """What the question itself says about the key."""
    columns: tuple[KeyColumn, ...]
    """What the columns say, in the order of the query's dimensions."""
    buckets: tuple[TimeBucket, ...]
    """The parts that units of time are put into, by position; empty where the question is about one part, or all."""
    fold: Fold
    units_only: bool = False
    """Whether it only tells which units of time the data has; its figures are those of more than was asked for."""
    outside: str = ""
    """The dimension none of whose members its figures belong to; "" where they belong to rows."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Days that one question asks about, and how time is broken in it."""

    start: date | None
    end: date | None
    fixed: Mapping[str, Cell]
    granularity: Grain = Grain.NONE
    buckets: tuple[TimeBucket, ...] = ()
    fold: Fold = Fold.ONE


@dataclass(frozen=True, slots=True)
class _Slicing:
    """What one question groups by, and what it restricts rows to in place of grouping."""

    dimensions: tuple[str, ...]
    columns: tuple[KeyColumn, ...]
    filters: tuple[Filter, ...]
    fixed: Mapping[str, Cell]


def pieces_of(query: SemanticQuery, draft: Draft, kind_of: KindOf) -> tuple[Piece, ...]:
    """Return the questions whose answers make the query's rows; measures that policy hides are not asked for."""
    masked = draft.masked(query)
    shown = [measure for measure in query.measures if measure.ref not in masked]
    pieces: list[Piece] = []
    for metric, measures in _by_time(shown, draft):
        adds = all(kind_of(measure.ref) in ADDITIVE for measure in measures)
        spans = _spans(query.time_range, metric, adds=adds)
        slicings = _slicings(query, draft, adds=adds)
        for span, slicing in product(spans, slicings):
            asked = FigureQuery(
                measures=tuple(dict.fromkeys(measure.ref for measure in measures)),
                dimensions=slicing.dimensions,
                filters=(*query.filters, *slicing.filters),
                time_ref=_time_ref(query, metric, span),
                start=span.start,
                end=span.end,
                time_zone=_time_zone(query, metric, draft),
                granularity=span.granularity,
            )
            piece = Piece(
                query=asked,
                names=tuple(measure.name for measure in measures),
                refs=tuple(measure.ref for measure in measures),
                fixed={**span.fixed, **slicing.fixed},
                columns=slicing.columns,
                buckets=span.buckets,
                fold=span.fold,
            )
            pieces.append(piece)
        whole = pieces[-1:]
        bound = tuple(condition for condition in query.filters if condition.source != QUESTION)
        if bound != query.filters:
            pieces += [_units(piece, bound) for piece in whole if piece.fold in ENDS]
        pieces += [outside for piece in whole for outside in _outside(piece, query, draft, spans)]
    return tuple(pieces)


def _units(piece: Piece, bound: tuple[Filter, ...]) -> Piece:
    """Return what asks for the units of time that the data has: that of a member can end before, or begin after them.

    Of the conditions it keeps those that nothing may be read beside: policy's, and the request's.
    """
    asked = replace(piece.query, dimensions=(), filters=bound)
    return replace(piece, query=asked, columns=(), units_only=True)


def _outside(piece: Piece, query: SemanticQuery, draft: Draft, spans: Sequence[_Span]) -> Iterator[Piece]:
    """Yield what asks for figures that belong to no member of a grouping: by parts only where these have gaps."""
    if len(spans) > 1 and all(one.end and other.start and one.end >= other.start for one, other in pairwise(spans)):
        spans = (_Span(spans[0].start, spans[-1].end, {}),)
    for group in query.group_by:
        conditions = beyond(group, query, draft)
        for span in spans if conditions else ():
            asked = replace(
                piece.query,
                dimensions=(),
                filters=(*query.filters, *conditions),
                start=span.start,
                end=span.end,
                granularity=span.granularity,
            )
            yield replace(
                piece, query=asked, fixed=span.fixed, columns=(), buckets=span.buckets, outside=group.dimension
            )


def key_names(query: SemanticQuery) -> tuple[str, ...]:
    """Return what the rows of a query are matched by."""
    broken = query.time_range is not None and bool(query.time_range.buckets)
    return (*((PERIOD,) if broken else ()), *(group.dimension for group in query.group_by))


def _by_time(measures: Sequence[Measure], draft: Draft) -> Iterator[tuple[Metric, list[Measure]]]:
    """Put measures together that time is treated alike for; each address once."""
    alike: dict[tuple[TimeAggregation, Grain], list[Measure]] = {}
    for measure in measures:
        metric = draft.definitions.metrics[measure.metric_id]
        alike.setdefault((metric.time_aggregation, metric.time_grain), []).append(measure)
    for group in alike.values():
        yield draft.definitions.metrics[group[0].metric_id], group


def _spans(period: TimeRange | None, metric: Metric, *, adds: bool) -> list[_Span]:
    """Return the days to ask about: at once where units of time are the parts asked for, or make them."""
    start, end = (None, None) if period is None else (period.start, period.end)
    buckets = () if period is None else period.buckets
    snapshot = _SNAPSHOTS.get(metric.time_aggregation)
    if snapshot is not None and metric.time_dimension:
        # A stock is known unit by unit; by the day where the data's units reach over the bounds of a part.
        bounds = (start, end, *(bucket.start for bucket in buckets), *(bucket.end for bucket in buckets))
        grain = metric.time_grain if aligned(bounds, metric.time_grain) else Grain.DAY
        return [_Span(start, end, {}, grain, buckets, snapshot)]
    if not buckets:
        return [_Span(start, end, {})]
    start, end = buckets[0].start, buckets[-1].end
    native = native_grain(buckets)
    if native is not Grain.NONE:
        return [_Span(start, end, {}, native, buckets)]
    if adds and metric.time_aggregation is TimeAggregation.SUM and _contiguous(buckets):
        return [_Span(start, end, {}, Grain.DAY, buckets, Fold.SUM)]
    return [_Span(bucket.start, bucket.end, {PERIOD: Decimal(i)}) for i, bucket in enumerate(buckets)]


def _contiguous(buckets: Sequence[TimeBucket]) -> bool:
    return all(one.end == other.start for one, other in pairwise(buckets))


def _slicings(query: SemanticQuery, draft: Draft, *, adds: bool) -> list[_Slicing]:
    """Return what to group by: at once where values fold into members, else with a question a member."""
    slicings = [_Slicing((), (), (), {})]
    for group in query.group_by:
        options = list(_grouped(group, query, draft, adds=adds))
        slicings = [
            _Slicing(
                (*so_far.dimensions, *option.dimensions),
                (*so_far.columns, *option.columns),
                (*so_far.filters, *option.filters),
                {**so_far.fixed, **option.fixed},
            )
            for so_far in slicings
            for option in options
        ]
    return slicings


def _grouped(group: GroupBy, query: SemanticQuery, draft: Draft, *, adds: bool) -> Iterator[_Slicing]:
    if group.ref:
        column = _key_column(group.dimension, named_members(group, query, draft), closed=False)
        yield _Slicing((group.ref,), (column,), (), {})
        return
    cube = query.measures[0].ref.partition(".")[0]
    ref = draft.definitions.dimensions[group.dimension].ref_for(cube) or ""
    if adds or all(len(bucket.values) == 1 for bucket in group.buckets):
        members: dict[str, tuple[str, ...]] = {}
        for bucket in group.buckets:
            for value in bucket.values:
                members[value] = (*members.get(value, ()), bucket.member_id)
        only = Filter(ref, FilterOperator.EQUALS, tuple(members), PLAN, group.dimension)
        yield _Slicing((ref,), (_key_column(group.dimension, members, closed=True),), (only,), {})
        return
    for bucket in group.buckets:
        only = Filter(ref, FilterOperator.EQUALS, bucket.values, PLAN, group.dimension)
        yield _Slicing((), (), (only,), {group.dimension: bucket.member_id})


def _key_column(dimension: str, members: Mapping[str, tuple[str, ...]], *, closed: bool) -> KeyColumn:
    numbers: dict[Decimal, tuple[str, ...]] = {}
    for text, ids in members.items():
        if (number := _number(text)) is not None:
            numbers[number] = tuple(dict.fromkeys((*numbers.get(number, ()), *ids)))
    return KeyColumn(dimension, members, closed, numbers)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def named_members(group: GroupBy, query: SemanticQuery, draft: Draft) -> dict[str, tuple[str, ...]]:
    """Return which member each value of a level stands for, by its only value here or else by its name.

    So that the rows of cubes that call a member by different values align.
    """
    dimension = draft.definitions.dimensions.get(group.dimension)
    members = [draft.definitions.members[m] for m in dimension.members] if dimension is not None else []
    members = [member for member in members if not group.level or member.level == group.level]
    cube = query.measures[0].ref.partition(".")[0]
    by_value: dict[str, tuple[str, ...]] = {}
    by_name: dict[str, tuple[str, ...]] = {}
    for member in members:
        read = member_values(member, member.variations, draft.contexts, query.time_range)
        bound = (
            bound_values(read, dimension, cube, draft.contexts)
            if dimension and isinstance(read, SlicedMember)
            else None
        )
        if bound is not None and len(bound) == 1:
            by_value.setdefault(bound[0], (member.id,))
        for name in (member.name, *member.synonyms):
            by_name.setdefault(name, (member.id,))
    # A level of its own holds names of its own, not the values of what lies below.
    own_level = dimension is not None and group.ref != dimension.ref_for(cube)
    return by_name if own_level else by_value


def _time_ref(query: SemanticQuery, metric: Metric, span: _Span) -> str:
    if query.time_ref:
        return query.time_ref
    return (metric.time_dimension or "") if span.granularity is not Grain.NONE else ""


def _time_zone(query: SemanticQuery, metric: Metric, draft: Draft) -> str:
    if query.time_range is not None:
        return query.time_range.time_zone
    return metric.time_zone or draft.definitions.manifest.default_time_zone
