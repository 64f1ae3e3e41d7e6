"""MetricFlow's terms, whichever of its notations they were written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ecp_server.catalog.importers.report import Place

DUNDER = "__"
"""What joins the parts of MetricFlow's full names."""


class EntityType(StrEnum):
    """How often an entity's key occurs in a model."""

    PRIMARY = "primary"
    UNIQUE = "unique"
    FOREIGN = "foreign"
    NATURAL = "natural"


class MetricType(StrEnum):
    """How a metric is made."""

    SIMPLE = "simple"
    RATIO = "ratio"
    DERIVED = "derived"
    CUMULATIVE = "cumulative"
    CONVERSION = "conversion"


@dataclass(frozen=True, slots=True)
class Meta:
    """What a project says of a thing beyond MetricFlow: keys of the catalog, by `config.meta`."""

    owner: str = ""
    group: str = ""
    catalog: Mapping[str, object] = field(default_factory=dict)
    """Keys of a catalog document, from `meta: {ecp: {…}}`."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A key of a model, by which models are joined."""

    name: str
    type: EntityType
    expr: str
    place: Place


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something that rows are told apart by."""

    name: str
    expr: str
    place: Place
    grain: str = ""
    """Of a time dimension, e.g. "day"; "" where it is categorical."""
    label: str = ""
    description: str = ""
    meta: Meta = Meta()

    @property
    def is_time(self) -> bool:
        """Tell whether it is a time dimension."""
        return bool(self.grain)


@dataclass(frozen=True, slots=True)
class NonAdditive:
    """A time dimension over which a measure is not added up."""

    dimension: str
    choice: str
    """"min" or "max": the first or the last of it counts."""
    groupings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregation of a model's rows."""

    name: str
    agg: str
    expr: str
    place: Place
    time_dimension: str = ""
    non_additive: NonAdditive | None = None
    percentile: str = ""
    """From 0 to 1, of a percentile."""
    discrete: bool = False
    """Whether a percentile is a value that occurs."""
    label: str = ""
    description: str = ""
    create_metric: bool = False
    meta: Meta = Meta()


@dataclass(frozen=True, slots=True)
class SemanticModel:
    """A table with what it measures and what its rows are told apart by."""

    name: str
    relation: str
    """Where the rows are, e.g. "orders" or "analytics.marts.orders"."""
    place: Place
    primary_entity: str = ""
    time_dimension: str = ""
    """The one that measures are aggregated by, where they do not say."""
    entities: tuple[Entity, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    measures: tuple[Measure, ...] = ()
    description: str = ""

    @property
    def alias(self) -> str:
        """Return the table's own name, without database and schema."""
        return self.relation.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition as it stands there: SQL with Jinja in it."""

    template: str
    place: Place


@dataclass(frozen=True, slots=True)
class MeasureInput:
    """A measure that a metric is made of."""

    name: str
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricInput:
    """A metric that another is made of."""

    name: str
    alias: str = ""
    filters: tuple[Filter, ...] = ()
    offset: str = ""
    """How far back its period lies, e.g. "1 month"."""
    offset_to_grain: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that is asked for by name."""

    name: str
    type: MetricType
    place: Place
    label: str = ""
    description: str = ""
    filters: tuple[Filter, ...] = ()
    measure: MeasureInput | None = None
    """Of a simple metric, and of a cumulative one that is not made of a metric."""
    inputs: tuple[MetricInput, ...] = ()
    """Numerator and denominator of a ratio, the inputs of a derived metric, the only one of a cumulative one."""
    expr: str = ""
    window: str = ""
    grain_to_date: str = ""
    meta: Meta = Meta()


@dataclass(frozen=True, slots=True)
class Project:
    """All that was read."""

    name: str
    models: tuple[SemanticModel, ...]
    metrics: tuple[Metric, ...]
