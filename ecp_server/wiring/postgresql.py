"""Which stores are in PostgreSQL, and the schemas that they need there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from ecp_server.domain.provenance import StoreKind
from ecp_server.settings import Settings
from ecp_server.stores.endpoint import Endpoint

if TYPE_CHECKING:
    from ecp_server.stores.postgresql.migrations import Schema


PUBLISH_SECONDS: Final = 600.0
"""For one statement of a publish: a hundred thousand vectors are indexed in minutes."""


def endpoint_of(url: SecretStr | None, password_file: Path | None) -> Endpoint | None:
    """Return where a store is, None where that is not PostgreSQL."""
    text = "" if url is None else url.get_secret_value()
    return Endpoint(text, password_file) if text.startswith("postgresql://") else None


def schemas(settings: Settings) -> Iterator[tuple[StoreKind, Endpoint, Schema]]:
    """Yield for each store in PostgreSQL where it is and which schema it needs."""
    # Imported where they are needed: with their driver.
    if endpoint := endpoint_of(settings.state_url, settings.state_password_file):
        from ecp_server.stores.state.postgres import SCHEMA as STATE  # noqa: PLC0415

        yield StoreKind.STATE, endpoint, STATE
    if endpoint := endpoint_of(settings.registry_url, settings.registry_password_file):
        from ecp_server.stores.registry.published import SCHEMA as REGISTRY  # noqa: PLC0415

        yield StoreKind.REGISTRY, endpoint, REGISTRY
    if endpoint := endpoint_of(settings.vector_url, settings.vector_password_file):
        from ecp_server.stores.vector.pgvector import SCHEMA as VECTOR  # noqa: PLC0415

        yield StoreKind.VECTOR, endpoint, VECTOR
