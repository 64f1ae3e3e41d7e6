"""Which stores are in PostgreSQL, and the schemas that they need there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from ecp_server.domain.provenance import StoreKind
from ecp_server.settings import Settings
from ecp_server.stores.endpoint import Endpoint

if TYPE_CHECKING:
    from ecp_server.stores.postgresql.migrations import Schema


def endpoint_of(url: SecretStr | None, password_file: Path | None) -> Endpoint | None:
    """Return where a store is, None where that is not PostgreSQL."""
    text = "" if url is None else url.get_secret_value()
    return Endpoint(text, password_file) if text.startswith("postgresql://") else None


def schemas(settings: Settings) -> Iterator[tuple[StoreKind, Endpoint, Schema]]:
    """Yield for each store in PostgreSQL where it is and which schema it needs."""
    if endpoint := endpoint_of(settings.state_url, settings.state_password_file):
        from ecp_server.stores.state.postgres import SCHEMA  # noqa: PLC0415 - with its driver

        yield StoreKind.STATE, endpoint, SCHEMA
