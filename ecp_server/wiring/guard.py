"""The guards of all stores."""

from __future__ import annotations

from ecp_server.settings import Settings
from ecp_server.stores.guard.breaker import BreakerSettings
from ecp_server.stores.guard.guarded import GuardSettings
from ecp_server.stores.guard.guards import Guards, Instruments
from ecp_server.stores.guard.retry import RetrySettings


def guards(settings: Settings, instruments: Instruments) -> Guards:
    """Return what puts guards around ports."""
    return Guards(
        GuardSettings(
            RetrySettings(settings.store_attempts),
            BreakerSettings(settings.breaker_failures, settings.breaker_recovery_seconds),
            settings.store_concurrency,
        ),
        instruments,
    )
