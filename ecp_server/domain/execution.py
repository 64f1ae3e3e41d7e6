"""One run of a plan: what was asked, the figures, and the proof of them."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Final

from ecp_server.domain.catalog import Severity
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import Degradation, Provenance
from ecp_server.domain.resolution import Confidence, Warning  # noqa: A004 - the contract's word

PERIOD: Final = "period"
"""The key of parts of a period, which align by their position."""


class NullReason(Enum):
    """Why a value is null; numbered as in plan.proto, yet no number: none may equal a figure or a key."""

    SOURCE_NULL = 1
    NO_PARTNER = 2
    DIVIDED_BY_ZERO = 3
    NON_POSITIVE_BASE = 4
    MASKED = 5


class ColumnType(IntEnum):
    """Type of a column's values; numbered as in plan.proto."""

    TEXT = 1
    NUMBER = 2
    DATE = 3
    BOOLEAN = 4


Cell = Decimal | str | date | bool | NullReason
"""A value, or why there is none."""


@dataclass(frozen=True, slots=True)
class ExecutionRequest:
    """What to run and how much of it, checked at the door."""

    resolution_id: str
    callers: tuple[str, ...] = ()
    """Who asks, as far as that is said; nobody else's resolution exists for them."""
    narrowing: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Dimension id to member ids."""
    row_limit: int = 1000
    max_staleness: timedelta | None = None
    """How old a kept result may be while the semantic layer is down; None takes fresh ones only."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    label: str
    type: ColumnType
    cells: tuple[Cell, ...]
    unit: str = ""
    masked: bool = False
    value_labels: tuple[str, ...] = ()
    """Names for people, one a cell, "" where there is none; none at all where no cell has one."""


@dataclass(frozen=True, slots=True)
class QuerySource:
    """Where one query's figures come from."""

    query_id: str
    adapter: str
    refresh_time: datetime | None = None
    fresh_time: datetime | None = None
    """Set where this is a kept result: when it was fresh."""


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Keys first, then measures, then computations."""

    columns: tuple[Column, ...]
    row_count: int
    truncated: bool = False
    """More rows exist than the request's limit let through."""
    sources: tuple[QuerySource, ...] = ()

    def digest(self) -> str:
        """Return the SHA-256 of names, types, units and values: equal figures have equal digests, whenever computed."""
        canonical = [
            [c.name, int(c.type), c.unit, [v.value if isinstance(v, NullReason) else text_of(v) for v in c.cells]]
            for c in self.columns
        ]
        encoded = json.dumps([canonical, self.row_count, self.truncated], separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(encoded.encode()).hexdigest()


def text_of(cell: Cell) -> str:
    """Return a value as the contract writes it: exact decimals without exponent, ISO dates; "" where it is null."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, NullReason):
        return ""
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return cell.isoformat() if isinstance(cell, date) else cell


@dataclass(frozen=True, slots=True)
class Attestation:
    """That what ran is what was planned and decided."""

    plan_digest: str
    executed_digest: str
    decision_id: str
    obligations_checked: int


@dataclass(frozen=True, slots=True)
class Validation:
    """One rule evaluated on results."""

    rule_id: str
    passed: bool
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Execution:
    """One answered execution."""

    id: str
    resolution_id: str
    table: ResultTable
    validations: tuple[Validation, ...]
    confidence: Confidence
    warnings: tuple[Warning, ...]
    """The resolution's, then those of the execution."""
    provenance: Provenance
    """The execution's own steps; `rpc` puts those of the resolution before them."""
    degradations: tuple[Degradation, ...]
    attestation: Attestation
    create_time: datetime
