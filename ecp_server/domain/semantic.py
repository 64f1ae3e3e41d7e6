"""The semantic model: how measures and dimensions come about from tables, as Cube's data model says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from decimal import Decimal
from enum import StrEnum

from ecp_server.domain.frozen import dataclass


class DimensionType(StrEnum):
    """The type of a dimension's values."""

    STRING = "string"
    NUMBER = "number"
    TIME = "time"
    BOOLEAN = "boolean"


class MeasureType(StrEnum):
    """How a measure aggregates."""

    SUM = "sum"
    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    NUMBER = "number"
    """An expression over other measures, or one that aggregates by itself."""


class Relationship(StrEnum):
    """How many rows of the cube that declares a join meet how many of the other."""

    ONE_TO_ONE = "one_to_one"
    ONE_TO_MANY = "one_to_many"
    MANY_TO_ONE = "many_to_one"


@dataclass(frozen=True, slots=True)
class MemberRef:
    """A reference within SQL: to a member, or to a cube's rows where ``member`` is ""."""

    cube: str
    member: str = ""

    @property
    def address(self) -> str:
        """The member as plans write it, e.g. "Revenue.netRevenue"."""
        return f"{self.cube}.{self.member}"


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL by the model's author: text, with references between."""

    parts: tuple[str | MemberRef, ...]

    @property
    def references(self) -> Iterator[MemberRef]:
        """The references, in order."""
        return (part for part in self.parts if isinstance(part, MemberRef))


@dataclass(frozen=True, slots=True)
class When:
    """A branch of a case: its condition, and the text that it stands for."""

    condition: Sql
    label: str


@dataclass(frozen=True, slots=True)
class CubeDimension:
    """One dimension of a cube: an expression, or a case."""

    name: str
    type: DimensionType
    sql: Sql | None = None
    case: tuple[When, ...] = ()
    otherwise: str | None = None
    """What a case stands for where no branch holds; None is null."""
    primary_key: bool = False
    days_only: bool | None = None
    """For a time: whether its values are days, that no zone moves, or instants; None where the model does not say."""
    public: bool = True
    """Whether queries may name it; a primary key has to say so itself."""

    @property
    def references(self) -> Iterator[MemberRef]:
        """What its SQL refers to."""
        for sql in (self.sql, *(when.condition for when in self.case)):
            if sql is not None:
                yield from sql.references


class Operator(StrEnum):
    """Arithmetic between two measures."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"


class Function(StrEnum):
    """What may be applied to measures."""

    NULLIF = "nullif"
    COALESCE = "coalesce"
    ABS = "abs"
    ROUND = "round"
    FLOAT = "float"
    """A cast to double precision."""
    NUMERIC = "numeric"
    """A cast to an exact number."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number as written."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Applied:
    """A function of expressions."""

    function: Function
    arguments: tuple[MeasureExpression, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two expressions and what is between them."""

    operator: Operator
    left: MeasureExpression
    right: MeasureExpression


MeasureExpression = Literal | MemberRef | Applied | Arithmetic


def measures_in(expression: MeasureExpression) -> Iterator[MemberRef]:
    """Yield the measures that an expression is over, from left to right."""
    match expression:
        case MemberRef():
            yield expression
        case Applied():
            for argument in expression.arguments:
                yield from measures_in(argument)
        case Arithmetic():
            yield from measures_in(expression.left)
            yield from measures_in(expression.right)
        case Literal():
            pass


@dataclass(frozen=True, slots=True)
class CubeMeasure:
    """One measure of a cube; of ``sql`` and ``expression`` at most one is there."""

    name: str
    type: MeasureType
    sql: Sql | None = None
    """What is aggregated; for a number the aggregate itself; None counts rows."""
    expression: MeasureExpression | None = None
    """For a number over other measures."""
    filters: tuple[Sql, ...] = ()
    """Conditions that a row must meet, all of them, to be aggregated."""
    public: bool = True
    """Whether queries may name it; others may be computed from it all the same."""


@dataclass(frozen=True, slots=True)
class CubeJoin:
    """A join from the cube that declares it to another."""

    to: str
    relationship: Relationship
    sql: Sql


@dataclass(frozen=True, slots=True)
class Cube:
    """Rows of a table or of a query, with their dimensions and measures."""

    name: str
    table: tuple[str, ...] = ()
    """The parts of a table's name; () where ``query`` says what the rows are."""
    query: str = ""
    dimensions: Mapping[str, CubeDimension] = field(default_factory=dict)
    measures: Mapping[str, CubeMeasure] = field(default_factory=dict)
    joins: tuple[CubeJoin, ...] = ()

    @property
    def primary_key(self) -> tuple[CubeDimension, ...]:
        """The dimensions that tell one row from all others."""
        return tuple(d for d in self.dimensions.values() if d.primary_key)


@dataclass(frozen=True, slots=True)
class SemanticModel:
    """All cubes, by name."""

    cubes: Mapping[str, Cube] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is a model at all."""
        return bool(self.cubes)

    def dimension(self, address: str) -> CubeDimension | None:
        """Return a dimension that queries may name by its address, None where there is none."""
        cube, _, name = address.partition(".")
        found = self.cubes[cube].dimensions.get(name) if cube in self.cubes else None
        return found if found is not None and found.public else None

    def measure(self, address: str) -> CubeMeasure | None:
        """Return a measure that queries may name by its address, None where there is none."""
        cube, _, name = address.partition(".")
        found = self.cubes[cube].measures.get(name) if cube in self.cubes else None
        return found if found is not None and found.public else None

    def measure_at(self, ref: MemberRef) -> CubeMeasure:
        """Return a measure that the model itself refers to."""
        return self.cubes[ref.cube].measures[ref.member]
