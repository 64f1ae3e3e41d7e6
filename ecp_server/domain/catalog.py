"""Everything known about the data: the assets of a catalog and the immutable `Catalog` itself.

Fields and defaults are those of the catalog format (catalog.md); `ecp_server.catalog` reads files into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from ecp_server.domain.period import Grain


class AssetKind(StrEnum):
    """The kind of an asset; a member lives in its dimension's document but is addressed on its own."""

    CONTEXT = "context"
    METRIC = "metric"
    TERM = "term"
    DIMENSION = "dimension"
    MEMBER = "member"
    CALENDAR = "calendar"
    KNOWN_ISSUE = "known_issue"
    CONTRACT = "contract"
    RULE = "rule"
    LINEAGE = "lineage"
    ENTITY = "entity"
    RELATION = "relation"
    PHRASE = "phrase"


@dataclass(frozen=True, slots=True, order=True)
class AssetRef:
    """Names one asset of a catalog."""

    kind: AssetKind
    id: str


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


class Severity(StrEnum):
    """How much an issue, a rule or a quality rule matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Context:
    """A department or the like, in which variations hold."""

    id: str
    name: str
    synonyms: tuple[str, ...] = ()
    parent: str | None = None


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


@dataclass(frozen=True, slots=True)
class TermVariation:
    """What a term means in one context."""

    context: str
    name: str = ""
    definition: str = ""
    metric: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """An entry of the business glossary."""

    id: str
    name: str
    definition: str = ""
    synonyms: tuple[str, ...] = ()
    acronyms: tuple[str, ...] = ()
    domain: str = ""
    owner: str = ""
    parent: str | None = None
    metric: str | None = None
    default: str | None = None
    variations: tuple[TermVariation, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberVariation:
    """The values that a member stands for in one context."""

    context: str
    """"" holds where no context decides: so are the values of a member whose children come and go."""
    values: tuple[str, ...]
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A named part of a dimension, e.g. APAC."""

    id: str
    dimension: str
    name: str
    synonyms: tuple[str, ...] = ()
    values: tuple[str, ...] | None = None
    """Own values, or the union of the children's; None where only variations, own or the children's, say."""
    variations: tuple[MemberVariation, ...] = ()
    children: tuple[str, ...] = ()
    parent: str | None = None
    level: str | None = None
    calendar: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a dimension's hierarchy; ``ref`` where the semantic layer has the level itself."""

    id: str
    name: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """A cube's own address of a dimension, and what members are called there by context ("" is any)."""

    cube: str
    ref: str
    values: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something metrics are sliced by."""

    id: str
    name: str
    semantic_ref: str | None = None
    bindings: tuple[Binding, ...] = ()
    synonyms: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    default_level: str | None = None
    members: tuple[str, ...] = ()
    row_level: bool = False

    def ref_for(self, cube: str) -> str | None:
        """Return the dimension's address in ``cube``: its binding there, else its own, else None."""
        for binding in self.bindings:
            if binding.cube == cube:
                return binding.ref
        return self.semantic_ref


class CalendarType(StrEnum):
    """How a calendar divides its years."""

    GREGORIAN = "gregorian"
    FISCAL_MONTHS = "fiscal_months"
    FISCAL_WEEKS = "fiscal_weeks"


class Weekday(StrEnum):
    """A day of the week, Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def number(self) -> int:
        """Return 0 for Monday to 6 for Sunday, as `datetime.date.weekday` does."""
        return tuple(Weekday).index(self)


class YearName(StrEnum):
    """Which end of a fiscal year names it."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class YearEnd:
    """Where a calendar of weeks ends its year: the ``last`` such weekday of the month, or that ``nearest`` its end."""

    weekday: Weekday
    rule: str
    month: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """How years, quarters, months and weeks are laid (catalog.md, Calendar)."""

    id: str
    type: CalendarType = CalendarType.GREGORIAN
    name: str = ""
    default: bool = False
    departments: tuple[str, ...] = ()
    week_start: Weekday = Weekday.MONDAY
    start_month: int = 1
    year_named_by: YearName = YearName.END
    pattern: tuple[int, int, int] = (4, 4, 5)
    year_end: YearEnd | None = None
    leap_week_quarter: int = 4


