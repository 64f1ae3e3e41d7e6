"""The state that the path carries: a resolution in the making, which every step returns anew with what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date
from typing import Final

from ecp_server.domain.catalog import AssetRef, Dimension, Member, Metric
from ecp_server.domain.concepts import Ambiguity, Assumption, Hop, Intent, Mention, ResolvedConcept
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.domain.plan import Computation, ExecutionPlan, OrderBy
from ecp_server.domain.policy import Decision
from ecp_server.domain.provenance import Degradation, Step
from ecp_server.domain.resolution import (
    Confidence,
    GlossaryTerm,
    MetricList,
    Problem,
    Question,
    Warning,  # noqa: A004 - the contract's word
)
from ecp_server.domain.text import Token
from ecp_server.resolution.lessons import NO_LESSONS, Lessons
from ecp_server.resolution.lexicon import NOTHING_HIDDEN, Exactness, Hidden, Sense, SenseKind
from ecp_server.resolution.parsing.superlatives import Ranking
from ecp_server.resolution.prepared import PreparedCatalog
from ecp_server.resolution.time import Expression
from ecp_server.stores.ports import Variations


@dataclass(frozen=True, slots=True)
class NamedMention:
    """A mention that the catalog has names for."""

    mention: Mention
    first: int
    """Position of its first token."""
    last: int
    """Position after its last token."""
    senses: tuple[Sense, ...]
    exactness: Exactness
    kinds: frozenset[SenseKind]
    """The kinds of its senses."""
    grouped: bool = False
    """"by", "per" or the like stands before it."""
    excluded: bool = False
    """"excluding", "other than" or the like stands before it."""

    def named(self, *kinds: SenseKind) -> tuple[Sense, ...]:
        """Return its senses of these kinds."""
        if self.kinds.isdisjoint(kinds):
            return ()
        return tuple([sense for sense in self.senses if sense.kind in kinds])


@dataclass(frozen=True, slots=True)
class TimedMention:
    """A mention that is a time expression; the calendar that reads it is chosen later."""

    mention: Mention
    first: int
    last: int
    expression: Expression
    exactness: Exactness = Exactness.EXACT
    held: bool = False
    """The words say that the main period is held against it."""
    assumed: bool = False
    """That is taken for granted: the words only say that something moved."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the words of the question are."""

    tokens: tuple[Token, ...] = ()
    names: tuple[NamedMention, ...] = ()
    times: tuple[TimedMention, ...] = ()
    unmatched: tuple[Mention, ...] = ()
    """Runs of content words that nothing matched."""
    altered: tuple[NamedMention, ...] = ()
    """Names inside whose noun phrase an unknown content word stands, so that they mean something else."""
    not_covered: tuple[Mention, ...] = ()
    """Phrases that the catalog says it does not have."""
    ranking: Ranking | None = None
    share_at: int | None = None
    """Where "share of" or the like stands."""
    divisor: int | None = None
    """Where the metric starts that the one before is divided by."""
    percent: bool = False
    """The quotient is asked for in percent."""
    moved: bool = False
    """How much a figure moved is asked for, in percent."""
    falling_short: bool = False
    """"Missed", "below" or the like stands beside a target."""
    trend: bool = False
    """How the figure went over time is asked for; with no grain said, one is taken."""
    grain: Grain = Grain.NONE
    """What the question asks periods to be broken into."""
    words: bool = False
    """There are words at all, be they ever so light."""
    comparing: bool = False
    """A word that compares stands somewhere."""
    leaving_out: bool = False
    """Whether any word can leave something out."""
    intent: Intent = Intent.METRIC
    considered: tuple[Sense, ...] = ()
    """What has words that others were, or could have been, read as, and policy decides on."""


@dataclass(frozen=True, slots=True)
class Reached:
    """What the relations in the question lead to, each with the way there."""

    head: NamedMention
    """The words that say what is looked for."""
    members: tuple[tuple[Member, tuple[Hop, ...]], ...]
    entities: tuple[ResolvedConcept, ...]
    consumed: frozenset[NamedMention]
    """Mentions that mean nothing beside that."""


