"""The state: SQLite, or PostgreSQL where its URL says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecp_server.settings import Settings
from ecp_server.stores.state.embedded import EmbeddedState, path_of
from ecp_server.wiring.postgresql import endpoint_of

if TYPE_CHECKING:
    from ecp_server.stores.state.postgres import PostgresState


def state_store(settings: Settings) -> EmbeddedState | PostgresState:
    """Return the adapter."""
    if (endpoint := endpoint_of(settings.state_url, settings.state_password_file)) is None:
        return EmbeddedState(path_of(settings.state_url.get_secret_value()))
    from ecp_server.stores.state.postgres import PostgresState  # noqa: PLC0415 - with its driver

    return PostgresState(
        endpoint, pool_size=settings.postgres_pool_size, timeout_seconds=settings.store_timeout_seconds
    )
