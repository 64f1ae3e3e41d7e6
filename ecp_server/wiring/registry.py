"""The documents: the catalog in memory, or in PostgreSQL where its URL is set."""

from __future__ import annotations

import getpass
import socket
from typing import TYPE_CHECKING

from ecp_server.domain.catalog import Catalogs
from ecp_server.domain.provenance import StoreKind
from ecp_server.settings import Settings
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from ecp_server.wiring.postgresql import PUBLISH_SECONDS, endpoint_of

if TYPE_CHECKING:
    from ecp_server.stores.postgresql.pool import Database
    from ecp_server.stores.registry.postgres import PostgresRegistry
    from ecp_server.stores.registry.published import PublishedCatalogs
    from ecp_server.stores.registry.publisher import RegistryPublisher


def registry_store(settings: Settings, catalogs: Catalogs) -> EmbeddedRegistry | PostgresRegistry:
    """Return the adapter."""
    if (endpoint := endpoint_of(settings.registry_url, settings.registry_password_file)) is None:
        return EmbeddedRegistry(catalogs)
    from ecp_server.stores.registry.postgres import PostgresRegistry  # noqa: PLC0415 - with its driver

    return PostgresRegistry(
        endpoint,
        catalogs,
        pool_size=settings.postgres_pool_size,
        timeout_seconds=settings.store_timeout_seconds,
    )


def registry_publisher(settings: Settings, note: str, source: str) -> RegistryPublisher | None:
    """Return what publishes catalogs to the registry, in the name of whoever runs this; None where it is in memory."""
    database = _database(settings, PUBLISH_SECONDS, read_only=False)
    if database is None:
        return None
    from ecp_server.stores.registry.publisher import RegistryPublisher  # noqa: PLC0415 - with its driver

    publisher = f"{getpass.getuser()}@{socket.gethostname()}"
    return RegistryPublisher(database, publisher=publisher, note=note, source=source)


def published_catalogs(settings: Settings) -> tuple[PublishedCatalogs, Database] | None:
    """Return what was published, and the connections to close after it; None where the registry is in memory."""
    database = _database(settings, settings.store_timeout_seconds, read_only=True)
    if database is None:
        return None
    from ecp_server.stores.registry.published import PublishedCatalogs  # noqa: PLC0415 - with its driver

    return PublishedCatalogs(database), database


def _database(settings: Settings, timeout_seconds: float, *, read_only: bool) -> Database | None:
    if (endpoint := endpoint_of(settings.registry_url, settings.registry_password_file)) is None:
        return None
    from ecp_server.stores.postgresql.pool import Database  # noqa: PLC0415 - with its driver

    return Database(endpoint, StoreKind.REGISTRY, size=2, timeout_seconds=timeout_seconds, read_only=read_only)
