"""The state: SQLite."""

from __future__ import annotations

from ecp_server.settings import Settings
from ecp_server.stores.state.embedded import EmbeddedState, path_of


def state_store(settings: Settings) -> EmbeddedState:
    """Return the adapter."""
    return EmbeddedState(path_of(settings.state_url.get_secret_value()))
