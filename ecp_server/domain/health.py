"""The state of the server's parts."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import StoreKind


class HealthStatus(IntEnum):
    """The state of a part; numbered as in health.proto."""

    UNKNOWN = 0
    """It has not been found out yet."""
    HEALTHY = 1
    DEGRADED = 2
    UNHEALTHY = 3


class BreakerState(IntEnum):
    """The state of a circuit breaker; numbered as in health.proto, 0 where there is none."""

    NONE = 0
    CLOSED = 1
    OPEN = 2
    HALF_OPEN = 3


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """The state of one store."""

    store: StoreKind
    adapter: str
    status: HealthStatus
    reason: str
    """What is wrong, without addresses or credentials; "" where nothing is."""
    since: datetime
    latency_ms: float
    """Round trip of the last probe."""
    breaker: BreakerState = BreakerState.NONE
