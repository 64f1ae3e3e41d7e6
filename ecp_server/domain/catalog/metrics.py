"""Metrics (catalog.md, Metric)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import Grain


class Classification(StrEnum):
    """How sensitive a metric is."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    RESTRICTED = "restricted"


class TimeAggregation(StrEnum):
    """How a metric's values add up over time; a stock such as headcount is not summed."""

    SUM = "sum"
    LAST = "last"
    FIRST = "first"
    AVERAGE = "average"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Span:
    """A number of units of time, e.g. 7 days."""

    count: int
    grain: Grain


@dataclass(frozen=True, slots=True)
class DerivedInput:
    """One input of a derived metric; ``offset`` moves its period back by so much."""

    metric: str
    alias: str
    offset: Span | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """A metric computed from others; ``expression`` is over the aliases of its inputs."""

    expression: str
    inputs: tuple[DerivedInput, ...]


@dataclass(frozen=True, slots=True)
class Cumulative:
    """A running total of a metric: over all time, a window, or since the start of a grain."""

    metric: str
    window: Span | None = None
    grain_to_date: Grain | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A metric that another is held against, e.g. its budget."""

    name: str
    metric: str
    synonyms: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """A day from which a metric means something else."""

    on: date
    note: str


@dataclass(frozen=True, slots=True)
class Metric:
    """One governed metric: read from the semantic layer, derived from others, or cumulative."""

    id: str
    name: str
    definition: str
    synonyms: tuple[str, ...] = ()
    acronyms: tuple[str, ...] = ()
    domain: str = ""
    certification_tier: int = 4
    classification: Classification = Classification.INTERNAL
    owner: str = ""
    unit: str = ""
    scale: Decimal = Decimal(1)
    decimals: int | None = None
    semantic_ref: str | None = None
    derived: Derived | None = None
    cumulative: Cumulative | None = None
    time_dimension: str | None = None
    dimensions: tuple[str, ...] = ()
    calendar: str | None = None
    time_grain: Grain = Grain.DAY
    time_aggregation: TimeAggregation = TimeAggregation.SUM
    time_zone: str | None = None
    default_period: str | None = None
    not_available_for: tuple[str, ...] = ()
    computed_from: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    pii_columns: tuple[str, ...] = ()
    definition_changes: tuple[DefinitionChange, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """Ids of the metrics that this one is computed from."""
        if self.derived is not None:
            return tuple(dict.fromkeys(i.metric for i in self.derived.inputs))
        return (self.cumulative.metric,) if self.cumulative is not None else ()
