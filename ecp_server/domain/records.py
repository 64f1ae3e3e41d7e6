"""What the state store keeps."""

from __future__ import annotations

from datetime import datetime

from ecp_server.domain.concepts import Choice, ConceptKind
from ecp_server.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class QueryReads:
    """What one query of a plan reads, as policy judges it again when the plan is run."""

    query_id: str
    metrics: tuple[str, ...]
    """Ids: the metric that it serves first, then those that it measures."""
    essential: bool = True
    """Denied, it denies the execution; what the main figure is compared with is dropped instead."""


@dataclass(frozen=True, slots=True)
class ResolutionRecord:
    """One resolution as it was asked and answered; ``rpc`` encodes both."""

    id: str
    owner: str
    """The principal's subject; "" where nobody said."""
    request: bytes
    response: bytes
    """With the whole provenance."""
    catalog_version: str
    as_of: datetime
    settled: bool
    """Whether Execute may run it, expiry aside."""
    choices: tuple[Choice, ...]
    """What was chosen for it, in resolutions that it resumes too."""
    create_time: datetime
    expire_time: datetime
    asked: tuple[str, ...] = ()
    """Ids of the metrics that the question asks for: what they are compared with is judged with their tier."""
    reads: tuple[QueryReads, ...] = ()
    """One a query of the plan."""


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """One execution as it was asked and answered; ``rpc`` encodes it."""

    id: str
    resolution_id: str
    request: bytes
    response: bytes
    """With the whole provenance, without the table."""
    table: bytes
    """Empty where it was not asked for."""
    table_digest: str
    """SHA-256 of the figures, lower-case hexadecimal."""
    create_time: datetime


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """One judgement of a resolution; ``rpc`` encodes it."""

    id: str
    """Follows from who reports and the id of the request, so that a repeated report is the same record."""
    resolution_id: str
    reporter: str
    """The user who judged; "" where nobody said."""
    verdict: str
    """ACCEPTED, CORRECTED or REJECTED."""
    digest: str
    """SHA-256 of what was reported, lower-case hexadecimal: a repeated report has the same one."""
    feedback: bytes
    """As it is shown."""
    create_time: datetime


@dataclass(frozen=True, slots=True)
class PrecedentRecord:
    """A correction that holds for a department: what some words of a question mean there."""

    id: str
    department: str
    """The id of the context that the reporter's department names, else the department, folded."""
    words: str
    """The mention as questions are matched with it."""
    mention: str
    """The mention as it was reported."""
    kind: ConceptKind
    option_id: str
    """What the words mean: the id of a concept, and for a reading of another context ``id@context``."""
    resolution_id: str
    feedback_id: str
    reporter: str
    create_time: datetime
    """The feedback's."""


@dataclass(frozen=True, slots=True)
class RevocationRecord:
    """That a precedent has no effect any more."""

    id: str
    """The precedent's."""
    revoker: str
    reason: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Precedent:
    """A precedent, and its revocation where it is revoked."""

    record: PrecedentRecord
    revocation: RevocationRecord | None = None


Recordable = ResolutionRecord | ExecutionRecord | FeedbackRecord | PrecedentRecord | RevocationRecord
"""What is written together with an audit record."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Who asked what and what came of it; never the question's text."""

    id: str
    time: datetime
    request_id: str
    method: str
    subject: str
    actor: str
    department: str
    roles: tuple[str, ...]
    verified: bool
    outcome: str
    """RESOLVED, DISAMBIGUATION_REQUIRED, EXECUTED, CANCELLED, a verdict of feedback, REVOKED, or the reason of the
    refusal."""
    resolution_id: str = ""
    catalog_version: str = ""
    policies: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    plan_digest: str = ""
    execution_id: str = ""
    executed_digest: str = ""
    """SHA-256 of what was sent to the semantic layer."""
