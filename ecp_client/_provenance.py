"""How an answer was found, and what was impaired meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ecp_client._enums import StepStatus, StepType, Store


@dataclass(frozen=True, slots=True)
class StoreCall:
    """One question to one store."""

    store: Store
    adapter: str
    operation: str
    duration_ms: float
    """Retries included."""
    outcome: str
    """ok, cached, fallback or the error's reason."""
    attempts: int


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the resolution."""

    id: str
    """Unique within the resolution, e.g. "select.metric"."""
    type: StepType
    status: StepStatus
    depends_on: tuple[str, ...]
    """Ids of the steps whose output it used."""
    start_time: datetime
    duration_ms: float
    store_calls: tuple[StoreCall, ...]
    reasoning: str
    """Why it chose what it chose, one sentence for a person."""
    output: Mapping[str, Any]
    """What it produced, JSON-like."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The resolution as a directed acyclic graph of steps. Each step comes after those that it depends on."""

    steps: tuple[Step, ...]
    catalog_version: str
    """A content hash."""
    policies_evaluated: tuple[str, ...]
    request_id: str
    """As in the server's logs."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """A dependency that was impaired, and its stand-in."""

    store: Store
    reason: str
    fallback: str
    """What stood in, e.g. "keyword_search"."""
    since: datetime | None
