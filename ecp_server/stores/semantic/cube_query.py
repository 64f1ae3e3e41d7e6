"""A query in Cube's words, and what Cube says that it ran.

Cube compares times as instants and takes the values of conditions as local times of the query's zone, the ends of
ranges included. Here a period is whole days, the end excluded, and so is what compares a time with a day: every bound
becomes an instant, a day's start in the zone, or in UTC where the dimension holds days; an end that must not be
included gets a condition of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.figures import FigureQuery
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain
from ecp_server.domain.plan import Filter, FilterOperator
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.semantic import DimensionType
from ecp_server.stores.semantic.conditions import condition
from ecp_server.stores.semantic.cube_meta import CubeMeta

MAX_ROWS: Final = 50_000
"""The most that Cube returns; where it returns so many there may be more."""

EXTRA: Final = "cube"
"""Where a condition comes from that Cube itself added (its `queryRewrite`)."""

_FAR: Final = date(2999, 12, 31)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY: Final = timedelta(days=1)
_UTC: Final = "UTC"

_OPERATORS: Final = {
    FilterOperator.EQUALS: "equals",
    FilterOperator.NOT_EQUALS: "notEquals",
    FilterOperator.CONTAINS: "contains",
    FilterOperator.GT: "gt",
    FilterOperator.GTE: "gte",
    FilterOperator.LT: "lt",
    FilterOperator.LTE: "lte",
    FilterOperator.SET: "set",
    FilterOperator.NOT_SET: "notSet",
}
_BY_NAME: Final = {name: operator for operator, name in _OPERATORS.items()}
_SINGLE: Final = frozenset({FilterOperator.GT, FilterOperator.GTE, FilterOperator.LT, FilterOperator.LTE})
"""Of whose values Cube looks at the first alone."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CubeQuery:
    """What Cube is sent, and how its parts came about."""

    body: Json
    filters: tuple[Json, ...]
    """One a condition of the query, in its order."""
    period: tuple[Json, ...]
    """The conditions that the period takes beside its range."""
    keys: tuple[str, ...]
    """The columns of the reply that are keys, in the order of the answer's."""


def cube_query(query: FigureQuery, meta: CubeMeta) -> CubeQuery:
    """Return the query in Cube's words. Raises `StoreQueryFailed` where Cube's model lacks what it names."""
    return _Translation(query, meta).result()


class _Translation:
    def __init__(self, query: FigureQuery, meta: CubeMeta) -> None:
        self._query = query
        self._meta = meta
        for measure in query.measures:
            meta.measure(measure)
        self._times = [d for d in query.dimensions if meta.dimension(d).type is DimensionType.TIME]
        self._timed = query.granularity is not Grain.NONE or query.start is not None or query.end is not None
        if not (query.measures or query.dimensions or query.granularity is not Grain.NONE):
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        if self._timed and meta.dimension(query.time_ref).type is not DimensionType.TIME:
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        self._zone = self._zone_of_keys()

    def result(self) -> CubeQuery:
        query = self._query
        filters = tuple(self._filter(asked) for asked in query.filters)
        time_dimension, period = self._period()
        days = [{"dimension": ref, "granularity": "day"} for ref in self._times]
        body: Json = {
            "measures": list(query.measures),
            "dimensions": [d for d in query.dimensions if d not in self._times],
            "timeDimensions": [*days, *([time_dimension] if time_dimension else [])],
            "filters": [*filters, *period],
            "timezone": self._zone,
            "order": [],
            "limit": MAX_ROWS,
        }
        keys = [f"{d}.day" if d in self._times else d for d in query.dimensions]
        if query.granularity is not Grain.NONE:
            keys.append(f"{query.time_ref}.{query.granularity.name.lower()}")
        return CubeQuery(body, filters, period, tuple(keys))

    def _zone_of_keys(self) -> str:
        """Return the zone in which Cube is to break times into days; one query has one."""
        broken = [*self._times, *([self._query.time_ref] if self._query.granularity is not Grain.NONE else [])]
        zones = {_UTC if self._meta.dimension(ref).days_only else self._query.time_zone for ref in broken}
        if len(zones) > 1:
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        return zones.pop() if zones else _UTC

    def _period(self) -> tuple[Json | None, tuple[Json, ...]]:
        query, ref = self._query, self._query.time_ref
        if not self._timed:
            return None, ()
        broken = {"granularity": query.granularity.name.lower()} if query.granularity is not Grain.NONE else {}
        if query.start is not None and query.end is not None:
            # A range lets Cube leave out whole partitions of what it has worked out before.
            first, end = self._start_of(query.start, ref), self._start_of(query.end, ref)
            days_only = self._meta.dimension(ref).days_only
            last = self._local(end - _MILLISECOND if days_only else end)
            ranged = {"dimension": ref, **broken, "dateRange": [self._local(first), last]}
            return ranged, () if days_only else (self._before(query.end, ref),)
        conditions = (self._between(query.start, query.end, ref),) if (query.start or query.end) else ()
        return {"dimension": ref, **broken} if broken else None, conditions

    def _filter(self, asked: Filter) -> Json:
        kind = self._meta.dimension(asked.ref).type
        condition(asked, kind)  # refuses what cannot be said, alike on every engine
        if asked.operator in {FilterOperator.SET, FilterOperator.NOT_SET}:
            return {"member": asked.ref, "operator": _OPERATORS[asked.operator]}
        if kind is DimensionType.TIME:
            return self._by_day(asked)
        if asked.operator in _SINGLE and len(asked.values) > 1:
            return {"or": [_simple(asked.ref, asked.operator, (value,)) for value in asked.values]}
        return _simple(asked.ref, asked.operator, asked.values)

    def _by_day(self, asked: Filter) -> Json:
        """Return what compares a time with days as ranges of instants."""
        days = [date.fromisoformat(value) for value in asked.values]
        ref = asked.ref
        match asked.operator:
            case FilterOperator.EQUALS:
                return _any([self._between(day, day + _DAY, ref) for day in days])
            case FilterOperator.NOT_EQUALS:
                none = {"member": ref, "operator": "notSet"}
                others = [{"or": [self._before(d, ref), self._between(d + _DAY, None, ref), none]} for d in days]
                return others[0] if len(others) == 1 else {"and": others}
            case FilterOperator.GT:
                return _any([self._between(day + _DAY, None, ref) for day in days])
            case FilterOperator.GTE:
                return _any([self._between(day, None, ref) for day in days])
            case FilterOperator.LT:
                return _any([self._before(day, ref) for day in days])
            case _:
                return _any([self._before(day + _DAY, ref) for day in days])

    def _between(self, start: date | None, end: date | None, ref: str) -> Json:
        if start is None:
            return self._before(end or _FAR, ref)
        last = self._start_of(end or _FAR, ref)
        ranged = {
            "member": ref,
            "operator": "inDateRange",
            "values": [self._local(self._start_of(start, ref)), self._local(last)],
        }
        return {"and": [ranged, self._before(end, ref)]} if end is not None else ranged

    def _before(self, end: date, ref: str) -> Json:
        return {"member": ref, "operator": "beforeDate", "values": [self._local(self._start_of(end, ref))]}

    def _start_of(self, day: date, ref: str) -> datetime:
        """Return the instant at which a day begins: in the zone, but in UTC where the dimension holds days."""
        zone = _UTC if self._meta.dimension(ref).days_only else self._query.time_zone
        return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)

    def _local(self, instant: datetime) -> str:
        """Return an instant as Cube takes it: a local time of the query's zone."""
        return instant.astimezone(ZoneInfo(self._zone)).replace(tzinfo=None).isoformat(timespec="milliseconds")


