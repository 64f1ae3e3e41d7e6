"""What is near in meaning: static embeddings in memory."""

from __future__ import annotations

from ecp_server.domain.catalog import Catalogs
from ecp_server.settings import Settings
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import StaticEmbeddings


def vector_store(settings: Settings, catalogs: Catalogs) -> EmbeddedVector:
    """Return the adapter."""
    return EmbeddedVector(catalogs, StaticEmbeddings())