GREGORIAN = Calendar(id="gregorian", name="Gregorian calendar")


@dataclass(frozen=True, slots=True)
class IssueScope:
    """What an issue concerns; None means any."""

    metrics: frozenset[str] | None = None
    tables: frozenset[str] | None = None
    members: tuple[str, ...] | None = None
    start: date | None = None
    end: date | None = None
    """Exclusive."""


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """Something known to be wrong with a part of the data."""

    id: str
    description: str
    severity: Severity
    scope: IssueScope = IssueScope()
    impact: str = ""
    workaround: str = ""
    discovered_by: str = ""
    verified: bool = False
    active: bool = True


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """What a data contract promises; None where it says nothing."""

    freshness_hours: float | None = None
    availability_pct: float | None = None
    completeness_pct: float | None = None


@dataclass(frozen=True, slots=True)
class QualityRule:
    """One rule of a data contract."""

    rule: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Contract:
    """What the owners of tables promise about them."""

    id: str
    tables: tuple[str, ...]
    sla: ServiceLevel = ServiceLevel()
    quality_rules: tuple[QualityRule, ...] = ()
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A validation rule on results; an empty ``metrics`` means all."""

    id: str
    expression: str
    severity: Severity
    description: str = ""
    metrics: tuple[str, ...] = ()
    on: str = "value"
    expect_members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineageLink:
    """One edge of the lineage, as its document states it; ends are names without prefixes, of the types beside them."""

    start: str
    end: str
    transformation: str = ""
    start_type: str = "column"
    end_type: str = "column"
    from_system: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing of the ontology, e.g. a person or a team."""

    id: str
    name: str
    type: str = ""
    synonyms: tuple[str, ...] = ()
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Relation:
    """How one entity, member or metric relates to another."""

    id: str
    start: str
    end: str
    verb: str
    synonyms: tuple[str, ...] = ()


class PhraseMeaning(StrEnum):
    """What a phrase stands for."""

    NOT_COVERED = "not_covered"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that mean something the catalog lacks, or nothing at all."""

    text: str
    meaning: PhraseMeaning


Asset = (
    Context | Metric | Term | Dimension | Member | Calendar | KnownIssue | Contract | Rule | Entity | Relation | Phrase
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What holds for the whole catalog."""

    name: str = ""
    default_time_zone: str = "UTC"
    default_currency: str = ""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All assets, by id (members by dimension, then as written). Immutable; ``version`` is a hash of the content."""

    version: str
    manifest: Manifest = Manifest()
    contexts: Mapping[str, Context] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    terms: Mapping[str, Term] = field(default_factory=dict)
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    members: Mapping[str, Member] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    known_issues: Mapping[str, KnownIssue] = field(default_factory=dict)
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    lineage: tuple[LineageLink, ...] = ()
    entities: Mapping[str, Entity] = field(default_factory=dict)
    relations: Mapping[str, Relation] = field(default_factory=dict)
    phrases: tuple[Phrase, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict)
    """Rego text by file name, relative to ``policies/``; empty where the built-in policy applies."""
    semantic: Mapping[str, str] = field(default_factory=dict)
    """The semantic model's YAML (Cube's data model) by file name, relative to ``semantic/``."""

    @property
    def default_calendar(self) -> Calendar:
        """Return the calendar that applies where nothing stronger does (catalog.md, Calendar)."""
        return next((c for c in self.calendars.values() if c.default), GREGORIAN)


class Catalogs(Protocol):
    """The catalog in force and the few before it."""

    @property
    def current(self) -> Catalog:
        """Return the catalog in force."""

    def held(self, version: str) -> Catalog | None:
        """Return the catalog of that version while it is still held, else None."""
