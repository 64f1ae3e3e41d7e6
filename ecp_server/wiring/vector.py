"""What is near in meaning: embeddings in memory, of the model that comes along or of an endpoint."""

from __future__ import annotations

from ecp_server.domain.catalog import Catalogs
from ecp_server.settings import Settings
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import Embeddings, StaticEmbeddings


def vector_store(settings: Settings, catalogs: Catalogs) -> EmbeddedVector:
    """Return the adapter."""
    return EmbeddedVector(catalogs, embeddings(settings))


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
