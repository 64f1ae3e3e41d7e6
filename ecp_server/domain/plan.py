"""What to run, in terms of the semantic layer. It holds no SQL."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import TimeRange

QUESTION: Final = "question"
REQUEST: Final = "request"
PLAN: Final = "plan"
"""Where a condition comes from that only restates which members the plan groups by."""
SOURCES: Final = frozenset((QUESTION, REQUEST, PLAN))
"""What puts conditions into queries besides policies, which must not be called like it: what the question asked for
may be read beside, what a policy demands never."""


class FilterOperator(IntEnum):
    """Compares a dimension with values; numbered as in plan.proto."""

    EQUALS = 1
    NOT_EQUALS = 2
    CONTAINS = 3
    GT = 4
    GTE = 5
    LT = 6
    LTE = 7
    SET = 8
    NOT_SET = 9


class ObligationKind(IntEnum):
    """The kind of an obligation; numbered as in plan.proto."""

    ROW_FILTER = 1
    MASK = 2


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a query."""

    name: str
    ref: str
    metric_id: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class MemberBucket:
    """One member as a group of values."""

    member_id: str
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupBy:
    """One grouping: by ``ref`` where the semantic layer has the level itself, else by buckets."""

    dimension: str
    ref: str = ""
    level: str = ""
    buckets: tuple[MemberBucket, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; one of its values suffices."""

    ref: str
    operator: FilterOperator
    values: tuple[str, ...]
    source: str
    """What put it there: one of `SOURCES` or the policy's name."""
    dimension: str = ""


@dataclass(frozen=True, slots=True)
class SemanticQuery:
    """One call to the semantic layer."""

    id: str
    measures: tuple[Measure, ...]
    group_by: tuple[GroupBy, ...] = ()
    filters: tuple[Filter, ...] = ()
    time_ref: str = ""
    time_range: TimeRange | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Computation:
    """Arithmetic over the measures of a row."""

    name: str
    expression: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class OrderBy:
    """Sorts by one column: a key, a measure's name or a computation's name."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Alignment:
    """Brings the results of queries together into one table."""

    keys: tuple[str, ...] = ()
    order_by: tuple[OrderBy, ...] = ()
    limit: int = 0
    """Rows to keep after ordering; 0 keeps all."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What policy demands of every execution of the plan; an empty ``query_id`` binds all queries."""

    kind: ObligationKind
    ref: str
    policy: str
    reason: str
    query_id: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """Queries, the arithmetic over their aligned results, and what policy demands."""

    queries: tuple[SemanticQuery, ...]
    computations: tuple[Computation, ...] = ()
    alignment: Alignment = Alignment()
    obligations: tuple[Obligation, ...] = ()
    digest: str = ""
    """SHA-256 of the plan in canonical form, lower-case hexadecimal."""
