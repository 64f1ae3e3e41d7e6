"""What is near in meaning: in memory or in pgvector, by embeddings of the model that comes along or of an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecp_server.domain.catalog import Catalogs
from ecp_server.domain.provenance import StoreKind
from ecp_server.settings import Settings
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.publish import Publisher
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import Embeddings, StaticEmbeddings
from ecp_server.wiring.postgresql import PUBLISH_SECONDS, endpoint_of

if TYPE_CHECKING:
    from ecp_server.stores.vector.pgvector import PgVector


def vector_store(settings: Settings, catalogs: Catalogs) -> EmbeddedVector | PgVector:
    """Return the adapter."""
    if (endpoint := endpoint_of(settings.vector_url, settings.vector_password_file)) is None:
        return EmbeddedVector(catalogs, embeddings(settings))
    from ecp_server.stores.vector.pgvector import PgVector  # noqa: PLC0415 - with its driver

    return PgVector(
        endpoint,
        catalogs,
        embeddings(settings),
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
    return VectorPublisher(database, embeddings(settings))


def embeddings(settings: Settings) -> Embeddings:
    """Return the model that texts are embedded by."""
    url = settings.embeddings_url.get_secret_value()
    if not url:
        return StaticEmbeddings()
    # Only where an endpoint is asked: importing an HTTP client takes a tenth of a second.
    from ecp_server.stores.vector.endpoint_embeddings import EndpointEmbeddings  # noqa: PLC0415

    return EndpointEmbeddings(
        Endpoint(url, settings.embeddings_password_file),
        model=settings.embeddings_model,
        dimensions=settings.embeddings_dimensions,
        timeout_seconds=settings.embeddings_timeout_seconds,
    )
