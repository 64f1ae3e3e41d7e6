"""What the state store keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ecp_server.domain.concepts import Choice


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
    """RESOLVED, DISAMBIGUATION_REQUIRED or the reason of the refusal."""
    resolution_id: str = ""
    catalog_version: str = ""
    policies: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    plan_digest: str = ""
