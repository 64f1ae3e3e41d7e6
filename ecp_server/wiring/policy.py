"""The policy: Rego in process."""

from __future__ import annotations

from ecp_server.settings import Settings
from ecp_server.stores.policy.embedded import EmbeddedPolicy


def policy_store(settings: Settings) -> EmbeddedPolicy:
    """Return the adapter."""
    return EmbeddedPolicy()