@dataclass(frozen=True, slots=True)
class SlicedMember:
    """A member as a filter: the values that it stands for here."""

    member: Member
    values: tuple[str, ...]
    variation: str
    """The context whose reading applies; "" where it is the member's own."""
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Grouping:
    """A dimension to group by, at one of its levels where it has any, with the members of that level."""

    dimension: Dimension
    level: str = ""
    members: tuple[SlicedMember, ...] = ()


@dataclass(frozen=True, slots=True)
class SlicedMetric:
    """A metric that the semantic layer has, under the name of its measure."""

    name: str
    metric: Metric


@dataclass(frozen=True, slots=True)
class Slice:
    """Some metrics of one cube over some members and one period: what one query of the plan reads."""

    id: str
    """The query's id, e.g. "actual"."""
    metrics: tuple[SlicedMetric, ...]
    asked: Metric
    """The metric that it serves: the one asked for, or its target."""
    period: TimeRange | None
    members: tuple[SlicedMember, ...] = ()
    label: str = ""
    grouped: bool = True
    """Whether the groupings of the question are its too; the whole of a share has none."""
    essential: bool = True
    """Denied, it denies the question; what the main figure is compared with is dropped instead."""

    @property
    def cube(self) -> str:
        """Return the cube that has the metrics."""
        return cube_of(self.metrics[0].metric)


def read_by(part: Slice) -> tuple[Metric, ...]:
    """Return what policy judges of a slice: the metric that it serves, then those that it measures."""
    if len(part.metrics) == 1:
        return part.asked, part.metrics[0].metric
    return (part.asked, *[sliced.metric for sliced in part.metrics])


def cube_of(metric: Metric) -> str:
    """Return the cube that a metric's address starts with; "" where it has no address."""
    return (metric.semantic_ref or "").partition(".")[0]


@dataclass(frozen=True, slots=True)
class Selection:
    """What the mentions mean."""

    concepts: tuple[ResolvedConcept, ...] = ()
    metrics: tuple[Metric, ...] = ()
    members: tuple[SlicedMember, ...] = ()
    groupings: tuple[Grouping, ...] = ()
    period: TimeRange | None = None
    other_readings: tuple[TimeRange, ...] = ()
    """What the period would be by the other calendars that the words could mean."""
    slices: tuple[Slice, ...] = ()
    computations: tuple[Computation, ...] = ()
    order_by: tuple[OrderBy, ...] = ()
    limit: int = 0
    assumptions: tuple[Assumption, ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()
    answer: GlossaryTerm | Lineage | MetricList | None = None
    warnings: tuple[Warning, ...] = ()
    """What was found on the way, e.g. that data is not fine enough for the period."""
    offers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids of the options by the subject that a choice can name."""
    precedents: tuple[str, ...] = ()
    """Ids of those that decided what words mean."""


NOTHING_PARSED: Final = Parsed()
NOTHING_SELECTED: Final = Selection()


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything found so far. Each step replaces its own part and leaves the rest as it was."""

    question: Question
    prepared: PreparedCatalog
    contexts: tuple[str, ...]
    """Ids of the contexts whose definitions apply, nearest first."""
    today: date
    time_zone: str
    own_choices: int = 0
    """How many of the question's choices the request itself makes; the rest are carried over."""
    lessons: Lessons = NO_LESSONS
    """What the department was taught about words of the question, as far as this principal may discover it."""
    variations: Mapping[AssetRef, Variations] = field(default_factory=dict)
    """How contexts define the terms and members that the question names, as the graph has it."""
    hidden: Hidden = NOTHING_HIDDEN
    """What the question names and this principal may not discover: it does not exist for the question."""
    visible: frozenset[AssetRef] = frozenset()
    """What the question names, or an answer to it could show, and this principal may discover."""
    parsed: Parsed = NOTHING_PARSED
    last_day: date | None = None
    """The last day of the period that the question names, as far as that is known before its metric is; None: today."""
    reached: Reached | None = None
    selection: Selection = NOTHING_SELECTED
    plan: ExecutionPlan | None = None
    policies: frozenset[str] = frozenset()
    """Names of the policies that let something be shown."""
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()
    confidence: Confidence | None = None
    degradations: tuple[Degradation, ...] = ()
    problem: Problem | None = None
    steps: tuple[Step, ...] = ()
