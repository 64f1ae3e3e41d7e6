"""What is near in meaning: static embeddings in memory, or in pgvector where its URL is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecp_server.domain.catalog import Catalogs
from ecp_server.domain.provenance import StoreKind
from ecp_server.settings import Settings
from ecp_server.stores.publish import Publisher
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import StaticEmbeddings
from ecp_server.wiring.postgresql import PUBLISH_SECONDS, endpoint_of

if TYPE_CHECKING:
    from ecp_server.stores.vector.pgvector import PgVector


def vector_store(settings: Settings, catalogs: Catalogs) -> EmbeddedVector | PgVector:
    """Return the adapter."""
    if (endpoint := endpoint_of(settings.vector_url, settings.vector_password_file)) is None:
        return EmbeddedVector(catalogs, StaticEmbeddings())
    from ecp_server.stores.vector.pgvector import PgVector  # noqa: PLC0415 - with its driver

    return PgVector(
        endpoint,
        catalogs,
        StaticEmbeddings(),
        pool_size=settings.postgres_pool_size,
        timeout_seconds=settings.store_timeout_seconds,
    )


def vector_publisher(settings: Settings) -> Publisher | None:
    """Return what publishes vectors; None where they are in memory."""
    if (endpoint := endpoint_of(settings.vector_url, settings.vector_password_file)) is None:
        return None
    # With their driver.
    from ecp_server.stores.postgresql.pool import Database  # noqa: PLC0415
    from ecp_server.stores.vector.pgvector import know_vectors  # noqa: PLC0415
    from ecp_server.stores.vector.publisher import VectorPublisher  # noqa: PLC0415

    database = Database(
        endpoint, StoreKind.VECTOR, size=1, timeout_seconds=PUBLISH_SECONDS, read_only=False, configure=know_vectors
    )
    return VectorPublisher(database, StaticEmbeddings())
