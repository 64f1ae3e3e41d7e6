"""What a question, its execution and its record answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ecp.v1 import resolve_pb2
from ecp_client._catalog import GlossaryTerm, Lineage, MetricList
from ecp_client._concepts import (
    Ambiguity,
    Assumption,
    Choice,
    Mention,
    Principal,
    ResolvedConcept,
    TimeRange,
    UserContext,
)
from ecp_client._enums import ConfidenceLevel, FeedbackVerdict, Intent, ProvenanceView, ResolutionStatus, Severity
from ecp_client._plan import ExecutionPlan, ResultTable
from ecp_client._provenance import Degradation, Provenance


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far an answer can be relied on, each figure 0 to 1; None where no data contract promises it."""

    overall: float
    level: ConfidenceLevel
    definition: float
    """That the right definitions were chosen."""
    data_quality: float | None
    freshness: float | None
    completeness: float | None


@dataclass(frozen=True, slots=True)
class DataWarning:
    """Something known that the figure does not show."""

    id: str
    type: str
    """known_issue, definition_changed, stale_data, partial_period, low_certification, restricted, …; open-ended."""
    severity: Severity
    message: str
    impact: str
    """What it does to the figure."""
    workaround: str
    """What to do instead."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The meaning of a question and how it was found."""

    resolution_id: str
    """For ``execute``, ``get_resolution`` and ``report_feedback``."""
    status: ResolutionStatus
    intent: Intent
    interpretation: str
    """The question restated in canonical words, one sentence for a person."""
    concepts: tuple[ResolvedConcept, ...]
    """In the order of the text."""
    unmatched: tuple[Mention, ...]
    """Content words that nothing matched; each lowers confidence."""
    time_range: TimeRange | None
    """The main period."""
    plan: ExecutionPlan | None
    """What to run; None for questions that need no figures, or that are not settled."""
    confidence: Confidence
    warnings: tuple[DataWarning, ...]
    """Known issues and caveats that apply to exactly this metric, slice and period."""
    assumptions: tuple[Assumption, ...]
    ambiguities: tuple[Ambiguity, ...]
    """What the caller must choose between; empty where status is RESOLVED."""
    definition: GlossaryTerm | None
    """The answer to "what is the definition of ARR?"."""
    lineage: Lineage | None
    """The answer to "where does net revenue come from?"."""
    metrics: MetricList | None
    """The answer to "which metrics are available for APAC?"."""
    provenance: Provenance
    degradations: tuple[Degradation, ...]
    principal: Principal
    expire_time: datetime
    """When ``execute`` stops accepting ``resolution_id``."""
    request_id: str
    proto: resolve_pb2.ResolveResponse = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Validation:
    """One rule evaluated on results."""

    rule_id: str
    passed: bool
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Attestation:
    """That what ran is what was planned and decided."""

    plan_digest: str
    executed_digest: str
    decision_id: str
    obligations_checked: int


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """Figures and the proof of them."""

    resolution_id: str
    execution_id: str
    """What a person can cite for a figure."""
    table: ResultTable
    validations: tuple[Validation, ...]
    confidence: Confidence
    """The resolution's confidence, lowered by what execution found."""
    warnings: tuple[DataWarning, ...]
    provenance: Provenance
    degradations: tuple[Degradation, ...]
    attestation: Attestation
    create_time: datetime
    request_id: str
    proto: resolve_pb2.ExecuteResponse = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Feedback:
    """A judgement by one user."""

    verdict: FeedbackVerdict
    corrections: tuple[Choice, ...]
    comment: str
    user_id: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class FeedbackReceipt:
    """Feedback as the server recorded it."""

    feedback: Feedback
    request_id: str
    proto: resolve_pb2.ReportFeedbackResponse = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ResolveInput:
    """A recorded question, as the server received it."""

    concept: str
    user_context: UserContext
    as_of: datetime | None
    time_zone: str
    choices: tuple[Choice, ...]
    resume_resolution_id: str
    definition_context: str
    provenance_view: ProvenanceView


@dataclass(frozen=True, slots=True)
class ExecuteInput:
    """A recorded request to execute, as the server received it."""

    resolution_id: str
    filters: Mapping[str, tuple[str, ...]]
    row_limit: int
    max_staleness: timedelta | None
    provenance_view: ProvenanceView


@dataclass(frozen=True, slots=True)
class Execution:
    """One recorded execution."""

    request: ExecuteInput
    response: ExecutionResult
    table_digest: str
    """SHA-256 of the table, lower-case hexadecimal."""


@dataclass(frozen=True, slots=True)
class ResolutionRecord:
    """A recorded resolution with what was done with it since."""

    request: ResolveInput
    response: Resolution
    """As it was sent, with the provenance asked for now."""
    create_time: datetime
    executions: tuple[Execution, ...]
    """Newest first, at most 20."""
    feedback: tuple[Feedback, ...]
    """Newest first, at most 20."""
    request_id: str
    proto: resolve_pb2.GetResolutionResponse = field(repr=False, compare=False)
