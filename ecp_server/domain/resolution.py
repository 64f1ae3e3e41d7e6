"""One question and what came of it."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

from ecp_server.domain.catalog import Metric, Severity, TermVariation
from ecp_server.domain.concepts import Ambiguity, Assumption, Choice, Intent, Mention, Option, ResolvedConcept
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.identity import Principal
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import ExecutionPlan
from ecp_server.domain.provenance import Degradation, Provenance


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, checked at the door."""

    text: str
    principal: Principal
    as_of: datetime
    """The clock for relative time, in UTC."""
    time_zone: str = ""
    """IANA name; "" is the catalog's default zone."""
    choices: tuple[Choice, ...] = ()
    resume_resolution_id: str = ""
    definition_context: str = ""


class ResolutionStatus(IntEnum):
    """Whether a question is settled; numbered as in types.proto, 0 where it has no answer."""

    UNSPECIFIED = 0
    RESOLVED = 1
    DISAMBIGUATION_REQUIRED = 2


class ConfidenceLevel(IntEnum):
    """Confidence in a word; numbered as in types.proto."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far an answer can be relied on, each figure 0 to 1; None where there is no contract."""

    overall: float
    level: ConfidenceLevel
    definition: float
    data_quality: float | None = None
    freshness: float | None = None
    completeness: float | None = None


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the contract's word; nothing here warns in Python's sense
    """Something known that the figure does not show."""

    id: str
    type: str
    severity: Severity
    message: str
    impact: str = ""
    workaround: str = ""


@dataclass(frozen=True, slots=True)
class GlossaryTerm:
    """One entry of the business glossary, as it reads for one user."""

    id: str
    name: str
    definition: str
    domain: str = ""
    synonyms: tuple[str, ...] = ()
    owner: str = ""
    metric_id: str = ""
    variations: tuple[TermVariation, ...] = ()
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class MetricList:
    """The first of the metrics that answer a question."""

    metrics: tuple[Metric, ...]
    total_size: int
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The problem that nothing in the catalog matches."""

    unmatched: tuple[Mention, ...]
    suggestions: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Incompatible:
    """The problem that known words do not fit together; ``fits`` says what would."""

    message: str
    fits: tuple[str, ...] = ()
    """Ids, best first."""


Problem = NotFound | Incompatible


@dataclass(frozen=True, slots=True)
class Resolution:
    """One answered question. With a ``problem`` there is no answer, and status is unspecified."""

    id: str
    question: Question
    status: ResolutionStatus
    intent: Intent
    interpretation: str
    concepts: tuple[ResolvedConcept, ...]
    unmatched: tuple[Mention, ...]
    time_range: TimeRange | None
    plan: ExecutionPlan | None
    confidence: Confidence | None
    warnings: tuple[Warning, ...]
    assumptions: tuple[Assumption, ...]
    ambiguities: tuple[Ambiguity, ...]
    answer: GlossaryTerm | Lineage | MetricList | None
    provenance: Provenance
    degradations: tuple[Degradation, ...]
    create_time: datetime
    expire_time: datetime
    problem: Problem | None = None
