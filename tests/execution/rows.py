"""A semantic layer over rows in memory: small, plain, and right, so that what is asked of it is what is tested.

It stands in for engines in tests of the path; the engines themselves pass the suite of the Semantic port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from typing_extensions import override

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.figures import FigureQuery, Figures, Value
from ecp_server.domain.frozen import replace
from ecp_server.domain.identity import Principal
from ecp_server.domain.period import Grain
from ecp_server.domain.plan import Filter, FilterOperator
from ecp_server.domain.provenance import StoreKind
from ecp_server.execution.units import unit_of

Record = Mapping[str, Value]
"""Values by name."""


@dataclass(frozen=True)
class Measured:
    """A measure: how it aggregates which column."""

    kind: str
    column: str = ""


@dataclass
class Rows:
    """The Semantic port over the records of cubes."""

    cubes: Mapping[str, Sequence[Record]]
    measures: Mapping[str, Measured]
    """By address; a dimension is the column of its name."""
    refresh_time: datetime | None = None
    adapter: str = "rows"
    asked: list[FigureQuery] = field(default_factory=list)
    principals: list[Principal | None] = field(default_factory=list)
    """Whom it was asked for, call by call."""
    failure: Exception | None = None
    delay_seconds: float = 0.0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is first asked."""

    async def run(self, queries: Sequence[FigureQuery], *, principal: Principal | None = None) -> Sequence[Figures]:
        """Answer, or fail as told."""
        self.principals.append(principal)
        self.asked += queries
        self.begun.set()
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        if self.failure is not None:
            raise self.failure
        return [self.answer(query) for query in queries]

    async def probe(self) -> None:
        """Fail as told."""
        if self.failure is not None:
            raise self.failure

    async def close(self) -> None:
        """Hold nothing."""

    def kind_of(self, ref: str) -> str:
        """How a measure aggregates."""
        return self.measures[ref].kind

    def answer(self, query: FigureQuery) -> Figures:
        """Evaluate one query."""
        cube = query.measures[0].partition(".")[0]
        if any(ref.partition(".")[0] != cube for ref in (*query.measures, *query.dimensions)):
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        groups: dict[tuple[Value, ...], list[Record]] = {}
        if not query.dimensions and query.granularity is Grain.NONE:
            groups[()] = []
        for record in self.cubes[cube]:
            if self.met(query, record):
                groups.setdefault(self._key(query, record), []).append(record)
        columns = (*query.dimensions, *((query.time_ref,) if query.granularity else ()), *query.measures)
        rows = sorted(
            ((*key, *(self._measure(ref, records) for ref in query.measures)) for key, records in groups.items()),
            key=lambda row: [(value is not None, str(value)) for value in row],
        )
        return Figures(columns, tuple(rows), self.executed(query), self.refresh_time)

    def executed(self, query: FigureQuery) -> FigureQuery:
        """What ran: what was asked."""
        return query

    def met(self, query: FigureQuery, record: Record) -> bool:
        """Tell whether a record meets all conditions of a query."""
        if query.start is not None or query.end is not None:
            day = record[_name(query.time_ref)]
            if not isinstance(day, date):
                return False
            if (query.start is not None and day < query.start) or (query.end is not None and day >= query.end):
                return False
        return all(_met(condition, record[_name(condition.ref)]) for condition in query.filters)

    def _key(self, query: FigureQuery, record: Record) -> tuple[Value, ...]:
        key = tuple(record[_name(ref)] for ref in query.dimensions)
        if query.granularity is Grain.NONE:
            return key
        day = record[_name(query.time_ref)]
        return (*key, unit_of(day, query.granularity)[0] if isinstance(day, date) else None)

    def _measure(self, ref: str, records: Sequence[Record]) -> Decimal | None:
        measured = self.measures[ref]
        if measured.kind == "count":
            return Decimal(len(records))
        values = [value for record in records if (value := record[measured.column]) is not None]
        if measured.kind == "count_distinct":
            return Decimal(len(set(values)))
        numbers = [value for value in values if isinstance(value, Decimal)]
        if not numbers:
            return None
        if measured.kind == "max":
            return max(numbers)
        total = sum(numbers, Decimal(0))
        return total / len(numbers) if measured.kind == "avg" else total


class Lossy(Rows):
    """The mutant: an engine that loses conditions on their way, and does not hide it."""

    lost: str = ""
    """The source of the conditions that it loses, e.g. a policy's name."""

    @override
    def answer(self, query: FigureQuery) -> Figures:
        """Evaluate the query without them."""
        return super().answer(replace(query, filters=tuple(f for f in query.filters if f.source != self.lost)))


def _met(condition: Filter, value: Value) -> bool:
    # Numbers are compared as numbers, however they are written, as engines do.
    same = [v for v in condition.values if value == (Decimal(v) if isinstance(value, Decimal) else v)]
    match condition.operator:
        case FilterOperator.EQUALS:
            return bool(same)
        case FilterOperator.NOT_EQUALS:
            return not same
        case FilterOperator.SET:
            return value is not None
        case FilterOperator.NOT_SET:
            return value is None
        case _:
            raise StoreQueryFailed(StoreKind.SEMANTIC)


def _name(ref: str) -> str:
    return ref.partition(".")[2]
