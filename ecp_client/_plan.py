"""What to run through the semantic layer, and the table that came of it. There is no SQL in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

from ecp_client._concepts import TimeRange
from ecp_client._enums import ColumnType, FilterOperator, NullReason, ObligationKind

Value = str | Decimal | date | bool | None
"""A value of a table, by the column's type; None is null."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a query."""

    name: str
    """Unique within the plan, e.g. "actual", "budget"."""
    ref: str
    """Address in the semantic layer, e.g. "Revenue.netRevenue"."""
    metric_id: str
    unit: str
    """ISO 4217 code, percent (5.41 means 5.41 %), ratio, percentage_points, count or a UCUM unit."""


@dataclass(frozen=True, slots=True)
class MemberBucket:
    """One member as a group of values."""

    member_id: str
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupBy:
    """One grouping: by ``ref`` where the semantic layer has the level itself, else by ``buckets``."""

    dimension: str
    ref: str
    level: str
    buckets: tuple[MemberBucket, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; one of its values suffices."""

    ref: str
    operator: FilterOperator
    values: tuple[str, ...]
    source: str
    """What put it there: "question", "request" or the policy's name."""
    dimension: str
    """Catalog dimension that it comes from; empty where it has none."""


@dataclass(frozen=True, slots=True)
class SemanticQuery:
    """One call to the semantic layer; all filters hold."""

    id: str
    measures: tuple[Measure, ...]
    group_by: tuple[GroupBy, ...]
    filters: tuple[Filter, ...]
    time_ref: str
    """Address of the dimension that carries the period."""
    time_range: TimeRange | None
    label: str


@dataclass(frozen=True, slots=True)
class Computation:
    """Arithmetic over the measures of a row, done by the server, never by the caller."""

    name: str
    expression: str
    """Over measure names, e.g. "(actual - budget) / budget * 100"."""
    unit: str


@dataclass(frozen=True, slots=True)
class OrderBy:
    """Sorts by one key, measure or computation."""

    column: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Alignment:
    """How the results of queries come together, are ordered and cut."""

    keys: tuple[str, ...]
    """Dimension ids that rows are matched by; "period" is the bucket's position, not its date."""
    order_by: tuple[OrderBy, ...]
    limit: int
    """Rows to keep after ordering; 0: all."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What policy demands of every execution of the plan."""

    kind: ObligationKind
    query_id: str
    """The query that it binds; empty: all."""
    ref: str
    values: tuple[str, ...]
    policy: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """What to run, in terms of the semantic layer."""

    queries: tuple[SemanticQuery, ...]
    computations: tuple[Computation, ...]
    alignment: Alignment
    obligations: tuple[Obligation, ...]
    digest: str
    """SHA-256 of the plan in canonical form, lower-case hexadecimal."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, with its values typed."""

    name: str
    """Key, measure name or computation name."""
    label: str
    """Name for people."""
    type: ColumnType
    unit: str
    values: tuple[Value, ...]
    """One a row: str, exact Decimal, date (a period bucket's first day), bool, or None where null."""
    nulls: Mapping[int, NullReason]
    """Row, from 0, to the reason why its value is null."""
    masked: bool
    """Policy hides its values."""
    value_labels: tuple[str, ...]
    """Names for people, one a value, of members and of parts of a period: "" where one has none; empty if none has."""


@dataclass(frozen=True, slots=True)
class QuerySource:
    """Where one query's figures come from."""

    query_id: str
    adapter: str
    """The semantic layer, e.g. "cube", "duckdb"."""
    refresh_time: datetime | None
    """When the source last refreshed its data; None where it does not say."""
    fresh_time: datetime | None
    """Set where this is a kept result: the time at which it was fresh."""


@dataclass(frozen=True, slots=True)
class ResultTable:
    """The aligned result: keys first, then measures, then computations."""

    columns: tuple[Column, ...]
    row_count: int
    truncated: bool
    """More rows exist than the row limit let through."""
    sources: tuple[QuerySource, ...]

    def rows(self) -> Iterator[dict[str, Value]]:
        """Each row as a mapping of column name to value."""
        names = [column.name for column in self.columns]
        for values in zip(*(column.values for column in self.columns), strict=True):
            yield dict(zip(names, values, strict=True))

    def to_arrow(self) -> Any:
        """The table for pyarrow: exact decimals, dates, text and booleans; needs pyarrow.

        Raises:
            ImportError: pyarrow is not installed.
        """
        arrow = import_module("pyarrow")
        return arrow.table(
            {column.name: arrow.array(column.values, _arrow_type(column, arrow)) for column in self.columns}
        )

    def to_pandas(self) -> Any:
        """The table for pandas, its numbers still exact `Decimal` values; needs pandas.

        Raises:
            ImportError: pandas is not installed.
        """
        pandas = import_module("pandas")
        return pandas.DataFrame({c.name: pandas.Series(list(c.values), dtype=object) for c in self.columns})


def _arrow_type(column: Column, arrow: Any) -> Any:
    """What pyarrow cannot tell of a column without any value; it finds the digits that decimals need by itself."""
    if column.type is ColumnType.NUMBER and any(value is not None for value in column.values):
        return None
    return {
        ColumnType.NUMBER: arrow.decimal128(38, 0),
        ColumnType.DATE: arrow.date32(),
        ColumnType.BOOLEAN: arrow.bool_(),
    }.get(column.type, arrow.string())
