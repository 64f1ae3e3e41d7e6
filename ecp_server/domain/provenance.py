"""The resolution as a directed acyclic graph of steps: what was done, which store was asked, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import field
from datetime import datetime
from enum import IntEnum
from typing import Final, Union

from ecp_server.domain.frozen import dataclass


class StoreKind(IntEnum):
    """A kind of dependency; numbered as in types.proto."""

    GRAPH = 1
    VECTOR = 2
    REGISTRY = 3
    SEMANTIC = 4
    POLICY = 5
    STATE = 6


class StepType(IntEnum):
    """What a step does; numbered as in provenance.proto."""

    PARSE = 1
    SELECT = 2
    KNOW = 3
    PLAN = 4
    AUTHORIZE = 5
    WEIGH = 6
    RUN = 7
    COMPUTE = 8
    VALIDATE = 9


class StepStatus(IntEnum):
    """How a step ended; numbered as in provenance.proto."""

    COMPLETE = 1
    DEGRADED = 2
    SKIPPED = 3
    FAILED = 4


class ProvenanceView(IntEnum):
    """How much provenance a response carries; numbered as in provenance.proto."""

    BASIC = 1
    FULL = 2
    NONE = 3


FALLBACK: Final = "fallback"
"""The outcome of a store call that something else answered."""


@dataclass(frozen=True, slots=True)
class StoreCall:
    """One question to one store."""

    store: StoreKind
    adapter: str
    operation: str
    duration_ms: float
    """Retries included."""
    outcome: str
    """ok, cached, fallback or the error's reason."""
    attempts: int = 1


STORE_CALLS: ContextVar[list[StoreCall] | None] = ContextVar("store_calls", default=None)
"""Collects the store calls of the step that is under way; None outside a step."""


OutputValue = Union[  # noqa: UP007 - a name that is not defined yet cannot stand in X | Y
    str, float, bool, None, Sequence["OutputValue"], Mapping[str, "OutputValue"]
]
Output = Mapping[str, OutputValue]
"""What a step produced, JSON-like, for a person who audits it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step says of itself: its reason in one sentence, and its output."""

    reasoning: str
    output: Output = field(default_factory=dict)
    status: StepStatus = StepStatus.COMPLETE


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the resolution."""

    id: str
    type: StepType
    status: StepStatus
    depends_on: tuple[str, ...]
    start_time: datetime
    duration_ms: float
    store_calls: tuple[StoreCall, ...]
    reasoning: str
    output: Output


@dataclass(frozen=True, slots=True)
class Provenance:
    """All steps in an order in which each comes after those that it depends on."""

    steps: tuple[Step, ...]
    catalog_version: str
    policies_evaluated: tuple[str, ...]
    request_id: str


@dataclass(frozen=True, slots=True)
class Degradation:
    """A dependency that was impaired, and what stood in for it."""

    store: StoreKind
    reason: str
    """Without addresses or credentials."""
    fallback: str
    since: datetime
