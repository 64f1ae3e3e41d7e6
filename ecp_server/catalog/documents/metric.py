"""Documents of metrics (catalog.md, Metric)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import override

from ecp_server.catalog.documents.base import (
    SPAN_PATTERN,
    Day,
    Days,
    Document,
    GrainName,
    Id,
    Part,
    Problem,
    Reference,
    Text,
    Texts,
    TimeZone,
    dates_in_order,
    each,
    grain,
    one,
    span,
)
from ecp_server.domain.catalog import (
    AssetKind,
    Classification,
    Cumulative,
    DefinitionChange,
    Derived,
    DerivedInput,
    Metric,
    Span,
    Target,
    TimeAggregation,
)
from ecp_server.domain.expressions import Expression, ExpressionError, Name, parse_derived, walk
from ecp_server.resolution.time import Comparison, period_expression

_METRIC: Final = (AssetKind.METRIC,)
# Beyond these no unit is scaled, and arithmetic keeps its digits.
_MAX_SCALE: Final = Decimal("1e18")


def _nonzero(value: Decimal) -> Decimal:
    if value == 0:
        raise PydanticCustomError("scale", "should not be 0")
    return value


def _window(value: object) -> Span | None:
    return None if value == "all" else span(value)


class DerivedInputPart(Part):
    """One input of a derived metric."""

    metric: str
    """Its id."""
    alias: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """What the expression calls it; the metric's id where none is given."""
    offset: Days | None = None
    """How far back its period lies, e.g. 1 month."""

    @property
    def name(self) -> str:
        """What the expression calls it."""
        return self.alias or self.metric

    def to_domain(self) -> DerivedInput:
        """Return the input."""
        return DerivedInput(self.metric, self.name, self.offset)


class DerivedPart(Part):
    """How a metric is computed from others."""

    expression: Text
    """Aliases of inputs, numbers, + - * / and parentheses."""
    inputs: Annotated[tuple[DerivedInputPart, ...], Field(min_length=1)]
    """The metrics that it is computed from."""

    def tree(self) -> Expression | None:
        """Return the parsed expression, or None where it is not supported."""
        try:
            return parse_derived(self.expression)
        except ExpressionError:
            return None

    def problems(self) -> Iterator[Problem]:
        """Yield aliases given twice or missing, and what the expression may not hold."""
        names: set[str] = set()
        for position, given in enumerate(self.inputs):
            if given.name in names:
                yield Problem(("derived", "inputs", position), f"a second input is called {given.name!r}")
            names.add(given.name)
        try:
            tree = parse_derived(self.expression)
        except ExpressionError as error:
            yield Problem(("derived", "expression"), str(error))
            return
        used = {part.name for part in walk(tree) if isinstance(part, Name)}
        for name in sorted(used - names):
            yield Problem(("derived", "expression"), f"{name!r} is the alias of no input")
        if not used:
            yield Problem(("derived", "expression"), "uses none of the inputs")

    def to_domain(self) -> Derived:
        """Return how the metric is derived."""
        return Derived(self.expression, tuple(given.to_domain() for given in self.inputs))


class CumulativePart(Part):
    """A running total of another metric: over all time, over a window, or since the start of a grain."""

    metric: str
    """Id of the metric that is added up."""
    window: Annotated[
        Span | None, PlainValidator(_window), WithJsonSchema({"type": "string", "pattern": f"^(all|{SPAN_PATTERN})$"})
    ] = None
    """`all`, or a length of time, e.g. 7 days."""
    grain_to_date: GrainName | None = None
    """The total starts anew with each of these."""

    def problems(self) -> Iterator[Problem]:
        """Yield a window that contradicts the grain."""
        if self.grain_to_date is not None and self.window is not None:
            yield Problem(("cumulative", "grain_to_date"), "a running total has a window or a grain, not both")

    def to_domain(self) -> Cumulative:
        """Return the running total."""
        return Cumulative(self.metric, self.window, grain(self.grain_to_date) if self.grain_to_date else None)


class TargetPart(Part):
    """A metric that this one is held against, e.g. its budget."""

    metric: str
    """Its id."""
    synonyms: Texts = ()
    """What questions call it beside its name."""
    valid_from: Day | None = None
    """The first day on which it holds."""
    valid_to: Day | None = None
    """Exclusive."""

    def to_domain(self, name: str) -> Target:
        """Return the target of that name."""
        return Target(name, self.metric, self.synonyms, self.valid_from, self.valid_to)


def _target(value: object) -> object:
    """Take a bare metric id for a target without anything else."""
    return {"metric": value} if isinstance(value, str) else value


TargetOrMetric = Annotated[TargetPart, BeforeValidator(_target, json_schema_input_type=str | TargetPart)]


class DefinitionChangePart(Part):
    """A day from which a metric means something else."""

    on: Day
    """The first day of the new meaning."""
    note: Text
    """What changed."""

    def to_domain(self) -> DefinitionChange:
        """Return the change."""
        return DefinitionChange(self.on, self.note)


def _names_period(text: str) -> bool:
    """Tell whether a default period can be read by itself."""
    if text in ("as_of", "ask"):
        return True
    expression = period_expression(text)
    return expression is not None and not isinstance(expression, Comparison)


