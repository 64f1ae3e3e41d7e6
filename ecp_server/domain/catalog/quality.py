"""What is known, promised and demanded of the data: issues, contracts, rules."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from ecp_server.domain.frozen import dataclass


class Severity(StrEnum):
    """How much an issue, a rule or a quality rule matters."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


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
