"""What the state store keeps."""

from __future__ import annotations

from datetime import datetime

from ecp_server.domain.concepts import Choice
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
    """RESOLVED, DISAMBIGUATION_REQUIRED, EXECUTED, CANCELLED or the reason of the refusal."""
    resolution_id: str = ""
    catalog_version: str = ""
    policies: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    plan_digest: str = ""
    execution_id: str = ""
    executed_digest: str = ""
    """SHA-256 of what was sent to the semantic layer."""