class MetricDocument(Document):
    """One governed metric: read from the semantic layer, derived from others, or cumulative."""

    one_of: ClassVar = ("semantic_ref", "derived", "cumulative")
    only_one: ClassVar = True

    kind: Literal["metric"]
    id: Id
    name: Text
    definition: Text
    """What it is, in a sentence."""
    synonyms: Texts = ()
    acronyms: Texts = ()
    domain: str = ""
    certification_tier: Annotated[int, Field(ge=1, le=4)] = 4
    """1 regulatory, 2 executive, 3 operational, 4 exploratory."""
    classification: Classification = Classification.INTERNAL
    """How sensitive it is; without policies of your own, `confidential` and `restricted` are denied to all."""
    owner: str = ""
    unit: str = ""
    """An ISO 4217 code, percent, ratio, percentage_points, count, or UCUM."""
    scale: Annotated[Decimal, Field(ge=-_MAX_SCALE, le=_MAX_SCALE, allow_inf_nan=False), AfterValidator(_nonzero)] = (
        Decimal(1)
    )
    """Multiplies what the semantic layer returns."""
    decimals: Annotated[int, Field(ge=0, le=18)] | None = None
    """How many digits are shown after the point."""
    semantic_ref: Text | None = None
    """The measure's address in the semantic layer."""
    derived: DerivedPart | None = None
    """How it is computed from others."""
    cumulative: CumulativePart | None = None
    """What it is the running total of."""
    time_dimension: Text | None = None
    """The address of the day, in the semantic layer."""
    dimensions: tuple[str, ...] = ()
    """Ids of the dimensions it can be sliced by."""
    calendar: str | None = None
    """The calendar that periods are read by where this metric is asked for."""
    time_grain: GrainName = "day"
    """The finest grain that the data has."""
    time_aggregation: TimeAggregation = TimeAggregation.SUM
    """How its values add up over time; a stock such as headcount is not summed."""
    time_zone: TimeZone | None = None
    """Where the days of its data begin; the manifest's where none is given."""
    default_period: Text | None = None
    """An expression such as "last complete quarter", `as_of`, or `ask`; none: all time."""
    not_available_for: tuple[str, ...] = ()
    """Ids of members that it does not exist for."""
    computed_from: Texts = ()
    """Columns that it is computed from."""
    targets: dict[Text, TargetOrMetric] = Field(default_factory=dict)
    """By name, e.g. budget."""
    pii_columns: Texts = ()
    """Columns with personal data, which policies may mask."""
    definition_changes: tuple[DefinitionChangePart, ...] = ()
    """Days from which it means something else."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Ids of the metrics that it is computed from."""
        if self.derived is not None:
            return tuple(given.metric for given in self.derived.inputs)
        return () if self.cumulative is None else (self.cumulative.metric,)

    @override
    def references(self) -> Iterator[Reference]:
        if self.derived is not None:
            for position, given in enumerate(self.derived.inputs):
                yield Reference(("derived", "inputs", position, "metric"), _METRIC, given.metric)
        if self.cumulative is not None:
            yield Reference(("cumulative", "metric"), _METRIC, self.cumulative.metric)
        yield from each("dimensions", AssetKind.DIMENSION, self.dimensions)
        yield from one("calendar", AssetKind.CALENDAR, self.calendar)
        yield from each("not_available_for", AssetKind.MEMBER, self.not_available_for)
        for name, target in self.targets.items():
            yield Reference(("targets", name), _METRIC, target.metric)

    @override
    def problems(self) -> Iterator[Problem]:
        if self.derived is not None:
            yield from self.derived.problems()
        if self.cumulative is not None:
            yield from self.cumulative.problems()
        for name, target in self.targets.items():
            yield from dates_in_order(("targets", name), target.valid_from, target.valid_to)
        if self.default_period is not None and not _names_period(self.default_period):
            yield Problem(("default_period",), f"“{self.default_period}” is no period, nor as_of, nor ask")

    def to_domain(self) -> Metric:
        """Return the metric, its targets by name."""
        return Metric(
            id=self.id,
            name=self.name,
            definition=self.definition,
            synonyms=self.synonyms,
            acronyms=self.acronyms,
            domain=self.domain,
            certification_tier=self.certification_tier,
            classification=self.classification,
            owner=self.owner,
            unit=self.unit,
            scale=self.scale,
            decimals=self.decimals,
            semantic_ref=self.semantic_ref,
            derived=self.derived.to_domain() if self.derived else None,
            cumulative=self.cumulative.to_domain() if self.cumulative else None,
            time_dimension=self.time_dimension,
            dimensions=self.dimensions,
            calendar=self.calendar,
            time_grain=grain(self.time_grain),
            time_aggregation=self.time_aggregation,
            time_zone=self.time_zone,
            default_period=self.default_period,
            not_available_for=self.not_available_for,
            computed_from=self.computed_from,
            targets=tuple(target.to_domain(name) for name, target in sorted(self.targets.items())),
            pii_columns=self.pii_columns,
            definition_changes=tuple(change.to_domain() for change in self.definition_changes),
        )
