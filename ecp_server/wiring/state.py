"""The state: SQLite, or PostgreSQL where its URL says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ecp_server.settings import Settings, SettingsError, variable
from ecp_server.stores.state.embedded import EmbeddedState, path_of
from ecp_server.wiring.postgresql import endpoint_of

if TYPE_CHECKING:
    from ecp_server.stores.state.postgres import PostgresState


def state_store(settings: Settings) -> EmbeddedState | PostgresState:
    """Return the adapter. Raises `SettingsError` where the URL of a SQLite file names none."""
    if (endpoint := endpoint_of(settings.state_url, settings.state_password_file)) is None:
        return EmbeddedState(state_file(settings))
    from ecp_server.stores.state.postgres import PostgresState  # noqa: PLC0415 - with its driver

    return PostgresState(
        endpoint, pool_size=settings.postgres_pool_size, timeout_seconds=settings.store_timeout_seconds
    )


def state_file(settings: Settings) -> Path:
    """Return the SQLite file. Raises `SettingsError` where the URL names none."""
    try:
        return path_of(settings.state_url.get_secret_value())
    except ValueError as error:
        raise SettingsError(f"{variable('state_url')}: {error}") from None