def _simple(ref: str, operator: FilterOperator, values: Sequence[str]) -> Json:
    if operator is FilterOperator.CONTAINS:
        values = [value.replace("\\", "\\\\") for value in values]  # Cube escapes % and _, and not what it escapes by
    return {"member": ref, "operator": _OPERATORS[operator], "values": list(values)}


def _any(alternatives: list[Json]) -> Json:
    return alternatives[0] if len(alternatives) == 1 else {"or": alternatives}


def executed(sent: CubeQuery, asked: FigureQuery, ran: Mapping[str, Any]) -> FigureQuery:
    """Return the query that Cube says it ran: what was asked of which it says the same, and what it added.

    Raises `KeyError`, `TypeError` or `ValueError` where its words are not those of a query.
    """
    left = [_bare(found) for found in ran["filters"]]
    filters = [f for f, written in zip(asked.filters, sent.filters, strict=True) if _take(left, _bare(written))]
    bounded = all(_take(left, _bare(written)) for written in sent.period)
    times = {(t["dimension"], t.get("granularity")): t.get("dateRange") for t in ran["timeDimensions"]}
    unit = asked.granularity.name.lower() if asked.granularity is not Grain.NONE else None
    for part in sent.body["timeDimensions"]:
        if "dateRange" in part:
            bounded = bounded and times.get((part["dimension"], part.get("granularity"))) == part["dateRange"]
    broken = (asked.time_ref, unit) in times
    bounded = bounded and ran["timezone"] == sent.body["timezone"]
    keys = [*ran["dimensions"], *(ref for ref, granularity in times if granularity == "day")]
    return replace(
        asked,
        measures=tuple(measure for measure in asked.measures if measure in ran["measures"]),
        dimensions=tuple(ref for ref in asked.dimensions if ref in keys),
        filters=(*(replace(f, source="") for f in filters), *_added(left)),
        start=asked.start if bounded else None,
        end=asked.end if bounded else None,
        granularity=asked.granularity if broken else Grain.NONE,
    )


def _bare(found: Mapping[str, Any]) -> Json:
    """Return a condition without what Cube adds to it, such as its member under other names."""
    for junction in ("or", "and"):
        if junction in found:
            return {junction: [_bare(part) for part in found[junction]]}
    bare: Json = {"member": found.get("member") or found["dimension"], "operator": found["operator"]}
    return bare | ({"values": list(found["values"])} if found.get("values") else {})


def _take(left: list[Json], wanted: Json) -> bool:
    if wanted not in left:
        return False
    left.remove(wanted)
    return True


def _added(left: Sequence[Json]) -> Iterator[Filter]:
    """Yield what Cube added that can be said here; more conditions only ever narrow what comes back."""
    for found in left:
        operator = _BY_NAME.get(found.get("operator", ""))
        if operator is not None:
            yield Filter(found["member"], operator, tuple(str(v) for v in found.get("values", ())), EXTRA)
